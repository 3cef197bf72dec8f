"""Tells which keys are pressed, one by one and without Enter, on POSIX terminals and on Windows."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def _key() -> str:
        return msvcrt.getwch()

    @contextlib.contextmanager
    def _key_by_key() -> Iterator[None]:
        yield

else:
    import termios
    import tty

    def _key() -> str:
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace")

    @contextlib.contextmanager
    def _key_by_key() -> Iterator[None]:
        """A terminal that neither waits for Enter nor shows what is typed, until it is over."""
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):  # it has gone away
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


#: An empty read, and Ctrl-D of a terminal that is read key by key.
_ENDS = ("", "\x04")


class Keys:
    """Reads the keyboard from a thread of its own; where standard input is no terminal, it reads nothing.

    Args:
        pressed: is told each key, in lower case; `q` at the end of the input.
    """

    def __init__(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed
        self._mode = contextlib.ExitStack()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "Keys":
        if sys.stdin.isatty():
            self._mode.enter_context(_key_by_key())
            self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._mode.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the terminal has gone away
            while (key := _key()) not in _ENDS:
                self._pressed(key.lower())
        self._pressed("q")
