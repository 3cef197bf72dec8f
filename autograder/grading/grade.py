"""One submission in, one `SubmissionResult` out: the function that everything else calls.

    with Sandbox(catalog.preload) as sandbox:
        result = Grader(catalog, sandbox).grade(Path("alice.zip"))

The checks run under pytest in this trusted process (`checks`). The student's code runs in workers of the sandbox, each for the
checks of one unit (`turns`).
"""

import contextlib
import gc
import platform
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import ClassVar, Protocol

import numpy
import torch

from autograder import __version__
from autograder.checks.plugin.runs import usable_device
from autograder.checks.remote import InProcess, Transport
from autograder.course.catalog import Catalog
from autograder.errors import GraderError, NotWritten, SandboxError
from autograder.grading.batch import Judge, Judged, Task, refuse_own_judge
from autograder.grading.leases import Turns
from autograder.grading.session import Follower, checks_of
from autograder.grading.spec import GradingSpec, course_hashes, seed_of
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.sandbox import REQUIRED
from autograder.submissions import Module, Submission, parse_submission, read_submission

_TRUSTED = "It was graded as trusted work: whatever isolation this machine lacks was not asked for."


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
        seed: for a replay, the seed of the result that is replayed.
        device: where the students' code computes, `cpu` or `cuda`.
        require: rungs of the isolation ladder that must hold on this machine; none for work that is trusted.
        follower: is told how a run goes on, and may end it.

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
        seed: str = "",
        device: str = "cpu",
        require: tuple[str, ...] = REQUIRED,
        follower: Follower | None = None,
    ) -> None:
        self.catalog = catalog
        self.sandbox = sandbox
        self.units = catalog.chosen(units)
        self._functions = functions
        self._hidden = hidden
        self._secret = secret
        self._seed = seed
        self.device = usable_device(device)
        sandbox.require(require)
        self.trusted = not require
        self._follower = follower or Follower()
        self._course_hashes = course_hashes(catalog, [unit.name for unit in self.units])

    @classmethod
    def under(cls, spec: GradingSpec, sandbox: Workers) -> "Grader":
        """A grader for the terms that it is to grade by.

        Raises:
            UsageError: PyTorch cannot compute on the device.
            SandboxError: a required rung does not hold.
        """
        return cls(
            spec.catalog,
            sandbox,
            spec.secret,
            units=list(spec.units),
            seed=spec.seed,
            device=spec.device,
            require=spec.require,
        )

    def grade(self, path: Path, name: str = "") -> SubmissionResult:
        """The result of one submission: a folder, an archive, a `.py` or an `.ipynb`.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        refuse_own_judge(path, self.catalog)
        return self.judge(read_submission(path, self.catalog.units, self.catalog.functions), name)

    def judge(self, submission: Submission, name: str = "") -> SubmissionResult:
        """The result of a submission that has been read.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
        seed = self._seed or seed_of(self._secret, submission.digest)
        with contextlib.closing(_GradedRun(submission, self.sandbox, seed, self.device)) as run:
            checks = tuple(_with_reason(check, submission) for check in self._checked(run))
        return SubmissionResult(
            name=name or submission.name,
            checks=checks,
            notes=tuple(filter(None, (submission.problem, *submission.notes, _TRUSTED if self.trusted else ""))),
            not_taken=submission.not_taken,
            isolation=self.sandbox.isolation,
            device=self.device,
            seed=run.seed,
            hashes={"submission": submission.digest, **self._course_hashes},
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

    def _checked(self, run: "_GradedRun") -> Iterator[CheckResult]:
        for unit in self.units:
            yield from checks_of(self.catalog, unit.name).run(self.catalog, run, self._is_asked_for, self._follower)


class _GradedRun:
    """One hand-in, as the checks reach it."""

    def __init__(self, submission: Submission, sandbox: Workers, seed: str, device: str) -> None:
        self.seed = seed
        self.device = device
        self._modules = submission.modules
        self._sandbox = sandbox
        self._turns = Turns(sandbox.worker)

    def modules(self, _: Path) -> dict[str, Module]:
        """What was handed in."""
        return self._modules

    def worker(self, check: CheckResult | None = None) -> AbstractContextManager[Transport]:
        """A sandboxed worker, or its turn."""
        return self._sandbox.worker() if check is None else self._turns.turn(check)

    def failed(self, error: BaseException) -> bool:
        """After a failed check its worker serves no other. Whether what earlier ones have left there may be why."""
        if isinstance(error, NotWritten):
            return False  # as after a check that passes: of functions that are not written there are many
        self._turns.dismiss()
        return self._turns.may_be_left_over(error)

    def close(self) -> None:
        """Ends the last worker."""
        self._turns.close()


def in_turn(grader: Grader) -> Judge:
    """Grades one task after another, in this process."""

    def judged(tasks: Iterable[Task]) -> Iterator[Judged]:
        for number, task in enumerate(tasks):
            try:
                yield Judged(task, grader.judge(parse_submission(task.raw, grader.catalog.functions), task.name))
            except SandboxError:
                raise  # without a sandbox none of the others can be graded either
            except GraderError as error:
                yield Judged(task, None, str(error))
            if not number:
                gc.freeze()  # what the first has imported stays: a collection of it takes as long as ten checks

    return judged


def versions() -> dict[str, str]:
    """The versions that a mark may depend on."""
    return {
        "idealcat": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": metadata.version("torchvision"),
        "numpy": numpy.__version__,
        "pytest": metadata.version("pytest"),
    }


def _with_reason(check: CheckResult, submission: Submission) -> CheckResult:
    """A check that was not run says why, where the hand-in as a whole could not be read."""
    if check.outcome is Outcome.NOT_RUN and submission.problem:
        return replace(check, message=submission.problem)
    return check
