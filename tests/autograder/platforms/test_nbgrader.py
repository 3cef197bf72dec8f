"""nbgrader's own commands in a course that the autograder has released, as an instructor uses them."""

import ast
import csv
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from tests.autograder.platforms.nbgrader_class import Class, id_of, own_cells
from tests.autograder.platforms.nbgrader_course import (
    command,
    environment,
    exported,
    grade_without_nbgrader,
    marks,
    nbgrader,
    page,
    released_course,
)
from tests.autograder.shades_course import POINTS, UNIT

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course with one released assignment, and no submission yet."""
    return released_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def course(released, tmp_path):
    return shutil.copytree(released.parent, tmp_path / "course") / "class"


@pytest.fixture
def students(course):
    return Class(course)


def test_what_students_get_holds_no_solution_and_no_hidden_check(course):
    text = (course / "release" / UNIT / f"{UNIT}.ipynb").read_text()
    assert "HIDDEN" not in text and "SOLUTION" not in text and "hidden=True" not in text
    assert "1 - images" not in text and "random" not in text
    assert [path.name for path in (course / "release" / UNIT).iterdir()] == [f"{UNIT}.ipynb"]
    notebook = nbformat.reads(text, 4)
    assert sum(cell.metadata.nbgrader.get("points", 0) for cell in notebook.cells if id_of(cell)) == POINTS


def test_an_instructor_sees_marks_sentences_and_feedback(course, students):
    students.hand_in("alice", students.notebook(students.right()))
    students.hand_in("bob", students.notebook(dict(students.mistaken())["inverts_red"]))
    nbgrader(course, "autograde", UNIT)
    assert marks(course) == {"alice": POINTS, "bob": 4.0}
    nbgrader(course, "generate_feedback", UNIT)
    assert "Score: 6.0 / 6.0" in page(course, "alice") and "data:image/png" not in page(course, "alice")
    text = page(course, "bob")
    assert "Known mistake: Only the first channel is inverted." in text
    assert text.count("data:image/png") == 1  # of the check that the student has, and not of the hidden one
    assert "def test_" not in text and "reference" not in text


def test_what_was_graded_by_hand_stays_and_late_is_late(course, students):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(LATE)
    students.hand_in("alice", students.notebook({}), timestamp="2026-01-02 10:00:00 UTC")
    code, text = grade_without_nbgrader(course)
    assert code == 1, text
    (course / "by_hand.py").write_text(BY_HAND)
    code, text = command(course, "by_hand")
    assert code == 0, text
    for grade in (
        lambda: grade_without_nbgrader(course),
        lambda: command(course, "nbgrader", "autograde", UNIT, "--force"),
    ):
        grade()
        (row,) = exported(course)
        assert (row["raw_score"], row["late_submission_penalty"], row["score"]) == ("3.0", "1.0", "2.0")


def test_points_by_hand_in_the_table_beside_the_results_reach_the_gradebook(course, students):
    students.hand_in("alice", students.notebook({}))
    (course / "out").mkdir()
    table = "submission,function,points,comment\nalice,brightness,2.5,the idea is right\nalice,,1,found a mistake\n"
    (course / "out" / "manual.csv").write_text(table)
    code, text = grade_without_nbgrader(course)
    assert code == 1, text
    assert marks(course) == {"alice": 3.5}
    (course / "read.py").write_text(COMMENT)
    code, text = command(course, "read")
    assert code == 0 and "(the idea is right)" in text and "added: 1 (found a mistake)" in text


#: Definitions of `double`, and the automatic scores of the four tests.
OWN_ANSWERS = {
    "right": ("def double(x):\n    return x + x", (2.0, 1.0, 3.0, None)),
    "wrong": ("def double(x):\n    return {}[x]", (0.0, 0.0, 0.0, None)),
    "patches": (
        "import torch\n\n\ndef double(x):\n    torch.testing.assert_close = lambda *_, **__: None\n    return x or 1",
        (0.0, 0.0, 0.0, None),
    ),
    "exits": ("import os\n\n\ndef double(x):\n    os._exit(0)", (0.0, 0.0, 0.0, None)),
}


def test_own_tests_of_the_instructor_run_against_each_students_functions(tmp_path):
    course = released_course(tmp_path / "course")
    source = course / "source" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(source, 4)
    notebook.cells += own_cells()
    nbformat.write(notebook, source)
    nbgrader(course, "generate_assignment", UNIT, "--force")
    students = Class(course)
    for name, (double, _) in OWN_ANSWERS.items():
        students.hand_in(name, students.notebook({**students.right(), "double": double}))
    (students.hand_in("nobody", students.notebook({})) / f"{UNIT}.ipynb").unlink()
    expected = {name: scores for name, (_, scores) in OWN_ANSWERS.items()} | {"nobody": (0.0, 0.0, 0.0, None)}
    (course / "read.py").write_text(OWN_SCORES)
    for run in (lambda: nbgrader(course, "autograde", UNIT), lambda: grade_without_nbgrader(course)[1]):
        said = run()
        code, text = command(course, "read")
        assert code == 0 and ast.literal_eval(text) == expected, said
        assert "the test test-source cannot be run" in said and "with your own solution" in said
    nbgrader(course, "generate_feedback", UNIT)
    assert "This test was not run: it is graded by hand." in page(course, "right")
    assert "KeyError" in page(course, "wrong")


OWN_SCORES = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    tests = ("test-double", "test-part", "test-tensors", "test-source")
    found = {{}}
    for student in book.students:
        grades = [book.find_grade(test, "{UNIT}", "{UNIT}", student.id) for test in tests]
        assert all((grade.auto_score is None) == grade.needs_manual_grade for grade in grades)
        found[student.id] = tuple(grade.auto_score for grade in grades)
    print(found)
"""


