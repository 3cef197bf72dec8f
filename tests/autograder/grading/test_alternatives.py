"""Other right ways to write a unit earn full marks: nothing is judged but what the contract asks for."""

from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
ALTERNATIVES = sorted((ROOT / "tests" / "alternatives").glob("*/*.py"))


#: The others take seconds each: they wait for the slow run.
QUICK = [path for path in ALTERNATIVES if path.parent.name == "quiz" or path.stem == "pytorch_does_it"]


def failures(path, sandbox, tmp_path, seed):
    unit = path.parent.name
    (tmp_path / f"{unit}.py").write_text(path.read_text())
    result = Grader(GradingSpec(CATALOG, units=(unit,), seed=seed), sandbox).grade_path(tmp_path)
    return [check.message for check in result.checks if check.outcome is not Outcome.PASSED]


def name(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.parametrize("path", QUICK, ids=name)
def test_full_marks(path, sandbox, tmp_path):
    assert failures(path, sandbox, tmp_path, "a") == []


@pytest.mark.slow
@pytest.mark.parametrize("path", ALTERNATIVES, ids=name)
def test_full_marks_on_every_seed(path, seeds, sandbox, tmp_path):
    assert [failures(path, sandbox, tmp_path, f"seed {i}") for i in range(seeds)] == [[]] * seeds


@pytest.mark.parametrize("unit", CATALOG.units)
def test_there_are_three(unit):
    assert len([path for path in ALTERNATIVES if path.parent.name == unit]) >= 3
