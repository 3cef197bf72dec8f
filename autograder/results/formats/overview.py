"""The class at a glance: one row for each submission."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.results.manual import ManualPoints, Mark, mark_of
from autograder.results.types import Outcome, SubmissionResult

_WORDS = {
    Outcome.NOT_RUN: "not run",
    Outcome.NOT_WRITTEN: "not written",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.CRASHED: "crashed",
    Outcome.BLOCKED: "blocked",
    Outcome.ERROR: "grader's own errors",
}


@dataclass(frozen=True)
class Row:
    """What a table says of one submission."""

    name: str
    points: str
    remarks: str


def row(result: SubmissionResult, by_hand: Iterable[ManualPoints] = ()) -> Row:
    """The row of one result, with points given by hand."""
    mark = mark_of(result, by_hand)
    points = "no grade" if result.errors else f"{mark.score:g} / {mark.max_score:g}"
    return Row(result.name, points, "; ".join(filter(None, (_by_hand(mark), _remarks(result)))))


def _by_hand(mark: Mark) -> str:
    return f"by hand: {', '.join(each.function or 'all' for each in mark.given)}" if mark.given else ""


def _remarks(result: SubmissionResult) -> str:
    """The known mistakes by name, else the note on the whole, else what kept the checks from passing."""
    mistakes = list(dict.fromkeys(check.mistake for check in result.checks if check.mistake))
    if mistakes:
        return ", ".join(mistakes)
    if result.notes:
        return result.notes[0]
    messages = {check.message for check in result.checks if check.outcome is Outcome.FAILED}
    if len(messages) == 1:
        return messages.pop()
    counts: Counter[Outcome] = Counter(check.outcome for check in result.checks if check.outcome is not Outcome.PASSED)
    return ", ".join(f"{counts[outcome]} {words}" for outcome, words in _WORDS.items() if counts[outcome])
