"""Tables that other people's programs wrote: read as they are, and written back with single cells changed.

Encoding, delimiter, quotes and line ends of every other cell stay as they came, byte for byte. `FILLERS` has one entry for
each platform whose exported gradebook can be filled: which column takes points, which a comment, and how its table is known.
"""

import codecs
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError
from autograder.results.types import points_text

_MAX_BYTES = 50 * 2**20
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: The first counts if the heading holds as many of several: a tab is seldom a part of a column's name.
_DELIMITERS = "\t,;"
#: Lines before the heading: empty ones, and the one that tells Excel the delimiter.
BEFORE_HEADING = re.compile(r"(?:[ \t]*\r?\n|sep=.\r?\n)+")
#: Signs that begin a formula, in their usual width; and those that some spreadsheets leave out before them.
_FORMULA = tuple("=+-@")
_LED_BY = ("\t", "\r", "\n")


def table_text(data: bytes, name: str) -> str:
    """Return the text of a table as a spreadsheet saves it: in UTF-8 or UTF-16, without the mark of the encoding.

    Raises:
        UsageError: the bytes are no such text.
    """
    mark, encoding = _encoding_of(data)
    advice = f"{name} is no text in UTF-8 or UTF-16; save it as CSV in UTF-8"
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise UsageError(advice) from error
    if "\0" in text.partition("\n")[0]:  # UTF-16 without its mark
        raise UsageError(advice)
    return text


def delimiter_of(text: str) -> str:
    """Return the separator that splits the first line of a table into most columns."""
    heading = text.partition("\n")[0]
    return max(filter(heading.__contains__, _DELIMITERS), key=heading.count, default=",")


def _encoding_of(data: bytes) -> tuple[bytes, str]:
    """Return the mark that a table begins with, and its encoding."""
    return next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), (b"", "utf-8"))


class Table:
    """A table in the text of a file.

    Attributes:
        rows: the values of each row, without quotes; the first row is the heading.
    """

    def __init__(self, data: bytes, name: str = "the table") -> None:
        """Read a table.

        Raises:
            UsageError: the bytes are no text, or there is no row in it.
        """
        self._mark, self._encoding = _encoding_of(data)
        text = table_text(data, name)
        start = BEFORE_HEADING.match(text)
        self._before = start[0] if start is not None else ""
        text = text.removeprefix(self._before)
        self._delimiter = delimiter_of(text)
        self._cells = list(_records(text, self._delimiter))
        if text.count('"') % 2:
            lines = enumerate((self._before + text).split("\n"), 1)
            odd = max(place for place, line in lines if line.count('"') % 2)
            raise UsageError(f"{name} opens a quote that nothing closes, perhaps in line {odd}; mend it there")
        self.rows = [[_value(cell) for cell in record] for record, _ in self._cells]
        if not self.rows:
            raise UsageError(f"{name} is empty; its first line names the columns")

    @classmethod
    def read(cls, path: Path) -> "Table":
        """Read a file.

        Raises:
            UsageError: it cannot be read, or is no table.
        """
        try:
            with path.open("rb") as file:
                return cls(file.read(_MAX_BYTES), str(path))
        except OSError as error:
            raise UsageError(f"{path} cannot be read ({error.strerror}); give the file of a table") from error

    def refuse_shifted(self, name: str) -> None:
        """Refuse a row with more cells than the heading: behind the cell too many, each stands in the wrong column.

        If every row ends with the same number of empty cells too many, nothing is shifted.

        Raises:
            UsageError: there is such a row.
        """
        width, lengths = len(self.rows[0]), {len(row) for row in self.rows[1:] if any(row)}
        line = 1 + self._before.count("\n")
        for row, (record, end) in zip(self.rows, self._cells, strict=True):
            if len(row) > width and (any(map(str.strip, row[width:])) or len(lengths) > 1):
                between = {"\t": "a tab"}.get(self._delimiter, repr(self._delimiter))
                raise UsageError(
                    f"line {line} of {name} has {len(row)} cells, and the heading has {width}; put quotes around a cell"
                    f" that holds {between}, or name every column"
                )
            line += sum(cell.count("\n") for cell in record) + (end != "")

    @property
    def heading(self) -> list[str]:
        """Return the names of the columns, without the space around them."""
        return [name.strip() for name in self.rows[0]]

    def column(self, *names: str) -> int | None:
        """Return the place of the first of these columns that there is; capital letters do not matter."""
        heading = [name.casefold().replace("_", " ") for name in self.heading]
        return next((heading.index(name.casefold()) for name in names if name.casefold() in heading), None)

    def put(self, row: int, column: int, value: str) -> None:
        """Put a value into a cell, quoted as its table needs it; a row that ends before the cell gets empty ones."""
        quoted = any(sign in value for sign in (self._delimiter, '"', "\n", "\r"))
        doubled = value.replace('"', '""')
        record, _ = self._cells[row]
        for cells in (record, self.rows[row]):
            cells += [""] * (column + 1 - len(cells))
        record[column] = f'"{doubled}"' if quoted or record[column].startswith('"') else value
        self.rows[row][column] = value

    def to_bytes(self) -> bytes:
        """Return the file with the cells that were put."""
        text = "".join(self._delimiter.join(record) + end for record, end in self._cells)
        return self._mark + (self._before + text).encode(self._encoding)


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, whatever signs or spaces lead to its `=`."""
    seen = (sign for sign in text if not sign.isspace() and unicodedata.category(sign) not in ("Cc", "Cf"))
    first = unicodedata.normalize("NFKC", next(seen, ""))
    return f"'{text}" if first.startswith(_FORMULA) or text.startswith(_LED_BY) else text


def unquote(text: str) -> str:
    """Return the text that `harmless` was given: people copy names from tables."""
    return text[1:] if text.startswith("'") and harmless(text[1:]) == text else text


def _records(text: str, delimiter: str) -> Iterator[tuple[list[str], str]]:
    """Yield each record's cells as they are written, and what ends it."""
    cells: list[str] = []
    start, quoted, place = 0, False, 0
    while place < len(text):
        sign = text[place]
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign == delimiter:
            cells.append(text[start:place])
            start = place + 1
        elif not quoted and sign in "\r\n":
            end = "\r\n" if text.startswith("\r\n", place) else sign
            yield [*cells, text[start:place]], end
            cells, place = [], place + len(end)
            start = place
            continue
        place += 1
    if cells or start < len(text):
        yield [*cells, text[start:]], ""


