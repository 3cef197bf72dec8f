"""GitHub and GitLab: what a job says of a mark in its log, which both turn into something that a student sees."""

from collections.abc import Iterator

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, storable
from autograder.results.wording import explanation, manual_text, points_line, score_line


def github(mark: Mark, folder: str = "exercises") -> str:
    """Return workflow commands: the points as a notice, and faults and comments beside the lines of the student's file.

    Args:
        mark: the mark of one submission.
        folder: that holds the student's files in the repository.
    """
    lines = dict.fromkeys(_annotation(check, folder) for check in mark.result.checks if _speaks(check))
    total = f"::notice title=Points::{_escape(score_line(mark))}"
    return storable("".join(f"{line}\n" for line in (total, *lines, *_by_hand(mark, folder))))


def _by_hand(mark: Mark, folder: str) -> Iterator[str]:
    """Yield a notice for each line of points by hand, and beside its line each comment that a person wrote."""
    for name, line, most in mark.manual_entries():
        yield f"::notice title={_property(name)}::{_escape(manual_text(line, most))}"
    for comment in mark.comments:
        place = f"file={_property(f'{folder}/{comment.unit}.py')},line={comment.line}"
        yield f"::notice {place},title=Comment::{_escape(comment.comment)}"


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
    return f"::error {place},title={_property(check.function)}::{_escape(explanation(check))}"


def _escape(text: str) -> str:
    """Return text for a workflow command, which ends at a line's end and reads % as the start of a code."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
