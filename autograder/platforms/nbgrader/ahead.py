"""Grade a whole assignment ahead on all cores, so that nbgrader's run only looks up each result.

The key of a result covers the content of the work and everything else that a mark depends on. So no notebook can get the mark
of another, and a notebook that has changed meanwhile is graded when nbgrader comes to it.
"""

import atexit
import contextlib
import functools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, UsageError
from autograder.grading.batch import Batch, with_intake, without_intake
from autograder.grading.grade import Grader, grade_in_turn
from autograder.grading.jobs import GradeTasks, Jobs, Task
from autograder.grading.spec import GradingSpec, course_secret
from autograder.platforms.nbgrader.intake import hand_in_of
from autograder.results.store import ResultStore
from autograder.results.types import SubmissionResult
from autograder.sandbox import REQUIRED, Sandbox
from autograder.sandbox.confines import usable_cores
from autograder.submissions import collect_for, refuse_course_inside


@dataclass(frozen=True)
class Ahead:
    """Grader of an assignment, which keeps its results.

    Attributes:
        spec: how the assignment is graded.
        folder: where results are stored, for later runs too.
        jobs: how many notebooks are graded at once; 0 for one per core.
    """

    spec: GradingSpec
    folder: Path
    jobs: int = 0

    def grade(self, works: dict[str, Path]) -> None:
        """Grade the works that have no stored result. If one cannot be graded, `result` raises the error later.

        Args:
            works: notebooks by student.

        Raises:
            SandboxError: there is no sandbox.
        """
        hand_ins = {student: hand_in_of(work) for student, work in works.items()}
        batch = Batch(self.spec, hand_ins, self.folder, self._cache)
        with contextlib.suppress(UsageError):  # another run uses the folder, so `result` grades each notebook
            for _ in batch.grade(self._open_grading):
                pass

    def result(self, student: str, work: Path) -> SubmissionResult:
        """Return a student's result, from the store or graded now.

        Raises:
            GraderError: grading failed, by the grader's own fault.
        """
        refuse_course_inside(work, self.spec.catalog)
        task = Task(student, collect_for(self.spec.catalog, hand_in_of(work), student))
        key = self.spec.key(task.raw)
        result = self._cache.get(key)
        if result is None:
            result = without_intake(self._grade_now(task), task.raw, self.spec)
            self._cache.put(key, result)
        for check in result.errors:
            raise GraderError(f"{student} has no grade: {check.id}: {check.message}")
        return with_intake(result, task, self.spec)

    def _grade_now(self, task: Task) -> SubmissionResult:
        with self._open_grading(1) as grade_tasks:
            (graded,) = grade_tasks([task])
        if graded.result is None:
            raise GraderError(f"{task.name} has no grade: {graded.reason}")
        return graded.result

    @property
    def _cache(self) -> ResultStore:
        return ResultStore(self.folder / "cache")

    @contextlib.contextmanager
    def _open_grading(self, count: int, _: Collection[str] = ()) -> Iterator[GradeTasks]:
        """Yield a grader for some tasks: for one task this process, which stays warm for the next click in formgrader."""
        sandbox = warm_sandbox(self.spec.catalog.preload)
        if count == 1 and self.spec.facts == _first_facts(self.spec.catalog.root, self.spec.units):
            yield grade_in_turn(Grader(self.spec, sandbox))
        else:
            sandbox.require(self.spec.require)
            with Jobs(min(self.jobs or usable_cores(), count), self.spec, sandbox) as grade_tasks:
                yield grade_tasks


def notebook_spec(course: str, unit: str, *, trusted: bool) -> GradingSpec:
    """Return the spec by which a notebook of a unit is graded, from the course as it is now.

    Raises:
        UsageError: the course has no such unit.
    """
    catalog = read_catalog(Path(course))
    if unit not in catalog.units:
        raise UsageError(f"no unit is called {unit!r}; a notebook is graded in the sandbox under the name of its unit")
    return GradingSpec(catalog, course_secret(), (unit,), require=() if trusted else REQUIRED)


@functools.cache
def _first_facts(root: Path, units: tuple[str, ...]) -> dict[str, str]:
    """Return the facts of the course as they were at the first call, when this process imported its checks."""
    return GradingSpec(read_catalog(root), b"", units).facts


_open = contextlib.ExitStack()
atexit.register(_open.close)


@functools.cache
def warm_sandbox(preload: tuple[str, ...]) -> Sandbox:
    """Return the sandbox of this process, which stays until it ends."""
    return _open.enter_context(Sandbox(preload))
