"""nbgrader's own commands in a course that the autograder has released, as an instructor uses them."""

import re
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell

from tests.autograder.platforms.nbgrader_class import Class, id_of
from tests.autograder.platforms.nbgrader_course import (
    command,
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


def test_an_own_test_of_the_instructor_is_left_for_grading_by_hand(tmp_path):
    course = released_course(tmp_path / "course")
    source = course / "source" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(source, 4)
    facts = {"schema_version": 3, "grade_id": "test-double", "grade": True, "locked": True, "solution": False}
    metadata = {"nbgrader": {**facts, "task": False, "points": 2}}
    notebook.cells.append(new_code_cell("assert double(2) == 4", metadata=metadata))
    nbformat.write(notebook, source)
    nbgrader(course, "generate_assignment", UNIT, "--force")
    students = Class(course)
    students.hand_in("alice", students.notebook(students.right()))
    text = nbgrader(course, "autograde", UNIT)
    assert "alice: test-double is no check of the course and was not run; grade it by hand" in text
    (course / "read.py").write_text(OWN_TEST)
    assert command(course, "read") == (0, "None True\n")
    assert marks(course) == {"alice": POINTS}
    nbgrader(course, "generate_feedback", UNIT)
    assert "This test is no check of the course and was not run" in page(course, "alice")


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
OWN_TEST = f"""
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    grade = book.find_grade("test-double", "{UNIT}", "{UNIT}", "alice")
    print(grade.auto_score, grade.needs_manual_grade)
"""
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
