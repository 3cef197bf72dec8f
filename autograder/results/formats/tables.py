"""The marks of a class as a table: for a spreadsheet, for Canvas, for Moodle.

The name of a submission is taken for the student's login on a learning platform, as it is if submissions came from there.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from autograder.results.mark import Mark, units_of
from autograder.results.types import storable
from autograder.results.wording import manual_lines, points, score, score_line

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def grades_csv(marks: Sequence[Mark]) -> str:
    """Return one line for each submission: name, score, maximum, points of each unit; without a grade they are empty.

    If anybody was given points by hand, a last column names them with their comments.
    """
    units = units_of(marks)
    by_hand = any(mark.manual for mark in marks)
    rows = [["submission", "score", "max_score", *units, *(["by_hand"] if by_hand else [])]]
    for mark in marks:
        remarks = [harmless(manual_lines(mark))] if by_hand else []
        cells = [unit_points(mark, unit) for unit in units]
        rows.append([harmless(mark.name), score(mark), points(mark.max_score), *cells, *remarks])
    return _written(rows)


def canvas(marks: Sequence[Mark], assignment: str) -> str:
    """Return Canvas's gradebook: the columns that its import asks for, and one of points; empty without a grade.

    Comments on points by hand stand in `Notes`, the column of Canvas's for notes of teachers.
    """
    most = max((mark.max_score for mark in marks), default=0.0)
    by_hand = any(mark.manual for mark in marks)
    notes = ["Notes"] if by_hand else []
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *notes, harmless(assignment)],
        ["    Points Possible", "", "", "", "", *([""] if by_hand else []), points(most)],
    ]
    for mark in marks:
        remarks = [harmless(manual_lines(mark))] if by_hand else []
        rows.append([harmless(mark.name), "", "", harmless(mark.name), "", *remarks, score(mark)])
    return _written(rows)


def moodle(marks: Iterable[Mark], assignment: str) -> str:
    """Return a table for Moodle's grade import: login, points, and one line of feedback."""
    rows = [["username", harmless(assignment), "feedback"]]
    for mark in marks:
        feedback = "; ".join(filter(None, (score_line(mark), manual_lines(mark))))
        rows.append([harmless(mark.name), score(mark), harmless(feedback)])
    return _written(rows)


def unit_points(mark: Mark, unit: str) -> str:
    """Return the points of a unit; empty if it was not graded, or if there is no grade."""
    return points(mark.units[unit].points) if mark.score is not None and unit in mark.units else ""


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return storable(text.getvalue())
