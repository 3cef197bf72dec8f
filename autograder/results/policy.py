"""Deadlines and what else an instructor decides about marks: records of `class.toml`, and pure functions on them."""

import difflib
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from autograder.errors import UsageError
from autograder.results.mark import Mark
from autograder.results.types import points_text, read_moment


@dataclass(frozen=True)
class LateRule:
    """Cost of lateness.

    Attributes:
        percent: for each hour or day begun, in `[0, 100]`.
        per: `hour` or `day`. A day ends at the wall-clock time of the deadline, also when the clocks change.
        of: `earned` takes the percentage of the points earned, `maximum` of those that can be had.
        most: no more than this, in percent.
        cut_off: a later hand-in gets nothing; None for no such limit.
        steps: (lateness, percent) pairs in place of `percent`; the largest percent of the steps that are exceeded counts.
        budget: days of lateness that cost nothing.
    """

    percent: float = 0.0
    per: str = "day"
    of: str = "earned"
    most: float = 100.0
    cut_off: timedelta | None = None
    steps: tuple[tuple[timedelta, float], ...] = ()
    budget: int = 0


@dataclass(frozen=True)
class TermRule:
    """Rule by which the assignments of a term are summed up.

    Attributes:
        weights: by assignment; the points of each if empty.
        drop: number of assignments that are dropped, those whose absence helps most.
        bonus: assignments whose points count while their maximum does not.
        budget: days of lateness over the whole term that cost nothing, besides those of each assignment.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    drop: int = 0
    bonus: tuple[str, ...] = ()
    budget: int = 0


@dataclass(frozen=True)
class Policy:
    """The decisions in one `class.toml`.

    Attributes:
        due: the deadline; None for none.
        zone: time zone of moments that name none.
        grace: lateness up to this long is none.
        late: what lateness costs.
        extensions: by student, a later deadline or how much later it is.
        exempt: by student, the units that do not count; an empty tuple means all units.
        drop: number of units whose points are dropped, those whose absence helps most.
        bonus: units whose points count while their maximum does not.
        term: how assignments are summed up; read beside the roster of the term.
        best: True if the best attempt counts, not the last.
    """

    due: datetime | None = None
    zone: ZoneInfo | None = None
    grace: timedelta = timedelta()
    late: LateRule = LateRule()
    extensions: Mapping[str, datetime | timedelta] = field(default_factory=dict)
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: int = 0
    bonus: tuple[str, ...] = ()
    term: TermRule = TermRule()
    best: bool = False


@dataclass(frozen=True)
class AdjustedPoints:
    """Points after a policy.

    Attributes:
        score: in points, below 0 only by points by hand; None for a student who is exempt.
        max_score: in points.
        trail: one short sentence for each step that changed something, in order.
        days: begun days of lateness, those that the budget paid for among them.
    """

    score: float | None
    max_score: float
    trail: tuple[str, ...] = ()
    days: int = 0


def adjust(
    points: Mapping[str, float],
    maxima: Mapping[str, float],
    policy: Policy,
    student: str = "",
    at: str = "",
    *,
    added: float = 0.0,
) -> AdjustedPoints:
    """Apply a policy to one student's points.

    An extension never lowers the result, and neither do more points. Points below 0 take off no more than was earned.

    Args:
        points: by unit.
        maxima: what can be had, by the same units.
        policy: the decisions.
        student: the name that extensions and exemptions go by.
        at: moment of the hand-in, ISO 8601; empty if it is not known, which is not late.
        added: points by hand for the whole.
    """
    excused = set(policy.exempt.get(student, ()))
    counted = [unit for unit in maxima if unit not in excused]
    from_all = student in policy.exempt and not excused
    if from_all or (maxima and not counted):
        return AdjustedPoints(None, score_without_worst(points, maxima, 0, policy.bonus).max_score, ("exempt",))
    trail = [f"without {unit}, from which {student} is exempt" for unit in maxima if unit in excused]
    kept = score_without_worst(points, {unit: maxima[unit] for unit in counted}, policy.drop, policy.bonus)
    trail += [f"{unit} dropped" for unit in kept.dropped]
    score, maximum = max(0.0, kept.score + added), kept.max_score
    late = lateness(at, policy, student)
    if late is None:
        return AdjustedPoints(score, maximum, tuple(trail))
    paid = min(policy.late.budget, late.days)
    percent = 100.0 if late.cut_off else percent_off(late, policy.late, paid)
    base = score if policy.late.of == "earned" else maximum
    left = score - max(0.0, min(base * percent / 100, score))
    shown = _count_of(late.count, policy.late.per)
    free = f", {_count_of(paid, 'day')} of it free" if paid else ""
    reason = "after the cut-off" if late.cut_off else f"{shown} late{free}"
    return AdjustedPoints(left, maximum, (*trail, f"{reason}: -{percent:g} %"), late.days)


@dataclass(frozen=True)
class Lateness:
    """Lateness of a hand-in.

    Attributes:
        count: begun hours or days, as the rule counts.
        days: begun days.
        after: time after the deadline, by which hours, grace, steps and the cut-off count; see `_time_after`.
        cut_off: True if it came after the cut-off.
    """

    count: int
    days: int
    after: timedelta
    cut_off: bool = False


def lateness(at: str, policy: Policy, student: str = "") -> Lateness | None:
    """Return how late a hand-in was by the rule; None if it was in time, or if nobody knows."""
    if policy.due is None or not at:
        return None
    moment = _moment(at, policy)
    dues = [in_zone(policy.due, policy)]
    extension = policy.extensions.get(student)
    if extension is not None:
        dues.append(dues[0] + extension if isinstance(extension, timedelta) else in_zone(extension, policy))
    # In the hour that comes twice when the clocks go back, a later deadline may count more days than an earlier one.
    after = min(_time_after(moment, due) for due in dues)
    if after <= max(policy.grace, timedelta()):
        return None
    days = min(_begun_days(moment, each) for each in dues)
    count = days if policy.late.per == "day" else math.ceil(after / timedelta(hours=1))
    cut_off = policy.late.cut_off is not None and after > policy.late.cut_off
    return Lateness(count, days, after, cut_off)


def decide(mark: Mark, policy: Policy, at: str = "") -> Mark:
    """Return the mark that counts under a policy, with the trail that leads to it.

    Args:
        mark: the mark of one submission; one without a grade stays as it is.
        policy: the decisions.
        at: moment of the hand-in; see `adjust`.
    """
    if mark.score is None:
        return mark
    earned = {unit.name: unit.points for unit in mark.units.values()}
    maxima = {unit.name: unit.max_points for unit in mark.units.values()}
    added = math.fsum(line.points for line in mark.added)
    found = adjust(earned, maxima, policy, mark.name, at, added=added)
    trail = (points_text(mark.score), *found.trail) if found.trail else ()
    return replace(mark, score=found.score, max_score=found.max_score, trail=trail)


def decider_by(rules: Policy | None, moments: Mapping[str, str]) -> Callable[[Mark], Mark] | None:
    """Return what decides a mark by the rules of a class and the moments of its hand-ins; None without rules."""
    return None if rules is None else lambda mark: decide(mark, rules, moments.get(mark.name, ""))


def unheeded_rules(rules: Policy, names: Collection[str], units: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each rule, student and unit in `class.toml` that has no effect: without a deadline, or not there.

    Args:
        rules: what the file says.
        names: the names of the submissions.
        units: the units of the course.
    """
    if rules.due is None and rules.late != LateRule():
        yield "class.toml says what lateness costs and has no deadline, so nobody is late; write `due` under [deadline]"
    for table, students in (("extensions", rules.extensions), ("exempt", rules.exempt)):
        for name in students:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1) or [
                    each for each in names if each.casefold() == name.casefold()
                ]
                advice = f"is it {near[0]}?" if near else "it counts for nobody; write the name as in grades.csv"
                yield f"[{table}] of class.toml: there is no submission {name}; {advice}"
    for unit in dict.fromkeys((*rules.bonus, *itertools.chain.from_iterable(rules.exempt.values()))):
        if unit not in units:
            near = difflib.get_close_matches(unit, units, n=1)
            yield f"class.toml: the course has no unit {unit}{f'; is it {near[0]}?' if near else ''}"


