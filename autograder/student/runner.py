"""Control the warm process that runs checks, and report its events: the terminal's side of `autograder watch`."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from autograder.messages import tr
from autograder.results.types import CheckResult, Outcome
from autograder.worker.deadline import Budget, Waiting


@dataclass(frozen=True)
class Saved:
    """Event: a unit's file was saved."""

    unit: str


@dataclass(frozen=True)
class Deleted:
    """Event: a unit's file is gone."""

    unit: str


@dataclass(frozen=True)
class StillRunning:
    """Event: a second has passed since the run with this number was requested."""

    number: int


@dataclass(frozen=True)
class Pressed:
    """Event: a key was pressed; `q` at the end of the input."""

    key: str


@dataclass
class WatchedRun:
    """Event: a run of a unit has ended.

    Attributes:
        unit: its name.
        checks: results by id; a check that was not reached is `NOT_RUN`.
        broken: True if the process died during the run.
        number: the number of the request that it answers.
    """

    unit: str
    checks: dict[str, CheckResult] = field(default_factory=dict)
    broken: bool = False
    number: int = 0


@dataclass(frozen=True)
class Drawn:
    """Event: the picture of a unit was drawn."""

    unit: str
    path: Path


@dataclass(frozen=True)
class Refused:
    """Event: a request cannot be carried out, and this is not the student's fault."""

    reason: str


Event = Saved | Deleted | StillRunning | Pressed | WatchedRun | Drawn | Refused
Report = Callable[[Event], None]


#: First words on standard error of a process that `faulthandler` has ended at its last limit.
_TIMEOUT = "Timeout ("
#: Seconds after the deadline of a call, within which the process stops the call itself. Then the guard ends the process.
_GRACE_SECONDS = 1.5


class _Guard:
    """Guard who ends a process if a call goes on after its deadline: code in C does not notice the deadline itself.

    It works only on systems that tell the time that another process has used. On others the process ends itself at its last
    limit.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.has_ended_it = False
        self._process = process
        self._waiting = Waiting.of_thread(f"{process.pid}/task/{process.pid}")
        self._budget: Budget | None = None
        self._changed = threading.Condition()
        self._closed = self._waiting.seconds() is None
        threading.Thread(target=self._watch, daemon=True).start()

    def begin_call(self, seconds: float) -> None:
        """Begin to watch a call that may take some seconds. With 0 the call has ended, and no call is watched."""
        with self._changed:
            # Only the call's own deadline, inside the process, sees if threads or processes work for the call.
            self._budget = Budget(seconds + _GRACE_SECONDS, self._waiting, helped=lambda: True) if seconds else None
            self._changed.notify()

    def close(self) -> None:
        """Stop watching: the process has ended."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                left = None if self._budget is None else self._budget.seconds_left()
                if left is not None and left <= 0:
                    self.has_ended_it = self._closed = True
                    self._process.send_signal(signal.SIGABRT)  # `faulthandler` then writes the lines that were running
                else:
                    self._changed.wait(left)
        self._waiting.close()


@dataclass(frozen=True)
class _RunRequest:
    """Request of a run, as it is sent.

    Attributes:
        run: the unit.
        changed: its functions that are run first.
        number: the number of the request; later ones have higher numbers.
    """

    run: str
    changed: tuple[str, ...]
    number: int


@dataclass
class _Process:
    """Record of one warm process.

    Attributes:
        handle: the process itself.
        guard: ends it if a call does not come back.
        error_output: file of its standard error.
        run: results so far of the current run; None between runs.
        running: the id of the check that runs.
        good: True once the process has answered.
        wanted: the run that was requested last; None once it has ended.
    """

    handle: "subprocess.Popen[str]"
    guard: _Guard
    error_output: IO[bytes]
    run: WatchedRun | None = None
    running: str = ""
    good: bool = False
    wanted: _RunRequest | None = None


