"""Points given by hand: read, never written, and counted in."""

from dataclasses import replace

import pytest

from autograder.errors import UsageError
from autograder.results.formats.gradebooks import grades_csv
from autograder.results.formats.overview import row
from autograder.results.manual import ManualPoints, read_manual, unknown_submissions
from autograder.results.mark import Hidden, mark, mark_before_publication, visible_mark
from autograder.results.policy import Policy, decide
from autograder.results.types import CheckResult, Outcome, SubmissionResult, points_text

FUNCTIONS = {"double": 9.0, "halve": 3.0}
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
    made = mark(result(), lines)
    assert (made.score, made.units["u"].points, made.max_score) == (2.5, 2.5, 3.0)
    assert made.units["u"].functions["double"].points == 1.5
    assert mark(result("carol"), lines).score == 2.0


@pytest.mark.parametrize("hidden", Hidden)
def test_before_publication_points_by_hand_stand_also_for_a_function_whose_checks_are_all_hidden(hidden):
    checks = (
        CheckResult("u::f", "u", "f", "t", 4.0, hidden=True),
        CheckResult("u::g", "u", "g", "t", 6.0, outcome=Outcome.PASSED),
        CheckResult("v::h", "v", "h", "t", 2.0, hidden=True, outcome=Outcome.PASSED),
    )
    made = mark(SubmissionResult("alice", checks), [ManualPoints("alice", "f", 3.0)])
    before = mark_before_publication(visible_mark(made, hidden))
    assert (made.score, before.score, before.max_score, before.later) == (11.0, 9.0, 10.0, 2.0)
    assert list(before.units) == ["u"] and before.units["u"].points == 9.0 and before.manual == made.manual


@pytest.mark.parametrize("rules", [Policy(exempt={"alice": ("v",)}), Policy(bonus=("v",))])
def test_before_publication_the_maximum_is_that_of_the_visible_points_whatever_a_policy_says(rules):
    checks = (
        CheckResult("u::f", "u", "f", "t", 10.0, outcome=Outcome.PASSED),
        CheckResult("u::h", "u", "h", "t", 5.0, hidden=True),
        CheckResult("v::g", "v", "g", "t", 10.0, outcome=Outcome.PASSED),
    )
    before = mark_before_publication(decide(mark(SubmissionResult("alice", checks)), rules))
    assert (before.score, before.max_score, before.later) == (20.0, 20.0, 5.0)


def test_points_without_a_function_are_added(tmp_path):
    lines = written(tmp_path, f'{HEAD}alice,,"-0,5",late\nalice,,2,found a mistake\n')
    assert mark(result(), lines).score == 3.5


@pytest.mark.parametrize("decide", [None, lambda made: replace(made, score=made.score - 1)])
def test_points_by_hand_take_off_no_more_than_was_earned(tmp_path, decide):
    made = mark(result(), written(tmp_path, f"{HEAD}alice,,-5,copied\n"), decide)
    assert made.score == mark_before_publication(made).score == 0.0 and made.units["u"].points == 2.0


def test_a_comment_alone_is_one_on_the_whole(tmp_path):
    made = mark(result(), written(tmp_path, f"{HEAD}alice,,,well done\n"))
    assert (made.score, made.added) == (2.0, (ManualPoints("alice", "", 0.0, "well done"),))


def test_of_two_lines_for_a_function_the_later_counts(tmp_path):
    made = mark(result(), written(tmp_path, f"{HEAD}alice,halve,3,\nalice,halve,0,\n"))
    assert made.score == 1.0 and [line.points for line in made.manual] == [0.0]


@pytest.mark.parametrize(
    "text",
    [
        "submission;function;points;comment\nalice;double;2,5;good, really\n",
        "submission\tfunction\tpoints\tcomment\nalice\tdouble\t2.5\tgood, really\n",
        'Submission, FUNCTION ,Points,Comment\n\n alice ,double,2.5 ,"good, really"\n,,,\n',
        'points,comment,submission,function\n2.5,"good, really",alice,double\n',
        "sep=;\nsubmission;function;points;comment\nalice;double;2,5;good, really\n",
        '\nsubmission,function,points,comment,,\nalice,double,2.5,"good, really",,\n',
    ],
    ids=["semicolons", "tabs", "capitals, spaces and empty lines", "another order", "the separator", "empty columns"],
)
def test_a_table_is_read_as_spreadsheets_write_it(tmp_path, text):
    assert written(tmp_path, text) == (ManualPoints("alice", "double", 2.5, "good, really"),)


def test_a_comment_may_be_left_out(tmp_path):
    assert written(tmp_path, "submission,function,points\nalice,double,2\n") == (ManualPoints("alice", "double", 2.0),)


