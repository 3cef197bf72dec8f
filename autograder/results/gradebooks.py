"""Fill the column of an assignment in the gradebook that a platform has exported, and nothing else.

`FILLERS` has one entry for each platform: which column takes points, which takes a comment, and how a table is known.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.errors import UsageError
from autograder.results.tables import Table, harmless


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
    """How the table of one platform is filled.

    Attributes:
        points: pattern of the heading of a column that takes points; its group `title` is the assignment's name.
        comment: heading of the column that takes a comment; empty if there is none.
    """

    points: re.Pattern[str]
    comment: str = ""


FILLERS: dict[str, Filler] = {
    "canvas": Filler(re.compile(r"(?P<title>.+) \(\d+\)")),
    "moodle": Filler(re.compile(r"(?P<title>Grade)"), "Feedback comments"),
    "brightspace": Filler(re.compile(r"(?P<title>.+) Points Grade(?: <.*>)?")),
    "blackboard": Filler(re.compile(r"(?P<title>.+) \[Total Pts: .*\] ?\|\s*\d+")),
}


def fill(
    table: Table, platform: str, title: str, places: Mapping[str, int], grades: Mapping[str, Grade]
) -> tuple[str, list[str]]:
    """Put grades into an exported gradebook.

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
    strangers = []
    for name, grade in grades.items():
        row = places.get(name)
        if row is None:
            strangers.append(name)
            continue
        if grade.points:
            table.put(row, column, grade.points)
        if comment is not None and grade.comment:
            table.put(row, comment, harmless(grade.comment))
    return table.heading[column], strangers


def _column(table: Table, filler: Filler, platform: str, title: str) -> int:
    headings = {place: match for place, name in enumerate(table.heading) if (match := filler.points.fullmatch(name))}
    wanted = [place for place, match in headings.items() if not title or match["title"].casefold() == title.casefold()]
    names = ", ".join(match["title"] for match in headings.values())
    if platform == "moodle":
        wanted = list(headings)
    if not headings:
        raise UsageError(f"the gradebook has no column of points as {platform} writes them; export it again")
    if not wanted:
        raise UsageError(f"the gradebook has no assignment {title!r}; give --title one of: {names}")
    if len(wanted) > 1:
        raise UsageError(f"the gradebook has several assignments; give --title one of: {names}")
    return wanted[0]
