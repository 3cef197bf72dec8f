"""One class, graded in three ways: by stock nbgrader, inside nbgrader in the sandbox, and without nbgrader's command.

The last two agree always. Stock nbgrader agrees wherever it can be trusted; where it differs, `STOCK` says how and why.
"""

import shutil
from dataclasses import dataclass

import nbformat
import pytest

from tests.autograder.platforms.nbgrader_class import ACCIDENTS, CARELESS, CHEATS, EMPTIES_GRADEBOOKS, Class, id_of
from tests.autograder.platforms.nbgrader_course import command, grade_without_nbgrader, marks, nbgrader, released_course
from tests.autograder.shades_course import POINTS, UNIT

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.slow

MISTAKES = ("negates", "inverts_red", "changes_the_images", "sums", "takes_the_median")
#: Each of them ends stock nbgrader's run over the whole class: it asks for `nbgrader update`.
ENDS_STOCK = ("cells_duplicated", "metadata_old")
#: What stock nbgrader gives in place of the mark that was earned.
STOCK = {
    "patches_torch": (3.0, "the comparison that it replaced is the one that judged it"),
    "forges_check": (POINTS, "a check that says nothing has full marks"),
    "crash": (0.0, "the kernel died, and the other answer with it"),
    "checks_deleted": (0.0, "a check that is not there gives no points"),
    "cells_reordered": (0.0, "a check that stands before its answer finds none"),
    "imports_at_the_end": (0.0, "cells run in their order, and the first one needs what the last one imports"),
    "metadata_mangled": (0.0, "it cannot work with ids that are no text"),
    "metadata_lost": (0.0, "without metadata no cell is a check"),
    "imports_added": (3.0, "a locked cell is put back as it was, and the import is gone"),
    "much_output": (POINTS, "it takes notebooks of any size"),
}


@dataclass(frozen=True)
class Ways:
    """The marks of the class, by each way; what the commands said, and the course as they have left it."""

    stock: dict[str, float]
    inside: dict[str, float]
    without: dict[str, float]
    stock_text: str
    inside_text: str
    without_text: str
    course: object


def earned(students):
    """Every student of the class with a notebook and the mark that it has earned, or None for a mistake's."""
    right = students.right()
    yield "perfect", students.notebook(right), POINTS
    yield "untouched", students.notebook({}), 0.0
    for name, answers in students.mistaken():
        if name in MISTAKES:
            yield name, students.notebook(answers), None
    for name, code in CARELESS.items():
        yield name, students.notebook({**right, "invert": code}), POINTS / 2
    for name, code in CHEATS.items():
        # One point is honest: the images are left alone.
        yield name, students.notebook({"invert": code}), 1.0 if name == "patches_torch" else 0.0
    half = ("answer_deleted",)
    nothing = ("everything_deleted", "much_output", "merge_markers", "cut_short", "empty")
    for name, change in ACCIDENTS.items():
        mark = POINTS / 2 if name in half else 0.0 if name in (*nothing, "no_notebook") else POINTS
        yield name, change(students.notebook(right)), mark


@pytest.fixture(scope="module")
def expected():
    """The marks that were earned; filled as the class hands in."""
    return {}


@pytest.fixture(scope="module")
def ways(tmp_path_factory, expected):
    course = released_course(tmp_path_factory.mktemp("class"))
    config = course / "nbgrader_config.py"
    students = Class(course)
    later = []
    for name, notebook, mark in earned(students):
        expected[name] = mark
        if name in ENDS_STOCK:
            later.append((name, notebook))
        else:
            students.hand_in(name, notebook)
    settings = config.read_text()
    config.write_text(settings.replace("sandbox=True", "sandbox=False"))
    _, stock_text = command(course, "nbgrader", "autograde", UNIT)
    stock = marks(course)
    shutil.move(course / "autograded", course / "stock")

    config.write_text(settings)
    (course / "gradebook.db").unlink()
    nbgrader(course, "generate_assignment", UNIT, "--force")
    hand_in_what_no_kernel_may_see(students, later)
    expected.update(empties_gradebooks=4.0, no_notebook_at_all=0.0, other_name=POINTS, copied=POINTS, undated=POINTS)
    inside_text = nbgrader(course, "autograde", UNIT)
    inside = marks(course)

    (course / "gradebook.db").unlink()
    nbgrader(course, "generate_assignment", UNIT, "--force")
    code, without_text = grade_without_nbgrader(course)
    assert code == 1, without_text
    return Ways(stock, inside, marks(course), stock_text, inside_text, without_text, course)


