"""Deadlines and what else an instructor decides about marks: `class.toml` beside the submissions, and pure functions on it.

    [deadline]
    due = 2026-11-20T23:59:00
    zone = "Europe/Vilnius"
    grace = "15 minutes"

    [late]
    percent = 10
    per = "day"
    of = "earned"
    most = 50
    cut_off = "7 days"
    budget = 3

    [extensions]
    alice = 2026-11-25T23:59:00
    bob = "2 days"

    [exempt]
    carl = ["quiz"]
    dora = []

    [units]
    drop = 1
    bonus = ["domain_shift"]

Everything may be left out. All tables and keys: docs/classes.md.
"""

import csv
import itertools
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from autograder.errors import UsageError
from autograder.results.mark import Mark
from autograder.results.wording import points as written

FILENAME = "class.toml"
_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_TABLES: dict[str, set[str]] = {
    "deadline": {"due", "zone", "grace"},
    "late": {"percent", "per", "of", "most", "cut_off", "budget", "steps"},
    "extensions": set(),
    "exempt": set(),
    "units": {"drop", "bonus"},
}


@dataclass(frozen=True)
class LateRule:
    """Cost of lateness.

    Attributes:
        percent: for each hour or day begun, in `[0, 100]`.
        per: `hour` or `day`. A day ends at the wall-clock time of the deadline, also when the clocks change.
        of: `earned` takes the percentage of the points earned, `maximum` of those that can be had.
        most: no more than this, in percent.
        cut_off: a later hand-in gets nothing; None for no such limit.
        steps: (lateness, percent) pairs in place of `percent`; the last one that is exceeded counts.
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
class Policy:
    """The decisions in one `class.toml`.

    Attributes:
        due: the deadline; None for none.
        zone: time zone of moments that name none.
        grace: lateness up to this long is none.
        late: what lateness costs.
        extensions: a later deadline by student, or how much later it is.
        exempt: units that do not count by student; none named means all.
        drop: number of units whose points are dropped, those whose absence helps most.
        bonus: units whose points count while their maximum does not.
    """

    due: datetime | None = None
    zone: ZoneInfo | None = None
    grace: timedelta = timedelta()
    late: LateRule = LateRule()
    extensions: Mapping[str, datetime | timedelta] = field(default_factory=dict)
    exempt: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: int = 0
    bonus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Adjusted:
    """Points after a policy.

    Attributes:
        score: in points, at least 0; None for a student who is exempt.
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
) -> Adjusted:
    """Apply a policy to one student's points.

    An extension never lowers the result, and neither do more points.

    Args:
        points: by unit.
        maxima: what can be had, by the same units.
        policy: the decisions.
        student: the name that extensions and exemptions go by.
        at: moment of the hand-in, ISO 8601; empty if it is not known, which is not late.
        added: points by hand for the whole.
    """
    if student in policy.exempt and not policy.exempt[student]:
        return Adjusted(None, math.fsum(maxima.values()), ("exempt",))
    excused = set(policy.exempt.get(student, ()))
    counted = [unit for unit in maxima if unit not in excused]
    trail = [f"without {unit}, from which {student} is exempt" for unit in maxima if unit in excused]
    score, maximum, dropped = _best_share(counted, points, maxima, policy)
    trail += [f"{unit} dropped" for unit in dropped]
    score += added
    late = lateness(at, policy, student)
    if late is None:
        return Adjusted(score, maximum, tuple(trail))
    paid = min(policy.late.budget, late.days)
    percent = 100.0 if late.cut_off else _percent(late, policy.late, paid)
    base = score if policy.late.of == "earned" else maximum
    left = max(0.0, score - base * percent / 100)
    shown = _spoken(late.count, policy.late.per)
    free = f", {_spoken(paid, 'day')} of it free" if paid else ""
    reason = "after the cut-off" if late.cut_off else f"{shown} late{free}"
    return Adjusted(left, maximum, (*trail, f"{reason}: -{percent:g} %"), late.days)


