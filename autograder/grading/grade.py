"""Grade one submission: everything else that grades calls this.

    with Sandbox(catalog.preload) as sandbox:
        result = Grader(GradingSpec(catalog), sandbox).grade_path(Path("alice.zip"))

The checks run under pytest in this trusted process (`session`). The student's code runs in workers of the sandbox, each for
the checks of one unit (`leases`).

The grader's own computing for a submission has a limit, so that no answer can stall it: what a submission returns may be made
to be slow to decode, to compare or to explain. Only the processor time of this process is counted: not that of workers, and
not the time in which another program has the processor.
"""

import contextlib
import gc
import platform
import signal
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import ClassVar, Protocol

from autograder.checks.diagnose import NAMING_SECONDS
from autograder.checks.plugin.runs import usable_device
from autograder.checks.transport import InProcess, Transport
from autograder.errors import GraderError, OverBudget, SandboxError
from autograder.grading.examples import graded_examples
from autograder.grading.jobs import GradedTask, GradeTasks, Task, reason_of_fault
from autograder.grading.leases import WorkerPool
from autograder.grading.session import Observer, UnitRun, check_session
from autograder.grading.spec import GradingSpec, course_hashes, versions
from autograder.libraries import is_loaded, torch
from autograder.messages import parse_sentence
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.submissions import Module, Submission, parse_submission, read_for, refuse_course_inside
from autograder.submissions.hand_in import HandIn
from autograder.worker.substitutes import step_without_compiler

#: Seconds of processor time for one check; the course's own need less than one.
CHECK_SECONDS = 20.0
#: And for all checks of a submission.
SUBMISSION_SECONDS = 300.0
#: The exception is raised again after so long, in case something on its way has caught it.
_AGAIN_SECONDS = 1.0
_TRUSTED = "It was graded as trusted work: whatever isolation this machine lacks was not asked for."


class GraderTime:
    """The processor time that the grader may spend on one submission. It is kept in the main thread alone, and on POSIX.

    Args:
        check: seconds for one check.
        submission: seconds for all checks together.
    """

    def __init__(self, check: float = CHECK_SECONDS, submission: float = SUBMISSION_SECONDS) -> None:
        self._check = check
        self._left = self._submission = submission

    @contextlib.contextmanager
    def limit_check(self) -> Iterator[None]:
        """Limit what runs inside.

        Raises:
            OverBudget: it has taken longer than a check may, or than was left for the submission.
        """
        if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
            yield
            return
        whole = f"judging this submission took the grader longer than {self._submission:g} s; the rest is not judged"
        if self._left <= 0:
            raise OverBudget(whole)
        limit, last = min(self._check, self._left), self._left <= self._check

        def stop(_: int, __: FrameType | None) -> None:
            if last:
                self._left = 0.0
                raise OverBudget(whole)
            raise OverBudget(f"judging what came back took the grader longer than {limit:g} s, so it was stopped")

        began = time.process_time()
        previous = signal.signal(signal.SIGPROF, stop)
        signal.setitimer(signal.ITIMER_PROF, limit, _AGAIN_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, previous)
            self._left -= time.process_time() - began


class Workers(Protocol):
    """Source of workers that run the students' code: a `Sandbox`, or `InThisProcess`."""

    @property
    def isolation(self) -> tuple[str, ...]:
        """Return the rungs that hold for every worker."""

    @property
    def limits(self) -> dict[str, float]:
        """Return the resources that one worker may use."""

    def require(self, rungs: tuple[str, ...]) -> None:
        """Raise SandboxError if one of these rungs does not hold."""

    def worker(self) -> AbstractContextManager[Transport]:
        """Return a fresh worker."""


