"""Find what a new grading changes: whose marks, by how much, and which checks are the reason."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, points_text
from autograder.results.wording import NO_GRADE, WORDS


@dataclass(frozen=True)
class Change:
    """One submission whose mark, or whose checks, a new grading changes.

    Attributes:
        name: the name of the submission.
        before, after: its scores; `none` if there was no result, `no grade` after a fault of the grader's.
        by: the difference with its sign; empty without two numbers.
        why: a line for each check that is the reason.
        size: the size of the difference; infinite if there is a number on one side alone.
    """

    name: str
    before: str
    after: str
    by: str
    why: tuple[str, ...]
    size: float = field(default=0.0, compare=False)

    @property
    def moves(self) -> bool:
        """Return True if the mark itself changes."""
        return self.before != self.after


def changes(pairs: Iterable[tuple[Mark | None, Mark]]) -> list[Change]:
    """Return the changes from published marks to new ones: those that move a mark come first, the largest before all."""
    return sorted(_changes(pairs), key=lambda change: (not change.moves, -change.size))


def _changes(pairs: Iterable[tuple[Mark | None, Mark]]) -> Iterator[Change]:
    for old, new in pairs:
        why = tuple(_why(old, new))
        before, after = _score(old), _score(new)
        if why or before != after:
            yield Change(new.name, before, after, _difference(old, new), why, _size(old, new))


def _score(mark: Mark | None) -> str:
    if mark is None:
        return "none"
    return NO_GRADE if mark.score is None else points_text(mark.score)


def _difference(old: Mark | None, new: Mark) -> str:
    if old is None or old.score is None or new.score is None:
        return ""
    change = new.score - old.score
    return f"{'-' if change < 0 else '+'}{points_text(abs(change))}"


def _size(old: Mark | None, new: Mark) -> float:
    before, after = None if old is None else old.score, new.score
    if before is None or after is None:
        return 0.0 if before is after else math.inf
    return abs(after - before)


def _why(old: Mark | None, new: Mark) -> Iterator[str]:
    if old is None:
        return
    before = {check.id: check for check in old.result.checks}
    after = {check.id: check for check in new.result.checks}
    for name in dict.fromkeys((*before, *after)):
        line = _reason(before.get(name), after.get(name))
        if line:
            yield f"{name}: {line}"


def _ending(check: CheckResult) -> tuple[Outcome, float, str]:
    """Return the facts of a check whose change can move a mark: a check may give a share of its points without passing."""
    return check.outcome, check.max_points, points_text(check.points)


def _reason(old: CheckResult | None, new: CheckResult | None) -> str:
    if old is None or new is None:
        only = new or old
        assert only is not None
        earned = f"{points_text(only.points)} of {points_text(only.max_points)}"
        return f"{'new' if old is None else 'gone'}, {WORDS[only.outcome]}, {earned}"
    if _ending(old) == _ending(new):
        return ""
    outcome = WORDS[new.outcome] if old.outcome == new.outcome else f"{WORDS[old.outcome]} -> {WORDS[new.outcome]}"
    return f"{outcome}, {points_text(old.points)} -> {points_text(new.points)} of {points_text(new.max_points)}"