@dataclass(frozen=True)
class Lateness:
    """How late a hand-in was.

    Attributes:
        count: begun hours or days, as the rule counts.
        days: begun days.
        after: time after the deadline.
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
    dues = [_aware(policy.due, policy)]
    extension = policy.extensions.get(student)
    if extension is not None:
        dues.append(dues[0] + extension if isinstance(extension, timedelta) else _aware(extension, policy))
    due = max(dues)
    after = moment - due
    if after <= max(policy.grace, timedelta()):
        return None
    # In the hour that comes twice when the clocks go back, a later deadline may count more days than an earlier one.
    days = min(_begun_days(moment, each) for each in dues)
    count = days if policy.late.per == "day" else math.ceil(after / timedelta(hours=1))
    cut_off = policy.late.cut_off is not None and after > policy.late.cut_off
    return Lateness(count, days, after, cut_off)


def decide(mark: Mark, policy: Policy, at: str = "") -> Mark:
    """Return the mark that counts under a policy, with the trail that leads to it.

    Args:
        mark: of one submission; one without a grade stays as it is.
        policy: the decisions.
        at: moment of the hand-in; see `adjust`.
    """
    if mark.score is None:
        return mark
    earned = {unit.name: unit.points for unit in mark.units.values()}
    maxima = {unit.name: unit.max_points for unit in mark.units.values()}
    added = math.fsum(line.points for line in mark.added)
    found = adjust(earned, maxima, policy, mark.name, at, added=added)
    trail = (written(mark.score), *found.trail) if found.trail else ()
    return replace(mark, score=found.score, max_score=found.max_score, trail=trail)


def read_moments(path: Path) -> dict[str, str]:
    """Read the moment of each student's hand-in from `intake.csv`; there are none without the file.

    Raises:
        UsageError: it cannot be read.
    """
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["student"]: row["submitted"] for row in csv.DictReader(file) if not row["reason"]}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read ({error}); grade the class again, which writes it") from error


def _percent(late: Lateness, rule: LateRule, paid: int) -> float:
    if rule.steps:
        after = late.after - timedelta(days=paid)
        exceeded = [percent for limit, percent in rule.steps if after > limit]
        return min(rule.most, max(exceeded, default=0.0))
    count = late.count - (paid if rule.per == "day" else 24 * paid)
    return min(rule.most, rule.percent * max(0, count))


def _best_share(
    units: list[str], points: Mapping[str, float], maxima: Mapping[str, float], policy: Policy
) -> tuple[float, float, list[str]]:
    """Return score, maximum and dropped units; the score is scaled so that the maximum stays that of all units."""
    counting = [unit for unit in units if unit not in policy.bonus]
    bonus = math.fsum(points.get(unit, 0.0) for unit in units if unit in policy.bonus)
    whole = math.fsum(maxima[unit] for unit in counting)
    drop = min(policy.drop, len(counting) - 1) if counting else 0

    def share(kept: tuple[str, ...]) -> float:
        most = math.fsum(maxima[unit] for unit in kept)
        return math.fsum(points.get(unit, 0.0) for unit in kept) / most if most else 0.0

    if drop <= 0:
        return math.fsum(points.get(unit, 0.0) for unit in counting) + bonus, whole, []
    best = max(itertools.combinations(counting, len(counting) - drop), key=share)
    return share(best) * whole + bonus, whole, [unit for unit in counting if unit not in best]


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
        return _aware(datetime.fromisoformat(text.replace(" Z", "+00:00").replace(" UTC", "+00:00")), policy)
    except ValueError as error:
        raise UsageError(f"{text!r} is no moment of a hand-in; write one such as 2026-11-20T23:59:00") from error


def _aware(moment: datetime, policy: Policy) -> datetime:
    zone = policy.zone or UTC
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)


def _spoken(count: int, noun: str) -> str:
    return f"one {noun}" if count == 1 else f"{count} {noun}s"


def read_policy(path: Path) -> Policy:
    """Read `class.toml`; without such a file everything counts as it is.

    Raises:
        UsageError: it cannot be read, or a key or value in it makes no sense; the sentence says which.
    """
    if not path.exists():
        return Policy()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read ({error}); mend it, or take it away") from error
    for table, values in tables.items():
        if table not in _TABLES or not isinstance(values, dict):
            raise UsageError(f"{path}: there is no table [{table}]; there are {', '.join(_TABLES)}")
        for key in values:
            if _TABLES[table] and key not in _TABLES[table]:
                raise UsageError(f"{path}: [{table}] has no {key}; it has {', '.join(sorted(_TABLES[table]))}")
    return _policy(tables, path)


def _policy(tables: Mapping[str, dict[str, Any]], path: Path) -> Policy:
    deadline, late, units = (tables.get(name, {}) for name in ("deadline", "late", "units"))
    rule = LateRule(
        percent=_number(late, "percent", 0.0, path, 100.0),
        per=_one_of(late, "per", ("day", "hour"), path),
        of=_one_of(late, "of", ("earned", "maximum"), path),
        most=_number(late, "most", 100.0, path, 100.0),
        cut_off=_duration(late["cut_off"], f"{path}: cut_off") if "cut_off" in late else None,
        steps=tuple(
            (_duration(step.get("after"), f"{path}: after"), _number(step, "percent", 0.0, path, 100.0))
            for step in late.get("steps", ())
        ),
        budget=int(_number(late, "budget", 0, path)),
    )
    return Policy(
        due=_date(deadline["due"], f"{path}: due") if "due" in deadline else None,
        zone=_zone(deadline.get("zone", ""), path),
        grace=_duration(deadline.get("grace", "0 minutes"), f"{path}: grace"),
        late=rule,
        extensions={
            name: value if isinstance(value, datetime) else _duration(value, f"{path}: the extension of {name}")
            for name, value in tables.get("extensions", {}).items()
        },
        exempt={name: tuple(value) for name, value in tables.get("exempt", {}).items()},
        drop=int(_number(units, "drop", 0, path)),
        bonus=tuple(units.get("bonus", ())),
    )


def _date(value: object, what: str) -> datetime:
    if not isinstance(value, datetime):
        raise UsageError(f"{what} is {value!r} and no moment; write one such as 2026-11-20T23:59:00, without quotes")
    return value


def _duration(value: object, what: str) -> timedelta:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *(minute|hour|day|week)s?", value) if isinstance(value, str) else None
    if found is None:
        raise UsageError(f'{what} is {value!r} and no length of time; write one such as "2 days"')
    return timedelta(seconds=float(found[1]) * _UNITS[found[2]])


def _number(table: Mapping[str, Any], key: str, default: float, path: Path, most: float = math.inf) -> float:
    value = table.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        bounds = "at least 0" if most == math.inf else f"from 0 to {most:g}"
        raise UsageError(f"{path}: {key} is {value!r}; write a number {bounds}")
    return float(value)


def _one_of(table: Mapping[str, Any], key: str, allowed: tuple[str, ...], path: Path) -> str:
    value = table.get(key, allowed[0])
    if value not in allowed:
        raise UsageError(f"{path}: {key} is {value!r}; it is one of {', '.join(allowed)}")
    return str(value)


def _zone(name: str, path: Path) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UsageError(f"{path}: there is no time zone {name!r}; write one such as Europe/Vilnius") from error