def test_points_that_change_after_the_release_keep_their_share_until_it_is_released_again(tmp_path):
    course = released_course(tmp_path / "course")
    students = Class(course)
    students.hand_in("alice", students.notebook(students.right()))
    students.hand_in("bob", students.notebook(dict(students.mistaken())["inverts_red"]))
    nbgrader(course, "autograde", UNIT)
    before = marks(course)
    assert before == {"alice": POINTS, "bob": 4.0}
    checks = course.parent / "tests" / "exercises" / f"test_{UNIT}.py"
    checks.write_text(checks.read_text().replace('points("invert", 1)', 'points("invert", 2)'))
    catalog = course.parent / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("points = 3", "points = 6", 1))
    for text in (nbgrader(course, "autograde", UNIT, "--force"), grade_without_nbgrader(course)[1]):
        assert marks(course) == before
        words = " ".join(text.split())
        assert (
            words.count(f"{UNIT} has changed since it was released (checks-invert: 2 points then, 4 points now;") == 1
        )
        assert f"`nbgrader generate_assignment {UNIT} --force`" in words
    release(course)
    nbgrader(course, "generate_assignment", UNIT, "--force")
    text = nbgrader(course, "autograde", UNIT, "--force")
    assert marks(course) == {"alice": POINTS + 3, "bob": 5.0} and "has changed" not in text


def release(course):
    """Type the command of the instructor's."""
    ended = subprocess.run(
        [sys.executable, "-m", "autograder", "release", "nbgrader", course],
        cwd=course.parent,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("hidden", ["points", "sentence"])
def test_feedback_shows_of_hidden_checks_what_was_asked_for(course, students, hidden):
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("hidden='points'", f"hidden='{hidden}'"))
    wrong = "def brightness(images):\n    return images.mean(dim=(1, 2, 3)) ** 2 + 0.1875"
    students.hand_in("bob", students.notebook({**students.right(), "brightness": wrong}))
    for grade in (lambda: nbgrader(course, "autograde", UNIT), lambda: grade_without_nbgrader(course)):
        grade()
        nbgrader(course, "generate_feedback", UNIT)
        _, title, said = page(course, "bob").partition("Random images have the right brightness")
        assert title and ("returned" in said.partition("</pre>")[0]) == (hidden == "sentence"), said[:500]


def test_the_table_of_grades_has_the_gradebooks_own_numbers(course, students):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(LATE)
    students.hand_in("alice", students.notebook({}), timestamp="2026-01-02 10:00:00 UTC")
    students.hand_in("bob", students.notebook(students.right()), timestamp="2025-12-02 10:00:00 UTC")
    grade_without_nbgrader(course)
    (course / "by_hand.py").write_text(BY_HAND)
    assert command(course, "by_hand")[0] == 0
    (course / "out" / "class.toml").write_text('[late]\npercent = 50\n[exempt]\n"bob" = []\n')
    _, text = grade_without_nbgrader(course)
    assert "class.toml counts in reports alone: nbgrader's gradebook decides on lateness" in text
    rows = {row["submission"]: row for row in csv.DictReader((course / "out" / "grades.csv").read_text().splitlines())}
    assert {name: float(row["score"]) for name, row in rows.items()} == marks(course) == {"alice": 2.0, "bob": POINTS}
    assert rows["alice"]["trail"] == "0 by checks, 3 in the gradebook, 1 off as late" and not rows["bob"]["trail"]
    assert {float(row["max_score"]) for row in rows.values()} == {POINTS}


