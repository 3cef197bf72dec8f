"""Turns: one worker serves the checks of a unit one after another, as long as they pass.

A worker costs some 30 ms, more than most checks. Visible checks come first: once a worker has been asked what is hidden, it
serves no visible check, in which it could print that. Each check loads the modules anew and starts the random numbers anew;
what else a process keeps can only come from earlier checks of the same submission. Where that may be why a check failed, it
is run again in a fresh worker, and that counts (`WorkerPool.may_be_left_over`).
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from autograder.checks.remote import Transport
from autograder.errors import CheckFailed, Crashed, MissingFunction, Raised, RefusedValue, TimedOut, Unusable
from autograder.results.types import CheckResult

#: A worker has so much processor time and memory in all: one that was started so long ago serves no further check.
_LONGEST_SECONDS = 20.0
#: There is no value, and so none that a second try could guess.
_WITHOUT_VALUE = (Raised, Crashed, Unusable, RefusedValue)
#: Of a function whose worker has served it alone, these are its own doing, and a second try would be a second guess.
_WITH_OTHERS = (CheckFailed, AssertionError, MissingFunction, TimedOut)


class WorkerLease:
    """A worker during one check: with a folder of its own, for which few checks ask."""

    def __init__(self, worker: Transport) -> None:
        self._worker = worker
        self._folder: Path | None = None
        #: Of a worker in this process, for a debugger.
        self.session = getattr(worker, "session", None)

    @property
    def folder(self) -> Path:
        """Empty at first."""
        if self._folder is None:
            self._folder = self._worker.folder / secrets.token_hex(4)
            self._folder.mkdir()
        return self._folder

    def clear(self) -> None:
        """Removes the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """As the worker's."""
        return self._worker.exchange(request, seconds)

    def take_printed(self) -> str:
        """As the worker's."""
        return self._worker.take_printed()


class WorkerPool:
    """The worker of one submission at a time.

    Args:
        open_worker: gives a fresh one.
    """

    def __init__(self, open_worker: Callable[[], AbstractContextManager[Transport]]) -> None:
        self._open_worker = open_worker
        self._held = ExitStack()
        self._worker: Transport | None = None
        #: Whose checks the worker has served, the present one last.
        self._served: list[CheckResult] = []
        self._opened = 0.0

    @contextlib.contextmanager
    def lease(self, check: CheckResult) -> Iterator[WorkerLease]:
        """The worker for a check; it ends with the turn where it has been dismissed."""
        worker = self._worker if self._worker is not None and self._may_serve(check) else self._fresh()
        self._served.append(check)
        lease = WorkerLease(worker)
        try:
            yield lease
        finally:
            lease.clear()
            if self._worker is None:
                self._held.close()

    def retire(self) -> None:
        """The worker of the present turn has no other."""
        self._worker = None

    def close(self) -> None:
        """Ends the worker."""
        self._worker = None
        self._held.close()

    def may_be_left_over(self, error: BaseException) -> bool:
        """Whether what earlier checks have left behind may be why the latest one failed.

        After checks of other functions that may be so of every failure. After checks of its own function alone, it may be so
        where there is no value: a wrong value is the function's own.
        """
        if not self._served:
            return False
        *before, latest = self._served
        others = any(check.function != latest.function for check in before)
        return bool(before) and isinstance(error, _WITHOUT_VALUE + _WITH_OTHERS if others else _WITHOUT_VALUE)

    def _may_serve(self, check: CheckResult) -> bool:
        latest = self._served[-1]
        old = time.monotonic() - self._opened > _LONGEST_SECONDS
        return check.unit == latest.unit and latest.hidden <= check.hidden and not old

    def _fresh(self) -> Transport:
        self.close()
        self._worker = self._held.enter_context(self._open_worker())
        self._served, self._opened = [], time.monotonic()
        return self._worker
