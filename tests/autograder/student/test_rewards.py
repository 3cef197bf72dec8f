"""The pictures that a course draws of what a student's functions return, and how they are shown and collected."""

import base64
import io
import re
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image

import data
from autograder import lettering
from autograder.checks.plugin.runs import StudentRun
from autograder.course.catalog import read_catalog
from autograder.errors import CheckError, RefusedValue
from autograder.lettering import words_and_font
from autograder.messages import parse_sentence
from autograder.student.drawing import reward
from autograder.student.progress import caption_of, picture_path
from autograder.student.screen import picture_text
from data import drawing
from data.breeds import BREEDS
from data.domains import DOMAINS
from tests.autograder.conftest import ROOT

CATALOG = read_catalog(ROOT)
QUICK = ("training_tricks", "variation_loss")
NAMES = {"Adam", *data.NAMES, *DOMAINS, *(breed.replace("_", " ").title() for breed in BREEDS)}
WITH_PICTURE = [unit for unit in CATALOG.units if CATALOG.picture(unit).is_file()]


@pytest.fixture(autouse=True)
def one_thread():
    """As in every run of checks: on pictures this small, more threads only wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def solved(unit):
    return StudentRun(CATALOG, "student", "cpu").modules(CATALOG.solution(unit))


def drawn(unit, worker, modules=None):
    made = reward(CATALOG, unit, modules or solved(unit), worker)
    image = Image.open(io.BytesIO(made.png))
    image.load()
    return made, image


def can_be_translated(words):
    """Return True for words that a catalog has, for numbers, and for names: of networks, domains, breeds and classes."""
    named = words in NAMES or re.fullmatch(r"[a-z ]+ [\d.]+%", words) or not re.search("[a-z]", words)
    return bool(named or parse_sentence(words, CATALOG.translations))


@pytest.fixture
def worker():
    with StudentRun(CATALOG, "student", "cpu").worker() as worker:
        yield worker


def test_all_units_but_the_quiz_have_a_picture():
    assert set(CATALOG.units) - set(WITH_PICTURE) == {"quiz"}


@pytest.mark.parametrize(
    "unit", [pytest.param(unit, marks=[] if unit in QUICK else [pytest.mark.slow]) for unit in WITH_PICTURE]
)
def test_a_solution_gives_a_picture_that_fits_a_page(unit, worker, monkeypatch):
    written = []
    for module in (drawing, lettering):
        monkeypatch.setattr(
            module, "words_and_font", lambda words, size: written.append(words) or words_and_font(words, size)
        )
    made, image = drawn(unit, worker)
    assert len(written) > 3 and [words for words in written if not can_be_translated(words)] == []
    assert 300 < image.width <= 1000 and 300 < image.height <= 1100
    assert len(made.png) < 300_000
    assert made.caption.endswith(".") and image.info["Description"] == made.caption
    assert len(image.convert("RGB").getcolors(2**24)) > 100  # more than paper and ink


def test_a_unit_without_a_drawing_has_no_picture(worker):
    assert reward(CATALOG, "quiz", solved("quiz"), worker) is None


def test_the_picture_is_of_the_students_own_values(worker):
    """A denoise that does nothing is seen to do nothing."""
    modules = solved("variation_loss")
    text = modules["variation_loss"].text + "\n\ndef denoise(images, **options):\n    return images\n"
    lazy = {"variation_loss": replace(modules["variation_loss"], text=text)}
    assert drawn("variation_loss", worker)[0].png != drawn("variation_loss", worker, lazy)[0].png


@pytest.mark.slow
def test_it_is_drawn_from_a_sandbox_as_well(sandbox, worker):
    with sandbox.worker() as confined:
        assert drawn("variation_loss", confined)[0].png == drawn("variation_loss", worker)[0].png


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        ("return object()", RefusedValue, "denoise"),
        ("return None", CheckError, "the picture of variation_loss could not be drawn"),
        ("return images[:0]", CheckError, "the picture of variation_loss could not be drawn"),
    ],
)
def test_what_cannot_be_drawn_is_said(worker, body, error, words):
    modules = solved("variation_loss")
    text = modules["variation_loss"].text + f"\n\ndef denoise(images, **options):\n    {body}\n"
    with pytest.raises(error, match=words):
        reward(CATALOG, "variation_loss", {"variation_loss": replace(modules["variation_loss"], text=text)}, worker)


@pytest.fixture
def png(tmp_path):
    path = tmp_path / "a picture.png"
    Image.effect_noise((90, 90), 50).save(path)
    assert len(path.read_bytes()) > 4096  # more than kitty takes at once
    return path


def test_iterm_gets_the_file_in_its_own_code(png):
    text = picture_text(png, {"TERM_PROGRAM": "iTerm.app"}, terminal=True)
    (data,) = re.findall(r"\x1b\]1337;File=inline=1;size=\d+;preserveAspectRatio=1:(.+)\x07", text)
    assert base64.b64decode(data) == png.read_bytes()
    assert text.endswith(f"\n{png}")


@pytest.mark.parametrize(
    "environment", [{"KITTY_WINDOW_ID": "1"}, {"TERM": "xterm-kitty"}, {"TERM_PROGRAM": "ghostty"}]
)
def test_kitty_gets_it_in_pieces(png, environment):
    text = picture_text(png, environment, terminal=True)
    pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert base64.b64decode("".join(data for _, data in pieces)) == png.read_bytes()
    assert pieces[0][0] == "a=T,f=100,m=1" and pieces[-1][0] == "m=0"
    assert all(len(data) <= 4096 for _, data in pieces) and {keys for keys, _ in pieces[1:-1]} <= {"m=1"}


@pytest.mark.parametrize(
    "environment", [{}, {"TERM": "xterm"}, {"KITTY_WINDOW_ID": "1", "TMUX": "x"}, {"TERM": "screen"}]
)
def test_others_get_a_link(png, environment):
    assert picture_text(png, environment, terminal=True) == png.as_uri()
    assert picture_text(png, environment, terminal=False) == str(png)


@pytest.mark.slow
def test_the_gallery_draws_what_is_missing_and_shows_all(own_course, command, student_pytest):
    shutil.copy(own_course / "solutions" / "variation_loss.py", own_course / "exercises")
    code, out = command("gallery")
    assert code == 0
    page = own_course / ".autograder" / "gallery.html"
    assert out == f"Your pictures are in {page.as_uri()}\n"
    assert "No picture yet: each unit that passes brings one." in page.read_text()

    student_pytest("exercises/variation_loss.py", cwd=own_course)
    _, out = command("gallery")
    assert out.startswith("Drawing variation_loss ...\n")
    kept = picture_path(own_course, "variation_loss")
    text = page.read_text()
    assert base64.b64encode(kept.read_bytes()).decode() in text and caption_of(kept) in text
    assert "<h2>Variation loss: how much neighbouring pixels differ</h2>" in text
    assert "1 of 11 units done, 26 of 334.5 points" in text and "://" not in text
    assert "Drawing" not in command("gallery")[1]  # it is there


def test_a_broken_picture_is_drawn_again(own_course, command, student_pytest):
    shutil.copy(own_course / "solutions" / "training_tricks.py", own_course / "exercises")
    student_pytest("exercises/training_tricks.py", cwd=own_course)
    kept = picture_path(own_course, "training_tricks")
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(b"cut off")
    code, out = command("gallery")
    assert (code, out.partition("\n")[0]) == (0, "Drawing training_tricks ...")
    assert caption_of(kept)


def test_a_picture_that_cannot_be_drawn_does_not_stop_the_gallery(own_course, command, student_pytest):
    shutil.copy(own_course / "solutions" / "variation_loss.py", own_course / "exercises")
    student_pytest("exercises/variation_loss.py", cwd=own_course)
    (own_course / "exercises" / "pictures" / "draw_variation_loss.py").write_text("def draw(student):\n    1 / 0\n")
    code, out = command("gallery")
    assert code == 0
    assert "variation_loss has no picture: the picture of variation_loss could not be drawn (ZeroDivisionError" in out
