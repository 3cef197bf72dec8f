"""The marks of a class as a table: for a spreadsheet, for Canvas, for Moodle.

A student's number and login are those of the platform's download or of the roster. If there is no login, the name of the
submission stands for it: submissions that came from the platform are called by the login.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence

from autograder.results.foreign_tables import harmless
from autograder.results.mark import Mark, units_of
from autograder.results.types import points_text, storable
from autograder.results.wording import beside_score, by_hand_line, score, score_line

#: By form: the columns of a table for import, besides the one of points.
FOR_IMPORT = {
    "canvas": ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Notes"),
    "moodle": ("username", "feedback"),
}


def grades_csv(marks: Sequence[Mark]) -> str:
    """Return one line for each submission: name, score, maximum, points of each unit; without a grade they are empty.

    If anybody was given points or comments by hand, a column `by_hand` has them; if a policy changed anybody's
    score, a column `trail` tells how.
    """
    units = units_of(marks)
    by_hand, trail = any(map(by_hand_line, marks)), any(mark.trail for mark in marks)
    last = [*(["by_hand"] if by_hand else []), *(["trail"] if trail else [])]
    rows = [["submission", "score", "max_score", *units, *last]]
    for mark in marks:
        remark = [harmless(by_hand_line(mark))] if by_hand else []
        remark += [harmless(", ".join(mark.trail))] if trail else []
        cells = [unit_points(mark, unit) for unit in units]
        rows.append([harmless(mark.name), score(mark), points_text(mark.max_score), *cells, *remark])
    return _to_csv(rows)


def canvas(marks: Sequence[Mark], assignment: str) -> str:
    """Return Canvas's gradebook: the columns that its import asks for, and one of points; empty without a grade.

    `ID` is a number of Canvas's own, or empty: then Canvas goes by `SIS User ID` and `SIS Login ID`, which are the roster's.
    Comments stand in `Notes`, the column of Canvas's for notes of teachers.
    """
    most = max((mark.max_score for mark in marks), default=0.0)
    remarked = any(map(beside_score, marks))
    notes = ["Notes"] if remarked else []
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", *notes, harmless(assignment)],
        ["    Points Possible", "", "", "", "", *([""] if remarked else []), points_text(most)],
    ]
    for mark in marks:
        remark = [harmless(beside_score(mark))] if remarked else []
        who = [harmless(each) for each in (mark.name, mark.canvas_number, mark.number)]
        rows.append([*who, _login(mark), "", *remark, score(mark)])
    return _to_csv(rows)


def moodle(marks: Iterable[Mark], assignment: str) -> str:
    """Return a table for Moodle's grade import: login, points, and one line of feedback."""
    rows = [["username", harmless(assignment), "feedback"]]
    for mark in marks:
        feedback = "; ".join(filter(None, (score_line(mark), by_hand_line(mark))))
        rows.append([_login(mark), score(mark), harmless(feedback)])
    return _to_csv(rows)


def _login(mark: Mark) -> str:
    return harmless(mark.login or mark.name)


def hand_table(marks: Sequence[Mark], filled: Mapping[tuple[str, str], tuple[str, str, str]] | None = None) -> str:
    """Return the table that a person fills in for questions that nobody has graded: each with its answer and its rubric.

    Saved as `manual-NAME.csv` beside the results it is read as points by hand; rows that stay empty give none.

    Args:
        marks: the marks of the class.
        filled: points, comment and rubric that are filled in already, by student and question.
    """
    rows = [["submission", "function", "points", "comment", "rubric", "answer", "items", "most"]]
    for mark in marks:
        waiting = mark.open_questions()
        for unit in mark.units.values():
            for each in unit.functions.values():
                if each.question is not None and each.name in waiting:
                    items = "; ".join(
                        f"{name}: {points_text(i.points)}, {i.text}" for name, i in each.question.rubric.items()
                    )
                    answer = harmless(mark.result.answers.get(each.name, ""))
                    own = (filled or {}).get((mark.name, each.name), ("", "", ""))
                    rows.append([harmless(mark.name), each.name, *own, answer, items, points_text(each.max_points)])
    return _to_csv(rows)


def result_json(mark: Mark) -> str:
    """Return the result as grading stored it, with the mark made of it and everything that was given by hand."""
    document = json.loads(mark.result.to_json())
    document["mark"] = {"score": mark.score, "max_score": mark.max_score, "trail": list(mark.trail)}
    document["by_hand"] = [
        {
            **{"title": name, "function": line.function, "points": line.points, "max_points": most},
            **{"comment": line.comment, "rubric": list(line.rubric)},
        }
        for name, line, most in mark.manual_entries()
    ]
    document["comments"] = [{"unit": each.unit, "line": each.line, "comment": each.comment} for each in mark.comments]
    return storable(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def unit_points(mark: Mark, unit: str) -> str:
    """Return the points of a unit; empty if it was not graded, or if there is no grade."""
    return points_text(mark.units[unit].points) if mark.score is not None and unit in mark.units else ""


def _to_csv(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return storable(text.getvalue())
