"""Ctrl-C, also where a library lets it vanish: an `except:` in an import, a callback of the interpreter's own."""

import signal
from types import FrameType, TracebackType


class Interrupts:
    """While it is entered, a Ctrl-C raises `KeyboardInterrupt` as always, and is remembered besides."""

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Ends what is going on, where that has been asked for.

        Raises:
            KeyboardInterrupt: it has.
        """
        if self._asked:
            raise KeyboardInterrupt

    def _note(self, _: int, __: FrameType | None) -> None:
        self._asked = True
        raise KeyboardInterrupt
