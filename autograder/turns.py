"""Turns: one worker serves the checks of a function one after another, as long as they pass.

A worker costs some 40 ms, more than most checks. Visible checks and hidden ones have different workers, so that nobody prints
in one what was asked in the other. Each check loads the modules anew and starts the random numbers anew; what else a
process keeps can only come from earlier checks of the same function of the same submission. Where that may be why a check got
no value at all, it is run again in a fresh worker, and that counts (`may_be_left_over`).
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from autograder.errors import Crashed, Raised, RefusedValue, Unusable
from autograder.results import CheckResult
from autograder.submission import Transport

#: A worker has so much processor time and memory in all: one that was started so long ago serves no further check.
_LONGEST_SECONDS = 20.0


class Turn:
    """A worker during one check: with a folder that is empty at first."""

    def __init__(self, worker: Transport, folder: Path) -> None:
        self._worker = worker
        self.folder = folder
        #: Of a worker in this process, for a debugger.
        self.session = getattr(worker, "session", None)

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """As the worker's."""
        return self._worker.exchange(request, seconds)

    def take_printed(self) -> str:
        """As the worker's."""
        return self._worker.take_printed()


class Turns:
    """The worker of one submission at a time.

    Args:
        open_worker: gives a fresh one.

    Attributes:
        used: whether the worker of the latest turn had served before.
    """

    def __init__(self, open_worker: Callable[[], AbstractContextManager[Transport]]) -> None:
        self.used = False
        self._open_worker = open_worker
        self._held = ExitStack()
        self._worker: Transport | None = None
        self._serves: tuple[str, bool] | None = None
        self._opened = 0.0

    @contextlib.contextmanager
    def turn(self, check: CheckResult) -> Iterator[Turn]:
        """The worker for a check; it ends with the turn where it has been dismissed."""
        serves = (check.function, check.hidden)
        old = time.monotonic() - self._opened > _LONGEST_SECONDS
        self.used = self._worker is not None and serves == self._serves and not old
        worker = self._worker if self.used and self._worker is not None else self._fresh(serves)
        folder = worker.folder / secrets.token_hex(4)
        folder.mkdir()
        try:
            yield Turn(worker, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if self._worker is None:
                self._held.close()

    def dismiss(self) -> None:
        """The worker of the present turn has no other."""
        self._worker = None

    def close(self) -> None:
        """Ends the worker."""
        self._worker = None
        self._held.close()

    def _fresh(self, serves: tuple[str, bool]) -> Transport:
        self.close()
        self._worker = self._held.enter_context(self._open_worker())
        self._serves, self._opened = serves, time.monotonic()
        return self._worker


def may_be_left_over(error: BaseException | None) -> bool:
    """Whether what an earlier check has left behind may be why this one got no value.

    A wrong value is the function's own, and a second try would be a second guess.
    """
    return isinstance(error, Raised | Crashed | Unusable | RefusedValue)
