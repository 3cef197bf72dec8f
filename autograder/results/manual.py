"""Points given by hand: a table that a person writes and that grading only ever reads, `manual.csv` beside the results.

    submission,function,points,comment
    alice,denoise,4,the idea is right
    bob,,2,found a mistake in the lecture

Points for a function stand in place of what its checks gave; points without a function are added to the whole.
"""

import csv
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError
from autograder.results.types import SubmissionResult

COLUMNS = ("submission", "function", "points", "comment")


@dataclass(frozen=True)
class ManualPoints:
    """One line of the table."""

    submission: str
    function: str
    points: float
    comment: str = ""


@dataclass(frozen=True)
class Mark:
    """What a submission has in the end.

    Attributes:
        score: all points.
        max_score: those that can be had.
        units: points by unit, those for a function by hand included.
        given: what was given by hand.
    """

    score: float
    max_score: float
    units: dict[str, float]
    given: tuple[ManualPoints, ...] = ()


def read_manual(path: Path, functions: Collection[str]) -> tuple[ManualPoints, ...]:
    """The lines of the table; none where there is no such file.

    Raises:
        UsageError: some line makes no sense; the sentence says which.
    """
    if not path.exists():
        return ()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a table ({error}); save it as CSV in UTF-8") from error
    return tuple(_line(row, f"line {number} of {path}", functions) for number, row in enumerate(rows, 2))


def _line(row: dict[str, str | None], where: str, functions: Collection[str]) -> ManualPoints:
    submission, function, points, comment = ((row.get(name) or "").strip() for name in COLUMNS)
    if not submission:
        raise UsageError(f"{where} names no submission; the table begins with {','.join(COLUMNS)}")
    if function and function not in functions:
        raise UsageError(
            f"{where}: the course has no function {function}; without one the points are added to the whole"
        )
    try:
        number = float(points.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (function and number < 0):
        raise UsageError(f"{where}: {points or 'nothing'} is no number of points; write a number such as 4 or 2.5")
    return ManualPoints(submission, function, number, comment)


def mark_of(result: SubmissionResult, lines: Iterable[ManualPoints] = ()) -> Mark:
    """The points of a result, with those given by hand; of two lines for one function the later counts."""
    given = tuple(line for line in lines if line.submission == result.name)
    instead = {line.function: line.points for line in given if line.function}
    units: dict[str, float] = {}
    seen: set[str] = set()
    for check in result.checks:
        points = check.points
        if check.function in instead:
            points = 0.0 if check.function in seen else instead[check.function]
            seen.add(check.function)
        units[check.unit] = units.get(check.unit, 0.0) + points
    added = math.fsum(line.points for line in given if not line.function)
    return Mark(math.fsum(units.values()) + added, result.max_score, units, given)
