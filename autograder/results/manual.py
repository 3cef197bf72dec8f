"""Points and comments given by hand: tables that people write and that grading only ever reads, beside the results.

    submission,function,points,comment,rubric,unit,line
    alice,denoise,4,the idea is right,,,
    bob,,2,found a mistake in the lecture,,,
    alice,why,,well put,root; corner,,
    alice,denoise,,this copies every step,,,87

Points for a function replace those of its checks; points without a function are added to the score, which they bring down to 0
at most; a comment without both is one on the whole. A question gets points, or the items of its rubric that its answer has, or
both: then the points count. A row with a line is a comment on that line of the student's file. A spreadsheet may separate the
columns by semicolons or tabs, write the headings in capitals, and write 2,5.

Each assistant has a file, `manual-ann.csv`, so that nobody's editor writes over another's rows. All files count together with
`manual.csv`; two rows for the points of one function, or of two files for the same added points, are refused with their
places.
"""

import csv
import difflib
import io
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.units import Question
from autograder.errors import UsageError
from autograder.results.foreign_tables import BEFORE_HEADING, delimiter_of, table_text, unquote
from autograder.results.types import points_text

COLUMNS = ("submission", "function", "points", "comment")
_NEEDED = COLUMNS[:3]
#: Columns that a person fills in for a question.
FILLED = ("points", "comment", "rubric")
#: File of points by hand beside the folder of the results, and those of several assistants.
MANUAL = "manual.csv"
_OF_ASSISTANTS = "manual-*.csv"


@dataclass(frozen=True)
class ManualPoints:
    """Points of one row of the table.

    Attributes:
        submission: name of the submission.
        function: whose points these replace; empty for points that are added to the score.
        points: number of points; below zero only without a function.
        comment: for the student.
        rubric: names of the items that the answer to a question has.
        table_line: number of the line in the table.
        file: name of the table.
    """

    submission: str
    function: str
    points: float
    comment: str = ""
    rubric: tuple[str, ...] = ()
    table_line: int = field(default=0, compare=False)
    file: str = field(default=MANUAL, compare=False)


@dataclass(frozen=True)
class LineComment:
    """A comment on one line of a student's file.

    Attributes:
        submission: name of the submission.
        unit: whose file it is.
        line: its number in the student's file.
        comment: for the student.
        table_line: number of the line in the table.
        file: name of the table.
    """

    submission: str
    unit: str
    line: int
    comment: str
    table_line: int = field(default=0, compare=False)
    file: str = field(default=MANUAL, compare=False)


#: A row that counts.
ManualRow = ManualPoints | LineComment


def read_manual(path: Path, functions: Mapping[str, float], catalog: Catalog | None = None) -> tuple[ManualRow, ...]:
    """Read one table; a file that does not exist has no rows.

    Args:
        path: the file.
        functions: the most points that each function of the course can get.
        catalog: the catalog of the course, for its questions and for the units of comments on lines.

    Raises:
        UsageError: the file is no such table, or a line of it makes no sense; the sentence says which and what to do.
    """
    questions = catalog.questions if catalog is not None else {}
    places = catalog.places if catalog is not None else {}
    read = (_row(row, line, path, functions, questions, places) for line, row in _read_rows(path))
    return tuple(row for row in read if row is not None)


def read_tables(folder: Path, catalog: Catalog) -> tuple[ManualRow, ...]:
    """Read the tables of all assistants beside some results.

    Raises:
        UsageError: one is no such table, or two of them give the same points.
    """
    rows: list[ManualRow] = []
    given: dict[tuple[str, str, str], ManualPoints] = {}
    for path in [folder / MANUAL, *sorted(folder.glob(_OF_ASSISTANTS))]:
        own = read_manual(path, catalog.points, catalog)
        for row in (row for row in own if isinstance(row, ManualPoints)):
            key = (row.submission, row.function, "" if row.function else f"{row.points} {row.comment}")
            other = given.setdefault(key, row)
            if other is not row and (other.file != row.file or row.function):
                what = row.function or "added points"
                both = f"{points_text(other.points)} and {points_text(row.points)}"
                raise UsageError(
                    f"line {other.table_line} of {other.file} and line {row.table_line} of {row.file} both give points to"
                    f" {row.submission} for {what}: {both}; keep one of the two"
                )
        rows += own
    return tuple(rows)


