"""notebooks/start.ipynb, run in a real kernel: in the course, and from nothing but the zip of a release."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from tests.autograder.conftest import ROOT

START = ROOT / "notebooks" / "start.ipynb"
FIRST = 'raise NotImplementedError("decayed_learning_rate")'


def run(folder, body=FIRST):
    """Return what the notebook prints, cell by cell, with a body written into its first function."""
    notebook = nbformat.read(START, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(FIRST, body)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(folder)}}).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in code]


def test_it_is_shipped_without_outputs():
    notebook = nbformat.read(START, as_version=4)
    nbformat.validate(notebook)
    assert all(cell.get("outputs", []) == [] and not cell.get("execution_count") for cell in notebook.cells)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (FIRST, "not written yet (cell [2], line 3)"),
        ("return learning_rate * factor * epoch", "Known mistake: The factor is multiplied by the epoch"),
        ("return learning_rate * factor**epoch", "+ Two epochs with a factor of one half leave a quarter"),
    ],
)
def test_in_the_course(own_course, body, words):
    shutil.copytree(ROOT / "notebooks", own_course / "notebooks")
    said = run(own_course / "notebooks", body)
    assert said[0] == f"The course is here: {own_course.name}\n"
    assert words in " ".join(said[2].split())
    assert "training_tricks: 0 of 39 points" in said[3]
    assert "Training tricks: what makes training work: 0 of 39 points" in said[4]
    assert "decayed_learning_rate: 0 of " in said[4]
    assert "not written yet (training_tricks.py:" in said[4]  # it says what is wrong


@pytest.mark.slow
def test_from_the_zip_of_a_release(command, tmp_path, monkeypatch):
    """As in Colab: an empty folder, and the zip uploaded into it. What it would install is installed already."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("autograder.platforms.bundles.try_out", lambda *_: None)  # it has a test of its own
    monkeypatch.setattr("autograder.platforms.bundles.fingerprint_files", lambda *_: {})  # and so have they
    assert command("release", "student", tmp_path / "idealcat")[0] == 0
    content = tmp_path / "content"
    content.mkdir()
    shutil.move(tmp_path / "idealcat.zip", content)
    said = run(content)
    assert said[0].startswith("The course is here: ")
    assert "not written yet" in " ".join(said[2].split())
    assert "Training tricks: what makes training work: 0 of " in said[4]
