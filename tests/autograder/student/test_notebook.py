"""`check` as a student's notebook calls it, with the notebook's namespace in place of this process's own."""

import linecache
import random
import shutil
import sys
import types
from pathlib import Path

import pytest
import torch

from autograder.course.catalog import COURSE
from autograder.errors import UsageError
from autograder.student.notebook import check

ROOT = Path(__file__).parents[3]
SUBMISSIONS = Path(__file__).parents[1] / "samples"


class FakeShell:
    """What is used of IPython: the names under which it has compiled cells."""

    def __init__(self):
        self.compile = types.SimpleNamespace(_filename_map={})


@pytest.fixture
def notebook(monkeypatch):
    """Runs cells, as a kernel does."""
    main, shell = types.ModuleType("__main__"), FakeShell()
    main.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "__main__", main)

    def run(cell):
        number = len(shell.compile._filename_map) + 1
        filename = f"/tmp/ipykernel_1/{number}0042.py"
        shell.compile._filename_map[filename] = number
        linecache.cache[filename] = len(cell), None, cell.splitlines(keepends=True), filename  # as IPython does
        exec(compile(cell, filename, "exec"), vars(main))

    return run


def test_the_sentences_are_those_of_pytest(notebook, capsys, student_pytest):
    notebook((SUBMISSIONS / "only_horizontal" / "variation_loss.py").read_text())
    assert check("total_variation") == 1
    lines = capsys.readouterr().out.splitlines()
    run = student_pytest(SUBMISSIONS / "only_horizontal" / "variation_loss.py")
    said = {line.strip() for line in run.text.splitlines()}
    sentences = [line.strip() for line in lines if "expected" in line or "Known mistake" in line]
    assert len(sentences) >= 2 and set(sentences) <= said


def test_it_runs_on_what_is_defined_now(notebook, capsys):
    notebook("import torch\n\ndef variation_loss(images):\n    raise NotImplementedError()")
    assert check("variation_loss") == 0
    assert "not written yet (cell [1], line 4)" in capsys.readouterr().out
    notebook("def variation_loss(images):\n    return images.no_such_thing")
    assert check("variation_loss") == 0
    assert "AttributeError" in capsys.readouterr().out
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    assert check("variation_loss") == 3.25


def test_the_notebook_goes_on_as_if_nothing_had_been_run(notebook):
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    torch.manual_seed(5)
    random.seed(5)
    expected = torch.rand(3), random.random()
    torch.manual_seed(5)
    random.seed(5)
    check("variation_loss")
    assert torch.equal(torch.rand(3), expected[0]) and random.random() == expected[1]


SPYING = """
plain, shapes = variation_loss, []

def variation_loss(images):
    shapes.append(tuple(images.shape))
    return plain(images)
"""


def test_hidden_checks_are_out_of_reach_until_nbgrader_grades(notebook, capsys, monkeypatch):
    """Their inputs too: in a student's own run they do not call the student's code at all."""
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    notebook(SPYING)
    assert check("variation_loss") == 3.25
    hidden = (3, 3, 7, 12)
    assert hidden not in vars(sys.modules["__main__"])["shapes"] and len(vars(sys.modules["__main__"])["shapes"]) >= 3
    assert "random" not in capsys.readouterr().out
    for value in (None, "validate"):
        monkeypatch.setenv("NBGRADER_EXECUTION", value) if value else monkeypatch.delenv(
            "NBGRADER_EXECUTION", raising=False
        )
        with pytest.raises(UsageError, match="the hidden checks of variation_loss run when the notebook is graded"):
            check("variation_loss", hidden=True)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("variation_loss", hidden=True) == 0.75
    assert hidden in vars(sys.modules["__main__"])["shapes"]


def test_a_wrong_image_is_shown(notebook, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    notebook((ROOT / "solutions" / "variation_loss.py").read_text())
    assert check("denoise") == 7 and shown == []
    notebook(
        "right = denoise\ndef denoise(images, **options):\n"
        "    return right(images, **options) if options.get('weight', 1) else 1 - images"
    )
    assert check("denoise") < 7
    (picture,) = shown
    assert picture.data.startswith(b"\x89PNG") and "With weight 0" in capsys.readouterr().out.splitlines()[-1]


def test_of_a_function_whose_cell_was_not_run_it_says_so(notebook, capsys):
    notebook("def class_loss(model, images, target):\n    return 0")
    assert check("ideal_loss") == 0
    assert capsys.readouterr().out == "ideal_loss is not defined here: run its cell first\n"


def test_a_name_that_is_none_is_answered_with_one_that_is(notebook):
    with pytest.raises(UsageError, match=r"no function .total_variatoin.; is it total_variation\?"):
        check("total_variatoin")


def test_a_course_without_hidden_checks_has_none_to_show(notebook, tmp_path, monkeypatch):
    for folder in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    checks = tmp_path / "tests" / "exercises" / "test_variation_loss.py"
    checks.write_text(checks.read_text().replace("@pytest.mark.hidden\n", ""))
    monkeypatch.setenv(COURSE, str(tmp_path))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(UsageError, match="variation_loss has no hidden checks here"):
        check("variation_loss", hidden=True)
