"""The pets lab as it is typed: trained on the miniature and on real photographs, and asked for the breed on one."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
import torch
from PIL import ExifTags, Image
from safetensors import safe_open

from autograder.messages import speaking, translate_sentence
from data import pets_lab, toy_model
from data.course_code import CodeError, CourseCode
from data.drawing import curves, sheet
from data.pets import PetsError, draw_pets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(monkeypatch, capsys):
    """`python -m data.pets_lab ARGS`, in this process: what it printed, or what it ended with."""

    def run(*arguments, code=ROOT / "solutions"):
        monkeypatch.setattr(sys, "argv", ["pets_lab", "--code", str(code), *map(str, arguments)])
        try:
            pets_lab.main()
        except SystemExit as ended:
            return str(ended.code)
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def few_pets(tmp_path_factory):
    """A miniature with fewer pictures, as the folder that somebody has: three to learn from and three others of a breed."""
    root = tmp_path_factory.mktemp("pets")
    draw_pets(root, per_split=3)
    return root


@pytest.fixture
def trained(command, few_pets, tmp_path):
    out = command("train", "--pets", few_pets, "--network", "tiny", "--epochs", 20, "-o", tmp_path / "lab")
    return tmp_path / "lab", out


@pytest.mark.slow
def test_it_trains_saves_and_names(trained, command, few_pets):
    folder, out = trained
    (top1, top3) = map(float, re.search(r"never saw: ([\d.]+)% right, ([\d.]+)% among the first three", out).groups())
    assert top1 > 40 and top3 > top1  # guessing: 2.7 and 8.1
    assert f"The model is {folder / 'pets.safetensors'}" in out and " taken for " in out
    for name in ("learning_curves.png", "confusion_matrix.png"):
        with Image.open(folder / name) as image:
            assert image.width > 500
    with safe_open(folder / "pets.safetensors", "pt") as file:
        assert file.metadata()["network"] == "tiny" and len(json.loads(file.metadata()["classes"])) == 37
    photographs = sorted((few_pets / "oxford-iiit-pet" / "images").glob("Bombay_*.jpg"))[:1]
    lines = command("name", *photographs, "--model", folder / "pets.safetensors").splitlines()
    assert command("name", *photographs, "--model", folder).splitlines() == lines
    assert lines[0] == str(photographs[0])
    shares = [float(re.search(r" ([\d.]+)%", line)[1]) for line in lines[1:]]
    assert len(shares) == 5 and shares == sorted(shares, reverse=True) and lines[1].startswith("  Bombay ")


def accuracies(out, name):
    """Top-1 and top-3 in percent, as printed for a way to train."""
    line = re.search(
        rf"^{name}, on \d+ pictures that it never saw: ([\d.]+)% right, ([\d.]+)% among", out, re.MULTILINE
    )
    return tuple(map(float, line.groups()))


@pytest.mark.slow
def test_from_scratch_stands_beside_transfer(few_pets, command, tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr(pets_lab, "curves", lambda series, **names: drawn.update(series) or curves(series, **names))
    command_line = ("train", "--pets", few_pets, "--network", "tiny", "--from-scratch", "--epochs", 2, "-o", tmp_path)
    out = command(*command_line)
    for name in ("Transfer learning", "From scratch"):
        top1, top3 = accuracies(out, name)
        assert 0 <= top1 <= top3 <= 100
    beside = out[out.index("From scratch, on") :]
    assert re.search(r"^  \w[\w ]+ taken for \w[\w ]+: \d+$", beside, re.MULTILINE)
    losses = [
        f"{name}, {part}" for name in ("transfer learning", "from scratch") for part in ("training", "validation")
    ]
    assert list(drawn) == [*losses, "transfer learning", "from scratch"]
    assert {len(values) for values in drawn.values()} == {2}
    with Image.open(tmp_path / "confusion_matrix.png") as image:
        assert image.width > 2 * 37 * 15
    with safe_open(tmp_path / "pets.safetensors", "pt") as file:
        assert set(file.keys()) == {"weight", "bias"}  # the head of transfer


def fitted(seed, epochs=3):
    """A small network, its history, and what it was validated on."""
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(24, 3, 8, 8, generator=generator), torch.arange(24) % 3
    images[:, 0] += labels[:, None, None]  # the redder, the higher the label
    model = toy_model(["a", "b", "c"], seed=0)
    parts = (images[:18], labels[:18]), (images[18:], labels[18:])
    return model, pets_lab.fit_network(model, *parts, pets_lab.Training(epochs, 0.1, seed)), parts[1]


def test_a_network_learns_and_ends_with_its_best_epoch():
    model, history, (images, labels) = fitted(seed=1, epochs=30)
    assert [len(values) for values in history.values()] == [30, 30, 30]
    assert history["train_loss"][-1] < history["train_loss"][0]
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(images), labels).item()
    assert loss == pytest.approx(min(history["valid_loss"]), abs=1e-6)
    assert not model.training


def test_the_seed_alone_decides_how_a_network_is_trained():
    state = torch.get_rng_state()
    first, again, other = (fitted(seed)[1] for seed in (1, 1, 2))
    assert first == again and first != other
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_another_architecture_may_start_from_scratch(few_pets, command, tmp_path):
    command_line = ("train", "--pets", few_pets, "--network", "tiny", "--from-scratch", "tiny_robust", "--epochs", 1)
    assert accuracies(command(*command_line, "-o", tmp_path), "From scratch")


@pytest.mark.slow
def test_it_shows_progress_pictures_and_results_in_the_readers_language(few_pets, command, tmp_path, monkeypatch):
    monkeypatch.setenv("IDEALCAT_LANG", "lt")
    monkeypatch.setenv("COLUMNS", "100")
    captions = []
    monkeypatch.setattr(pets_lab, "sheet", lambda *words: captions.append(words) or sheet(*words))
    with speaking("en"):
        out = command("train", "--pets", few_pets, "--network", "tiny", "--from-scratch", "--epochs", 1, "-o", tmp_path)
        assert (
            command("name", "cat.jpg", "--model", tmp_path / "pets.safetensors") == "pets_lab: Nuotraukos cat.jpg nėra."
        )
        bars = ("Features of 111 pictures to learn from", "Training", "Features of 111 pictures to judge by")
        shown_bars = [translate_sentence(text) for text in bars]
        drawn = [translate_sentence(text) for title, rows in captions for text in (title, *captions_of(rows))]
    shown = [*out.replace(str(tmp_path), "").splitlines(), *drawn]
    assert [
        line for line in shown if re.search(r"\b(of|the|with|on|training|picture|taken|right|scratch)\b", line)
    ] == []
    assert len(drawn) == 6
    for what in shown_bars:
        assert re.search(rf"{what} .*100%", out)


def captions_of(rows):
    return [text for name, row in rows for text in (name, *(caption for _, caption in row)) if text]


def test_the_help_is_in_the_readers_language(command, capsys, monkeypatch):
    monkeypatch.setenv("IDEALCAT_LANG", "lt")
    with speaking("en"):
        assert command("train", "--help") == "0"
    out = capsys.readouterr().out
    assert out.startswith("Naudojimas: python -m data.pets_lab") and "mokymosi greitis" in out
    assert not re.search(r"\b(the|options|usage|show|of)\b", out)
    monkeypatch.setenv("IDEALCAT_LANG", "xx")
    assert "python -m data.pets_lab: IDEALCAT_LANG xx: there is no such language" in command("train")


def test_what_is_missing_is_named(command, tmp_path, few_pets):
    assert command("name", "cat.jpg", "--model", tmp_path / "no.safetensors") == (
        f"pets_lab: There is no model {tmp_path / 'no.safetensors'}: train one first with python -m data.pets_lab train."
    )
    assert command("train", "--pets", tmp_path).startswith(f"pets_lab: The folder {tmp_path} holds no Oxford-IIIT Pets")
    assert command("train", "--pets", few_pets, code=tmp_path) == (
        f"pets_lab: {tmp_path / 'pets_lab.py'} is not there; name the folder of your units with --code"
    )


def test_a_folder_without_a_model_is_named(command, tmp_path):
    assert f"There is no model {tmp_path / 'pets.safetensors'}" in command("name", "cat.jpg", "--model", tmp_path)
    (tmp_path / "pets.safetensors").mkdir()
    said = command("name", "cat.jpg", "--model", tmp_path)
    assert said.startswith(f"pets_lab: {tmp_path / 'pets.safetensors'} is no model of the pets lab (")


def test_a_photograph_that_is_none_is_named(trained, command, tmp_path):
    model = ("--model", trained[0] / "pets.safetensors")
    assert command("name", "cat.jpg", *model) == "pets_lab: There is no photograph cat.jpg."
    (tmp_path / "cat.jpg").write_text("no picture")
    assert command("name", tmp_path / "cat.jpg", *model).startswith(
        f"pets_lab: {tmp_path / 'cat.jpg'} is no picture that can be read ("
    )
    assert command("name", "cat.jpg", "--model", tmp_path / "cat.jpg").startswith(
        f"pets_lab: {tmp_path / 'cat.jpg'} is no model of the pets lab ("
    )


def test_a_unit_that_is_not_written_or_broken_is_named(command, few_pets, tmp_path):
    said = command("train", "--pets", few_pets, "--network", "tiny", code=ROOT / "exercises")
    assert re.match(r"pets_lab: \w+ in .*exercises/\w+\.py is not written yet; write it first", said)
    code = tmp_path / "code"
    shutil.copytree(ROOT / "solutions", code)
    (code / "head_training.py").write_text("import no_such_module\n")
    assert "head_training.py cannot be imported (ModuleNotFoundError" in command(
        "train", "--pets", few_pets, "--network", "tiny", code=code
    )


def test_a_unit_may_have_a_dataclass_with_annotations_as_strings(tmp_path):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass\nclass Point:\n    x: int\n"
    (tmp_path / "unit_of_points.py").write_text(text)
    assert CourseCode(tmp_path).function("unit_of_points", "Point")(3).x == 3


def test_a_unit_that_cannot_be_imported_is_no_module(tmp_path):
    (tmp_path / "broken_unit.py").write_text("1 / 0\n")
    with pytest.raises(CodeError, match="cannot be imported"):
        CourseCode(tmp_path).function("broken_unit", "f")
    assert "broken_unit" not in sys.modules


def test_a_training_that_diverges_is_told(command, few_pets, tmp_path):
    options = ("--network", "tiny", "--epochs", 2, "--rate", "1e38", "-o", tmp_path)
    assert command("train", "--pets", few_pets, *options) == (
        "pets_lab: The training diverged (a loss is not a finite number): try a smaller --rate."
    )


def test_a_training_has_at_least_one_epoch(command, capsys):
    assert command("train", "--epochs", 0) == "2"
    assert "--epochs: must be at least 1" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told_before_the_training(command, few_pets, tmp_path):
    (tmp_path / "file").touch()
    said = command("train", "--pets", few_pets, "--network", "tiny", "--epochs", 1000, "-o", tmp_path / "file")
    assert said == f"pets_lab: The folder {tmp_path / 'file'} cannot be made (File exists): name another one with -o."


def test_a_photograph_that_lies_on_its_side_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "cat.jpg", exif=exif)
    assert pets_lab._open(tmp_path / "cat.jpg").size == (20, 40)


def test_a_picture_above_the_limit_of_pillow_is_named(tmp_path, monkeypatch):
    Image.new("RGB", (40, 20)).save(tmp_path / "cat.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PetsError, match=r"cat.png is no picture that can be read"):
        pets_lab._open(tmp_path / "cat.png")


@pytest.mark.slow
def test_on_the_whole_miniature(cache, command, tmp_path):
    out = command("train", "--from-scratch", "-o", tmp_path)
    print(out)
    transfer, scratch = accuracies(out, "Transfer learning"), accuracies(out, "From scratch")
    assert transfer[0] > 75
    assert scratch[0] > 3 * 100 / 37  # three times as good as guessing
    assert transfer[0] > scratch[0] + 10


@pytest.mark.slow
def test_on_real_photographs(real, real_weights, command, tmp_path):
    out = command("train", "--pets", real, "-o", tmp_path)
    print(out)
    assert float(re.search(r"never saw: ([\d.]+)% right", out)[1]) > 75
    photograph = real / "oxford-iiit-pet" / "images" / "Russian_Blue_168.jpg"
    assert "\n  Russian Blue " in command("name", photograph, "--model", tmp_path / "pets.safetensors")


@pytest.fixture(scope="module")
def gives_advice():
    return runpy.run_path(str(ROOT / "tests" / "exercises" / "test_pets_lab.py"))["gives_advice"]


@pytest.mark.parametrize(
    "text",
    [
        "No Oxford-IIIT Pets in {}: load them first with torchvision.datasets.OxfordIIITPet.",
        "Data missing: execute `python -m data.pets`",
        "Execute pets_lab.py first",
        "No data: load it via torchvision first",
        "Please initialise the data set with torchvision",
        "Search for 'Oxford-IIIT Pet' online",
        "The official homepage offers both archives",
    ],
)
def test_an_error_says_in_many_words_how_to_get_the_data(gives_advice, text):
    assert gives_advice(text.format("/tmp/none"), Path("/tmp/none"))


@pytest.mark.parametrize(
    "text",
    [
        "No Oxford-IIIT Pets in {}",
        "{} does not exist",
        "could not load the data set",
        "failed to load {}",
        "the annotations are missing in {}",
        "check the path {}",
    ],
)
def test_an_error_that_says_only_what_is_missing_is_no_advice(gives_advice, text):
    assert not gives_advice(text.format("/tmp/none"), Path("/tmp/none"))
