"""Grade a submission again as an earlier result says: the same seed, units and device.

This audits a mark: does it come out again, and if not, what has changed since?
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.errors import UsageError
from autograder.grading.grade import Grader, Workers
from autograder.grading.source import GradedWork
from autograder.grading.spec import GradingSpec
from autograder.results.formats.difference import changes
from autograder.results.mark import mark
from autograder.results.types import CheckResult, SubmissionResult
from autograder.sandbox import REQUIRED
from autograder.submissions import Submission, read_for
from autograder.submissions.hand_in import HandIn


@dataclass(frozen=True)
class Replay:
    """A result graded again, compared with the first.

    Attributes:
        result: the new result.
        conditions: what has changed since the first one was made: versions, machine, checks, isolation; a line each.
        differences: what came out otherwise; a line each.
    """

    result: SubmissionResult
    conditions: tuple[str, ...]
    differences: tuple[str, ...]


def replay(
    before: SubmissionResult, path: Path, catalog: Catalog, workers: Workers, require: tuple[str, ...] | None = None
) -> Replay:
    """Grade a submission again as an earlier result was graded.

    Args:
        before: the earlier result.
        path: the submission, or the class's folder or zip with it inside.
        catalog: the course.
        workers: where the student's code runs.
        require: rungs of isolation that must hold there; by default the usual ones if it was isolated before, else none.

    Raises:
        UsageError: the submission does not exist, or is not the one that was graded.
        GraderError: the checks cannot be run.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; give the folder, archive or file that was graded")
    submission = _submission_of(before, path, catalog)
    spec = GradingSpec(
        catalog,
        units=tuple(dict.fromkeys(check.unit for check in before.checks)),
        seed=before.seed,
        device=before.device,
        require=(REQUIRED if before.isolation else ()) if require is None else require,
    )
    result = Grader(spec, workers).grade(submission, before.name)
    return Replay(result, tuple(_changed_conditions(before, result)), tuple(_differences(before, result)))


def _submission_of(before: SubmissionResult, path: Path, catalog: Catalog) -> Submission:
    """Return the submission that a result was made from: all that a path holds, or one student's part of it.

    Raises:
        UsageError: neither has the content that was graded.
    """
    digest = before.hashes.get("submission")
    submission = read_for(catalog, HandIn.alone(path))
    if submission.digest == digest:
        return submission
    found = GradedWork([path], catalog).find(before)
    if found is not None:
        return found
    raise UsageError(f"{path} is not what was graded: its content is another than that of {before.name}")


def _changed_conditions(before: SubmissionResult, after: SubmissionResult) -> Iterator[str]:
    for what, old, new in (
        ("the version of {}", before.versions, after.versions),
        ("the machine's {}", before.machine, after.machine),
        ("the content of the {}", before.hashes, after.hashes),
        ("the limit {}", before.limits, after.limits),
    ):
        for name in old:
            if name in new and old[name] != new[name]:
                yield f"{what.format(name)} was {old[name]} and is {new[name]}"
    for rung in before.isolation:
        if rung not in after.isolation:
            yield f"the rung {rung} was in force and is not"


def _differences(before: SubmissionResult, after: SubmissionResult) -> Iterator[str]:
    for change in changes([(mark(before), mark(after))]):
        yield from change.why or (f"{change.before} -> {change.after}",)
    again = {check.id: check for check in after.checks}
    for check in before.checks:
        if check.id in again and _verdict(check) != _verdict(again[check.id]):
            yield f"{check.id}: said {check.message!r}, and now {again[check.id].message!r}"


def _verdict(check: CheckResult) -> tuple[str, str, str | None]:
    return check.outcome, check.message, check.mistake
