"""The student's terminal: lines with a little colour where it has any, and pictures."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autograder.student.rewards.inline import shown

_STYLES = {"+": "green", ">": "bold", "x": "red", "|": "dim"}


class Terminal:
    """Where the student reads. Standard output as it is now: while checks run it may be another."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, file=sys.stdout)

    def say(self, lines: Iterable[str]) -> None:
        """Prints lines, each as it is: what stands in brackets is no markup, and no path is broken in two."""
        for line in lines:
            self._console.print(Text(line, _STYLES.get(line.lstrip()[:1], "")), soft_wrap=True)

    def show(self, picture: Path) -> None:
        """A picture, or a link to it."""
        terminal = self._console.is_terminal
        self._console.file.write(shown(picture, os.environ, terminal=terminal) + "\n")
        self._console.file.flush()

    def clear(self) -> None:
        """Begins a new screen, where there is one."""
        self._console.clear()