def percent_off(late: Lateness, rule: LateRule, paid: int) -> float:
    """Return the percent that lateness costs if so many days of it are free."""
    if rule.steps:
        after = late.after - timedelta(days=paid)
        exceeded = [percent for limit, percent in rule.steps if after > limit]
        return min(rule.most, max(exceeded, default=0.0))
    count = late.count - (paid if rule.per == "day" else 24 * paid)
    return min(rule.most, rule.percent * max(0, count))


@dataclass(frozen=True)
class KeptPoints:
    """Points without the worst units.

    Attributes:
        score: scaled so that the maximum stays that of all units.
        max_score: the maximum of all units but those of a bonus.
        dropped: names of the units that do not count.
    """

    score: float
    max_score: float
    dropped: tuple[str, ...] = ()


def score_without_worst(
    points: Mapping[str, float], maxima: Mapping[str, float], drop: int, bonus: Collection[str]
) -> KeptPoints:
    """Drop the units whose absence helps most.

    Args:
        points: by unit; a unit that is not there has none.
        maxima: the maxima of the units that count.
        drop: number of units to drop; one is always kept.
        bonus: units whose points count while their maximum does not; they are never dropped.
    """
    counting = [unit for unit in maxima if unit not in bonus]
    extra = math.fsum(points.get(unit, 0.0) for unit in maxima if unit in bonus)
    whole = math.fsum(maxima[unit] for unit in counting)
    drop = min(drop, len(counting) - 1) if counting else 0

    def share(kept: Iterable[str]) -> float:
        most = math.fsum(maxima[unit] for unit in kept)
        return math.fsum(points.get(unit, 0.0) for unit in kept) / most if most else 0.0

    if drop <= 0:
        return KeptPoints(math.fsum(points.get(unit, 0.0) for unit in counting) + extra, whole)

    def furthest_above(reached: float) -> list[str]:
        below = sorted(counting, key=lambda unit: reached * maxima[unit] - points.get(unit, 0.0))
        return below[: len(counting) - drop]

    # The units of the best share are those furthest above it; few rounds find it (Dinkelbach, 1967).
    best = counting[: len(counting) - drop]
    while share(better := furthest_above(share(best))) > share(best):
        best = better
    return KeptPoints(share(best) * whole + extra, whole, tuple(unit for unit in counting if unit not in best))


