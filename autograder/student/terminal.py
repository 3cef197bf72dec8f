"""Show lines with a little colour and pictures in the student's terminal, and what `watch` says there."""

import base64
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

_CHUNK = 4096
_ITERM = ("iTerm.app", "WezTerm", "mintty", "rio")
_KITTY = ("kitty", "ghostty")


def shown(path: Path, environment: Mapping[str, str], *, terminal: bool) -> str:
    """What to write for a picture.

    Args:
        path: the PNG.
        environment: of the process, which tells what terminal this is.
        terminal: whether it is one at all.

    Returns:
        The terminal's own code for the picture and its path, or a link that most terminals open with a click.
    """
    protocol = _protocol(environment) if terminal else None
    if protocol is None:
        return path.absolute().as_uri() if terminal else str(path)
    return f"{protocol(path.read_bytes())}\n{path}"


def _protocol(environment: Mapping[str, str]) -> Callable[[bytes], str] | None:
    if "TMUX" in environment or environment.get("TERM", "").startswith("screen"):
        return None  # a multiplexer swallows both
    if environment.get("TERM_PROGRAM") in _ITERM or "WEZTERM_PANE" in environment:
        return _iterm
    names = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or any(kind in name for kind in _KITTY for name in names):
        return _kitty
    return None


def _iterm(png: bytes) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f"\x1b]1337;File=inline=1;size={len(png)};preserveAspectRatio=1:{data}\a"


def _kitty(png: bytes) -> str:
    """In pieces, as the protocol wants it; each but the last says that more follows."""
    data = base64.standard_b64encode(png).decode("ascii")
    pieces = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    keys = ["a=T,f=100", *[""] * (len(pieces) - 1)]
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(
        f"\x1b_G{','.join(filter(None, (key, f'm={flag}')))};{piece}\x1b\\"
        for key, flag, piece in zip(keys, more, pieces, strict=True)
    )


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
