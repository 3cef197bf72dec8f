"""Questions that people grade: from the catalog to the skeleton, the answer, the table of each assistant, and the page."""

import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import PurePosixPath
from xml.etree import ElementTree

import pytest

from autograder import cli
from autograder.course.catalog import catalog_text, read_catalog
from autograder.course.skeletons import question_block, starting_text, untouched_texts, write_skeletons
from autograder.errors import CatalogError, UsageError
from autograder.platforms.nbgrader.assignment import source_notebook
from autograder.results.formats.exercism import exercism
from autograder.results.formats.forges import github
from autograder.results.formats.gradebooks import grades_csv, hand_table, result_json
from autograder.results.formats.gradescope import gradescope
from autograder.results.formats.junit import junit
from autograder.results.formats.pages import student_page
from autograder.results.manual import LineComment, ManualPoints, read_manual, read_tables
from autograder.results.mark import mark, mark_before_publication
from autograder.results.publish import render
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.submissions.files import File, answers_in
from tests.autograder.small_course import RIGHT, make_course

QUESTION = """
[unit.questions.why]
text = "Why is <twice> as much an even number, if x is one?"
points = 4

[unit.questions.why.rubric]
two = {points = 2, text = "a multiple of two"}
proof = {points = 3, text = "shows it"}
"""
HEAD = "submission,function,points,comment,rubric,unit,line\n"
ANSWER = "It is 2x,\nso two divides it & <more>."


@pytest.fixture
def own_catalog(tmp_path):
    root = make_course(tmp_path / "course")
    path = root / "exercises" / "catalog.toml"
    path.write_text(path.read_text() + QUESTION)
    return read_catalog(root)


def script(answer):
    return f'{RIGHT}\n\n### BEGIN ANSWER why\n"""\n{answer}\n"""\n### END ANSWER why\n'


@pytest.fixture
def result():
    checks = (
        CheckResult("doubling::test_double", "doubling", "double", "t", 2.0, outcome=Outcome.PASSED),
        CheckResult("doubling::test_halve", "doubling", "halve", "t", 1.0, outcome=Outcome.PASSED),
    )
    return SubmissionResult("alice", checks, answers={"why": ANSWER}, sources={"doubling": RIGHT})


def tables(tmp_path, own_catalog, **texts):
    for name, text in texts.items():
        (tmp_path / f"{name.replace('_', '-')}.csv").write_text(HEAD + text)
    return read_tables(tmp_path, own_catalog)


def test_a_question_stands_in_the_skeleton_and_its_place_is_where_the_answer_is_found(own_catalog):
    text = starting_text(own_catalog, "doubling")
    assert (
        "# Question why (4 points, read by people): Why is <twice>" in text
        and text == untouched_texts(own_catalog)["doubling"]
    )
    compile(text, "doubling.py", "exec")
    ((path, _),) = write_skeletons(own_catalog, own_catalog.select(None))
    assert path.read_text() == text
    filled = text.replace('"""\n\n"""', f'"""\n{ANSWER}\n"""')
    for data, found in ((text, {}), (filled, {"why": ANSWER}), (filled.replace("\n", "\r\n"), {"why": ANSWER})):
        assert answers_in([File(PurePosixPath("doubling.py"), 1, data.encode())], ["why"]) == found


def test_an_answer_is_read_in_the_encoding_that_its_file_names():
    text = "# coding: latin-1\n### BEGIN ANSWER why\n# Es läuft.\n### END ANSWER why\n"
    for encoding in ("latin-1", "utf-8"):
        data = text.replace("latin-1", encoding).encode(encoding)
        assert answers_in([File(PurePosixPath("a.py"), 1, data)], ["why"]) == {"why": "Es läuft."}


@pytest.mark.parametrize("inside", ["# {}", '"""{}"""', "'''\n{}\n'''", "    {}", '"""\n{}\n'])
def test_an_answer_is_found_in_a_comment_in_quotes_and_in_a_file_that_is_no_python(inside):
    text = f"def (:\n### BEGIN ANSWER why\n{inside.format('Because.')}\n### END ANSWER why\n"
    assert answers_in([File(PurePosixPath("a.py"), 1, text.encode())], ["why", "other"]) == {"why": "Because."}


