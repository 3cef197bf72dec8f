"""The source notebooks, as they are written and before nbgrader has seen them."""

import ast
import sys
from pathlib import Path

import nbformat
import pytest

from autograder.cli.grading import Source, _assignment
from autograder.course.catalog import Function, Unit, read_catalog
from autograder.errors import CatalogError, UsageError
from autograder.platforms.nbgrader.assignment import source_notebook, write_notebooks
from autograder.platforms.nbgrader.cells import graded_cells
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
    write_notebooks(CATALOG, CATALOG.chosen(None), course)
    assert write_notebooks(CATALOG, CATALOG.chosen(["quiz"]), course) == []
    return {unit: nbformat.read(course / "source" / unit / f"{unit}.ipynb", 4) for unit in CATALOG.units}


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


def test_helpers_go_into_the_region_of_the_function_before_them():
    cells = facts_of(nbformat.reads(source_notebook(DOUBLE, SOLUTION, "# Lesson", CHECKS), 4))
    assert list(cells) == ["imports", "answer-double", "checks-double", "hidden-double"]
    answer = cells["answer-double"].source
    assert answer.count("### BEGIN SOLUTION") == 1 and answer.endswith("### END SOLUTION")
    namespace = {}
    exec(answer, namespace)
    assert namespace["double"](4) == 8


def test_the_text_is_the_same_each_time():
    assert source_notebook(DOUBLE, SOLUTION, "", CHECKS) == source_notebook(DOUBLE, SOLUTION, "", CHECKS)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("def double", "def triple", "has no function double"),
        ("    return 2 * x\n### END SOLUTION\n", "    return 2 * x\n", "a region of helpers must be closed"),
    ],
)
def test_a_solution_that_does_not_fit_is_named(old, new, words):
    with pytest.raises(CatalogError, match=words):
        source_notebook(DOUBLE, SOLUTION.replace(old, new), "", CHECKS)


def test_a_graded_cell_adds_up_its_checks():
    shown, hidden = graded_cells([CHECKS[0].ended(Outcome.PASSED), CHECKS[1].ended(Outcome.FAILED, "no\udcff")])
    assert (shown.points, shown.max_points, hidden.points, hidden.max_points) == (1, 1, 0, 2)
    assert hidden.text == "double: 0 of 2 points\n  x It doubles other things\n      no?"


def test_a_notebook_that_was_changed_and_a_configuration_are_kept(tmp_path):
    quiz = CATALOG.chosen(["quiz"])
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
        _assignment(Source(nbgrader=str(tmp_path), assignment="quiz"))
