"""The course itself: what belongs together is there, points add up, and every known mistake is caught and named."""

import ast
import re
from pathlib import Path

import pytest

from autograder.checks.mistakes import known_mistakes
from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.grading.verify import Verification
from autograder.results.types import Outcome
from autograder.submissions import Submission

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
#: Their checks train networks or attack them, for seconds: tests/exercises/ runs those on the solutions in this process.
#: The others take seconds: they wait for the slow run.
QUICK = ("quiz",)
#: One function of the others, so that a known mistake is looked for in every run.
ALSO_QUICK = "decayed_learning_rate"
FUNCTIONS = [(unit, function) for unit in CATALOG.units.values() for function in unit.functions.values()]
MISTAKES = [(unit, known) for unit in CATALOG.units for known in known_mistakes(CATALOG.mistakes(unit))]


@pytest.fixture(scope="module")
def checks():
    """All of them, of a submission without a file: none is run."""
    return Grader(GradingSpec(CATALOG, require=()), InThisProcess()).grade(Submission("nobody")).checks


@pytest.mark.parametrize(
    "unit", [unit if unit in QUICK else pytest.param(unit, marks=pytest.mark.slow) for unit in CATALOG.units]
)
def test_a_solution_passes_every_check(unit, sandbox):
    solved = Grader(GradingSpec(CATALOG, units=(unit,)), sandbox).grade_path(ROOT / "solutions")
    assert [check.message for check in solved.checks if check.outcome is not Outcome.PASSED] == []
    assert solved.score == CATALOG.units[unit].points


def test_its_units_have_all_that_authors_must_write():
    finding = Verification(CATALOG, list(CATALOG.units.values()), run_trials=iter).course()
    assert finding.problems == ()


@pytest.mark.parametrize(("unit", "function"), FUNCTIONS, ids=lambda value: value.name)
def test_points_of_a_function_are_those_of_its_checks(unit, function, checks):
    own = [check for check in checks if (check.unit, check.function) == (unit.name, function.name)]
    assert sum(check.max_points for check in own) == pytest.approx(function.points)
    assert any(check.hidden for check in own) or function.name in OUTCOME_FUNCTIONS + DRAWN_ANEW
    assert any(not check.hidden for check in own)


def test_no_check_judges_a_function_that_the_catalog_lacks(checks):
    known = {(unit.name, function.name) for unit, function in FUNCTIONS}
    assert {(check.unit, check.function) for check in checks} == known


@pytest.mark.parametrize(("unit", "function"), FUNCTIONS, ids=lambda value: value.name)
def test_every_function_has_two_hints_and_a_docstring(unit, function):
    assert len(function.hints) == 2
    assert "?" in function.hints[0]
    tree = ast.parse(CATALOG.solution(unit.name).read_text())
    (node,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function.name]
    doc = ast.get_docstring(node)
    assert "Returns:" in doc and ("Args:" in doc or not node.args.args)
    assert re.search(r"(?i)\b(shapes?|scalar|floats?|dicts?|ints?|string|list|bytes)\b", doc)


@pytest.mark.parametrize("unit", [unit for unit in CATALOG.units if unit != "quiz"])
def test_every_lesson_has_a_picture_that_says_what_is_on_it(unit):
    lesson = ROOT / "exercises" / "lessons" / f"{unit}.md"
    pictures = re.findall(r"!\[([^\]]{10,})\]\(([^)]+)\)", lesson.read_text())
    assert pictures and all((lesson.parent / path).is_file() for _, path in pictures)


@pytest.mark.parametrize("unit", CATALOG.units)
def test_public_checks_need_no_reference(unit):
    tree = ast.parse(CATALOG.checks(unit).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            hidden = any("hidden" in ast.unparse(mark) for mark in node.decorator_list)
            uses_reference = any(argument.arg == "reference" for argument in node.args.args)
            assert hidden or not uses_reference or node.name in OUTCOME_CHECKS, node.name


# Judged by what they achieve, on fresh inputs: there is nothing to hide.
OUTCOME_FUNCTIONS = ("denoise", "ideal_image", "xavier_normal")
#: Their visible checks draw all that they ask anew for each submission, so that a hidden one would find nothing more.
DRAWN_ANEW = ("ideal_step", "success_rate", "transfer_rates")
# They measure with the reference; what they measure is an outcome.
OUTCOME_CHECKS = ()


@pytest.mark.parametrize("unit", CATALOG.units)
def test_there_are_six_mistakes_and_one_for_each_function(unit):
    known = known_mistakes(CATALOG.mistakes(unit))
    assert len(known) >= 6
    assert {mistake.function for mistake in known} == set(CATALOG.units[unit].functions)


def one_for_each_function():
    """Return the first mistake of each quick function; `verify` runs all others."""
    quick = [each for each in MISTAKES if each[0] in QUICK or each[1].function == ALSO_QUICK]
    first = {(unit, mistake.function): mistake for unit, mistake in reversed(quick)}
    return [(unit, mistake) for (unit, _), mistake in reversed(first.items())]


@pytest.mark.parametrize(("unit", "mistake"), one_for_each_function(), ids=lambda value: getattr(value, "name", value))
def test_a_known_mistake_is_caught_and_named(unit, mistake, tmp_path, sandbox, monkeypatch):
    """A submission that is right but for this mistake. On a slow machine there is as much time to name it as it takes."""
    monkeypatch.setattr("autograder.grading.grade.NAMING_SECONDS", 60.0)
    unmarked = "def mistake(*_, **__):\n    return lambda function: function\n"
    marks = "from autograder.diagnose import mistake\n"
    variants = CATALOG.mistakes(unit).read_text().replace(marks, unmarked)
    code = f"{CATALOG.solution(unit).read_text()}\n{variants}\n{mistake.function} = {mistake.name}\n"
    (tmp_path / f"{unit}.py").write_text(code)
    result = Grader(GradingSpec(CATALOG, units=(unit,), functions=frozenset({mistake.function})), sandbox).grade_path(
        tmp_path
    )
    failed = [check for check in result.checks if check.outcome is Outcome.FAILED]
    assert failed
    assert {check.mistake for check in failed} - {None} == {mistake.name}, [check.message for check in failed]
