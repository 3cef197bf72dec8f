"""Points given by hand: read, never written, and counted in."""

import pytest

from autograder.errors import UsageError
from autograder.results.formats.grades_csv import grades_csv
from autograder.results.formats.overview import row
from autograder.results.manual import ManualPoints, mark_of, read_manual
from autograder.results.types import CheckResult, Outcome, SubmissionResult

FUNCTIONS = {"double", "halve"}
HEAD = "submission,function,points,comment\n"


def result(name="alice"):
    checks = [("double", Outcome.FAILED), ("double", Outcome.PASSED), ("halve", Outcome.PASSED)]
    return SubmissionResult(
        name,
        tuple(CheckResult(f"u::{n}", "u", function, "t", 1.0, outcome=o) for n, (function, o) in enumerate(checks)),
    )


def written(tmp_path, text):
    path = tmp_path / "manual.csv"
    path.write_text(text, encoding="utf-8-sig")
    return read_manual(path, FUNCTIONS)


def test_points_for_a_function_stand_in_place_of_its_checks(tmp_path):
    lines = written(tmp_path, f"{HEAD}alice,double,1.5,the idea is right\nbob,double,9,\n")
    mark = mark_of(result(), lines)
    assert (mark.score, mark.units, mark.max_score) == (2.5, {"u": 2.5}, 3.0)
    assert mark_of(result("carol"), lines).score == 2.0


def test_points_without_a_function_are_added(tmp_path):
    lines = written(tmp_path, f'{HEAD}alice,,"-0,5",late\nalice,,2,found a mistake\n')
    assert mark_of(result(), lines).score == 3.5


def test_of_two_lines_for_a_function_the_later_counts(tmp_path):
    assert mark_of(result(), written(tmp_path, f"{HEAD}alice,halve,3,\nalice,halve,0,\n")).score == 1.0


def test_no_table_is_no_points(tmp_path):
    assert read_manual(tmp_path / "manual.csv", FUNCTIONS) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name;points\nalice;3\n", r"line 2 of .* names no submission; the table begins with submission,function"),
        (f"{HEAD}alice,dubble,3,\n", "line 2 of .*: the course has no function dubble"),
        (f"{HEAD}alice,,1,\nalice,double,three,\n", "line 3 of .*: three is no number of points"),
        (f"{HEAD}alice,double,,\n", "line 2 of .*: nothing is no number of points"),
        (f"{HEAD}alice,double,nan,\n", "nan is no number"),
        (f"{HEAD}alice,double,-1,\n", "-1 is no number"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path, text, words):
    with pytest.raises(UsageError, match=words):
        written(tmp_path, text)


def test_a_table_that_cannot_be_read(tmp_path):
    path = tmp_path / "manual.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read as a table"):
        read_manual(path, FUNCTIONS)


def test_they_show_in_the_table_and_in_the_csv():
    lines = (ManualPoints("alice", "double", 2.0, "the idea is right"), ManualPoints("alice", "", 1.0, "=bonus"))
    assert row(result(), lines).points == "4 / 3"
    assert row(result(), lines).remarks.startswith("by hand: double, all")
    first, second, third = grades_csv([result(), result("bob")], ["u"], lines).splitlines()
    assert first == "submission,score,max_score,u,by_hand"
    assert second == "alice,4,3,3,double: 2 (the idea is right); added: 1 (=bonus)"
    assert third == "bob,2,3,2,"
    assert grades_csv([result()], ["u"]).splitlines()[1] == "alice,2,3,2"
