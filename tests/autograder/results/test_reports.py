import csv
import io

from autograder.results.formats.gradebooks import grades_csv
from autograder.results.formats.overview import row
from autograder.results.mark import mark
from autograder.results.types import CheckResult, Outcome, SubmissionResult


def check(outcome, unit="unit", points=2.0, **facts):
    return CheckResult(f"{unit}::test", unit, "function", "It works", points, outcome=outcome, **facts)


def test_csv_has_points_by_unit():
    result = SubmissionResult("alice", (check(Outcome.PASSED), check(Outcome.FAILED, "other", 1.5)))
    (line,) = csv.DictReader(io.StringIO(grades_csv([mark(result)])))
    assert line == {"submission": "alice", "score": "2", "max_score": "3.5", "unit": "2", "other": "0"}


def test_csv_has_no_number_without_a_grade():
    result = SubmissionResult("alice", (check(Outcome.PASSED), check(Outcome.ERROR)))
    (line,) = csv.DictReader(io.StringIO(grades_csv([mark(result)])))
    assert (line["score"], line["unit"]) == ("", "")


def test_csv_survives_names():
    names = ['a,"b"\nc', "=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "Müller"]
    lines = list(csv.DictReader(io.StringIO(grades_csv([mark(SubmissionResult(name)) for name in names]), newline="")))
    assert [line["submission"] for line in lines] == [names[0], *("'" + name for name in names[1:6]), "Müller"]


def test_the_overview_names_the_mistakes_first():
    failed = check(Outcome.FAILED, message="wrong", mistake="wraps_around")
    result = SubmissionResult("alice", (check(Outcome.PASSED), failed, failed), notes=("a note",))
    assert (row(mark(result)).points, row(mark(result)).remarks) == ("2 / 6", "wraps_around")


def test_the_overview_falls_back_to_note_message_and_counts():
    assert row(mark(SubmissionResult("a", (check(Outcome.NOT_RUN),), notes=("no file",)))).remarks == "no file"
    assert row(mark(SubmissionResult("a", (check(Outcome.FAILED, message="x is wrong"),)))).remarks == "x is wrong"
    mixed = (check(Outcome.CRASHED), check(Outcome.BLOCKED), check(Outcome.BLOCKED), check(Outcome.PASSED))
    assert row(mark(SubmissionResult("a", mixed))).remarks == "1 crashed, 2 blocked"
    assert row(mark(SubmissionResult("a", (check(Outcome.PASSED),)))).remarks == ""


def test_the_overview_shows_no_grade_for_our_fault():
    assert row(mark(SubmissionResult("a", (check(Outcome.ERROR),)))).points == "no grade"
