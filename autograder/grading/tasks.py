"""Submissions on their way to being graded, by this process, by jobs or by a cluster."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from autograder.results.types import SubmissionResult
from autograder.submissions import RawSubmission


@dataclass(frozen=True)
class Task:
    """A submission to be graded, and the name that its result bears."""

    name: str
    raw: RawSubmission


@dataclass(frozen=True)
class GradedTask:
    """A task and its result; `result` is None if the grader itself failed, for the `reason` given."""

    task: Task
    result: SubmissionResult | None
    reason: str = ""


#: Grades tasks, in any order, and takes the next when it has room for one.
GradeTasks = Callable[[Iterable[Task]], Iterator[GradedTask]]
