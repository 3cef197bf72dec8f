"""Run the checks of a unit in a warm process: what the terminal holds of it, and the events that come back."""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from autograder.results.types import CheckResult, Outcome


@dataclass(frozen=True)
class Saved:
    """A unit's file was written."""

    unit: str


@dataclass(frozen=True)
class Pressed:
    """A key was pressed; `q` too where nobody can press one any more."""

    key: str


@dataclass
class Judged:
    """A run over a unit has ended.

    Attributes:
        unit: its name.
        checks: all of them by id, as far as they got.
        broken: whether the process died on the way.
    """

    unit: str
    checks: dict[str, CheckResult] = field(default_factory=dict)
    broken: bool = False


@dataclass(frozen=True)
class Drawn:
    """The picture of a unit is there."""

    unit: str
    path: Path


@dataclass(frozen=True)
class Refused:
    """What was asked for cannot be done, by no fault of the student's."""

    reason: str


Event = Saved | Pressed | Judged | Drawn | Refused
Report = Callable[[Event], None]


_TIMEOUT = "Timeout ("


@dataclass
class _Process:
    """One life of the process.

    Attributes:
        handle: the process itself.
        last_words: what it has written to standard error.
        run: what is known of the run that it is at, if it is at one.
        running: the id of the check that runs.
        good: whether it has ever answered.
        wanted: the unit that was asked for last and is not judged yet.
    """

    handle: "subprocess.Popen[str]"
    last_words: IO[bytes]
    run: Judged | None = None
    running: str = ""
    good: bool = False
    wanted: str = ""


class Judging:
    """Keeps one warm process, and starts the next where it dies.

    Args:
        root: the folder of the course.
        report: is told of every run that ends, from another thread.
    """

    def __init__(self, root: Path, report: Report) -> None:
        self._root = root
        self._report = report
        self._lock = threading.Lock()
        self._closed = False
        self._process = self._started()

    def __enter__(self) -> "Judging":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with self._lock:
            self._closed = True
            self._process.handle.kill()  # at once, whatever the student's code is at
        self._process.handle.wait()

    def ask(self, unit: str) -> None:
        """Asks for a unit to be judged, instead of whatever is being judged now."""
        with self._lock:
            self._process.wanted = unit
            self._send({"judge": unit})

    def draw(self, unit: str) -> None:
        """Asks for the picture of a unit to be drawn; a unit that is to be judged meanwhile takes its place."""
        with self._lock:
            self._send({"draw": unit})

    def _send(self, request: dict[str, str]) -> None:
        assert self._process.handle.stdin is not None
        with contextlib.suppress(OSError):  # it has just died: whoever follows it asks the next one
            self._process.handle.stdin.write(json.dumps(request) + "\n")
            self._process.handle.stdin.flush()

    def _started(self) -> _Process:
        last_words = tempfile.TemporaryFile()  # noqa: SIM115 - the process's reader closes it
        handle = subprocess.Popen(
            # -P: the student's folder is no place to import `random` from.
            [sys.executable, "-P", "-m", "autograder.student.warm_runner", str(self._root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=last_words,
            text=True,
            encoding="utf-8",
        )
        process = _Process(handle, last_words)
        threading.Thread(target=self._follow, args=(process,), daemon=True).start()
        return process

    def _follow(self, process: _Process) -> None:
        with process.handle, process.last_words:
            assert process.handle.stdout is not None
            for line in process.handle.stdout:
                with contextlib.suppress(ValueError):  # a line cut short by the end of the process
                    self._heard(process, json.loads(line))
            code = process.handle.wait()
            process.last_words.seek(0)
            self._died(process, code, process.last_words.read().decode("utf-8", "replace"))

    def _heard(self, process: _Process, said: dict[str, Any]) -> None:
        process.good = True
        run = process.run
        match said["kind"]:
            case "expected":
                checks = [CheckResult.from_dict(check) for check in said["checks"]]
                process.run = Judged(checks[0].unit, {check.id: check for check in checks})
            case "begins":
                process.running = said["id"]
            case "ended" if run is not None:
                check = CheckResult.from_dict(said["check"])
                run.checks[check.id] = check
            case "judged" if run is not None:
                self._finished(process, run)
            case "drawn" if said["path"]:
                self._report(Drawn(said["unit"], Path(said["path"])))
            case "refused":
                self._report(Refused(said["text"]))

    def _finished(self, process: _Process, run: Judged) -> None:
        process.run = None
        with self._lock:
            process.wanted = "" if process.wanted == run.unit else process.wanted
        self._report(run)

    def _died(self, process: _Process, code: int, said: str) -> None:
        """Starts the next process, asks it for what is still to be judged, and says how the running check has ended."""
        run = process.run
        with self._lock:
            if self._closed:
                return
            if process.good:
                self._process = self._started()
            if process.good and process.wanted and (run is None or run.unit != process.wanted):
                self._process.wanted = process.wanted
                self._send({"judge": process.wanted})
        if not process.good:
            reason = said.strip().splitlines()[-1] if said.strip() else f"exit code {code}"
            self._report(Refused(f"the process that judges did not start ({reason}); is the course installed?"))
        elif run is not None:
            self._report(_broken(run, process.running, code, said))


def _broken(run: Judged, running: str, code: int, said: str) -> Judged:
    check = run.checks.get(running) or next(iter(run.checks.values()))
    place = _place(run.unit, said)
    if _TIMEOUT in said:
        ended = check.ended(Outcome.TIMED_OUT, f"{check.function} did not come back and was stopped{place}")
    else:
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        ended = check.ended(Outcome.CRASHED, f"{check.function} ended the whole process with {how}{place}")
    run.checks[check.id] = ended
    run.broken = True
    return run


def _place(unit: str, said: str) -> str:
    """The line of the student's file that ran last, from what `faulthandler` has written."""
    for path, line in re.findall(r'^ +File "(.+)", line (\d+)', said, re.MULTILINE):
        if Path(path).name == f"{unit}.py":
            return f" ({unit}.py:{line})"
    return ""
