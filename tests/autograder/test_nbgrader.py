"""nbgrader's own commands in a course that the autograder has released: three ways to one mark."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.release import write_notebooks

from .nbgrader_class import ACCIDENTS, CHEATS, UNIT, Class, id_of

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.slow

MISTAKES = Path(__file__).parents[2] / "solutions" / "mistakes" / f"{UNIT}.py"
COMMANDS = str(Path(sys.executable).parent)


def command(course, *args, **variables):
    """A command, as it is typed in the course's folder: its exit code and what it printed."""
    environment = {
        **os.environ,
        "IDEALCAT_SECRET": "of the tests",
        "PATH": os.pathsep.join((COMMANDS, os.environ["PATH"])),
        "PYTHONWARNINGS": "ignore",
        **variables,
    }
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, args)],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    return ended.returncode, ended.stdout + ended.stderr


def nbgrader(course, *args):
    code, text = command(course, "nbgrader", *args)
    assert code == 0, text
    return text


def marks(course):
    """What `nbgrader export` says of each student: the score, after any penalty."""
    nbgrader(course, "export", "--to", "marks.csv")
    rows = csv.DictReader((course / "marks.csv").read_text().splitlines())
    return {row["student_id"]: float(row["score"]) for row in rows if row["score"]}


@pytest.fixture(scope="session")
def released(tmp_path_factory, catalog):
    """A course with one released assignment, and no submission yet."""
    course = tmp_path_factory.mktemp("released")
    write_notebooks(catalog, catalog.chosen([UNIT]), course)
    nbgrader(course, "generate_assignment", UNIT)
    return course


@pytest.fixture
def course(released, tmp_path):
    return shutil.copytree(released, tmp_path / "course")


@pytest.fixture
def students(course):
    return Class(course, MISTAKES)


def page(course, student):
    return (course / "feedback" / student / UNIT / f"{UNIT}.html").read_text()


def grade_without_nbgrader(course, *args):
    return command(
        course, "autograder", "grade", "--nbgrader", course, "--assignment", UNIT, "-o", course / "out", *args
    )


def test_what_students_get_holds_no_solution_and_no_hidden_check(course, catalog):
    text = (course / "release" / UNIT / f"{UNIT}.ipynb").read_text()
    assert "HIDDEN" not in text and "SOLUTION" not in text and "hidden=True" not in text
    assert "images[:, :, 1:, :]" not in text and "random_images" not in text
    assert [path.name for path in (course / "release" / UNIT).iterdir()] == [f"{UNIT}.ipynb"]
    notebook = nbformat.reads(text, 4)
    points = sum(cell.metadata.nbgrader.get("points", 0) for cell in notebook.cells if id_of(cell))
    assert points == catalog.units[UNIT].points


def test_an_instructor_sees_marks_sentences_and_feedback(course, students):
    name, answers = next(students.mistaken())
    students.hand_in("alice", students.notebook(students.right()))
    students.hand_in("bob", students.notebook(answers))
    nbgrader(course, "autograde", UNIT)
    scores = marks(course)
    assert scores["alice"] == 26 and 0 < scores["bob"] < 26, name
    nbgrader(course, "generate_feedback", UNIT)
    assert "Score: 26.0 / 26.0" in page(course, "alice")
    assert "Known mistake: " in page(course, "bob")
    assert "def test_" not in page(course, "bob") and "reference" not in page(course, "bob")


def test_the_formgraders_own_api_autogrades_too(course, students):
    students.hand_in("alice", students.notebook(students.right()))
    program = f"""
from nbgrader.apps import NbGrader
from nbgrader.apps.api import NbGraderAPI
app = NbGrader()
app.initialize([], root={str(course)!r})
api = NbGraderAPI(app.coursedir, parent=app)
result = api.autograde({UNIT!r}, "alice")
assert result["success"], result
submission = api.get_submission({UNIT!r}, "alice")
assert (submission["score"], submission["max_score"], submission["needs_manual_grade"]) == (26, 26, False), submission
"""
    (course / "program.py").write_text(program)
    code, text = command(course, "program")
    assert code == 0, text


def test_what_was_graded_by_hand_stays_and_late_is_late(course, students):
    with (course / "nbgrader_config.py").open("a") as file:
        file.write(LATE)
    students.hand_in("alice", students.notebook({}), timestamp="2026-01-02 10:00:00 UTC")
    code, text = grade_without_nbgrader(course)
    assert code == 1, text
    command_in_gradebook(course, BY_HAND)
    for grade in (
        lambda: grade_without_nbgrader(course),
        lambda: command(course, "nbgrader", "autograde", UNIT, "--force"),
    ):
        grade()
        rows = list(csv.DictReader(exported(course).splitlines()))
        assert [(row["raw_score"], row["late_submission_penalty"], row["score"]) for row in rows] == [
            ("7.0", "2.0", "5.0")
        ]


