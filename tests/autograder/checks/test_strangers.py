"""Wrong modules in other people's words: each function of `strangers/` loses points, and most are named, none wrongly.

A function is written as a student would who has never seen the known mistakes. It stands in the place of the right one, and
`named.json` holds which known mistakes are named for it, each read and found true; an empty list says that none is.
"""

import ast
import json
from pathlib import Path

import pytest

from autograder.checks.mistakes import with_more
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome
from autograder.submissions import Module, Submission

ROOT = Path(__file__).parents[3]
STRANGERS = Path(__file__).parents[1] / "strangers"
NAMED: dict[str, list[str]] = json.loads((STRANGERS / "named.json").read_text(encoding="utf-8"))
UNITS = sorted(path.stem for path in STRANGERS.glob("*.py"))


def wrong_functions(unit):
    text = (STRANGERS / f"{unit}.py").read_text(encoding="utf-8")
    functions = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return [name for name in functions if not name.startswith("_")]  # the others are helpers


def graded(catalog, unit, name):
    """The names of the known mistakes that are named, and the visible checks that fail."""
    function = name.partition("__")[0]
    solution = (ROOT / "solutions" / f"{unit}.py").read_text(encoding="utf-8")
    more = (STRANGERS / f"{unit}.py").read_text(encoding="utf-8")
    module = Module(unit, f"{unit}.py", with_more(solution, f"\n{more}\n{function} = {name}\n"))
    spec = GradingSpec(catalog, units=(unit,), functions=frozenset({function}), seed="stranger", require=())
    result = Grader(spec, InThisProcess()).grade(Submission(name, {unit: module}))
    failed = [check for check in result.checks if check.outcome is Outcome.FAILED]
    (named,) = {check.mistake for check in failed}
    return named.split(" + ") if named else [], [check for check in failed if not check.hidden]


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_a_stranger_loses_points_and_is_named_as_before(unit, catalog, monkeypatch):
    monkeypatch.setattr("autograder.grading.grade.NAMING_SECONDS", 60.0)  # so that no name depends on the machine
    for name in wrong_functions(unit):
        named, visible = graded(catalog, unit, name)
        assert visible, f"{name} passes every check that a student has"
        assert named == NAMED[f"{unit}.{name}"], name


def test_four_in_five_are_named():
    assert sorted(NAMED) == sorted(f"{unit}.{name}" for unit in UNITS for name in wrong_functions(unit))
    assert sum(map(bool, NAMED.values())) >= 0.8 * len(NAMED)
