"""What a new grading changes: whose marks, by how much, and which checks are the reason."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autograder.results.manual import ManualPoints, mark_of
from autograder.results.types import CheckResult, SubmissionResult


@dataclass(frozen=True)
class Change:
    """One submission whose mark, or whose checks, a new grading changes.

    Attributes:
        name: of the submission.
        before, after: what it has; `none` where there was no result, `no grade` after a fault of the grader's.
        by: the difference with its sign; empty where there is no number.
        why: a line for each check that is the reason.
    """

    name: str
    before: str
    after: str
    by: str
    why: tuple[str, ...]


def changes(
    pairs: Iterable[tuple[SubmissionResult | None, SubmissionResult]], by_hand: Iterable[ManualPoints] = ()
) -> Iterator[Change]:
    """The changes between published results and new ones."""
    lines = tuple(by_hand)
    for old, new in pairs:
        why = tuple(_why(old, new))
        before, after = _score(old, lines), _score(new, lines)
        if why or before != after:
            by = f"{after - before:+g}" if isinstance(before, float) and isinstance(after, float) else ""
            yield Change(new.name, _shown(before), _shown(after), by, why)


def _score(result: SubmissionResult | None, by_hand: tuple[ManualPoints, ...]) -> float | str:
    if result is None:
        return "none"
    return "no grade" if result.errors else mark_of(result, by_hand).score


def _shown(score: float | str) -> str:
    return score if isinstance(score, str) else f"{score:g}"


def _why(old: SubmissionResult | None, new: SubmissionResult) -> Iterator[str]:
    if old is None:
        return
    before = {check.id: check for check in old.checks}
    after = {check.id: check for check in new.checks}
    for name in dict.fromkeys((*before, *after)):
        line = _reason(before.get(name), after.get(name))
        if line:
            yield f"{name}: {line}"


def _reason(old: CheckResult | None, new: CheckResult | None) -> str:
    if old is None or new is None:
        only = new or old
        assert only is not None
        return f"{'new' if old is None else 'gone'}, {only.outcome.replace('_', ' ')}, {only.points:g} of {only.max_points:g}"
    if (old.outcome, old.max_points) == (new.outcome, new.max_points):
        return ""
    outcome = f"{old.outcome} -> {new.outcome}".replace("_", " ") if old.outcome != new.outcome else str(new.outcome)
    return f"{outcome}, {old.points:g} -> {new.points:g} of {new.max_points:g}"
