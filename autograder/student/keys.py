"""Read keys one by one and without Enter, on POSIX terminals and on Windows."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

if sys.platform == "win32":
    import msvcrt

    def _read_key() -> str:
        return msvcrt.getwch()

    @contextlib.contextmanager
    def _unbuffered_keys() -> Iterator[None]:
        yield

else:
    import termios
    import tty

    def _read_key() -> str:
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace")

    @contextlib.contextmanager
    def _unbuffered_keys() -> Iterator[None]:
        """Let the terminal neither wait for Enter nor echo keys."""
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            yield
        finally:
            with contextlib.suppress(termios.error):  # the terminal was closed
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


#: End of the input: an empty read, and Ctrl-D of a terminal that is read key by key.
_ENDS = ("", "\x04")


class Keys:
    """Read the keyboard in a thread of its own; nothing if standard input is no terminal.

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