def _time_after(moment: datetime, due: datetime) -> timedelta:
    """Return how long after a deadline a moment is; negative before it.

    This is the time that has passed, with one exception: a day that has 25 hours because the clocks go back counts as 24 once
    it has ended.
    """
    passed = moment.astimezone(UTC) - due.astimezone(UTC)
    if passed <= timedelta():
        return passed
    ended = _begun_days(moment, due) - 1
    of_last_day = moment.astimezone(UTC) - _days_later(due, ended).astimezone(UTC)
    return min(passed, timedelta(days=ended) + min(of_last_day, timedelta(days=1)))


def _begun_days(moment: datetime, due: datetime) -> int:
    """Count the days begun since a deadline, each of which ends at its wall-clock time."""
    count = max(0, math.floor((moment - due) / timedelta(days=1)) - 1)
    while moment.astimezone(UTC) > _days_later(due, count).astimezone(UTC):
        count += 1
    return count


def _days_later(due: datetime, days: int) -> datetime:
    return (due.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=due.tzinfo, fold=due.fold)


def _moment(text: str, policy: Policy) -> datetime:
    try:
        return in_zone(read_moment(text), policy)
    except ValueError as error:
        raise UsageError(f"{text!r} is no moment of a hand-in; write one such as 2026-11-20T23:59:00") from error


def in_zone(moment: datetime, policy: Policy) -> datetime:
    """Return a moment with its zone: the policy's, or UTC, for one that names none."""
    zone = policy.zone or UTC
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _count_of(count: int, noun: str) -> str:
    return f"one {noun}" if count == 1 else f"{count} {noun}s"
