"""Units written in Keras earn full marks: its layers are PyTorch's modules, its tensors PyTorch's."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

# Imported by the tests alone that are run: it takes seconds.
pytestmark = pytest.mark.skipif(find_spec("keras") is None, reason="keras is not installed")
ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
#: Named so that pytest does not take them for submissions.
UNITS = {path.stem.removeprefix("keras_"): path for path in sorted((ROOT / "tests" / "keras").glob("keras_*.py"))}


def graded(unit, sandbox, folder, seed):
    return Grader(GradingSpec(CATALOG, units=(unit,), seed=seed), sandbox).grade_path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_in_keras_earns_full_marks(unit, seeds, sandbox, tmp_path):
    shutil.copy(UNITS[unit], tmp_path / f"{unit}.py")
    for number in range(seeds):
        result = graded(unit, sandbox, tmp_path, f"seed {number}")
        failed = [check.message for check in result.checks if check.outcome is not Outcome.PASSED]
        assert failed == [], f"seed {number}"


@pytest.mark.slow
def test_keras_is_on_torch_in_a_worker_and_its_version_is_kept(sandbox, tmp_path):
    (tmp_path / "training_tricks.py").write_text(
        "import keras\n\n\ndef decayed_learning_rate(learning_rate, epoch, factor=0.98):\n"
        "    assert keras.config.backend() == 'torch'\n"
        "    return learning_rate * factor**epoch\n"
    )
    result = graded("training_tricks", sandbox, tmp_path, "a")
    ended = {check.outcome for check in result.checks if check.function == "decayed_learning_rate"}
    assert ended == {Outcome.PASSED}
    assert result.versions["keras"].startswith("3.")


@pytest.mark.slow
def test_a_student_runs_pytest_with_keras_on_torch(student_pytest, tmp_path, monkeypatch):
    shutil.copy(UNITS["variation_loss"], tmp_path / "variation_loss.py")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    run = student_pytest(tmp_path / "variation_loss.py", "-k", "variation_loss_is_a_scalar")
    assert {check.outcome for check in run.checks.values()} == {Outcome.PASSED}, run.text
