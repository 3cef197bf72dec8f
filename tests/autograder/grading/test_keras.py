"""Units written in Keras earn full marks: its layers are PyTorch's modules, its tensors PyTorch's."""

import shutil
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

pytest.importorskip("keras")
ROOT = Path(__file__).parents[3]
CATALOG = read_catalog(ROOT)
UNITS = sorted((ROOT / "tests" / "keras").glob("*.py"))


def graded(path, sandbox, folder, seed):
    shutil.copy(path, folder)
    return Grader(GradingSpec(CATALOG, units=(path.stem,), seed=seed), sandbox).grade_path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", [f"seed {number}" for number in range(20)])
def test_a_unit_in_keras_earns_full_marks(path, sandbox, tmp_path, seed):
    result = graded(path, sandbox, tmp_path, seed)
    assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []


def test_keras_is_on_torch_in_a_worker_and_its_version_is_kept(sandbox, tmp_path):
    (tmp_path / "training_tricks.py").write_text(
        "import keras\n\n\ndef decayed_learning_rate(learning_rate, epoch, factor=0.98):\n"
        "    assert keras.config.backend() == 'torch'\n"
        "    return learning_rate * factor**epoch\n"
    )
    result = graded(tmp_path / "training_tricks.py", sandbox, shutil.copytree(tmp_path, tmp_path / "in"), "a")
    ended = {check.outcome for check in result.checks if check.function == "decayed_learning_rate"}
    assert ended == {Outcome.PASSED}
    assert result.versions["keras"].startswith("3.")


def test_a_student_runs_pytest_with_keras_on_torch(student_pytest, monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    run = student_pytest(ROOT / "tests" / "keras" / "variation_loss.py", "-k", "variation_loss_is_a_scalar")
    assert {check.outcome for check in run.checks.values()} == {Outcome.PASSED}, run.text