def hand_in_what_no_kernel_may_see(students, later):
    for name, notebook in later:
        students.hand_in(name, notebook)
    right = students.right()
    students.hand_in("empties_gradebooks", students.notebook({**right, "invert": EMPTIES_GRADEBOOKS}))
    students.hand_in("undated", students.notebook(right), timestamp="the day before yesterday")
    folder = students.hand_in("no_notebook_at_all", students.notebook(right))
    (folder / f"{UNIT}.ipynb").unlink()
    for name, stem in (("other_name", f"my_{UNIT}"), ("copied", f"{UNIT}-1")):
        folder = students.hand_in(name, students.notebook(right))
        (folder / f"{UNIT}.ipynb").rename(folder / f"{stem}.ipynb")


def test_the_class_is_large(ways):
    assert len(ways.stock) >= 30, ways.stock_text[-2000:]
    assert ways.stock.keys() < ways.inside.keys() == ways.without.keys()


def test_inside_nbgrader_and_without_its_command_the_marks_are_the_same(ways, expected):
    assert ways.inside == ways.without
    known = {name: mark for name, mark in expected.items() if mark is not None}
    assert {name: ways.inside[name] for name in known} == known
    mistaken = {name: mark for name, mark in ways.inside.items() if expected[name] is None}
    assert len(mistaken) == len(MISTAKES) and all(POINTS / 2 <= mark < POINTS for mark in mistaken.values())
    assert "Traceback" not in ways.inside_text and "Traceback" not in ways.without_text


def test_stock_nbgrader_differs_where_it_cannot_be_trusted_and_nowhere_else(ways):
    differing = {name: mark for name, mark in ways.stock.items() if mark != ways.inside[name]}
    assert differing == {name: mark for name, (mark, _) in STOCK.items()}


def test_each_bad_notebook_has_a_sentence(ways):
    """In the notebook that feedback is made of."""
    sentences = {
        "merge_markers": "save it again in Jupyter",
        "empty": "is empty; hand in the file that you have worked on",
        "much_output": "more than the 10 MB allowed",
        "no_python": "cell 2, line 1 is not valid Python",
        "scratch_cells": "is not valid Python (invalid syntax): this is what I do not understand",
        "no_notebook_at_all": f"there is no file {UNIT}.ipynb",
        "other_name": f"my_{UNIT}.ipynb was taken as {UNIT}.ipynb",
        "endless": "did not finish within 2 s",
    }
    said = {name: words_in(notebook_of(ways.course, "autograded", name)) for name in sentences}
    assert [name for name, words in sentences.items() if words not in said[name]] == []
    assert "undated" in ways.inside_text and "timestamp.txt holds no date and time" in ways.inside_text
    assert "undated: " in ways.without_text


def test_in_a_kernel_check_shows_what_the_feedback_shows(ways):
    """Stock nbgrader runs `check` as a student's Jupyter does."""
    stock, ours = (notebook_of(ways.course, folder, "inverts_red") for folder in ("stock", "autograded"))
    shown = [
        [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
        for notebook in (stock, ours)
        for cell in notebook.cells
        if id_of(cell) == "checks-invert"
    ]
    assert len(shown[0]) == 1 and shown[0][0].strip() == shown[1][0].strip()
    said = [
        "".join(output.text for output in cell.outputs if output.get("name") == "stdout").split()
        for notebook in (stock, ours)
        for cell in notebook.cells
        if id_of(cell) == "checks-invert"
    ]
    assert said[0] == said[1]


def notebook_of(course, folder, student):
    return nbformat.read(course / folder / student / UNIT / f"{UNIT}.ipynb", 4)


def words_in(notebook):
    """All that is not code in it, in one line."""
    printed = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return " ".join(" ".join(printed + prose).split())


@pytest.mark.parametrize("name", ENDS_STOCK)
def test_some_bad_notebooks_end_the_run_of_stock_nbgrader(ways, name):
    config = ways.course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("sandbox=True", "sandbox=False"))
    code, text = command(ways.course, "nbgrader", "autograde", UNIT, "--student", name, "--force")
    assert code == 1 and "nbgrader update" in text, text
