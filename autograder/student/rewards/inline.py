"""A picture in the terminal itself, by the protocols of iTerm2 and kitty; elsewhere a link to it."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

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
