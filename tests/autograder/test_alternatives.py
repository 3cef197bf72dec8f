"""Other right ways to write a unit earn full marks: nothing is judged but what the contract asks for."""

from pathlib import Path

import pytest

from autograder.catalog import read_catalog
from autograder.grade import Grader
from autograder.results import Outcome

ROOT = Path(__file__).parents[2]
CATALOG = read_catalog(ROOT)
ALTERNATIVES = sorted((ROOT / "tests" / "alternatives").glob("*/*.py"))


@pytest.mark.parametrize("path", ALTERNATIVES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_full_marks(path, sandbox, tmp_path):
    unit = path.parent.name
    (tmp_path / f"{unit}.py").write_text(path.read_text())
    for seed in ("a", "b", "c"):
        result = Grader(CATALOG, sandbox, units=[unit], seed=seed).grade(tmp_path)
        assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []


@pytest.mark.parametrize("unit", CATALOG.units)
def test_there_are_three(unit):
    assert len([path for path in ALTERNATIVES if path.parent.name == unit]) >= 3
