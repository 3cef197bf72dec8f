"""Lend workers to checks: one worker serves the checks of a unit, one after another.

A worker costs some 30 ms, more than most checks. Which worker serves a check depends on no verdict, and no check is run again
because of one: a wrong value is final. A worker ends with its unit, when it dies or passes a deadline, and when it has worked
for long. One that was asked a hidden check serves no visible one, in which it could print what it was asked. At each check the
worker itself loads the modules anew and puts back what the check before has changed.
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from autograder.checks.transport import Respond, Transport
from autograder.errors import Crashed, OverBudget, TimedOut, Unusable
from autograder.results.types import CheckResult

#: A worker has so much processor time and memory in all: one that has worked for so long serves no further check.
_LONGEST_SECONDS = 20.0


class WorkerLease:
    """A worker during one check, with a folder of its own.

    Attributes:
        session: the session of a worker in this process, for a debugger; else None.
        seconds: how long the worker has worked for this check.
    """

    def __init__(self, worker: Transport) -> None:
        self._worker = worker
        self._folder: Path | None = None
        self.session = getattr(worker, "session", None)
        self.seconds = 0.0

    @property
    def folder(self) -> Path:
        """Return the folder, empty at first. It is made when it is asked for, as few checks need one."""
        if self._folder is None:
            self._folder = self._worker.folder / secrets.token_hex(4)
            self._folder.mkdir()
        return self._folder

    def clear(self) -> None:
        """Remove the folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        """Return the worker's reply; see `Transport`."""
        started = time.monotonic()
        try:
            return self._worker.exchange(request, seconds, respond)
        finally:
            self.seconds += time.monotonic() - started

    def take_printed(self) -> str:
        """Return what the worker has printed; see `Transport`."""
        return self._worker.take_printed()


class WorkerPool:
    """The worker of one submission, one at a time.

    Args:
        open_worker: gives a fresh one.
    """

    def __init__(self, open_worker: Callable[[], AbstractContextManager[Transport]]) -> None:
        self._open_worker = open_worker
        self._held = ExitStack()
        self._worker: Transport | None = None
        #: The checks that the worker has served, the present one last.
        self._served: list[CheckResult] = []
        self._worked = 0.0
        #: Units whose modules could not be loaded in a fresh worker.
        self._unusable: set[str] = set()

    @contextlib.contextmanager
    def lease(self, check: CheckResult) -> Iterator[WorkerLease]:
        """Yield the worker for a check. It ends with the lease if it was retired meanwhile."""
        worker = self._worker if self._worker is not None and self._may_serve(check) else self._fresh()
        self._served.append(check)
        lease = WorkerLease(worker)
        try:
            yield lease
        finally:
            self._worked += lease.seconds
            lease.clear()
            if self._worker is None:
                self._held.close()

    def record_failure(self, error: BaseException, *, answered: bool) -> bool:
        """Record that the latest check has failed. Return True if it is run again, in a fresh worker.

        It is run again if nothing was answered yet, and a worker that had served other checks died, or could not load modules
        that a fresh one can: those checks may have left behind what made it fail. A check that was answered is final.

        Args:
            error: why it failed.
            answered: True if the submission had answered anything in this check.
        """
        if isinstance(error, Crashed | TimedOut | OverBudget):  # the last of which may have left a reply half read
            self._worker = None
        if not self._served:
            return False  # the unit was not handed in
        *before, latest = self._served
        if isinstance(error, Unusable) and not before:
            self._unusable.add(latest.unit)
        left_over = isinstance(error, Crashed) or (isinstance(error, Unusable) and latest.unit not in self._unusable)
        if answered or not before or not left_over:
            return False
        self._worker = None
        return True

    def close(self) -> None:
        """End the worker."""
        self._worker = None
        self._held.close()

    def _may_serve(self, check: CheckResult) -> bool:
        latest = self._served[-1]
        return check.unit == latest.unit and latest.hidden <= check.hidden and self._worked < _LONGEST_SECONDS

    def _fresh(self) -> Transport:
        self.close()
        self._worker = self._held.enter_context(self._open_worker())
        self._served, self._worked = [], 0.0
        return self._worker
