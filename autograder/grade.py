"""One submission in, one `SubmissionResult` out: the function that everything else calls.

    with Sandbox(catalog.preload) as sandbox:
        result = Grader(catalog, sandbox).grade(Path("alice.zip"))

The checks run under pytest in this trusted process, shielded from configuration, plugins and environment that are not the
course's own. The student's code runs in workers of the sandbox, each for the checks of one unit (`turns`).
"""

import contextlib
import io
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import ClassVar, Protocol

import numpy
import pytest
import torch
from _pytest.runner import runtestprotocol

from autograder import __version__, plugin
from autograder.batch import Judge, Judged, Task, refuse_own_judge
from autograder.catalog import Catalog
from autograder.errors import GraderError, NotWritten, SandboxError
from autograder.plugin.recorder import Recorder
from autograder.plugin.runs import usable_device
from autograder.results import CheckResult, Outcome, SubmissionResult
from autograder.sandbox import REQUIRED
from autograder.source import Handin, Module, handin_of, read_submission
from autograder.submission import InProcess, Transport
from autograder.terms import Terms, course_hashes, seed_of
from autograder.turns import Turns

_TRUSTED = "It was graded as trusted work: whatever isolation this machine lacks was not asked for."


#: As after a check that passes, the worker serves the next one: of functions that are not written there are many.
_KEEPS_ITS_WORKER = (NotWritten, pytest.skip.Exception)


class Workers(Protocol):
    """Where the students' code runs: a `Sandbox`, or `InThisProcess`."""

    @property
    def isolation(self) -> tuple[str, ...]:
        """The rungs that every worker stands on."""

    @property
    def limits(self) -> dict[str, float]:
        """What one worker may use."""

    def require(self, rungs: tuple[str, ...]) -> None:
        """Sees that every worker stands on these rungs."""

    def worker(self) -> AbstractContextManager[Transport]:
        """A fresh worker."""


class InThisProcess:
    """No sandbox at all, for code that is the user's own."""

    isolation = ()
    limits: ClassVar[dict[str, float]] = {}

    def require(self, rungs: tuple[str, ...]) -> None:
        """Holds where nothing is asked for.

        Raises:
            SandboxError: something is.
        """
        if rungs:
            raise SandboxError("untrusted work is not graded in this very process")

    @contextlib.contextmanager
    def worker(self) -> Iterator[Transport]:
        """A worker without a process."""
        with tempfile.TemporaryDirectory() as folder:
            yield InProcess(Path(folder).resolve())


class Grader:
    """Grades submissions of one course, one after another.

    Args:
        catalog: the course.
        sandbox: where the students' code runs.
        secret: with a submission's content it gives the seed of its random inputs.
        units: the units to grade; all of the course by default.
        functions: run the checks of these alone; of all where empty.
        hidden: whether hidden checks run too.
        until_failure: run no check after one that has failed.
        seed: for a replay, the seed of the result that is replayed.
        device: where the students' code computes, `cpu` or `cuda`.
        require: rungs of the isolation ladder that must hold on this machine; none for work that is trusted.
        followers: further plugins of pytest, which are told how a run goes on.

    Raises:
        UsageError: PyTorch cannot compute there.
        SandboxError: a required rung does not hold.
    """

    def __init__(
        self,
        catalog: Catalog,
        sandbox: Workers,
        secret: bytes = b"",
        *,
        units: list[str] | None = None,
        functions: frozenset[str] = frozenset(),
        hidden: bool = True,
        until_failure: bool = False,
        seed: str = "",
        device: str = "cpu",
        require: tuple[str, ...] = REQUIRED,
        followers: tuple[object, ...] = (),
    ) -> None:
        self.catalog = catalog
        self.sandbox = sandbox
        self.units = catalog.chosen(units)
        self._functions = functions
        self._hidden = hidden
        self._until_failure = until_failure
        self._secret = secret
        self._seed = seed
        self.device = usable_device(device)
        sandbox.require(require)
        self.trusted = not require
        self._followers = followers
        self._course_hashes = course_hashes(catalog, [unit.name for unit in self.units])

    @classmethod
    def under(cls, terms: Terms, sandbox: Workers) -> "Grader":
        """A grader for the terms that it is to grade by.

        Raises:
            UsageError: PyTorch cannot compute on the device.
            SandboxError: a required rung does not hold.
        """
        return cls(
            terms.catalog,
            sandbox,
            terms.secret,
            units=list(terms.units),
            seed=terms.seed,
            device=terms.device,
            require=terms.require,
        )

    def grade(self, path: Path, name: str = "") -> SubmissionResult:
        """The result of one submission: a folder, an archive, a `.py` or an `.ipynb`.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        refuse_own_judge(path, self.catalog)
        return self.judge(read_submission(path, self.catalog.units, self.catalog.functions), name)

    def judge(self, handin: Handin, name: str = "") -> SubmissionResult:
        """The result of a submission that has been read.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
        seed = self._seed or seed_of(self._secret, handin.digest)
        run = _GradedRun(self.catalog, handin, self.sandbox, seed, self._is_asked_for, self.device)
        with contextlib.closing(run):
            checks = self._run(run)
        return SubmissionResult(
            submission=name or handin.name,
            checks=tuple(_with_reason(check, handin) for check in checks),
            notes=tuple(filter(None, (handin.problem, *handin.notes, _TRUSTED if self.trusted else ""))),
            not_taken=handin.not_taken,
            isolation=self.sandbox.isolation,
            device=self.device,
            seed=run.seed,
            hashes={"submission": handin.digest, **self._course_hashes},
            versions=versions(),
            limits=self._limits(),
            started=began,
            seconds=round(time.perf_counter() - started, 3),
        )

    def _limits(self) -> dict[str, float]:
        """Seconds for a call of each unit's functions, and what a worker may use."""
        calls = {f"seconds of {unit.name}": unit.seconds for unit in self.units}
        return {**calls, **self.sandbox.limits}

    def _is_asked_for(self, check: CheckResult) -> bool:
        return (self._hidden or not check.hidden) and (not self._functions or check.function in self._functions)

    def _run(self, run: "_GradedRun") -> list[CheckResult]:
        printed = io.StringIO()
        with _shielded(), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = pytest.main(self._arguments(), plugins=[plugin, run, *self._followers])
        if run.interrupted:
            raise KeyboardInterrupt
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not run.recorder.results:
            _forget([self.catalog.checks(unit.name) for unit in self.units])
            raise GraderError(f"the checks could not be run (pytest ended with {code}):\n{printed.getvalue()}")
        return list(run.recorder.results.values())

    def _arguments(self) -> list[str]:
        checks = [str(self.catalog.checks(unit.name)) for unit in self.units]
        return [
            *checks,
            *(["--exitfirst"] if self._until_failure else []),
            f"--rootdir={self.catalog.root}",
            f"--config-file={os.devnull}",
            "--noconftest",
            "--disable-plugin-autoload",
            *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
            *("-p", "no:logging"),  # it would look through all loggers of torch at each phase of each check
            *("-W", "ignore"),  # PYTHONWARNINGS=error would make a failure of each
            "--import-mode=importlib",
            "--tb=line",
            "-q",
        ]