@pytest.mark.parametrize("place", ["id", "metadata"])  # Jupyter keeps the name of a cell in one, Colab in the other
def test_an_answer_in_a_units_notebook_comes_without_its_question_and_marks(own_catalog, place):
    block = question_block(own_catalog.units["doubling"].questions["why"]).strip()

    def answer(text):
        cell = {"cell_type": "code", "source": text, "metadata": {}}
        cell |= {"id": "answer-why"} if place == "id" else {"metadata": {"id": "answer-why"}}
        return answers_in([File(PurePosixPath("doubling.ipynb"), 1, json.dumps({"cells": [cell]}).encode())], ["why"])

    assert answer(block) == {}
    assert answer(block.replace('"""\n\n"""', f'"""\n{ANSWER}\n"""')) == {"why": ANSWER}


def test_a_notebook_has_a_cell_for_the_answer(own_catalog):
    unit = own_catalog.units["doubling"]
    body = "    # TODO: write it.\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION\n\n\n"
    solution = f"def double(x):\n{body}def halve(x):\n{body}"
    lesson = own_catalog.root / "lesson.md"
    lesson.write_text("# Doubling\n")
    notebook = source_notebook(unit, solution, lesson, ())
    asked, cell = notebook.cells[-2:]
    assert "Why is <twice>" in asked.source and (cell.cell_type, cell.metadata.nbgrader.points) == ("markdown", 4)
    assert cell.metadata.nbgrader.grade and cell.metadata.nbgrader.solution

    def answer():
        data = json.dumps(notebook).encode()
        return answers_in([File(PurePosixPath("doubling.ipynb"), 1, data)], ["why"])

    assert answer() == {}
    cell.source = ANSWER
    assert answer() == {"why": ANSWER}
    for broken in (b"{", b"[]", b'{"cells": 3}', b'{"cells": [3, {"source": 4}]}'):
        assert answers_in([File(PurePosixPath("doubling.ipynb"), 1, broken)], ["why"]) == {}


def test_students_get_the_question_without_its_rubric(own_catalog):
    text = catalog_text(own_catalog.root, ["doubling"])
    assert "Why is" in text and "multiple of two" not in text
    path = own_catalog.root / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("[unit.questions.why.rubric]\n", "").replace("two = ", "rubric.two = "))
    with pytest.raises(CatalogError):
        catalog_text(own_catalog.root, ["doubling"])


def test_a_rubric_that_cannot_be_told_from_the_rest_is_refused(own_catalog):
    path = own_catalog.root / "exercises" / "catalog.toml"
    text = path.read_text()
    assert "two = " in text
    path.write_text(text.replace("two = ", 'other = """\n[1] one point\n"""\ntwo = '))
    with pytest.raises(CatalogError, match="let no line of its texts and lists begin with"):
        catalog_text(own_catalog.root, ["doubling"])


def test_a_release_is_refused_where_it_cannot_leave_units_out(own_catalog):
    path = own_catalog.root / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("[[unit]]", "[[ unit ]]"))
    with pytest.raises(CatalogError, match=r"begin each unit of the catalog with a line \[\[unit\]\]"):
        catalog_text(own_catalog.root, ["doubling"])


def test_a_release_is_refused_where_a_unit_would_take_the_course_with_it(own_catalog):
    path = own_catalog.root / "exercises" / "catalog.toml"
    course, unit, rest = path.read_text().partition("[[unit]]")
    path.write_text(f"{unit}{rest}\n{course}")
    with pytest.raises(CatalogError, match=r"write \[course\] above the first \[\[unit\]\]"):
        catalog_text(own_catalog.root, ["doubling"])


@pytest.mark.parametrize("other", ["[unit.questions.halve]", "[unit.questions.'a-b']"])
def test_a_question_needs_a_name_of_its_own(own_catalog, other):
    path = own_catalog.root / "exercises" / "catalog.toml"
    path.write_text(f'{path.read_text()}\n{other}\ntext = "?"\npoints = 1\n')
    with pytest.raises(CatalogError, match="needs a name that nothing else has"):
        read_catalog(own_catalog.root)


def test_points_count_once_they_are_given(own_catalog, result, tmp_path):
    waiting = mark(result, (), None, own_catalog)
    assert (waiting.score, waiting.max_score, waiting.open_questions()) == (3.0, 7.0, ("why",))
    rows = tables(tmp_path, own_catalog, manual="alice,why,,well put,two,,\n")
    graded = mark(result, rows, None, own_catalog)
    assert (graded.score, graded.max_score, graded.open_questions()) == (5.0, 7.0, ())
    assert mark_before_publication(graded).score == 5.0
    assert "why: 2 (well put)" in grades_csv([graded])