def unknown_submissions(manual: Collection[ManualRow], names: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each row whose submission is not among these names."""
    for row in manual:
        if row.submission not in names:
            near = _nearest(row.submission, names)
            advice = f"is it {near}?" if near else "nobody gets these points"
            yield f"line {row.table_line} of {row.file}: there is no submission {row.submission}; {advice}"


def _nearest(written: str, names: Iterable[str]) -> str:
    """Return the name that is most like a written one, whatever its capital letters; `Doe, Jane` is like `Jane Doe`."""
    last, comma, first = written.partition(",")
    by_form = {_without_capitals(name): name for name in names}
    near = difflib.get_close_matches(_without_capitals(f"{first} {last}" if comma else written), by_form, n=1)
    return by_form[near[0]] if near else ""


def _without_capitals(name: str) -> str:
    return " ".join(name.casefold().split())


def read_filled_in(path: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    """Read what people have filled into the table of questions that wait: points, comment, rubric by student and question.

    Raises:
        UsageError: it cannot be read.
    """
    found = {}
    for _, row in _read_rows(path):
        points, comment, rubric = (row.get(name, "") for name in FILLED)
        if points or comment or rubric:
            found[unquote(row["submission"]), row["function"]] = points, comment, rubric
    return found


def differs(filled: tuple[str, str, str], counted: ManualPoints) -> bool:
    """Return True if points, or items of a rubric without points, are filled in otherwise than they count."""
    points, _, rubric = filled
    if points:
        return _number(points) != counted.points
    return bool(rubric) and set(_split_items(rubric, counted.rubric)) != set(counted.rubric)


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a table with the numbers of their lines; a file that does not exist has none.

    Raises:
        UsageError: the file is no such table.
    """
    if not path.exists():
        return []
    try:
        return list(_rows(_one_line_end(table_text(path.read_bytes(), str(path))), path))
    except OSError as error:
        raise UsageError(f"{path} cannot be read as a table ({error}); save it as CSV in UTF-8") from error


def _one_line_end(text: str) -> str:
    """Return a text whose lines end as Python's do."""
    return io.StringIO(text, newline=None).read()


def _rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows that hold anything, each with the number of its last line."""
    found = BEFORE_HEADING.match(text)
    before = found[0] if found is not None else ""
    text, above = text.removeprefix(before), before.count("\n")
    records = _records(text, above, path)
    headings = [cell.strip().casefold() for cell in next(records, (0, []))[1]]
    for name in _NEEDED:
        if name not in headings:
            raise UsageError(f"line {above + 1} of {path} has no column {name}; the headings are {','.join(COLUMNS)}")
    twice = next((name for name in headings if name and headings.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"line {above + 1} of {path} has the column {twice} more than once; leave one of them")
    for number, row in records:
        cells = [cell.strip() for cell in row]
        if any(cells[len(headings) :]):
            advice = "put quotes around a text or number that holds the sign between the cells"
            raise UsageError(f"line {number} of {path} has more cells than columns; {advice}")
        if any(cells):
            yield number, dict(zip(headings, cells, strict=False))


def _records(text: str, above: int, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a text that has so many lines above it, each with the number of its last line.

    Raises:
        UsageError: a quotation mark is left open, and would take the rows behind it into one cell, or stands inside a text.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text), strict=True)
    number = above
    try:
        for record in reader:
            number = above + reader.line_num
            yield number, record
    except csv.Error as error:
        advice = "close one that is open, and write one inside a text twice"
        raise UsageError(f"line {number + 1} of {path}: quotation marks do not fit ({error}); {advice}") from error


def _row(
    row: Mapping[str, str],
    number: int,
    path: Path,
    functions: Mapping[str, float],
    questions: Mapping[str, Question],
    places: Mapping[str, str],
) -> ManualRow | None:
    """Return what a row says; None for a question that nobody has graded yet."""
    where = f"line {number} of {path}"
    submission, function, points, comment = (row.get(name, "") for name in COLUMNS)
    submission = unquote(unicodedata.normalize("NFC", submission))
    if not submission:
        raise UsageError(f"{where} names no submission; write its name into the first column, or delete the line")
    if row.get("line"):
        return _comment(submission, row, number, path, places)
    most = {**functions, **{name: question.points for name, question in questions.items()}}
    if function and function not in most:
        near = difflib.get_close_matches(function, most, n=1)
        advice = f"is it {near[0]}?" if near else "leave it empty to add the points to the score"
        raise UsageError(f"{where}: the course has no function {function}; {advice}")
    question = questions.get(function)
    items = _items(row.get("rubric", ""), question, where)
    if question is not None and not points and not items:
        if not comment:
            return None
        raise UsageError(
            f"{where}: {function} has a comment and no points; write points, 0 for none, or items of its rubric"
        )
    if comment and not points and question is None:
        if function:
            advice = "write points, the number of a line, or no function for a comment on the whole"
            raise UsageError(f"{where}: {function} has a comment and no points; {advice}")
        points = "0"
    value = _number(points) if points or question is None else _sum(items, question)
    if value is None or (function and value < 0):
        raise UsageError(f"{where}: {points or 'nothing'} is no number of points; write a number such as 4 or 2.5")
    if function and value > most[function]:
        advice = "for more, add a line without a function"
        raise UsageError(
            f"{where}: {points} is more than the {points_text(most[function])} points of {function}; {advice}"
        )
    return ManualPoints(submission, function, value, comment, items, number, path.name)


def _comment(
    submission: str, row: Mapping[str, str], number: int, path: Path, places: Mapping[str, str]
) -> LineComment:
    where = f"line {number} of {path}"
    unit = places.get(row.get("unit", "") or row.get("function", ""))
    line = row["line"]
    if unit is None:
        raise UsageError(f"{where} comments on a line and names no unit; write one into the column unit")
    if not line.isascii() or not line.isdigit() or int(line) < 1:
        raise UsageError(f"{where}: {line} is no line of a file; write its number")
    if row.get("points") or not row.get("comment"):
        raise UsageError(f"{where} is a comment on a line; write one, and give points in a row without a line")
    return LineComment(submission, unit, int(line), row["comment"], number, path.name)


def _items(text: str, question: Question | None, where: str) -> tuple[str, ...]:
    """Return the items of a rubric that a cell names, separated by semicolons."""
    names = _split_items(text, question.rubric if question is not None else ())
    for name in names:
        if question is None or name not in question.rubric:
            there = "; ".join(question.rubric) if question is not None else "none, as it is no question"
            several = question is not None and all(part.strip() in question.rubric for part in name.split(","))
            advice = "separate its items by semicolons" if several else f"it has {there}"
            raise UsageError(f"{where}: the rubric has no item {name}; {advice}")
    return tuple(dict.fromkeys(names))


def _split_items(text: str, known: Iterable[str]) -> list[str]:
    """Return the names in a cell, which `;`, `|` or `+` separates; a known name may have such a sign in it, as `C++`."""
    whole = "".join(rf"{re.escape(name)}(?=\s*(?:[;|+]|$))|" for name in sorted(known, key=len, reverse=True))
    return list(filter(None, map(str.strip, re.findall(rf"\s*({whole}[^;|+]+)", text))))


def _sum(items: Iterable[str], question: Question) -> float:
    return max(0.0, min(question.points, math.fsum(question.rubric[name].points for name in items)))


def _number(text: str) -> float | None:
    if "_" in text:  # Python takes 1_5 for 15; whoever wrote it meant something else
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