class _GradedRun:
    """A `plugin.Run` over one hand-in; passed to pytest as a plugin, so that it can install itself."""

    def __init__(
        self,
        catalog: Catalog,
        handin: Handin,
        sandbox: Workers,
        seed: str,
        asked_for: Callable[[CheckResult], bool],
        device: str,
    ) -> None:
        self.seed = seed
        self.device = device
        self.recorder = Recorder()
        self.interrupted = False
        self._catalog = catalog
        self._asked_for = asked_for
        self._modules = handin.modules
        self._sandbox = sandbox
        self._turns = Turns(sandbox.worker)
        self._again = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Takes the place of the course that lies at hand, of the student's own run, and of its recorder."""
        config.stash[plugin.COURSE] = self._catalog
        config.stash[plugin.RUN] = self
        config.stash[plugin.RECORDER] = self.recorder

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leaves out the checks that were not asked for; and has a unit's hidden ones run after the visible ones."""
        chosen = [item for item in items if self._asked_for(self.recorder.results[item.nodeid])]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = sorted(chosen, key=self._place)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """pytest's own, but that a check may be run again in a fresh worker; only then is it told how it ended."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if self._again:
            self._again = False
            self.recorder.expect(item.nodeid, item.stash[plugin.CHECK])
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """After a failed check its worker serves no other, and what the submission returned to it is let go.

        Its frames and its exception hold one another.
        """
        report = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if error is not None and not isinstance(error, _KEEPS_ITS_WORKER):
            self._again = self._turns.may_be_left_over(error)
            self._turns.dismiss()
        while error is not None:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__
        return report

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C. An error in collecting arrives here too, as `Interrupted`."""
        self.interrupted = excinfo.type is KeyboardInterrupt

    def modules(self, _: Path) -> dict[str, Module]:
        """What was handed in."""
        return self._modules

    def worker(self, check: CheckResult | None = None) -> AbstractContextManager[Transport]:
        """A sandboxed worker, or its turn."""
        return self._sandbox.worker() if check is None else self._turns.turn(check)

    def close(self) -> None:
        """Ends the last worker."""
        self._turns.close()

    def _place(self, item: pytest.Item) -> tuple[int, bool]:
        check = item.stash[plugin.CHECK]
        return list(self._catalog.units).index(check.unit), check.hidden


def in_turn(grader: Grader) -> Judge:
    """Grades one task after another, in this process."""

    def judged(tasks: Iterable[Task]) -> Iterator[Judged]:
        for task in tasks:
            try:
                yield Judged(task, grader.judge(handin_of(task.taken, grader.catalog.functions), task.name))
            except SandboxError:
                raise  # without a sandbox none of the others can be graded either
            except GraderError as error:
                yield Judged(task, None, str(error))

    return judged


def versions() -> dict[str, str]:
    """The versions that a mark may depend on."""
    return {
        "idealcat": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": metadata.version("torchvision"),
        "numpy": numpy.__version__,
        "pytest": pytest.__version__,
    }


def _forget(paths: list[Path]) -> None:
    """Python keeps a module whose import has failed, as far as it got: the next submission would be judged by that."""
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "") in paths:
            del sys.modules[name]


def _with_reason(check: CheckResult, handin: Handin) -> CheckResult:
    """A check that was not run says why, where the hand-in as a whole could not be read."""
    if check.outcome is Outcome.NOT_RUN and handin.problem:
        return replace(check, message=handin.problem)
    return check


@contextlib.contextmanager
def _shielded() -> Iterator[None]:
    """Nothing in the environment or the working directory steers pytest; and what a check writes, a worker may read."""
    saved, mask = _without_steering(), os.umask(0o022)
    try:
        yield
    finally:
        os.umask(mask)
        _without_steering()
        sys.last_value = sys.last_traceback = None  # which pytest sets for a debugger
        os.environ.update(saved)


def _without_steering() -> dict[str, str]:
    """Takes out of the environment what pytest listens to."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