class Runner:
    """Keeper of one warm process, who starts the next one if it dies.

    Args:
        root: the folder of the course.
        report: called with every event, from another thread.
    """

    def __init__(self, root: Path, report: Report) -> None:
        self._root = root
        self._report = report
        self._lock = threading.Lock()
        self._closed = False
        self._number = 0
        self._process = self._start()

    def __enter__(self) -> "Runner":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with self._lock:
            self._closed = True
            self._process.handle.kill()  # at once, whatever the student's code is doing
        self._process.handle.wait()

    def request(self, unit: str, changed: Collection[str] = ()) -> int:
        """Request a run of a unit, which replaces a run that is going on. Return the number of the request.

        The checks of changed functions run first.
        """
        with self._lock:
            self._number += 1
            self._request(_RunRequest(unit, tuple(changed), self._number))
            return self._number

    @property
    def current(self) -> tuple[WatchedRun | None, str]:
        """Return the results so far of the current run, None if there is none, and the id of the check that runs."""
        run, running = self._process.run, self._process.running
        return (None if run is None else WatchedRun(run.unit, dict(run.checks))), running

    def draw(self, unit: str) -> None:
        """Request the picture of a unit. A run that is requested before it is drawn replaces this request."""
        with self._lock:
            self._send({"draw": unit})

    def _request(self, request: _RunRequest) -> None:
        self._process.wanted = request
        self._send(vars(request))

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.handle.stdin is not None
        with contextlib.suppress(OSError):  # the process has just died, and `_handle_death` asks the next one
            self._process.handle.stdin.write(json.dumps(request) + "\n")
            self._process.handle.stdin.flush()

    def _start(self) -> _Process:
        error_output = tempfile.TemporaryFile()  # noqa: SIM115 - the process's reader closes it
        handle = subprocess.Popen(
            # -P: a file of the student's may have the name of a library, such as `random.py`.
            [sys.executable, "-P", "-m", "autograder.student.warm_runner", str(self._root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_output,
            text=True,
            encoding="utf-8",
        )
        process = _Process(handle, _Guard(handle), error_output)
        threading.Thread(target=self._follow, args=(process,), daemon=True).start()
        return process

    def _follow(self, process: _Process) -> None:
        with process.handle, process.error_output:
            assert process.handle.stdout is not None
            for line in process.handle.stdout:
                with contextlib.suppress(ValueError):  # a line cut short by the end of the process
                    self._handle_line(process, json.loads(line))
            process.guard.close()
            code = process.handle.wait()
            process.error_output.seek(0)
            self._handle_death(process, code, process.error_output.read().decode("utf-8", "replace"))

    def _handle_line(self, process: _Process, reply: dict[str, Any]) -> None:
        process.good = True
        run = process.run
        match reply["kind"]:
            case "expected":
                checks = [CheckResult.from_dict(check) for check in reply["checks"]]
                process.run = WatchedRun(checks[0].unit, {check.id: check for check in checks}, number=reply["number"])
            case "begins":
                process.running = reply["id"]
            case "call":
                process.guard.begin_call(reply["seconds"])
            case "ended" if run is not None:
                check = CheckResult.from_dict(reply["check"])
                run.checks[check.id] = check
            case "finished" if run is not None:
                run.checks |= {check.id: check for check in map(CheckResult.from_dict, reply["failed"])}
                self._finish(process, run)
            case "drawn" if reply["path"]:
                self._report(Drawn(reply["unit"], Path(reply["path"])))
            case "refused":
                self._report(Refused(reply["text"]))

    def _finish(self, process: _Process, run: WatchedRun) -> None:
        process.run = None
        with self._lock:
            process.wanted = _wanted_after(process.wanted, run)
        self._report(run)

    def _handle_death(self, process: _Process, code: int, said: str) -> None:
        """Start the next process, request the run that is still wanted, and report how the running check has ended."""
        run = process.run
        with self._lock:
            if self._closed:
                return
            if process.good:
                self._process = self._start()
                wanted = _wanted_after(process.wanted, run)
                if wanted is not None:
                    self._request(wanted)
        if not process.good:
            reason = said.strip().splitlines()[-1] if said.strip() else tr("exit code {code}", code=code)
            self._report(
                Refused(
                    tr("the process that runs checks did not start ({reason}); is the course installed?", reason=reason)
                )
            )
        elif run is not None:
            stopped = process.guard.has_ended_it or _TIMEOUT in said
            self._report(_break_off(run, process.running, code, said, stopped=stopped))


def _wanted_after(wanted: _RunRequest | None, run: WatchedRun | None) -> _RunRequest | None:
    """Return the run that is still wanted once a run has ended."""
    return None if run is not None and wanted is not None and run.number == wanted.number else wanted


def _break_off(run: WatchedRun, running: str, code: int, said: str, *, stopped: bool) -> WatchedRun:
    check = run.checks.get(running) or next(iter(run.checks.values()))
    place = _place(run.unit, said)
    if stopped:
        ended = check.with_outcome(Outcome.TIMED_OUT, f"{check.function} did not come back and was stopped{place}")
    else:
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        ended = check.with_outcome(Outcome.CRASHED, f"{check.function} ended the whole process with {how}{place}")
    run.checks[check.id] = ended
    run.broken = True
    return run


def _place(unit: str, said: str) -> str:
    """Return the line of the student's file that ran last, from the traceback of `faulthandler`."""
    for path, line in re.findall(r'^ +File "(.+)", line (\d+)', said, re.MULTILINE):
        if Path(path).name == f"{unit}.py":
            return f" ({unit}.py:{line})"
    return ""
