"""GitHub and GitLab: what a job says of a mark in its log, which both turn into something that a student sees."""

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, storable
from autograder.results.wording import explanation, points_line, score_line


def github(mark: Mark, folder: str = "exercises") -> str:
    """Return workflow commands: the points as a notice, and each fault beside the line of the student's file.

    Args:
        mark: of one submission.
        folder: that holds the student's files in the repository.
    """
    lines = dict.fromkeys(_annotation(check, folder) for check in mark.result.checks if _speaks(check))
    points = f"::notice title=Points::{_escaped(score_line(mark))}"
    return storable("".join(f"{line}\n" for line in (points, *lines)))


def gitlab(mark: Mark) -> str:
    """Return the points by unit, and in the last line all of them with their share, which a job's `coverage` reads.

    Without a grade there is no share, and GitLab shows none.
    """
    units = [f"{unit.name}: {points_line(unit.points, unit.max_points)}" for unit in mark.units.values()]
    share = ""
    if mark.score is not None and mark.max_score:
        share = f" ({100 * min(max(mark.score / mark.max_score, 0.0), 1.0):.1f} %)"
    return storable("\n".join((*units, f"Points: {score_line(mark)}{share}")) + "\n")


def _speaks(check: CheckResult) -> bool:
    silent = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_WRITTEN, Outcome.NOT_RUN)
    return check.outcome not in silent and bool(check.message)


def _annotation(check: CheckResult, folder: str) -> str:
    place = f"file={_property(f'{folder}/{check.unit}.py')}"
    place += f",line={check.line}" if check.line else ""
    return f"::error {place},title={_property(check.function)}::{_escaped(explanation(check))}"


def _escaped(text: str) -> str:
    """Return text for a workflow command, which ends at a line's end and reads % as the start of a code."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
