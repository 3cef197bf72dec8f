"""A result, graded again from what it holds: the same seed, units and device, on the same submission.

An audit of a mark: whether it comes out again, and where it does not, what is not as it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.errors import UsageError
from autograder.grading.grade import Grader, Workers
from autograder.results.formats.difference import changes
from autograder.results.mark import mark
from autograder.results.types import CheckResult, SubmissionResult
from autograder.sandbox import REQUIRED
from autograder.submissions import read_submission


@dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        result: the new result.
        spec: what is not as it was when the first one was made: versions, checks, isolation; a line each.
        differences: what came out otherwise; a line each.
    """

    result: SubmissionResult
    spec: tuple[str, ...]
    differences: tuple[str, ...]


def replay(before: SubmissionResult, path: Path, catalog: Catalog, sandbox: Workers) -> Replay:
    """Grades a submission again as an earlier result was graded.

    Args:
        before: the earlier result.
        path: the submission.
        catalog: of the course.
        sandbox: where the student's code runs.

    Raises:
        UsageError: the submission is not the one that was graded.
        GraderError: the checks cannot be run.
    """
    submission = read_submission(path, catalog.units, catalog.functions)
    if submission.digest != before.hashes.get("submission"):
        raise UsageError(f"{path} is not what was graded: its content is another than that of {before.name}")
    units = list(dict.fromkeys(check.unit for check in before.checks))
    require = REQUIRED if before.isolation else ()
    grader = Grader(catalog, sandbox, units=units, seed=before.seed, device=before.device, require=require)
    result = grader.judge(submission, before.name)
    return Replay(result, tuple(_terms(before, result)), tuple(_differences(before, result)))


def _terms(before: SubmissionResult, after: SubmissionResult) -> Iterator[str]:
    for what, old, new in (
        ("the version of {}", before.versions, after.versions),
        ("the content of the {}", before.hashes, after.hashes),
        ("the limit {}", before.limits, after.limits),
    ):
        for name in old.keys() & new.keys():
            if old[name] != new[name]:
                yield f"{what.format(name)} was {old[name]} and is {new[name]}"
    for rung in before.isolation:
        if rung not in after.isolation:
            yield f"the rung {rung} was in force and is not"


def _differences(before: SubmissionResult, after: SubmissionResult) -> Iterator[str]:
    for change in changes([(mark(before), mark(after))]):
        yield from change.why or (f"{change.before} -> {change.after}",)
    again = {check.id: check for check in after.checks}
    for check in before.checks:
        if check.id in again and _said(check) != _said(again[check.id]):
            yield f"{check.id}: said {check.message!r}, and now {again[check.id].message!r}"


def _said(check: CheckResult) -> tuple[str, str, str | None]:
    return check.outcome, check.message, check.mistake
