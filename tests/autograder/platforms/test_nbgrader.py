"""nbgrader's own commands in a course that the autograder has released, as an instructor uses them."""

import shutil

import nbformat
import pytest

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