class InThisProcess:
    """Workers without a sandbox, for code that is the user's own.

    Args:
        kind: class of the workers, which keep prints, frames or nothing.
    """

    isolation = ()
    limits: ClassVar[dict[str, float]] = {}

    def __init__(self, kind: type[InProcess] = InProcess) -> None:
        self._kind = kind

    def require(self, rungs: tuple[str, ...]) -> None:
        """Accept no requirement, as no rung holds here.

        Raises:
            SandboxError: `rungs` is not empty.
        """
        if rungs:
            raise SandboxError("untrusted work is not graded in this very process")

    @contextlib.contextmanager
    def worker(self) -> Iterator[Transport]:
        """Yield a worker without a process of its own."""
        with tempfile.TemporaryDirectory() as folder:
            yield self._kind(Path(folder).resolve())


def collect_checks(spec: GradingSpec) -> None:
    """Collect the checks of a spec's units ahead of time. A fault in them is reported by each task.

    This imports the checks and what they use, and may be done while a sandbox starts on another core. It is safe only once no
    submission is known to hold the course, as the checks would then be the student's.
    """
    with contextlib.suppress(GraderError):
        for unit in spec.chosen:
            check_session(spec.catalog, unit.name)
    if is_loaded("torch"):
        step_without_compiler()