def _value(cell: str) -> str:
    stripped = cell.strip()
    return stripped[1:-1].replace('""', '"') if len(stripped) > 1 and stripped[0] == stripped[-1] == '"' else cell


@dataclass(frozen=True)
class Grade:
    """Values for one student's row.

    Attributes:
        points: as written; empty for a submission without a grade, whose row stays as it is.
        max_points: those that can be had.
        comment: one line, for platforms whose table has a column for it.
    """

    points: str
    max_points: str
    comment: str = ""


@dataclass(frozen=True)
class Filler:
    """Way to fill the table of one platform.

    Attributes:
        points: pattern of the heading of a column that takes points; its group `title` is the assignment's name.
        comment: heading of the column that takes a comment; empty if there is none.
        maximum: pattern of the maximum in the heading of the column of points; its first group is the number.
        maximum_column: heading of a column that has the maximum in each row.
        maximum_row: text in the first column of the row that has the maximum of each column.
        excused: text in the cell of a student who is excused.
        changeable: heading of a column that has `No` for a student whose grade is locked.
    """

    points: re.Pattern[str]
    comment: str = ""
    maximum: re.Pattern[str] | None = None
    maximum_column: str = ""
    maximum_row: str = ""
    excused: str = ""
    changeable: str = ""


FILLERS: dict[str, Filler] = {
    "canvas": Filler(re.compile(r"(?P<title>.+) \(\d+\)"), maximum_row="Points Possible", excused="EX"),
    "moodle": Filler(
        re.compile(r"(?P<title>Grade)"),
        "Feedback comments",
        maximum_column="Maximum grade",
        changeable="Grade can be changed",
    ),
    "brightspace": Filler(
        re.compile(r"(?P<title>.+) Points Grade(?: <.*>)?"), maximum=re.compile(r"MaxPoints:\s*([\d.,]+)")
    ),
    "blackboard": Filler(
        re.compile(r"(?P<title>.+) \[Total Pts: .*\] ?\|\s*\d+"),
        maximum=re.compile(r"\[Total Pts: (?:up to )?([\d.,]+)"),
    ),
}


def fill(
    table: Table, platform: str, title: str, places: Mapping[str, int], grades: Mapping[str, Grade]
) -> tuple[str, list[str]]:
    """Put grades into an exported gradebook. What `kept_grades` and `kept_comments` name stays as it is.

    Args:
        table: the exported table; its cells are changed.
        platform: a key of `FILLERS`.
        title: the assignment's name there; empty if the table has one assignment alone.
        places: row of the table by the name of a submission.
        grades: by the name of a submission.

    Returns:
        The heading of the column that was filled, and the names of submissions that have no row.

    Raises:
        UsageError: no column, or more than one, is the assignment's.
    """
    filler = FILLERS[platform]
    column = _column(table, filler, platform, title)
    comment = table.column(filler.comment) if filler.comment else None
    kept = kept_grades(table, platform, title, places, grades)
    commented = kept_comments(table, platform, places, grades)
    for name, grade in grades.items():
        if name not in places or name in kept:
            continue
        if grade.points:
            table.put(places[name], column, grade.points)
        if comment is not None and grade.comment and name not in commented:
            table.put(places[name], comment, harmless(grade.comment))
    return table.heading[column], [name for name in grades if name not in places]


