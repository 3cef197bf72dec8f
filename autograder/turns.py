"""Turns: one worker serves the checks of a function one after another, as long as they pass.

A worker costs some 30 ms, more than most checks. What it may have kept from an earlier turn is of the same function of the
same submission: a stream of random numbers starts anew and modules are loaded anew with each `load`, and after a check that
did not pass the next one has a fresh worker. So what a check leaves behind can cost that function, and helps nobody: inputs
differ from check to check, and what is expected never reaches a worker.
"""

import contextlib
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from autograder.submission import Transport

#: The processor time of a worker is limited as a whole: one that has served so long serves no further check.
_LONGEST_SECONDS = 20.0


class Turn:
    """A worker during one check: with a folder that is empty at first, and what was printed since."""

    def __init__(self, worker: Transport, folder: Path) -> None:
        self._worker = worker
        self.folder = folder
        self.exchange = worker.exchange
        self.printed = worker.printed


class Turns:
    """The worker of one submission, and of one of its functions.

    Args:
        open_worker: gives a fresh one.
    """

    def __init__(self, open_worker: Callable[[], AbstractContextManager[Transport]]) -> None:
        self._open_worker = open_worker
        self._held = ExitStack()
        self._worker: Transport | None = None
        self._function = ""
        self._since = 0.0

    @contextlib.contextmanager
    def turn(self, function: str) -> Iterator[Turn]:
        """The worker of this function, for one check."""
        worker = self._worker
        if worker is None or function != self._function or time.monotonic() - self._since > _LONGEST_SECONDS:
            worker = self._fresh(function)
        folder = worker.folder / secrets.token_hex(4)
        folder.mkdir()
        try:
            yield Turn(worker, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def start_afresh(self) -> None:
        """The next turn is another worker's. The present one can still be asked what was printed."""
        self._worker = None

    def close(self) -> None:
        """Ends the worker."""
        self._worker = None
        self._held.close()

    def _fresh(self, function: str) -> Transport:
        self.close()
        self._worker = self._held.enter_context(self._open_worker())
        self._function, self._since = function, time.monotonic()
        return self._worker
