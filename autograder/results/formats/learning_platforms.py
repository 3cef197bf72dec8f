"""The grades of a class for a learning platform's import: Canvas, Moodle.

A submission's name is taken for the student's login there, as it is where submissions were downloaded from it.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from autograder.results.formats.grades_csv import harmless
from autograder.results.formats.wording import score_line
from autograder.results.types import SubmissionResult, storable


def canvas(results: Sequence[SubmissionResult], assignment: str) -> str:
    """Canvas's gradebook: the columns that its import asks for, and one of points. Without a grade the cell is empty."""
    most = max((result.max_score for result in results), default=0.0)
    rows: list[list[str]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", harmless(assignment)],
        ["    Points Possible", "", "", "", "", f"{most:g}"],
    ]
    rows += [[harmless(each.name), "", "", harmless(each.name), "", _score(each)] for each in results]
    return _written(rows)


def moodle(results: Iterable[SubmissionResult], assignment: str) -> str:
    """A table for Moodle's grade import: who, how many points, and one line of feedback."""
    rows = [["username", harmless(assignment), "feedback"]]
    rows += [[harmless(each.name), _score(each), harmless(score_line(each))] for each in results]
    return _written(rows)


def _score(result: SubmissionResult) -> str:
    return "" if result.errors else f"{result.score:g}"


def _written(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return storable(text.getvalue())
