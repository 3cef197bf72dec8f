"""Say how true marks are: how often right modules lose points and wrong ones keep them, and what the choice of checks does.

Shares stand with their 95 % interval by Wilson (1927), "Probable inference, the law of succession, and statistical
inference", which is right for few cases and for shares of 0 and 1 too.
"""

import math
import random
import statistics
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from autograder.course.units import Unit
from autograder.results.types import CheckResult, Outcome

#: Kinds of modules that are handed in, in the order of the page: right ones, then wrong ones.
RIGHT = ("solution", "alternative", "given as right")
WRONG = ("known mistake", "mutant", "nothing", "shortcut", "given as wrong")

#: Shares of the mixtures of two mistakes that must be named truly, and that may be named falsely.
MIXTURES_NAMED, MIXTURES_FALSE = 0.8, 0.01

_Z = 1.959964  # the normal distribution's, for 95 %
_STUDENTS = 200
_REDRAWS = 200


@dataclass(frozen=True)
class Verdict:
    """Verdict of the checks on one function of one module.

    Attributes:
        kind: one of `RIGHT` or `WRONG`.
        unit: the unit.
        function: the function that is right or wrong.
        name: the name of the module.
        failed: the checks of the function that did not pass.
        passed: the checks of the function that passed.
    """

    kind: str
    unit: str
    function: str
    name: str
    failed: frozenset[str]
    passed: frozenset[str]


def verdict(kind: str, unit: str, function: str, name: str, checks: Iterable[CheckResult]) -> Verdict:
    """Return the verdict on a function, made of the checks of its unit."""
    own = [check for check in checks if check.function == function]
    passed = frozenset(check.id for check in own if check.outcome is Outcome.PASSED)
    return Verdict(kind, unit, function, name, frozenset(check.id for check in own) - passed, passed)


@dataclass(frozen=True)
class Share:
    """Share of cases, as two counts, with its 95 % interval."""

    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return the lower and the upper bound by Wilson's formula; (0, 1) if there is no case."""
        if not self.total:
            return 0.0, 1.0
        share, square = self.count / self.total, _Z**2 / self.total
        centre = (share + square / 2) / (1 + square)
        reach = _Z * math.sqrt(share * (1 - share) / self.total + square / (4 * self.total)) / (1 + square)
        return max(0.0, centre - reach), min(1.0, centre + reach)


@dataclass(frozen=True)
class Redrawn:
    """Points by which marks move if checks are drawn anew: the root mean square, and the bound that 95 % of marks keep."""

    typical: float
    most: float


@dataclass(frozen=True)
class FunctionValidity:
    """The figures of one function; `loses` and `keeps` are by kind, `alone` has the checks that alone catch known mistakes."""

    unit: str
    name: str
    points: float
    loses: dict[str, Share]
    keeps: dict[str, Share]
    alone: Sequence[tuple[str, int]]
    redrawn: Redrawn


@dataclass(frozen=True)
class Validity:
    """The figures of some units, function by function and as a whole."""

    functions: Sequence[FunctionValidity]
    loses: dict[str, Share]
    keeps: dict[str, Share]
    points: float
    redrawn: Redrawn
    escapes: Sequence[str]


@dataclass
class NamedMixtures:
    """Counts of mixtures of two known mistakes by how they were named, and the seconds that each took.

    Attributes:
        true: number of mixtures called by one of their mistakes, or by both.
        false: number of mixtures called by any other mistake.
        seconds: the seconds of each mixture that was tried.
    """

    true: int = 0
    false: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, named: Collection[str], pair: Collection[str], seconds: float) -> None:
        """Count a mixture of a pair of mistakes, by the names that it was given."""
        true = set(named) <= set(pair)
        self.true += bool(named) and true
        self.false += not true
        self.seconds.append(seconds)

    def __add__(self, other: "NamedMixtures") -> "NamedMixtures":
        return NamedMixtures(self.true + other.true, self.false + other.false, self.seconds + other.seconds)

    @property
    def good(self) -> bool:
        """Return True if enough are named truly, and few enough falsely."""
        tried = len(self.seconds)
        return not tried or (self.true / tried >= MIXTURES_NAMED and self.false / tried < MIXTURES_FALSE)

    def __str__(self) -> str:
        tried = len(self.seconds)
        return (
            f"{tried} pairs tried, {self.true} named truly, {self.false} falsely, {tried - self.true - self.false} not,"
            f" in {sum(self.seconds) / max(tried, 1):.1f} s each"
        )