def kept_grades(
    table: Table, platform: str, title: str, places: Mapping[str, int], grades: Mapping[str, Grade]
) -> list[str]:
    """Return the names of submissions whose grades `fill` leaves as they are: of students excused, or grades locked there.

    Arguments and errors are those of `fill`.
    """
    filler = FILLERS[platform]
    column = _column(table, filler, platform, title)
    changeable = table.column(filler.changeable) if filler.changeable else None

    def is_kept(row: int) -> bool:
        is_excused = bool(filler.excused) and _cell(table, row, column).casefold() == filler.excused.casefold()
        return is_excused or (changeable is not None and _cell(table, row, changeable).casefold() == "no")

    return [name for name in grades if name in places and is_kept(places[name])]


def kept_comments(table: Table, platform: str, places: Mapping[str, int], grades: Mapping[str, Grade]) -> list[str]:
    """Return the names of submissions whose comment `fill` does not write, because another one stands there.

    Arguments are those of `fill`.
    """
    comment = table.column(FILLERS[platform].comment) if FILLERS[platform].comment else None
    if comment is None:
        return []
    own = {
        name: (harmless(grade.comment), _cell(table, places[name], comment))
        for name, grade in grades.items()
        if grade.comment and name in places
    }
    return [name for name, (new, old) in own.items() if old and old != new.strip()]


def maximum_warning(
    table: Table, platform: str, title: str, places: Mapping[str, int], grades: Mapping[str, Grade]
) -> str:
    """Return a sentence if the column that `fill` fills has another maximum than the grades; empty if not.

    Nothing is said of a column whose maximum cannot be read. Arguments and errors are those of `fill`.
    """
    filler = FILLERS[platform]
    column = _column(table, filler, platform, title)
    rows = [places[name] for name in grades if name in places]
    most = max((float(grade.max_points) for name, grade in grades.items() if name in places), default=0.0)
    maximum = _maximum(table, filler, column, rows)
    if not rows or maximum is None or math.isclose(maximum, most, abs_tol=0.01):
        return ""
    ours = points_text(most)
    return (
        f"the column {table.heading[column]} counts up to {points_text(maximum)}, these marks up to {ours}, and the points are"
        f" written as they are; set the column's maximum to {ours} on the platform"
    )


def _maximum(table: Table, filler: Filler, column: int, rows: Iterable[int]) -> float | None:
    """Return the most points of a column, as its platform writes it; None if the table does not tell, or tells no number."""
    beside = table.column(filler.maximum_column) if filler.maximum_column else None
    text = ""
    if filler.maximum is not None and (found := filler.maximum.search(table.heading[column])):
        text = found[1]
    elif beside is not None:
        text = next((cell for row in rows if (cell := _cell(table, row, beside))), "")
    elif filler.maximum_row:
        above = (row for row in range(1, len(table.rows)) if _cell(table, row, 0) == filler.maximum_row)
        text = next((_cell(table, row, column) for row in above), "")
    if re.fullmatch(r"\d{1,3}[.,]\d{3}", text):  # thousands or three decimals
        return None
    try:
        maximum = float(text.replace(",", "."))
    except ValueError:  # also thousands with a comma and a decimal point
        return None
    return maximum if math.isfinite(maximum) else None


def _cell(table: Table, row: int, column: int) -> str:
    return table.rows[row][column].strip() if column < len(table.rows[row]) else ""


def _column(table: Table, filler: Filler, platform: str, title: str) -> int:
    headings = {place: match for place, name in enumerate(table.heading) if (match := filler.points.fullmatch(name))}
    wanted = [place for place, match in headings.items() if not title or match["title"].casefold() == title.casefold()]
    # The whole heading tells two assignments with the same title apart.
    wanted = [place for place, match in headings.items() if match[0].casefold() == title.casefold()] or wanted
    titles = [match["title"] for match in headings.values()]
    names = ", ".join(match["title"] if titles.count(match["title"]) == 1 else match[0] for match in headings.values())
    if platform == "moodle":
        wanted = list(headings)
    if not headings:
        has = ", ".join(filter(None, table.heading))[:200]
        what = "the grading worksheet" if platform == "moodle" else "the gradebook"
        raise UsageError(
            f"the gradebook has no column of points as {platform} writes them, only {has}; export {what} again, in English"
        )
    if not wanted:
        raise UsageError(f"the gradebook has no assignment {title!r}; give --title one of: {names}")
    if len(wanted) > 1:
        raise UsageError(f"the gradebook has several assignments; give --title one of: {names}")
    return wanted[0]
