"""A whole assignment graded ahead, over all cores: each notebook of nbgrader's run then only looks its result up.

A result is found by the content of the work and by all else that a mark depends on, and by nothing else: no notebook can have
another's mark, and one that was changed meanwhile is graded when its turn comes.
"""

import atexit
import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, UsageError
from autograder.grading.batch import Batch
from autograder.grading.grade import Grader, grade_in_turn
from autograder.grading.jobs import Jobs
from autograder.grading.spec import GradingSpec, course_secret
from autograder.grading.tasks import GradeTasks, Task
from autograder.results.store import ResultStore
from autograder.results.types import SubmissionResult
from autograder.sandbox import REQUIRED, Sandbox
from autograder.submissions import collect_for, refuse_course_inside


@dataclass(frozen=True)
class Ahead:
    """The results of an assignment.

    Attributes:
        spec: what it is graded by.
        folder: where the results stay, for later runs too.
        jobs: how many notebooks are graded at once; as many as there are cores where it is 0.
    """

    spec: GradingSpec
    folder: Path
    jobs: int = 0

    def grade(self, works: dict[str, Path]) -> None:
        """Grades what has not been graded before; who cannot be graded is told of by `result`.

        Args:
            works: notebooks by student.

        Raises:
            SandboxError: without a sandbox none can be graded.
        """
        batch = Batch(self.spec, works, self.folder, self._cache)
        with contextlib.suppress(UsageError):  # another run is at it: then each notebook has its turn
            for _ in batch.grade(self._grading):
                pass

    def result(self, student: str, work: Path) -> SubmissionResult:
        """A student's result, from the store or graded now.

        Raises:
            GraderError: there is no grade, by the grader's own fault.
        """
        refuse_course_inside(work, self.spec.catalog)
        task = Task(student, collect_for(self.spec.catalog, work))
        key = self.spec.key(task.raw)
        result = self._cache.get(key)
        if result is None:
            result = self._graded(task)
            self._cache.put(key, result)
        for check in result.errors:
            raise GraderError(f"{student} has no grade: {check.id}: {check.message}")
        return replace(result, name=student)

    def _graded(self, task: Task) -> SubmissionResult:
        with self._grading(1) as grade_tasks:
            (graded,) = grade_tasks([task])
        if graded.result is None:
            raise GraderError(f"{task.name} has no grade: {graded.reason}")
        return graded.result

    @property
    def _cache(self) -> ResultStore:
        return ResultStore(self.folder / "cache")

    @contextlib.contextmanager
    def _grading(self, count: int) -> Iterator[GradeTasks]:
        """Yield what grades so many: this process, which stays warm for the formgrader's next click, or several."""
        sandbox = _warm(self.spec.catalog.preload)
        if count == 1 and self.spec.facts == _facts_imported(self.spec.catalog.root, self.spec.units):
            yield grade_in_turn(Grader(self.spec, sandbox))
        else:
            sandbox.require(self.spec.require)
            with Jobs(min(self.jobs or _cores(), count), self.spec, sandbox) as grade_tasks:
                yield grade_tasks


def notebook_spec(course: str, unit: str, *, trusted: bool) -> GradingSpec:
    """What a notebook is graded by: the course as it is now.

    Raises:
        UsageError: it has no such unit.
    """
    catalog = read_catalog(Path(course))
    if unit not in catalog.units:
        raise UsageError(f"no unit is called {unit!r}; a notebook is graded in the sandbox under the name of its unit")
    return GradingSpec(catalog, course_secret(), (unit,), require=() if trusted else REQUIRED)


@functools.cache
def _facts_imported(root: Path, units: tuple[str, ...]) -> dict[str, str]:
    """The course as it was when this process first graded by it: its checks stay imported, whatever becomes of the files."""
    return GradingSpec(read_catalog(root), b"", units).facts


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_open = contextlib.ExitStack()
atexit.register(_open.close)


@functools.cache
def _warm(preload: tuple[str, ...]) -> Sandbox:
    return _open.enter_context(Sandbox(preload))