class Grader:
    """Grader of submissions, one after another.

    Args:
        spec: what they are graded by.
        workers: where the students' code runs.
        observer: is told how a run proceeds, and may end a unit early.

    Raises:
        UsageError: PyTorch cannot compute on the spec's device.
        SandboxError: a required rung does not hold.
    """

    def __init__(self, spec: GradingSpec, workers: Workers, observer: Observer | None = None) -> None:
        usable_device(spec.device)
        workers.require(spec.require)
        self.spec = spec
        self.workers = workers
        self._observer = observer or Observer()
        self._course_hashes = course_hashes(spec.catalog, spec.chosen)

    def grade_path(self, path: Path, name: str = "") -> SubmissionResult:
        """Grade a folder, an archive, a `.py` or an `.ipynb`.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        catalog = self.spec.catalog
        refuse_course_inside(path, catalog)
        return self.grade(read_for(catalog, HandIn.alone(path)), name)

    def grade(self, submission: Submission, name: str = "", seed: str = "") -> SubmissionResult:
        """Grade a submission that has been read.

        Args:
            submission: the submission.
            name: that its result bears; its own by default.
            seed: the seed of its random inputs; that of the spec by default.

        Raises:
            GraderError: the checks themselves cannot be run.
        """
        started, began = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
        seed = seed or self.spec.seed_for(submission.digest)
        with contextlib.closing(_GradedRun(submission, self.workers, seed, self.spec.device)) as run:
            checks = tuple(self._with_reason(check, submission) for check in self._run_checks(run))
            checks += tuple(self._grade_examples(submission))
        trusted = "" if self.spec.require else _TRUSTED
        return SubmissionResult(
            name=name or submission.name,
            checks=checks,
            notes=(*submission.sentences, *run.notes, *([trusted] if trusted else [])),
            not_taken=submission.not_taken,
            isolation=self.workers.isolation,
            device=self.spec.device,
            seed=seed,
            hashes={"submission": submission.digest, **self._course_hashes},
            versions=versions() | _torch_version(self.spec.catalog.preload),
            machine=machine(self.spec.catalog.preload),
            limits=self.spec.seconds | self.workers.limits,
            answers=submission.answers,
            sources={
                name: submission.modules[name].text
                for unit in self.spec.chosen
                for name in unit.modules
                if name in submission.modules
            },
            started=began,
            seconds=round(time.perf_counter() - started, 3),
        )

    def grade_task(self, task: Task) -> GradedTask:
        """Grade a task; a failure of the grader becomes the reason why it has no result.

        Raises:
            SandboxError: there is no worker to be had, for this task or any other.
        """
        try:
            catalog = self.spec.catalog
            submission = parse_submission(task.raw, catalog.functions, catalog.questions)
            return GradedTask(task, self.grade(submission, task.name, task.seed))
        except SandboxError:
            raise
        except Exception as error:
            return GradedTask(task, None, reason_of_fault(error))

    def _wants(self, check: CheckResult) -> bool:
        functions = self.spec.functions
        return (self.spec.hidden or not check.hidden) and (not functions or check.function in functions)

    def _with_reason(self, check: CheckResult, submission: Submission) -> CheckResult:
        """Return the check; if it was not run because the submission could not be read, with that reason."""
        if check.outcome is not Outcome.NOT_RUN or not submission.problem:
            return check
        sentence = parse_sentence(submission.problem, self.spec.catalog.translations)
        return replace(check, message=submission.problem, sentence=sentence)

    def _grade_examples(self, submission: Submission) -> Iterator[CheckResult]:
        """Yield a check for each function whose examples, written by the student, earn points."""
        for unit in self.spec.chosen if self._observer.examples else ():
            for function in unit.functions.values():
                if function.examples and (not self.spec.functions or function.name in self.spec.functions):
                    yield graded_examples(self.spec.catalog, function.name, submission.examples, self.workers.worker)

    def _run_checks(self, run: "_GradedRun") -> Iterator[CheckResult]:
        """Run the visible checks of all units, and then the hidden ones: nothing asked there can be told in a visible one."""
        catalog = self.spec.catalog
        sessions = [check_session(catalog, unit.name) for unit in self.spec.chosen]
        units = [UnitRun(session, catalog, run, self._wants, self._observer) for session in sessions]
        for hidden in (False, True):
            for unit in units:
                unit.run_checks(hidden=hidden)
        seconds = NAMING_SECONDS
        for unit in units:
            seconds = unit.recorder.name_mistakes(seconds, run.limited)
            yield from unit.results


class _GradedRun:
    """One submission, as the checks reach it."""

    def __init__(self, submission: Submission, workers: Workers, seed: str, device: str) -> None:
        self.seed = seed
        self.device = device
        self._modules = submission.sources
        #: Sentences about the loading of its modules, each once.
        self.notes: dict[str, None] = {}
        self._workers = workers
        self._pool = WorkerPool(workers.worker)
        self._grader_time = GraderTime()

    def modules(self, _: Path) -> dict[str, Module]:
        """Return the submission's modules by name: its units, and what they import of the student's own."""
        return self._modules

    def note(self, sentence: str) -> None:
        """Take note of what showed when the submission was loaded."""
        self.notes[sentence] = None

    def worker(self, check: CheckResult | None = None) -> AbstractContextManager[Transport]:
        """Return the worker for a check; a fresh worker if there is no check."""
        return self._workers.worker() if check is None else self._pool.lease(check)

    def limited(self) -> AbstractContextManager[None]:
        """Return what limits the grader's own time for one check; work in this very process is not limited."""
        return contextlib.nullcontext() if isinstance(self._workers, InThisProcess) else self._grader_time.limit_check()

    def record_failure(self, error: BaseException, *, answered: bool) -> bool:
        """Record a failed check. Return True if it is run again; see `WorkerPool`."""
        return self._pool.record_failure(error, answered=answered)

    def close(self) -> None:
        """End the last worker."""
        self._pool.close()


def grade_in_turn(grader: Grader) -> GradeTasks:
    """Return what grades one task after another in this process."""

    def grade_tasks(tasks: Iterable[Task]) -> Iterator[GradedTask]:
        freezes = not gc.get_freeze_count()  # else whoever called has done so, and keeps it
        try:
            for number, task in enumerate(tasks):
                if freezes and number == 1:
                    gc.freeze()  # what the first has imported stays: a collection of it takes as long as ten checks
                yield grader.grade_task(task)
        finally:
            if freezes:
                gc.unfreeze()  # a library of torch's prints, at the end of the process, whatever of it was not collected

    return grade_tasks


def _torch_version(preload: tuple[str, ...]) -> dict[str, str]:
    """Return torch's version with that of its build, in a course that preloads it."""
    return {"torch": str(torch.__version__)} if "torch" in preload else {}


def machine(preload: tuple[str, ...]) -> dict[str, str]:
    """Return what else sums of floating-point numbers may depend on, in a course that preloads these modules."""
    capability = (
        {
            "instruction set": torch.backends.cpu.get_cpu_capability(),
            "number of threads": str(torch.get_num_threads()),
        }
        if "torch" in preload
        else {}
    )
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        **capability,
    }