def test_lines_of_nobody_are_named(tmp_path):
    lines = written(tmp_path, f'{HEAD}alice,,1,"two\nlines"\nalicia,,1,\nzoe,,1,\n')
    assert list(unknown_submissions(lines, ["alice", "bob"])) == [
        "line 4 of manual.csv: there is no submission alicia; is it alice?",
        "line 5 of manual.csv: there is no submission zoe; nobody gets these points",
    ]


@pytest.mark.parametrize("name", ["Doe, Jane", "Doe,Jane", "jane doe", "JANE DOE", "doe, jane", "Jane  Doe", "Jane Do"])
def test_the_name_that_is_meant_is_asked_for_however_it_is_written(tmp_path, name):
    lines = written(tmp_path, f'{HEAD}"{name}",,1,\n')
    (sentence,) = unknown_submissions(lines, ["Bob Smith", "Jane Doe"])
    assert sentence == f"line 2 of manual.csv: there is no submission {name}; is it Jane Doe?"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (79 / 12, "6.58"),
        (6.0, "6"),
        (0.5, "0.5"),
        (-0.001, "0"),
        (-2.25, "-2.25"),
        (100.0, "100"),
        (1234567.0, "1234567"),
    ],
)
def test_points_are_written_in_one_way(number, text):
    assert points_text(number) == text


def test_no_table_is_no_points(tmp_path):
    assert read_manual(tmp_path / "manual.csv", FUNCTIONS) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "name;points\nalice;3\n",
            "line 1 of .* has no column submission; the headings are submission,function,points",
        ),
        ("", "line 1 of .* has no column submission"),
        (f"{HEAD},double,3,\n", "line 2 of .* names no submission; write its name"),
        (f"{HEAD}alice,dubble,3,\n", "line 2 of .*: the course has no function dubble; is it double?"),
        (f"{HEAD}alice,zzz,3,\n", "no function zzz; leave it empty to add the points to the score"),
        (f"{HEAD}\nalice,halve,3.5,\n", "line 3 of .*: 3.5 is more than the 3 points of halve; for more, add a line"),
        (f"{HEAD}alice,,1,\nalice,double,three,\n", "line 3 of .*: three is no number of points"),
        (f"{HEAD}alice,double,,\n", "line 2 of .*: nothing is no number of points"),
        (f"{HEAD}alice,,,\n", "line 2 of .*: nothing is no number of points"),
        (
            f"{HEAD}alice,double,,good\n",
            "line 2 of .*: double has a comment and no points; write points, the number of a line, or no function for",
        ),
        (f"{HEAD}alice,double,nan,\n", "nan is no number"),
        (f"{HEAD}alice,double,-1,\n", "-1 is no number"),
        (f"\n{HEAD}alice,double,2,5,good\n", "line 3 of .* has more cells than columns; put quotes around"),
        (
            f'sep=,\n{HEAD}bob,halve,1,"two\nlines"\nalice,double,2,"good\nbob,double,3,ok\n',
            r"line 5 of .*manual.csv: quotation marks do not fit \(unexpected end of data\); close one that is open, and"
            " write one inside a text twice",
        ),
        (f'{HEAD}alice,double,2,"good\nbob,double,3,"ok"\n', "line 2 of .*: quotation marks do not fit"),
        (f'{HEAD}alice,double,2,"the word "good" is missing"\n', "line 2 of .*: quotation marks do not fit"),
        ("submission,function,points,points\nalice,double,1,2\n", "line 1 of .* has the column points more than once"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path, text, words):
    with pytest.raises(UsageError, match=words):
        written(tmp_path, text)


def test_a_table_that_cannot_be_read(tmp_path):
    path = tmp_path / "manual.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"manual\.csv is no text in UTF-8 or UTF-16; save it as CSV in UTF-8"):
        read_manual(path, FUNCTIONS)


def test_they_show_in_the_table_and_in_the_csv():
    lines = (ManualPoints("alice", "double", 2.0, "the idea is right"), ManualPoints("alice", "", 1.0, "=bonus"))
    alice, bob = mark(result(), lines), mark(result("bob"), lines)
    assert row(alice).points == "4 / 3"
    assert row(alice).remarks.startswith("by hand: double, added")
    first, second, third = grades_csv([alice, bob]).splitlines()
    assert first == "submission,score,max_score,u,by_hand"
    assert second == "alice,4,3,3,double: 2 (the idea is right); added: 1 (=bonus)"
    assert third == "bob,2,3,2,"
    assert grades_csv([mark(result())]).splitlines()[1] == "alice,2,3,2"


@pytest.mark.parametrize(
    ("written", "name"), [("'-dash", "-dash"), ("'=x", "=x"), ("Zoe\u0308", "Zoë"), ("'Hara", "'Hara")]
)
def test_a_name_may_be_copied_from_a_table(tmp_path, written, name):
    path = tmp_path / "manual.csv"
    path.write_text(f"submission,function,points\n{written},,1\n", encoding="utf-8")
    assert [row.submission for row in read_manual(path, {})] == [name]
