"""Run the checks of a student's own course again and again: the warm process behind `autograder watch`.

A clean exec starts the process on every platform (`python -P -m autograder.student.warm_runner ROOT`). It imports torch and
the checks once, and then loads only the student's files. Requests are lines of JSON on standard input, `{"run": unit,
"changed": functions, "number": number}` or `{"draw": unit}`. A new request replaces the one that is worked on. Replies are
lines of JSON on standard output:

    expected   all checks of the unit, before the first is run, and the number of the request
    begins     the id of the check that runs now
    call       the seconds that a call may take from now on; 0 if it has returned, or imports a library
    ended      how a check has ended, and what the student's code printed in it
    finished   the run is over: the checks that have failed, with the known mistakes that explain them
    drawn      the path of the unit's picture, empty if the course has none
    refused    a sentence: the course itself cannot be used

A call that does not end is stopped at its deadline, with an exception that only Python code notices. For other code the
reader of the replies (`runner`) ends this process, which then writes the lines that were running to standard error. On a
system where the reader cannot tell the time that counts, the process ends itself at a last limit by the wall clock.
"""

import _thread
import contextlib
import faulthandler
import gc
import importlib
import json
import os
import queue
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import IO, Any

from autograder.checks.plugin.runs import HOME_SEED, StudentRun
from autograder.checks.transport import Capturing, Respond, Transport
from autograder.course.catalog import Catalog, read_catalog
from autograder.errors import AutograderError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.session import Observer
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult, Outcome
from autograder.sandbox.process import GRACE_SECONDS
from autograder.student.drawing import keep_picture
from autograder.submissions import Module, Submission
from autograder.worker.deadline import wall_limit
from autograder.worker.serving import warm_up
from autograder.worker.substitutes import forbid_cuda, run_uncompiled


def main() -> None:
    """Answer requests until standard input ends."""
    # A newer request interrupts an older one by SIGINT; a process that was started in the background would ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = Path(sys.argv[1])
    requests, replies, error_output = _move_streams()
    faulthandler.enable(error_output)
    inbox = _Inbox(requests)
    runner = _UnitRunner(root, replies, error_output)
    runner.prepare()
    while True:
        # The interrupt for a newer request may arrive anywhere below.
        with contextlib.suppress(KeyboardInterrupt):
            request = inbox.next()
            runner.prepare()
            with inbox.working():
                runner.answer(request)


def _move_streams() -> tuple[IO[str], IO[str], IO[str]]:
    """Return copies of the standard streams. Standard input and output then lead nowhere: student code cannot use them."""
    own = [os.fdopen(os.dup(number), mode, encoding="utf-8") for number, mode in ((0, "r"), (1, "w"), (2, "w"))]
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    return own[0], own[1], own[2]


class _Inbox:
    """Queue of requests; a new one interrupts the request that is worked on."""

    def __init__(self, stream: IO[str]) -> None:
        self._queue: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._busy = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            with self._lock:
                self._queue.put(json.loads(line))
                if self._busy:
                    _thread.interrupt_main()
        os._exit(0)  # `autograder watch` has ended; the student's code may be in an endless loop

    def next(self) -> dict[str, Any]:
        request = self._queue.get()
        while not self._queue.empty():
            request = self._queue.get()
        return request

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        with self._lock:
            self._busy = True
        try:
            yield
        finally:
            with self._lock:
                self._busy = False


