"""Show coloured lines and pictures in the student's terminal."""

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


def picture_text(path: Path, environment: Mapping[str, str], *, terminal: bool) -> str:
    """Return the text to write for a picture.

    Args:
        path: the PNG.
        environment: variables of the process, which name the terminal.
        terminal: True if standard output is a terminal.

    Returns:
        The terminal's own code for the picture and its path, or a link that most terminals open with a click.
    """
    protocol = _protocol(environment) if terminal else None
    if protocol is None:
        return path.absolute().as_uri() if terminal else str(path)
    return f"{protocol(path.read_bytes())}\n{path}"


def _protocol(environment: Mapping[str, str]) -> Callable[[bytes], str] | None:
    if "TMUX" in environment or environment.get("TERM", "").startswith("screen"):
        return None  # a multiplexer drops the codes of both
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
    """Return the picture in pieces, as the protocol demands; each but the last says that more follows."""
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
    """Writer to the student's terminal: the standard output at creation, as checks may replace it later."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, file=sys.stdout)

    def say(self, lines: Iterable[str]) -> None:
        """Print lines as they are: brackets are no markup, and no path is broken in two."""
        for line in lines:
            self._console.print(Text(line, _STYLES.get(line.lstrip()[:1], "")), soft_wrap=True)

    def show(self, picture: Path) -> None:
        """Show a picture, or a link to it."""
        terminal = self._console.is_terminal
        self._console.file.write(picture_text(picture, os.environ, terminal=terminal) + "\n")
        self._console.file.flush()

    def clear(self) -> None:
        """Clear the screen, if this is a terminal."""
        self._console.clear()
