"""Make the mark of a term: for each student the assignments of `autograder grade` together, by `[term]` of `class.toml`.

    [term]
    drop = 1
    bonus = ["lab9"]
    budget = 5

    [term.weights]
    lab1 = 10
    lab2 = 30

An assignment is called as its folder of results. Without weights each counts by its points. The mark of a term is a `Mark`
whose units are the assignments, so that every form of a class renders it.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from autograder.errors import UsageError
from autograder.results import policy
from autograder.results.mark import Mark, UnitMark
from autograder.results.policy import Policy, TermRule
from autograder.results.types import SubmissionResult, points_text
from autograder.results.wording import NO_GRADE

#: What a student without a result in an assignment gets.
_NOTHING = "not handed in"


@dataclass(frozen=True)
class Assignment:
    """One graded assignment of a term.

    Attributes:
        name: the name of its folder of results.
        marks: before any policy, by the student's name in the roster.
        rules: what its own `class.toml` decides.
        moments: the moments of the hand-ins, by the same names.
    """

    name: str
    marks: Mapping[str, Mark]
    rules: Policy
    moments: Mapping[str, str]

    @property
    def due(self) -> datetime:
        """Return the deadline in UTC; the end of time if there is none."""
        due = self.rules.due
        return datetime.max.replace(tzinfo=UTC) if due is None else policy.in_zone(due, self.rules).astimezone(UTC)

    @property
    def max_score(self) -> float:
        """Return the most points that anybody can have in it, without those of bonus units."""
        return max(map(self._max_score_of, self.marks.values()), default=0.0)

    def _max_score_of(self, mark: Mark) -> float:
        return math.fsum(unit.max_points for unit in mark.units.values() if unit.name not in self.rules.bonus)

    def settle(self, student: str, budget: int) -> tuple[Mark | None, int]:
        """Return the mark of a student, None without one, and the days that it takes from the budget of the term."""
        mark = self.marks.get(student)
        if mark is None:
            return None, 0
        own, at = self.rules.late.budget, self.moments.get(student, "")
        late = policy.lateness(at, self.rules, mark.name)
        if late is None or late.cut_off or not policy.percent_off(late, self.rules.late, min(own, late.days)):
            return policy.decide(mark, self.rules, at), 0
        settled = policy.decide(mark, replace(self.rules, late=replace(self.rules.late, budget=own + budget)), at)
        return settled, 0 if settled.score is None else max(0, min(budget, late.days - own))


def term_marks(assignments: Sequence[Assignment], students: Iterable[str], rule: TermRule) -> list[Mark]:
    """Return the term's mark of each student.

    The days of the term's budget go to the assignments in the order of their deadlines, so that neither points nor the
    order of grading changes what they pay for.

    Raises:
        UsageError: the rule names an assignment that is not here, or leaves the weight of one open.
    """
    names = [each.name for each in assignments]
    for name in (*rule.weights, *rule.bonus):
        if name not in names:
            raise UsageError(f"[term] names {name}, and there are {', '.join(names)}; call it as its folder of results")
    open_ones = [name for name in names if rule.weights and name not in rule.weights]
    if open_ones:
        raise UsageError(f"[term.weights] has no weight for {open_ones[0]}; write one, or 0")
    weights = {each.name: rule.weights.get(each.name, each.max_score) for each in assignments}
    return [_mark(student, assignments, weights, rule) for student in students]


def _mark(student: str, assignments: Sequence[Assignment], weights: Mapping[str, float], rule: TermRule) -> Mark:
    left = rule.budget
    marks: dict[str, Mark | None] = {}
    for each in sorted(assignments, key=lambda one: one.due):
        marks[each.name], spent = each.settle(student, left)
        left -= spent
    parts: dict[str, float] = {}
    trail: list[str] = []
    for name in weights:
        mark = marks[name]
        if mark is not None and mark.score is None and not mark.result.errors:
            trail.append(f"{name}: {', '.join(mark.trail[1:])}")  # exempt
            continue
        parts[name] = _share(mark) * weights[name]
        trail += _remark(name, mark)
    counted = {name: weights[name] for name in parts}
    kept = policy.score_without_worst(parts, counted, rule.drop, rule.bonus)
    whole = math.fsum(weight for name, weight in weights.items() if name not in rule.bonus)
    extra = math.fsum(parts.get(name, 0.0) for name in rule.bonus)
    total = (kept.score - extra) * whole / kept.max_score + extra if kept.max_score else kept.score
    trail += [f"{name} dropped" for name in kept.dropped]
    if rule.budget - left:
        trail.append(f"{rule.budget - left} of {rule.budget} late days of the term used")
    units = {name: UnitMark(name, points, weights[name], {}) for name, points in parts.items()}
    broken = any(mark is not None and mark.result.errors for mark in marks.values())
    made = None if broken or not parts else total
    return Mark(
        SubmissionResult(student), units, (), made, whole, False, trail=(points_text(total), *trail) if trail else ()
    )


def _share(mark: Mark | None) -> float:
    """Return the share of an assignment's points that a student has; 0 without a mark."""
    if mark is None or not mark.score:
        return 0.0
    return mark.score / mark.max_score if mark.max_score else 0.0


def _remark(name: str, mark: Mark | None) -> list[str]:
    """Return what the trail of the term says of an assignment: one line, or none."""
    if mark is None:
        return [f"{name}: {_NOTHING}"]
    if mark.score is None:
        return [f"{name}: {NO_GRADE}"]
    waiting = mark.open_questions()
    told = [*mark.trail[1:], *([f"not graded yet: {', '.join(waiting)}"] if waiting else [])]
    return [f"{name}: {', '.join(told)}"] if told else []


def folder_names(folders: Iterable[str], shorter: Callable[[str], str], longer: Callable[[str], str]) -> dict[str, str]:
    """Return a name for each folder: the shorter one, or the longer if two have the same.

    Raises:
        UsageError: one folder is given twice.
    """
    given = list(folders)
    if len(set(given)) < len(given):
        raise UsageError("one folder of results is given twice; give each assignment once")
    short = [shorter(folder) for folder in given]
    return {
        folder: name if short.count(name) == 1 else longer(folder) for folder, name in zip(given, short, strict=True)
    }
