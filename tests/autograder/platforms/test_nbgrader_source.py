"""The source notebooks, as they are written and before nbgrader has seen them."""

import ast
import base64
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from autograder.cli.class_run import nbgrader_assignment
from autograder.course.catalog import read_catalog
from autograder.course.units import Function, Unit
from autograder.errors import CatalogError, UsageError
from autograder.grading.session import collected_tests
from autograder.grading.source import Source
from autograder.grading.spec import GradingSpec
from autograder.platforms.nbgrader.assignment import source_notebook, write_notebooks
from autograder.platforms.nbgrader.cells import graded_cells, release_again, released_points
from autograder.platforms.nbgrader.config import configure
from autograder.results.mark import SHOWN, Hidden
from autograder.results.types import CheckResult, Outcome

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
DOUBLE = Unit("unit", "Unit", 5, {"double": Function("double", 3, ())})
SOLUTION = '''"""About doubles."""

import math


def double(x):
    """Twice."""
    # TODO: Double it.
    ### BEGIN SOLUTION
    return helper(x)
    ### END SOLUTION


### BEGIN SOLUTION
def helper(x):
    return 2 * x
### END SOLUTION
'''
CHECKS = (
    CheckResult("unit::test_a", "unit", "double", "It doubles", 1),
    CheckResult("unit::test_b", "unit", "double", "It doubles other things", 2, hidden=True),
)


@pytest.fixture(scope="module")
def notebooks(tmp_path_factory):
    """The source notebook of every unit."""
    course = tmp_path_factory.mktemp("course")
    write_notebooks(CATALOG, CATALOG.select(None), course)
    assert write_notebooks(CATALOG, CATALOG.select(["quiz"]), course) == []
    return {unit: nbformat.read(course / "source" / unit / f"{unit}.ipynb", 4) for unit in CATALOG.units}


@pytest.fixture
def lesson(tmp_path):
    """A file with a lesson."""
    path = tmp_path / "lesson.md"
    path.write_text("# Lesson")
    return path


def facts_of(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


@pytest.mark.parametrize("unit", CATALOG.units)
def test_points_are_those_of_the_catalog(notebooks, unit):
    cells = facts_of(notebooks[unit])
    for function in CATALOG.units[unit].functions.values():
        own = [cells[name] for name in (f"checks-{function.name}", f"hidden-{function.name}") if name in cells]
        assert sum(cell.metadata.nbgrader.points for cell in own) == function.points


@pytest.mark.parametrize("unit", CATALOG.units)
def test_the_solutions_cells_run_and_define_every_function(notebooks, unit):
    namespace = {"__name__": unit}
    for name, cell in facts_of(notebooks[unit]).items():
        if not cell.metadata.nbgrader.grade:
            exec(compile(cell.source, name, "exec"), namespace)
    assert all(callable(namespace[function]) for function in CATALOG.units[unit].functions)


@pytest.mark.parametrize("unit", CATALOG.units)
def test_no_code_of_a_check_is_in_a_notebook(notebooks, unit):
    text = nbformat.writes(notebooks[unit])
    checks = [node for node in ast.parse(CATALOG.checks(unit).read_text()).body if isinstance(node, ast.FunctionDef)]
    told = [check.name for check in checks if check.name.startswith("test_") and check.name in text]
    assert told == []


def test_helpers_go_into_the_region_of_the_function_before_them(lesson):
    cells = facts_of(source_notebook(DOUBLE, SOLUTION, lesson, CHECKS))
    assert list(cells) == ["imports", "answer-double", "checks-double", "hidden-double"]
    answer = cells["answer-double"].source
    assert answer.count("### BEGIN SOLUTION") == 1 and answer.endswith("### END SOLUTION")
    namespace = {}
    exec(answer, namespace)
    assert namespace["double"](4) == 8


def test_the_notebook_is_the_same_each_time(lesson):
    assert source_notebook(DOUBLE, SOLUTION, lesson, CHECKS) == source_notebook(DOUBLE, SOLUTION, lesson, CHECKS)


def test_pictures_of_a_lesson_travel_in_the_notebook(lesson):
    (lesson.parent / "cat.png").write_bytes(b"a picture")
    lesson.write_text("![A cat](cat.png) and [a link](https://example.org) and ![far](https://example.org/x.png)")
    cell = source_notebook(DOUBLE, SOLUTION, lesson, CHECKS).cells[0]
    assert cell.attachments == {"cat.png": {"image/png": base64.b64encode(b"a picture").decode()}}
    assert (
        cell.source.startswith("![A cat](attachment:cat.png) and [a link](https://")
        and "(https://example.org/x.png)" in cell.source
    )
    lesson.write_text("![A cat](dog.png)")
    with pytest.raises(CatalogError, match=r"lesson.md shows dog.png, which cannot be read"):
        source_notebook(DOUBLE, SOLUTION, lesson, CHECKS)


def test_every_picture_of_a_lesson_is_attached(notebooks):
    shown = [
        picture
        for notebook in notebooks.values()
        for picture in re.findall(r"!\[[^]]*\]\((.*?)\)", notebook.cells[0].source)
    ]
    assert shown and all(picture.startswith("attachment:") for picture in shown)


def test_cells_that_an_instructor_has_added_stay_in_their_places(tmp_path):
    quiz = CATALOG.select(["quiz"])
    write_notebooks(CATALOG, quiz, tmp_path)
    path = tmp_path / "source" / "quiz" / "quiz.ipynb"
    notebook = nbformat.read(path, 4)
    ids = [cell.id for cell in notebook.cells]
    facts = {"schema_version": 3, "grade_id": "why", "grade": True, "solution": True, "locked": False, "task": False}
    notebook.cells[0].source = "A lesson that was ours"
    notebook.cells.insert(0, new_markdown_cell("Read page 12 first.", id="note"))
    notebook.cells.insert(3, new_markdown_cell("Why?", metadata={"nbgrader": {**facts, "points": 2}}, id="random"))
    notebook.cells.append(new_code_cell("gone", id="checks-gone"))  # of a function that the course had once
    notebook.cells.append(new_code_cell("# the end", id="end"))
    nbformat.write(notebook, path)
    assert [written for written, _ in write_notebooks(CATALOG, quiz, tmp_path)] == [path]
    merged = nbformat.read(path, 4)
    assert [cell.id for cell in merged.cells] == ["note", *ids[:2], "random", *ids[2:], "end"]
    assert merged.cells[3].metadata.nbgrader.points == 2 and merged.cells[1].source != "A lesson that was ours"
    assert write_notebooks(CATALOG, quiz, tmp_path) == []


@pytest.mark.parametrize("unit", CATALOG.units)
def test_every_visible_check_works_without_the_solution(unit):
    """Otherwise a student could not have all points that Validate shows."""
    assert [test.name for test in collected_tests(CATALOG, unit) if test.needs_solution and not test.hidden] == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def double", "def triple", "has no function double"),
        ("    return 2 * x\n### END SOLUTION\n", "    return 2 * x\n", "a region of helpers must be closed"),
    ],
)
def test_a_solution_that_does_not_fit_is_named(lesson, old, new, words):
    with pytest.raises(CatalogError, match=words):
        source_notebook(DOUBLE, SOLUTION.replace(old, new), lesson, CHECKS)


