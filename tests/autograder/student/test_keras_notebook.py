"""examples/keras.ipynb, the lesson's methods in Keras: run in a real kernel, and released if it is asked for."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from tests.autograder.conftest import ROOT

NOTEBOOK = ROOT / "examples" / "keras.ipynb"


def test_it_begins_as_the_first_notebook_does_and_is_shipped_without_outputs():
    notebook, start = (nbformat.read(path, as_version=4) for path in (NOTEBOOK, ROOT / "notebooks" / "start.ipynb"))
    nbformat.validate(notebook)
    assert notebook.cells[1].source == start.cells[1].source  # which installs the course
    assert all(cell.get("outputs", []) == [] and not cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.slow
def test_the_networks_learn_dream_and_are_fooled(monkeypatch):
    pytest.importorskip("keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "".join(output.get("text", "") for output in outputs if output.get("name") == "stdout")

    frozen, tuned = map(int, re.search(r"frozen network: (\d+)%, fine-tuned network: (\d+)%", said).groups())
    assert frozen > 50 and tuned >= frozen + 5  # a guess is right on 8%
    plain, helped = re.findall(r"probability ([\d.]+), variation ([\d.]+)", said)
    assert float(plain[0]) > 0.9 and float(helped[0]) > 0.9
    assert float(helped[1]) < 0.7 * float(plain[1])
    assert re.search(r"before: dog; after \d+ steps: siamese_cat", said)
    assert re.search(r"by more than [1-8]/255", said)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 3


@pytest.mark.parametrize(("release", "place"), [("student", "notebooks/keras.ipynb"), ("notebooks", "keras.ipynb")])
def test_it_is_released_if_it_is_asked_for(command, monkeypatch, tmp_path, release, place):
    monkeypatch.chdir(ROOT)
    for name in ("student_bundle", "notebooks_bundle", "fingerprint_files"):  # they have tests of their own
        monkeypatch.setattr(f"autograder.platforms.bundles.{name}", lambda *_: {"README.md": b""})
    monkeypatch.setattr("autograder.platforms.bundles.try_out", lambda *_: None)
    assert command("release", release, tmp_path / "without")[0] == 0
    assert command("release", release, tmp_path / "with", "--notebook", NOTEBOOK)[0] == 0
    assert not (tmp_path / "without" / place).exists()
    assert (tmp_path / "with" / place).read_bytes() == NOTEBOOK.read_bytes()
