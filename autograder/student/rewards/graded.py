"""The pictures of a submission that has been graded: drawn again from what its functions return, in the sandbox."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from autograder.checks.remote import Transport
from autograder.course.catalog import Catalog
from autograder.errors import CheckError, StudentFault
from autograder.results.types import SubmissionResult
from autograder.student.rewards.drawing import Reward, reward
from autograder.submissions import read_for

#: Gives a fresh worker.
OpenWorker = Callable[[], AbstractContextManager[Transport]]

#: A page holds its pictures; one that is larger is left out.
_MAX_BYTES = 500_000


def pictures_of(result: SubmissionResult, path: Path, catalog: Catalog, open_worker: OpenWorker) -> dict[str, Reward]:
    """The pictures of the units that a submission has passed, by unit.

    Args:
        result: of the submission.
        path: where it lies; where that is not what was graded, there are no pictures.
        catalog: of the course.
        open_worker: gives what its functions are called in.
    """
    submission = read_for(catalog, path)
    if submission.digest != result.hashes.get("submission"):
        return {}
    pictures = {}
    for unit in _passed(result, catalog):
        try:
            with open_worker() as worker:
                drawn = reward(catalog, unit, submission.sources, worker)
        except (StudentFault, CheckError):
            continue  # a picture may ask for more than the checks do, and is worth no points
        if drawn is not None and len(drawn.png) <= _MAX_BYTES:
            pictures[unit] = drawn
    return pictures


def _passed(result: SubmissionResult, catalog: Catalog) -> list[str]:
    def open_points(unit: str) -> float:
        return math.fsum(check.max_points - check.points for check in result.checks if check.unit == unit)

    names = dict.fromkeys(check.unit for check in result.checks)
    return [unit for unit in names if unit in catalog.units and not open_points(unit)]