@pytest.mark.parametrize(
    ("row", "points"),
    [("alice,why,,,two;proof,,", 4.0), ("alice,why,1.5,,two,,", 1.5), ("alice,why,0,no,,,", 0.0)],
)
def test_a_rubric_is_added_up_and_points_come_before_it(own_catalog, tmp_path, row, points):
    (line,) = tables(tmp_path, own_catalog, manual=row)
    assert line.points == points


@pytest.mark.parametrize("cell", ["C++;a|b", "C++ ; two", "two + a|b", "a|b|two"])
def test_an_item_of_a_rubric_may_have_a_sign_that_separates_items(own_catalog, tmp_path, cell):
    path = own_catalog.root / "exercises" / "catalog.toml"
    items = '"C++" = {points = 1, text = "c"}\n"a|b" = {points = 1, text = "d"}\n'
    path.write_text(path.read_text() + items)
    (line,) = tables(tmp_path, read_catalog(own_catalog.root), manual=f"alice,why,,,{cell},,")
    assert len(line.rubric) == 2


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("alice,double,1_0,,,,", "1_0 is no number of points"),
        ("alice,why,5,,,,", "5 is more than the 4 points of why"),
        ("alice,why,,,tow,,", "the rubric has no item tow; it has two; proof"),
        ("alice,double,,,two,,", "the rubric has no item two; it has none, as it is no question"),
        ('alice,why,,,"two, proof",,', "no item two, proof; separate its items by semicolons"),
        ("alice,why,,good,,,", "why has a comment and no points"),
        ("alice,,,see here,,,7", "names no unit"),
        ("alice,double,,see here,,,seven", "seven is no line of a file"),
        ("alice,double,1,see here,,,7", "give points in a row without a line"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(own_catalog, tmp_path, row, said):
    with pytest.raises(UsageError, match=said):
        tables(tmp_path, own_catalog, manual=row)


def test_each_assistant_has_a_file_and_no_line_is_lost(own_catalog, tmp_path):
    rows = tables(
        tmp_path,
        own_catalog,
        manual="zoe,,1,,,,\n",
        manual_ann="alice,why,3,,,,\nbob,why,,,,,\nalice,double,,slow,,,2\n",
        manual_bob="bob,why,2,,,,\nalice,double,,and unclear,,,2\n",
    )
    assert rows == (
        ManualPoints("zoe", "", 1.0),
        ManualPoints("alice", "why", 3.0),
        LineComment("alice", "doubling", 2, "slow"),
        ManualPoints("bob", "why", 2.0),
        LineComment("alice", "doubling", 2, "and unclear"),
    )


@pytest.mark.parametrize("row", ["alice,why,3,,,,", "alice,why,2,,,,", "alice,,1,,,,"])
def test_two_files_that_give_the_same_points_are_refused_with_both_places(own_catalog, tmp_path, row):
    ann = f"bob,why,1,,,,\n{row}\n"
    said = r"line \d of manual-ann.csv and line 2 of manual-bob.csv both give points to alice for"
    with pytest.raises(UsageError, match=said):
        tables(tmp_path, own_catalog, manual_ann=ann, manual_bob=f"{row}\n")


def test_two_rows_of_one_file_for_one_function_are_refused(own_catalog, tmp_path):
    with pytest.raises(
        UsageError, match=r"line 2 of manual.csv and line 4 of manual.csv both give points to alice for why"
    ):
        tables(tmp_path, own_catalog, manual="alice,why,3,,,,\nalice,,1,,,,\nalice,why,2,,,,\n")
    assert len(tables(tmp_path, own_catalog, manual="alice,,1,,,,\nalice,,1,,,,\n")) == 2


def test_the_table_to_fill_in_comes_back_in(own_catalog, result, tmp_path):
    waiting = mark(result, (), None, own_catalog)
    text = hand_table([waiting])
    (row,) = csv.DictReader(io.StringIO(text))
    assert (
        row["answer"] == ANSWER
        and row["items"] == "two: 2, a multiple of two; proof: 3, shows it"
        and row["most"] == "4"
    )
    path = tmp_path / "manual-ann.csv"
    path.write_text(text)
    assert read_manual(path, own_catalog.points, own_catalog) == ()
    path.write_text(text.replace("alice,why,,,,", "alice,why,,fine,proof,"))
    (line,) = read_tables(tmp_path, own_catalog)
    assert line == ManualPoints("alice", "why", 3.0, "fine", ("proof",))
    assert hand_table([mark(result, [line], None, own_catalog)]).count("\n") == 1


ROWS = (
    ManualPoints("alice", "why", 2.0, "show <more>", ("two",)),
    ManualPoints("alice", "", 1.0, "on paper"),
    LineComment("alice", "doubling", 2, "say <why>, 100%"),
    LineComment("alice", "doubling", 99, "the end is missing"),
    LineComment("bob", "doubling", 2, "not alice's"),
)


def test_a_page_shows_answers_rubric_and_comments_beside_their_lines(own_catalog, result):
    page = student_page(mark(result, ROWS, None, own_catalog), own_catalog)
    assert "so two divides it &amp; &lt;more&gt;." in page and "show &lt;more&gt;" in page
    assert '<span>    return 2 * x</span><strong class="note">say &lt;why&gt;, 100%</strong>' in page
    assert "Line 99</" not in page and "Line 99: the end is missing" in page and "not alice" not in page
    assert page.index("a multiple of two") < page.index("shows it") < page.index("not found in the answer")
    waiting = student_page(mark(result, (), None, own_catalog), own_catalog)
    assert "not graded yet" in waiting and "multiple of two" not in waiting


def test_json_exercism_and_annotations_have_points_and_comments(own_catalog, result):
    made = mark(result, ROWS, None, own_catalog)
    document = json.loads(result_json(made))
    assert document["mark"] == {"score": 6.0, "max_score": 7.0, "trail": []}
    assert [(each["function"], each["points"], each["comment"]) for each in document["by_hand"]] == [
        ("why", 2.0, "show <more>"),
        ("", 1.0, "on paper"),
    ]
    assert document["comments"][0] == {"unit": "doubling", "line": 2, "comment": "say <why>, 100%"}
    assert SubmissionResult.from_json(result_json(made)) == result
    tests = {test["name"]: test for test in json.loads(exercism(made))["tests"]}
    assert tests["doubling, why: points by hand"]["status"] == "fail"
    assert tests["doubling, why: points by hand"]["message"] == "2 of 4 points: show <more>"
    assert tests["Points by hand"]["output"] == "1: on paper"
    assert tests["doubling.py, line 2: comment"]["output"] == "say <why>, 100%"
    lines = github(made).splitlines()
    assert "::notice title=doubling%2C why%3A points by hand::2 of 4 points: show <more>" in lines
    assert "::notice file=exercises/doubling.py,line=2,title=Comment::say <why>, 100%25" in lines


def test_gradescope_and_junit_have_the_comments_on_lines(own_catalog, result):
    made = mark(result, ROWS, None, own_catalog)
    output = json.loads(gradescope(made))["output"].splitlines()
    assert output[-2:] == ["doubling.py, line 2: say <why>, 100%", "doubling.py, line 99: the end is missing"]
    suite = ElementTree.fromstring(junit(made)).find("testsuite[@name='comments']")
    assert suite.get("tests") == "2"
    assert [(case.get("name"), case.get("line"), case.findtext("system-out")) for case in suite] == [
        ("doubling.py, line 2", "2", "say <why>, 100%"),
        ("doubling.py, line 99", "99", "the end is missing"),
    ]


def test_tables_have_the_comments_on_lines(own_catalog, result):
    comments = [row for row in ROWS if isinstance(row, LineComment)]
    made = mark(result, comments, None, own_catalog)
    for form in ("csv", "canvas", "moodle"):
        assert "doubling.py, line 2: say <why>, 100%; doubling.py, line 99: the end" in render(
            [made], form, "", own_catalog, ""
        )


@pytest.fixture
def run(own_catalog, monkeypatch, capsys):
    monkeypatch.chdir(own_catalog.root)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def graded(result, tmp_path):
    folder = tmp_path / "lab1"
    (folder / "results").mkdir(parents=True)
    for name in ("alice", "bob"):
        (folder / "results" / f"{name}.json").write_text(replace(result, name=name).to_json())
    return folder


def test_a_row_that_counts_for_nothing_is_told_also_in_the_sum_of_a_term(run, graded, tmp_path):
    without = replace(SubmissionResult.from_json((graded / "results" / "bob.json").read_text()), checks=())
    (graded / "results" / "bob.json").write_text(without.to_json())
    (graded / "manual.csv").write_text(
        f"{HEAD}zoe,double,1,,,,\nbob,double,1,,,,\nbob,double,,slow,,,2\nalice,double,1,,,,\n"
    )
    (graded / "class.toml").write_text("[exempt]\ncarl = []\n")
    roster = tmp_path / "roster.csv"
    roster.write_text("Name\nalice\nbob\n")
    told = [
        "line 2 of manual.csv: there is no submission zoe; nobody gets these points",
        "line 3 of manual.csv: double of bob was not graded, and the row counts for nothing; grade its unit too",
        "line 4 of manual.csv: doubling of bob was not graded, and the row counts for nothing; grade its unit too",
        "[exempt] of class.toml: there is no submission carl",
    ]
    for given in (graded, graded / "results"):
        _, _, err = run("report", given, "--as", "csv")
        assert all(line in err for line in told) and "of alice" not in err
        _, out, err = run("report", given, "--as", "csv", "--roster", roster)
        assert all(f"lab1: {line}" in err for line in told) and "of alice" not in err
        assert "alice,2,7,2" in out
    _, _, err = run("report", graded / "results" / "alice.json", "--as", "csv")
    assert "there is no submission bob" not in err


def test_the_sum_of_a_term_tells_which_questions_wait(run, graded, tmp_path):
    (graded / "manual.csv").write_text(f"{HEAD}alice,why,4,,,,\n")
    roster = tmp_path / "roster.csv"
    roster.write_text("Name\nalice\nbob\n")
    _, out, _ = run("report", graded, "--as", "csv", "--roster", roster)
    assert out.splitlines()[1:] == ["alice,7,7,7,", 'bob,3,7,3,"3, lab1: not graded yet: why"']


def test_what_is_filled_in_stays_in_the_table_of_questions(run, graded):
    run("report", graded, "--as", "by-hand", "-o", graded)
    path = graded / "by-hand.csv"
    path.write_text(path.read_text().replace("bob,why,,,,", "bob,why,2,fine,two,"))
    (graded / "manual.csv").write_text(f"{HEAD}alice,why,1,,,,\n")
    assert run("report", graded, "--as", "by-hand", "-o", graded)[0] == 0
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["submission"], row["points"], row["comment"], row["rubric"]) == ("bob", "2", "fine", "two")
    (graded / "results" / "bob.json").unlink()
    before = path.read_text()
    code, _, err = run("report", graded, "--as", "by-hand", "-o", graded)
    assert code == 2 and path.read_text() == before
    assert (
        "by-hand.csv is filled in for why of bob, which waits for no points in these results; move the file away" in err
    )


