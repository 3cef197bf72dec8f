"""Units written in NumPy and in JAX, which say so, earn full marks: tensors become arrays on the way there, and back."""

import shutil
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
#: Named so that pytest does not take them for submissions.
FILES = sorted((ROOT / "tests" / "frameworks").glob("*.py"))


def parts(path):
    """Return the framework and the unit of a file."""
    name, _, unit = path.stem.partition("_")
    pytest.importorskip(name)
    return name, unit


def graded(unit, sandbox, folder, seed="a"):
    return Grader(GradingSpec(CATALOG, units=(unit,), seed=seed), sandbox).grade_path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", [f"seed {number}" for number in range(3)])
def test_a_unit_earns_full_marks(path, sandbox, tmp_path, seed):
    _, unit = parts(path)
    shutil.copy(path, tmp_path / f"{unit}.py")
    result = graded(unit, sandbox, tmp_path, seed)
    assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_the_result_names_the_framework(name, sandbox, tmp_path):
    pytest.importorskip(name)
    shutil.copy(ROOT / "tests" / "frameworks" / f"{name}_variation_loss.py", tmp_path / "variation_loss.py")
    result = graded("variation_loss", sandbox, tmp_path)
    shown = {"numpy": "NumPy", "jax": "JAX"}[name]
    assert [note for note in result.notes if note.endswith(f": the functions get arrays of {shown}")]
    assert result.versions[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["numpy", "jax"])
def test_a_student_runs_pytest_on_arrays(name, student_pytest, tmp_path, monkeypatch):
    pytest.importorskip(name)
    shutil.copy(ROOT / "tests" / "frameworks" / f"{name}_variation_loss.py", tmp_path / "variation_loss.py")
    monkeypatch.setenv("MPLBACKEND", "Agg")
    run = student_pytest(tmp_path / "variation_loss.py", "-k", "total_variation or variation_loss")
    assert {check.outcome for check in run.checks.values()} == {Outcome.PASSED}, run.text