LATE = """
from nbgrader.plugins import LateSubmissionPlugin
class Two(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 2
c.AssignLatePenalties.plugin_class = Two
"""
BY_HAND = """
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    book.update_or_create_assignment("variation_loss", duedate="2026-01-01 10:00:00 UTC")
    grade = book.find_grade("checks-denoise", "variation_loss", "variation_loss", "alice")
    grade.manual_score, grade.extra_credit = 5, 2
    comment = book.find_comment("answer-denoise", "variation_loss", "variation_loss", "alice")
    assert "not written yet" in comment.auto_comment
    comment.manual_comment = "Come and see me."
    book.db.commit()
"""


def command_in_gradebook(course, program):
    (course / "by_hand.py").write_text(program)
    code, text = command(course, "by_hand")
    assert code == 0, text


def exported(course):
    nbgrader(course, "export", "--to", "marks.csv")
    return (course / "marks.csv").read_text()


def fill(students):
    """A class of some forty; the marks of those whose marks are known."""
    right, known = students.right(), {}
    for name, mark in [("perfect", 26.0), ("untouched", 0.0)]:
        students.hand_in(name, students.notebook(right if mark else {}))
        known[name] = mark
    for name, answers in students.mistaken():
        students.hand_in(f"mistake-{name}", students.notebook(answers))
    for name, code in CHEATS.items():
        students.hand_in(f"cheat-{name}", students.notebook({"total_variation": code}))
        known[f"cheat-{name}"] = 0.0
    for name, body in [("endless", "while True:\n        pass"), ("crash", "import os\n    os._exit(3)")]:
        answers = {**right, "denoise": f"def denoise(images, **_):\n    {body}"}
        students.hand_in(name, students.notebook(answers))
        known[name] = 19.0
    for name, change in ACCIDENTS.items():
        students.hand_in(f"accident-{name}", change(students.notebook(right)))
    whole = "checks_deleted cells_duplicated checks_retyped checks_rewritten metadata_lost metadata_old"
    whole += " cells_reordered magics wrong_kernel third_format"
    known |= {f"accident-{name}": 26.0 for name in whole.split()}
    nothing = "everything_deleted much_output merge_markers cut_short empty no_notebook"
    return known | {f"accident-{name}": 0.0 for name in nothing.split()}


def test_a_whole_class_has_the_same_marks_in_nbgrader_and_without_it(course, students):
    known = fill(students)
    handed_in = {path.name for path in (course / "submitted").iterdir()}
    assert len(handed_in) >= 30
    text = nbgrader(course, "autograde", UNIT)
    assert "Traceback" not in text
    inside = marks(course)
    assert set(inside) == handed_in
    assert {name: inside[name] for name in known} == known
    assert all(0 < mark < 26 for name, mark in inside.items() if name.startswith("mistake-"))
    (course / "gradebook.db").unlink()
    nbgrader(course, "generate_assignment", UNIT, "--force")
    code, text = grade_without_nbgrader(course)
    assert code == 1, text
    assert marks(course) == inside
    nbgrader(course, "generate_feedback", UNIT)
    assert "save it again in Jupyter" in page(course, "accident-merge_markers")


def test_stock_nbgrader_gives_the_same_marks_where_it_can_be_trusted(course, students):
    """What differs is what shares a process with the checks: `forges_check` has in stock nbgrader what it asks for."""
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("sandbox=True", "sandbox=False"))
    name, answers = next(students.mistaken())
    students.hand_in("perfect", students.notebook(students.right()))
    students.hand_in("untouched", students.notebook({}))
    students.hand_in(name, students.notebook(answers))
    cheat = "import autograder.notebook\nautograder.notebook.check = lambda *_, **__: None"
    students.hand_in("cheat", students.notebook({"total_variation": cheat}))
    nbgrader(course, "autograde", UNIT)
    stock = marks(course)
    config.write_text(config.read_text().replace("sandbox=False", "sandbox=True"))
    nbgrader(course, "autograde", UNIT, "--force")
    graded = marks(course)
    assert (stock.pop("cheat"), graded.pop("cheat")) == (26.0, 0.0)
    assert stock == graded
    assert graded["perfect"] == 26 and graded["untouched"] == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ["--nbgrader", "nowhere", "--assignment", UNIT],
            "nowhere does not exist; give the folder of nbgrader's course",
        ),
        (["--nbgrader", "."], "--nbgrader COURSE and --assignment NAME go together"),
        (["--nbgrader", ".", "--assignment", "knitting"], "no unit is called 'knitting'"),
        (["--nbgrader", ".", "--assignment", "quiz"], "run `nbgrader generate_assignment quiz` there first"),
        (["--nbgrader", ".", "--assignment", UNIT], "nobody has handed in variation_loss"),
    ],
)
def test_what_cannot_be_graded_is_said_in_one_sentence(course, args, words):
    code, text = command(course, "autograder", "grade", *args)
    assert code == 2 and words in " ".join(text.split()) and "Traceback" not in text
