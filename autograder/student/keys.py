"""Read keys one by one, without waiting for Enter, on POSIX terminals and on Windows."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    #: First character of an arrow or function key; a second one follows.
    _PREFIXES = ("\x00", "\xe0")

    def _read_key() -> str:
        """Return the character that was typed. An arrow or function key gives a prefix, which is no command."""
        key = msvcrt.getwch()
        if key in _PREFIXES:
            msvcrt.getwch()
        return key

    @contextlib.contextmanager
    def _unbuffered_keys() -> Iterator[None]:
        yield

else:
    import termios
    import tty

    def _read_key() -> str:
        """Return the first character that was typed. An arrow or function key gives Escape, which is no command."""
        return os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace")[:1]

    @contextlib.contextmanager
    def _unbuffered_keys() -> Iterator[None]:
        """Stop the terminal from waiting for Enter and from echoing keys."""
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):  # the terminal was closed
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


#: Keys that end the input: an empty read, and Ctrl-D, which a terminal that is read key by key passes on; on Windows also
#: Ctrl-C and Ctrl-Z.
_ENDS = ("", "\x03", "\x04", "\x1a")


class Keys:
    """Reader of the keyboard, in a thread of its own. It reads nothing if standard input is no terminal.

    Args:
        pressed: called with each key in lower case, and with `q` at the end of the input.
    """

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._mode = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Keys":
        if sys.stdin.isatty():
            self._mode.enter_context(_unbuffered_keys())
            self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._mode.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the terminal was closed
            while (key := _read_key()) not in _ENDS:
                self._pressed(key.lower())
        self._pressed("q")