def test_a_late_plugin_in_a_file_of_the_course_is_found_from_elsewhere(course, students):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write('\nc.AssignLatePenalties.plugin_class = "late.One"\n')
    students.hand_in("alice", students.notebook(students.right()))
    (course / "by_hand.py").write_text(DUE)
    assert command(course, "by_hand")[0] == 0
    args = "autograder", "grade", "--nbgrader", course, "--assignment", UNIT, "-o", course / "out"
    code, text = command(course.parent, *args)
    assert code == 2 and "the plugin for late penalties that" in text and "Traceback" not in text
    (course / "late.py").write_text(LATE.rpartition("c.Assign")[0])
    code, text = command(course.parent, *args)
    assert code == 0, text
    assert marks(course) == {"alice": POINTS - 1}


def test_nothing_of_a_students_is_live_where_an_instructor_looks(course, students):
    notebook = students.notebook(students.right())
    for answer in notebook.cells:
        if id_of(answer) == "answer-invert":
            answer.source = 'def invert(images):\n    raise ValueError("<script>live()</script>")'
            answer.metadata.tags = ['"><script>live()</script>']
    notebook.cells.insert(0, new_markdown_cell(f"A note of mine. {LIVE}"))
    notebook.cells.insert(1, new_raw_cell(LIVE, metadata={"raw_mimetype": "text/html"}))
    svg = new_output(
        "display_data", data={"text/html": LIVE, "image/svg+xml": LIVE, "application/javascript": "live()"}
    )
    notebook.cells.append(new_code_cell("1", outputs=[svg]))
    notebook.metadata.title = f"</title>{LIVE}"
    notebook.metadata.language_info = {"name": "python", "pygments_lexer": f'">{LIVE}'}
    states = {"state": {"x": f"</script>{LIVE}"}, "version_major": 2, "version_minor": 0}
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": states}
    students.hand_in("mallory", notebook)
    nbgrader(course, "autograde", UNIT)
    graded = nbformat.read(course / "autograded" / "mallory" / UNIT / f"{UNIT}.ipynb", 4)
    assert graded.metadata.keys() == {"kernelspec", "language_info"}
    assert all(cell.metadata.keys() <= {"nbgrader"} and "attachments" not in cell for cell in graded.cells)
    assert not any("<script" in cell.source for cell in graded.cells if cell.cell_type != "code")
    code, text = grade_without_nbgrader(course)  # this leaves comments that quote the student
    assert code == 1, text
    nbgrader(course, "generate_feedback", UNIT)
    text = page(course, "mallory")
    assert "A note of mine." in text and "&lt;script&gt;live()" in text
    assert "<script>live" not in text and not re.search(r"<[^>]*(onerror|javascript:live)", text)


LIVE = '<script>live()</script><img src=x onerror="live()"><a href="javascript:live()">a</a>'
DUE = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    book.update_or_create_assignment("{UNIT}", duedate="2026-01-01 10:00:00 UTC")
"""
COMMENT = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    for comment in book.find_submission_notebook("{UNIT}", "{UNIT}", "alice").comments:
        print(comment.auto_comment)
"""
LATE = """
from nbgrader.plugins import LateSubmissionPlugin
class One(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 1
c.AssignLatePenalties.plugin_class = One
"""
BY_HAND = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    book.update_or_create_assignment("{UNIT}", duedate="2026-01-01 10:00:00 UTC")
    grade = book.find_grade("checks-brightness", "{UNIT}", "{UNIT}", "alice")
    grade.manual_score, grade.extra_credit = 2, 1
    comment = book.find_comment("answer-brightness", "{UNIT}", "{UNIT}", "alice")
    assert "not written yet" in comment.auto_comment
    comment.manual_comment = "Come and see me."
    book.db.commit()
"""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["--nbgrader", "nowhere", "--assignment", UNIT],
            "nowhere does not exist; give the folder of nbgrader's course",
        ),
        (["--nbgrader", "."], "--nbgrader COURSE and --assignment NAME go together"),
        (["--nbgrader", ".", "--assignment", "knitting"], "no unit is called 'knitting'"),
        (["--nbgrader", "..", "--assignment", UNIT], f"run `nbgrader generate_assignment {UNIT}` there first"),
        (["--nbgrader", ".", "--assignment", UNIT], f"nobody has handed in {UNIT}"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_sentence(course, args, words):
    code, text = command(course, "autograder", "grade", *args)
    assert code == 2 and words in " ".join(text.split()) and "Traceback" not in text


def test_a_folder_that_is_no_course_of_nbgraders_stays_as_it_is(course, tmp_path):
    empty = tmp_path / "no course"
    empty.mkdir()
    args = ("grade", "--nbgrader", empty, "--assignment", UNIT)
    ended = subprocess.run(
        [sys.executable, "-m", "autograder", *map(str, args)],
        cwd=course,
        env={**environment(), "PATH": os.defpath},  # an environment that is not activated: nbgrader calls alembic
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 2 and f"run `nbgrader generate_assignment {UNIT}` there first" in ended.stderr
    assert "Traceback" not in ended.stderr and not list(empty.iterdir())
