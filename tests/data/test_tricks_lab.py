"""The functions of training_tricks plugged together: `python -m data.tricks_lab`."""

import shutil
from dataclasses import replace

import pytest
import torch

from autograder.course.catalog import read_catalog
from autograder.messages import speaking, tr
from data import tricks_lab
from data.course_code import CodeError, CourseCode
from data.tricks_lab import RECIPES, run, table
from tests.autograder.conftest import ROOT

SOLUTIONS = CourseCode(ROOT / "solutions")


def blobs(seed, per_class=20, classes=3, size=6):
    """Rows round the corners of a cube, with labels; learnt in a few epochs."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat(per_class)
    return 2 * torch.eye(size)[labels] + 0.5 * torch.randn(len(labels), size, generator=generator), labels


PARTS = blobs(1), blobs(2), blobs(3)


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(tricks_lab, "EPOCHS", 12)


@pytest.mark.parametrize("recipe", RECIPES[:-1], ids=lambda recipe: recipe.name)
def test_every_recipe_learns_what_is_easy(recipe):
    assert run(SOLUTIONS, recipe, PARTS, 0).right > 0.8


def test_a_recipe_is_the_same_each_time_and_another_is_not(monkeypatch):
    first, again = (run(SOLUTIONS, RECIPES[0], PARTS, 5) for _ in range(2))
    assert first == again
    labels = torch.arange(3).repeat(20)
    hard = tuple((torch.randn(60, 6, generator=torch.Generator().manual_seed(seed)), labels) for seed in range(3))
    monkeypatch.setattr(tricks_lab, "EPOCHS", 4)
    changes = (
        {"dropout": 0.0},
        {"decay": 50.0},
        {"adam": False},
        {"average": True},
        {"scale": 100.0},
        {"normalised": False},
    )
    plain = [run(SOLUTIONS, RECIPES[0], hard, seed) for seed in range(2)]
    for change in changes:
        assert [run(SOLUTIONS, replace(RECIPES[0], **change), hard, seed) for seed in range(2)] != plain


@pytest.mark.parametrize(
    "name",
    [
        *("xavier_normal", "batch_norm", "dropout", "momentum_step", "adam_step"),
        *("clip_gradients", "decayed_learning_rate", "should_stop"),
    ],
)
def test_it_uses_the_students_functions(name, tmp_path):
    shutil.copy(ROOT / "solutions" / "training_tricks.py", tmp_path)
    with (tmp_path / "training_tricks.py").open("a") as file:
        file.write(f"\n\ndef {name}(*_, **__):\n    raise NotImplementedError\n")
    with pytest.raises(CodeError, match=f"{name} in .* is not written yet"):
        run(CourseCode(tmp_path), replace(RECIPES[0], adam=name != "momentum_step"), PARTS, 0)


def test_the_table_has_a_line_for_each_recipe(monkeypatch):
    monkeypatch.setattr(tricks_lab, "features", lambda: PARTS)
    head, *lines = table(SOLUTIONS, 1, RECIPES[:2])
    assert head.split() == ["epochs", "right", "on", "training", "pictures", "on", "new", "ones"]
    assert [line[:24].strip() for line in lines] == ["dropout and batch norm", "without dropout"]


def test_the_table_is_in_the_readers_language(monkeypatch):
    monkeypatch.setattr(tricks_lab, "features", lambda: PARTS)
    with speaking("lt", read_catalog(ROOT).translations):
        head, *lines = table(SOLUTIONS, 1, RECIPES[:2])
        name = tr("without dropout")
    assert "epochos" in head and not {"on", "right"} & set(head.split())
    assert lines[1].startswith(name) and name != "without dropout"
    assert {len(line) for line in lines} == {len(head)}


def test_a_line_is_the_mean_of_at_least_one_network(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["tricks_lab", "--code", str(ROOT / "solutions"), "--networks", "0"])
    with pytest.raises(SystemExit) as ended:
        tricks_lab.main()
    assert ended.value.code == 2 and "--networks: must be at least 1" in capsys.readouterr().err