def test_a_graded_cell_adds_up_its_checks():
    shown, hidden = graded_cells(
        [CHECKS[0].with_outcome(Outcome.PASSED), CHECKS[1].with_outcome(Outcome.FAILED, "no\udcff")]
    )
    assert (shown.points, shown.max_points, hidden.points, hidden.max_points) == (1, 1, 0, 2)
    lines = ["double: 0 of 2 points", "  x It doubles other things", "      no?"]
    assert [hidden.text(shown) for shown in Hidden] == ["\n".join(lines[:n]) for n in (1, 2, 3, 3)]


CELLS = {"checks-a": (1.0, 2.0), "hidden-a": (1.0, 1.0), "checks-b": (3.0, 4.0)}


@pytest.mark.parametrize(
    ("limits", "points"),
    [
        ({"checks-a": 2.0, "hidden-a": 1.0, "checks-b": 4.0}, {"checks-a": 1.0, "hidden-a": 1.0, "checks-b": 3.0}),
        ({"checks-a": 1.0, "hidden-a": 1.0, "checks-b": 8.0}, {"checks-a": 0.5, "hidden-a": 1.0, "checks-b": 6.0}),
        ({"checks-a": 3.0, "checks-b": 4.0, "hidden-b": 4.0}, {"checks-a": 2.0, "checks-b": 3.0, "hidden-b": 3.0}),
        ({"checks-a": 2.0, "hidden-a": 1.0, "checks-c": 5.0}, {"checks-a": 1.0, "hidden-a": 1.0}),
    ],
)
def test_after_a_change_of_points_marks_keep_their_share(limits, points):
    assert released_points(CELLS, limits) == points
    sentence = release_again("a_unit", "a_course", CELLS, limits)
    changed = limits != {name: most for name, (_, most) in CELLS.items()}
    assert ("autograder release nbgrader a_course --units a_unit" in sentence) == changed
    assert ("db assignment remove" in sentence) == (limits.keys() != CELLS.keys())


def test_a_notebook_that_was_changed_and_a_configuration_are_kept(tmp_path):
    quiz = CATALOG.select(["quiz"])
    write_notebooks(CATALOG, quiz, tmp_path)
    path = tmp_path / "source" / "quiz" / "quiz.ipynb"
    path.write_text("mine")
    (tmp_path / "nbgrader_config.py").write_text("mine too")
    assert write_notebooks(CATALOG, quiz, tmp_path) == [(path, tmp_path / "replaced" / "quiz.ipynb.bak")]
    assert (tmp_path / "replaced" / "quiz.ipynb.bak").read_text() == "mine"
    assert (tmp_path / "nbgrader_config.py").read_text() == "mine too"
    assert [file.name for file in path.parent.iterdir()] == ["quiz.ipynb"]


def test_without_nbgrader_one_sentence_says_so(monkeypatch, tmp_path):
    for name in ("intake", "gradebook"):
        monkeypatch.delitem(sys.modules, f"autograder.platforms.nbgrader.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)
    with pytest.raises(UsageError, match=r"--nbgrader needs nbgrader.*: pip install 'idealcat\[nbgrader\]'"):
        nbgrader_assignment(Source(nbgrader=str(tmp_path), assignment="quiz"), GradingSpec(CATALOG))


@pytest.mark.parametrize("sandbox", [True, False])
def test_every_class_that_the_configuration_names_can_be_imported(sandbox, monkeypatch):
    pytest.importorskip("nbgrader")
    monkeypatch.setenv("IDEALCAT_COURSE", "")
    monkeypatch.setenv(SHOWN, "")
    config = Config()
    configure(config, course=str(ROOT), sandbox=sandbox)
    autograde = config.Autograde
    named = [*autograde.get("sanitize_preprocessors", ()), *autograde.autograde_preprocessors]
    named += [autograde.exporter_class] if "exporter_class" in autograde else []
    assert [name for name in named if not isinstance(import_item(name), type)] == []
