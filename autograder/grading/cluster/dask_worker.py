"""Grade on a worker of the cluster. What that takes starts at the first task and stays for the next."""

import atexit
import contextlib
import threading
from dataclasses import dataclass, replace

from distributed import get_worker

from autograder.course.catalog import course_here
from autograder.errors import AutograderError, UsageError
from autograder.grading.jobs import Jobs
from autograder.grading.spec import GradingSpec
from autograder.grading.tasks import GradeTasks, Task
from autograder.sandbox import Sandbox

_lock = threading.Lock()
_own = threading.local()
_open = contextlib.ExitStack()
atexit.register(_open.close)
#: By the digest of what they grade by, which holds the course's content too.
_jobs: dict[str, Jobs] = {}


@dataclass(frozen=True)
class Refusal:
    """Why a worker may not grade: its address, and what differs from the machine that sends the submissions."""

    worker: str
    reason: str


def grade_here(spec: GradingSpec, facts: dict[str, str], task: Task) -> tuple[str, str] | Refusal:
    """Grade a task in this thread of a worker.

    Args:
        spec: what is graded by; its course is the sender's, and the one that is here takes its place.
        facts: the sender's, which must be those of this machine.
        task: the submission.

    Returns:
        The JSON of the result, or an empty text and the reason why there is none; or why this worker may not grade.
    """
    try:
        (graded,) = _grading(spec, facts)([task])
    except AutograderError as error:
        return Refusal(get_worker().address, str(error))
    return (graded.result.to_json() if graded.result is not None else "", graded.reason)


def _grading(spec: GradingSpec, facts: dict[str, str]) -> GradeTasks:
    """Return what this thread grades with: a job of its own, whose memory comes from the zygote that all threads share."""
    held: tuple[GradingSpec, dict[str, str], GradeTasks] | None = getattr(_own, "held", None)
    if held is None or held[:2] != (spec, facts):
        with _lock:
            held = (spec, facts, _jobs_for(_spec_here(spec, facts)).alike().grade)
        _own.held = held
    return held[2]


def _jobs_for(spec: GradingSpec) -> Jobs:
    if spec.digest not in _jobs:
        sandbox = _open.enter_context(Sandbox(spec.catalog.preload, gpu=spec.gpu))
        sandbox.require(spec.require)
        jobs = Jobs(1, spec, sandbox)
        _open.enter_context(jobs)
        _jobs[spec.digest] = jobs
    return _jobs[spec.digest]


def _spec_here(spec: GradingSpec, facts: dict[str, str]) -> GradingSpec:
    """Return the spec with the course that is here.

    Raises:
        UsageError: there is no course here, or marks by it would be others.
    """
    here = replace(spec, catalog=course_here())
    other = [name for name in sorted({*here.facts, *facts}) if here.facts.get(name) != facts.get(name)]
    if other:
        raise UsageError(f"it has other {', '.join(other)} than the machine that sends the submissions")
    return here
