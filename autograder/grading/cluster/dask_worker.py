"""A station: what a worker of the cluster grades with. It starts at the first task and stays for the next."""

import atexit
import contextlib
import functools
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from distributed import get_worker

from autograder.course.catalog import find_course, read_catalog
from autograder.errors import AutograderError, UsageError
from autograder.grading.batch import Judge, Task
from autograder.grading.jobs import Jobs
from autograder.grading.spec import GradingSpec, course_facts
from autograder.sandbox import Sandbox

#: Where the course lies on a worker's machine, if it is neither in its folder nor beside the package.
COURSE = "IDEALCAT_COURSE"
_lock = threading.Lock()
_own = threading.local()
_open = contextlib.ExitStack()
atexit.register(_open.close)


@dataclass(frozen=True)
class Assignment:
    """GradingSpec, as they travel: a worker has a course of its own, and `facts` say whether it is the same.

    Attributes:
        secret, units, seed, device, require: as of `GradingSpec`.
        facts: those of the class's own machine, as pairs.
    """

    secret: bytes
    units: tuple[str, ...]
    seed: str
    device: str
    require: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, spec: GradingSpec) -> "Assignment":
        """The assignment for some spec."""
        facts = tuple(sorted(spec.facts.items()))
        return cls(spec.secret, spec.units, spec.seed, spec.device, spec.require, facts)


@dataclass(frozen=True)
class Refusal:
    """Why a worker may not grade: its address, and what it has that the class's own machine has not."""

    worker: str
    reason: str


def grade_here(assignment: Assignment, task: Task) -> tuple[str, str] | Refusal:
    """The JSON of a result, or else the reason why there is none; run by a worker, in any of its threads."""
    try:
        (judged,) = _judge(assignment)([task])
    except AutograderError as error:
        return Refusal(get_worker().address, str(error))
    return (judged.result.to_json() if judged.result is not None else "", judged.reason)


def _judge(assignment: Assignment) -> Judge:
    """This thread's job; those of all threads have their memory from one zygote."""
    held: tuple[Assignment, Judge] | None = getattr(_own, "held", None)
    if held is None or held[0] != assignment:
        with _lock:
            held = (assignment, _jobs(assignment).alike().graded)
        _own.held = held
    return held[1]


@functools.lru_cache(maxsize=4)
def _jobs(assignment: Assignment) -> Jobs:
    spec = _terms(assignment)
    sandbox = _open.enter_context(Sandbox(spec.catalog.preload, gpu=spec.device == "cuda"))
    sandbox.require(spec.require)
    jobs = Jobs(1, spec, sandbox, spec.device == "cuda")
    _open.enter_context(jobs)
    return jobs


def _terms(assignment: Assignment) -> GradingSpec:
    """The terms by the course that is here.

    Raises:
        UsageError: they are others.
    """
    named = os.environ.get(COURSE)
    root = find_course(*([Path(named)] if named else []), Path.cwd(), Path(__file__).parent)
    if root is None:
        raise UsageError(f"it has no course; start it in the folder of one, or set {COURSE} to that")
    catalog = read_catalog(root)
    here, there = course_facts(catalog, assignment.units), dict(assignment.facts)
    other = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    if other:
        raise UsageError(f"it has other {', other '.join(other)} than the machine that sends the submissions")
    return GradingSpec(
        catalog, assignment.secret, assignment.units, assignment.seed, assignment.device, assignment.require
    )
