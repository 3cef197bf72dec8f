"""Points given by hand: a table that a person writes and that grading only ever reads, `manual.csv` beside the results.

    submission,function,points,comment
    alice,denoise,4,the idea is right
    bob,,2,found a mistake in the lecture

Points for a function replace those of its checks; points without a function are added to the score. A spreadsheet may
separate the columns by semicolons or tabs, write the headings in capitals, and write 2,5 for 2.5.
"""

import csv
import difflib
import io
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UsageError

COLUMNS = ("submission", "function", "points", "comment")
_NEEDED = COLUMNS[:3]


@dataclass(frozen=True)
class ManualPoints:
    """One line of the table.

    Attributes:
        submission: name of the submission.
        function: whose points these replace; empty for points that are added to the score.
        points: number of points; below zero only without a function.
        comment: for the student.
        line: number of the line in the file.
    """

    submission: str
    function: str
    points: float
    comment: str = ""
    line: int = field(default=0, compare=False)


def read_manual(path: Path, functions: Mapping[str, float]) -> tuple[ManualPoints, ...]:
    """Read the table; an absent file is an empty one.

    Args:
        path: the file.
        functions: the most points that each function of the course can get.

    Raises:
        UsageError: the file is no such table, or a line of it makes no sense; the sentence says which and what to do.
    """
    if not path.exists():
        return ()
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(_rows(text, path))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read as a table ({error}); save it as CSV in UTF-8") from error
    return tuple(_line(row, line, path, functions) for line, row in rows)


def unknown_submissions(manual: Collection[ManualPoints], names: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each line whose submission is not among these names."""
    for line in manual:
        if line.submission not in names:
            near = difflib.get_close_matches(line.submission, names, n=1)
            advice = f"is it {near[0]}?" if near else "nobody gets these points"
            yield f"line {line.line} of manual.csv: there is no submission {line.submission}; {advice}"


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows that hold anything, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    headings = [cell.strip().casefold() for cell in next(reader, [])]
    for name in _NEEDED:
        if name not in headings:
            raise UsageError(f"line 1 of {path} has no column {name}; the headings are {','.join(COLUMNS)}")
    for row in reader:
        cells = [cell.strip() for cell in row]
        if any(cells):
            yield reader.line_num, dict(zip(headings, cells, strict=False))


def _delimiter(text: str) -> str:
    """Return the separator that splits the headings into most columns."""
    return max(",;\t", key=text.partition("\n")[0].count)


def _line(row: Mapping[str, str], number: int, path: Path, functions: Mapping[str, float]) -> ManualPoints:
    where = f"line {number} of {path}"
    submission, function, points, comment = (row.get(name, "") for name in COLUMNS)
    if not submission:
        raise UsageError(f"{where} names no submission; write its name into the first column, or delete the line")
    if function and function not in functions:
        near = difflib.get_close_matches(function, functions, n=1)
        advice = f"is it {near[0]}?" if near else "leave it empty to add the points to the score"
        raise UsageError(f"{where}: the course has no function {function}; {advice}")
    value = _number(points)
    if value is None or (function and value < 0):
        raise UsageError(f"{where}: {points or 'nothing'} is no number of points; write a number such as 4 or 2.5")
    if function and value > functions[function]:
        advice = "for more, add a line without a function"
        raise UsageError(f"{where}: {points} is more than the {functions[function]:g} points of {function}; {advice}")
    return ManualPoints(submission, function, value, comment, number)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