class _UnitRunner:
    """Runner of checks and of drawings, which reports on each of them."""

    def __init__(self, root: Path, replies: IO[str], error_output: IO[str]) -> None:
        self._root = root
        self._replies = replies
        self._workers = _WatchedWorkers(error_output, lambda seconds: self._say(kind="call", seconds=seconds))
        self._warm: set[str] = set()
        self._warmed_up = False

    def prepare(self) -> None:
        """Import what a run needs, before a newer request can interrupt: an interrupted import cannot be repeated."""
        with contextlib.suppress(AutograderError):  # `answer` reports a wrong catalog
            catalog = read_catalog(self._root)
            if "torch" in catalog.preload:
                importlib.import_module("torch")
                if not self._warmed_up:
                    forbid_cuda()
                    warm_up()
                    self._warmed_up = True

    def answer(self, request: dict[str, Any]) -> None:
        try:
            if "draw" in request:
                self._draw(request["draw"])
            else:
                self._run(request["run"], request.get("changed", ()), request["number"])
        except (AutograderError, OSError) as error:
            self._say(kind="refused", text=str(error))

    def _draw(self, unit: str) -> None:
        catalog, modules = self._read(unit)
        with self._workers.worker() as worker:
            path = keep_picture(catalog, unit, modules, worker)
        self._say(kind="drawn", unit=unit, path=str(path or ""))

    def _read(self, unit: str) -> tuple[Catalog, dict[str, Module]]:
        catalog = read_catalog(self._root)  # the course may have been updated since the last request
        return catalog, StudentRun(catalog, HOME_SEED, "cpu").modules(catalog.exercise(unit))

    def _run(self, unit: str, changed: Collection[str], number: int) -> None:
        catalog, modules = self._read(unit)
        # Functions that a changed one uses run first too: their faults are the first to mend.
        parts = [modules[name] for name in catalog.units[unit].parts if name in modules]
        first = set(changed).union(*(modules[unit].used_by(name, *parts) for name in changed))
        spec = GradingSpec(catalog, units=(unit,), seed=HOME_SEED, require=())
        result = Grader(spec, self._workers, _Reporter(self._say, first, number)).grade(Submission(unit, modules))
        failed = [check.to_dict() for check in result.checks if check.outcome is Outcome.FAILED]
        self._say(kind="finished", unit=unit, failed=failed)
        if unit not in self._warm:
            self._warm.add(unit)
            # Freeze the objects that the first run has imported, so that garbage collection skips them.
            gc.collect()
            gc.freeze()

    def _say(self, **facts: Any) -> None:
        self._replies.write(json.dumps(facts) + "\n")
        self._replies.flush()


class _Reporter(Observer):
    """Reporter of each check, when it begins and when it has ended.

    The first call that does not end is the last of a run: a student should not have to wait for more of them.
    """

    def __init__(self, say: Callable[..., None], first: Collection[str], number: int) -> None:
        self._say = say
        self.first = first
        self._number = number

    def expected(self, checks: list[CheckResult]) -> None:
        self._say(kind="expected", checks=[check.to_dict() for check in checks], number=self._number)

    def begins(self, check: CheckResult) -> None:
        self._say(kind="begins", id=check.id)

    def ended(self, check: CheckResult) -> bool:
        self._say(kind="ended", check=check.to_dict())
        return check.outcome is not Outcome.TIMED_OUT


class _WatchedWorkers(InThisProcess):
    """Workers in this process: each of their calls ends, or ends the process."""

    def __init__(self, error_output: IO[str], tell: Callable[[float], None]) -> None:
        self._error_output = error_output
        self._tell = tell

    @contextlib.contextmanager
    def worker(self) -> Iterator[Transport]:
        with tempfile.TemporaryDirectory() as folder, run_uncompiled():
            yield _Watched(Path(folder).resolve(), self._error_output, self._tell)


class _Watched(Capturing):
    """Worker with a second deadline, for calls that run no Python code; the first one, of the session, tells the line."""

    def __init__(self, folder: Path, error_output: IO[str], tell: Callable[[float], None]) -> None:
        super().__init__(folder)
        self._error_output = error_output
        self._tell = tell
        self.session.paused = tell  # a first import may take long, and its time does not count

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        faulthandler.dump_traceback_later(wall_limit(seconds) + GRACE_SECONDS, exit=True, file=self._error_output)
        self._tell(seconds)
        try:
            return super().exchange(request, seconds, respond)
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._tell(0)


if __name__ == "__main__":
    main()