@dataclass
class Verdicts:
    """All verdicts of a verification. A module that was graded on several seeds counts once, by its worst seed."""

    by_module: dict[tuple[str, str, str, str], Verdict] = field(default_factory=dict)

    def add(self, new: Verdict) -> None:
        """Add a verdict: on a right module the one with the most failed checks counts, on a wrong one that with the fewest."""
        key = new.kind, new.unit, new.function, new.name
        known = self.by_module.setdefault(key, new)
        worse = len(new.failed) > len(known.failed) if new.kind in RIGHT else len(new.failed) < len(known.failed)
        if worse:
            self.by_module[key] = new

    def validity(self, units: Sequence[Unit], max_points: dict[str, float]) -> Validity:
        """Return the figures.

        Args:
            units: those that were verified.
            max_points: the most points of each check, by its id.
        """
        rng = random.Random(0)  # so that the figures of two runs agree
        all_verdicts = list(self.by_module.values())
        functions, moves = [], []
        for unit in units:
            for function in unit.functions.values():
                own = [each for each in all_verdicts if (each.unit, each.function) == (unit.name, function.name)]
                moved = _moves([each for each in own if each.kind == "known mistake"], max_points, function.points, rng)
                moves.append(moved)
                functions.append(
                    FunctionValidity(
                        unit.name,
                        function.name,
                        function.points,
                        _shares(own, RIGHT, failed=True),
                        _shares(own, WRONG, failed=False),
                        _alone(own),
                        _redraw(list(chain.from_iterable(moved))),
                    )
                )
        return Validity(
            functions,
            _shares(all_verdicts, RIGHT, failed=True),
            _shares(all_verdicts, WRONG, failed=False),
            sum(function.points for function in functions),
            _redraw(_whole_marks(moves, rng)),
            tuple(_escape(each) for each in all_verdicts if bool(each.failed) == (each.kind in RIGHT)),
        )


def _escape(wrong: Verdict) -> str:
    what = f"loses {', '.join(sorted(wrong.failed))}" if wrong.kind in RIGHT else "keeps its points"
    return f"{wrong.kind} {wrong.name} of {wrong.unit}, {wrong.function}: {what}"


def _shares(verdicts: Sequence[Verdict], kinds: Sequence[str], *, failed: bool) -> dict[str, Share]:
    return {
        kind: Share(sum(bool(each.failed) == failed for each in own), len(own))
        for kind in kinds
        if (own := [each for each in verdicts if each.kind == kind])
    }


def _alone(verdicts: Iterable[Verdict]) -> Sequence[tuple[str, int]]:
    """Return the checks that are the only one to catch some known mistake, with how many each."""
    caught = [each.failed for each in verdicts if each.kind == "known mistake" and len(each.failed) == 1]
    return Counter(check for failed in caught for check in failed).most_common()


def _moves(
    mistakes: Sequence[Verdict], max_points: dict[str, float], points: float, rng: random.Random
) -> list[list[float]]:
    """Return by how many points each known mistake's mark moves (rows) when as many checks are drawn anew (columns)."""
    ids = sorted({check for each in mistakes for check in each.failed | each.passed})
    if not ids:
        return [[0.0] * _REDRAWS]
    draws = [rng.choices(ids, k=len(ids)) for _ in range(_REDRAWS)]
    return [
        [points * (_kept_share(each, draw, max_points) - _kept_share(each, ids, max_points)) for draw in draws]
        for each in mistakes
    ]


def _kept_share(mistake: Verdict, ids: Sequence[str], max_points: dict[str, float]) -> float:
    """Return the share of points that a mistake keeps if the function has these checks; 0 if the checks give no points."""
    whole = sum(max_points[check] for check in ids)
    return sum(max_points[check] for check in ids if check in mistake.passed) / whole if whole else 0.0


def _whole_marks(moves: Sequence[list[list[float]]], rng: random.Random) -> list[float]:
    """Return by how much marks move, for students who each make one known mistake in every function, drawn at random."""
    students = [[rng.choice(mistakes) for mistakes in moves] for _ in range(_STUDENTS)]
    return [sum(moved) for made in students for moved in zip(*made, strict=True)] or [0.0]


def _redraw(moves: Sequence[float]) -> Redrawn:
    most = sorted(map(abs, moves))[math.ceil(0.95 * len(moves)) - 1]
    return Redrawn(math.sqrt(statistics.fmean(move**2 for move in moves)), most)