@pytest.mark.parametrize(
    ("counts", "corrected", "lost"),
    [("3,,", "4,,", True), ("3,,", "3,,", False), ("2.5,,", '"2,50",better words,', False), (",,two", ",,proof", True)],
)
def test_what_is_corrected_in_the_table_of_questions_is_not_lost(run, graded, counts, corrected, lost):
    path = graded / "by-hand.csv"
    head = "submission,function,points,comment,rubric\n"
    (graded / "manual.csv").write_text(f"{head}alice,why,{counts}\n")
    path.write_text(f"{head}alice,why,{corrected}\n")
    code, _, err = run("report", graded, "--as", "by-hand", "-o", graded)
    assert (code, "alice" in path.read_text()) == ((2, True) if lost else (0, False))
    said = (
        "by-hand.csv has other points for why of alice than manual.csv, which counts; copy them there, or move the file"
    )
    assert (said in err) == lost


@pytest.mark.usefixtures("commands_share_the_sandbox")
def test_the_command_reads_the_answer_and_lists_what_waits(run, own_catalog, tmp_path):
    (tmp_path / "class" / "alice").mkdir(parents=True)
    (tmp_path / "class" / "alice" / "doubling.py").write_text(script(ANSWER))
    code, _, err = run("grade", tmp_path / "class" / "alice", "-o", tmp_path / "out", "--trusted", "--jobs", 1)
    assert code == 0, err
    _, out, _ = run("report", tmp_path / "out", "--as", "by-hand")
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["submission"], row["function"], row["answer"]) == ("alice", "why", ANSWER)
    (tmp_path / "out" / "manual-ann.csv").write_text(f"{HEAD}alice,why,4,,,,\n")
    _, out, _ = run("report", tmp_path / "out", "--as", "csv")
    assert out.splitlines()[1] == "alice,7,7,7,why: 4"
    assert question_block(own_catalog.questions["why"]).count("###") == 2
