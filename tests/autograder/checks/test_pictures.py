"""Pictures of wrong images: what is on them, what has none, and where none may be."""

import base64
import io
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from autograder import lettering
from autograder.checks.pictures import MAX_BYTES, comparison, side_by_side
from autograder.checks.plugin.recorder import end_check
from autograder.checks.remote import Call
from autograder.compare import assert_close
from autograder.errors import CheckFailed
from autograder.messages import speaking
from autograder.results.labels import show_picture, show_values
from autograder.results.types import CheckResult
from autograder.submissions import Module

RAMP = torch.linspace(0, 1, 16).expand(3, 16, 16)
CHECK = CheckResult("unit::test_a", "unit", "f", "It is right", 1)


class Made:
    """As much of a submission as the recorder asks for."""

    module = Module("unit", "unit.py")

    def __init__(self, of=None):
        self._call = Call("f", (), {}, of)
        self.module = Module("unit", "unit.py")

    def call_of(self, _):
        return self._call


def panels(data):
    """The colours at the middles of the three panels, as they are drawn."""
    image = Image.open(io.BytesIO(data))
    return [image.getpixel((8 + place * 152 + 72, 26 + 72)) for place in range(3)], image


def test_expected_given_and_difference_stand_side_by_side():
    wanted, given = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    colours, image = panels(comparison(wanted, given))
    assert colours == [(0, 0, 0), (255, 255, 255), (255, 0, 0)]
    assert image.size == (464, 178) and image.format == "PNG"


def labels_of(data):
    return Image.open(io.BytesIO(data)).info["labels"].split("\n")


def test_labels_are_stored_in_english_and_shown_in_the_readers_language():
    with speaking("lt"):
        stored = comparison(RAMP, 1 - RAMP)
        shown = base64.b64decode(show_picture(base64.b64encode(stored).decode()))
    assert stored == comparison(RAMP, 1 - RAMP)
    assert labels_of(stored) == labels_of(shown) == ["expected", "given", "difference, at most 1"]
    one, other = (Image.open(io.BytesIO(data)) for data in (stored, shown))
    assert show_picture(base64.b64encode(stored).decode()) == base64.b64encode(stored).decode()
    assert other.width > one.width  # the Lithuanian label of the third panel is wider than the panel
    for left, data in ((8, one), (8, other)):
        assert data.getpixel((left, 26)) == (0, 0, 0) and data.getpixel((left + 143, 26 + 143)) == (255, 255, 255)
    strips = [image.crop((0, 0, 150, 25)) for image in (one, other)]
    assert strips[0].tobytes() != strips[1].tobytes() and strips[1].getextrema() != ((255, 255),) * 3


def test_labels_stay_english_where_no_font_has_the_letters(monkeypatch):
    monkeypatch.setattr(lettering, "_FONTS", lettering._FONTS[:1])
    stored = base64.b64encode(comparison(RAMP, 1 - RAMP)).decode()
    with speaking("sr"):
        shown = show_picture(stored)
    assert (
        Image.open(io.BytesIO(base64.b64decode(shown))).tobytes()
        == Image.open(io.BytesIO(base64.b64decode(stored))).tobytes()
    )


@pytest.mark.parametrize("picture", ["", "AAAA", "no base64", base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()])
def test_what_is_no_picture_of_ours_is_shown_as_it_is(picture):
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    with speaking("lt"):
        assert show_picture(picture) == picture
        other = base64.b64encode(file.getvalue()).decode()
        assert show_picture(other) == other


def test_no_picture_needs_no_library_of_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image")
    with speaking("lt"):
        assert show_picture("") == ""


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (
            torch.tensor([1, 22]),
            ["tikėtasi   grąžinta   skirtumas", "0  1       1  22      1  21"],
        ),
        (
            torch.tensor([[0.5, 1 / 3, 1e-7, 2 / 3, 5.5, 1e9]]),
            ["tikėtasi", None, "grąžinta", None, "skirtumas", None],
        ),
    ],
)
def test_labels_of_numbers_are_in_the_readers_language(given, lines):
    values = side_by_side(torch.arange(given.numel()).reshape(given.shape).to(given.dtype), given)
    assert values.split()[0] == "expected"
    with speaking("lt"):
        shown = show_values(values)
    assert [line for line, expected in zip(shown, lines, strict=True) if expected not in (None, line)] == []
    assert show_values(values) == values.splitlines()


@pytest.mark.parametrize("values", ["", "\n", "1 2\n3 4", "expected 1", "expected", "expected expected\n1"])
def test_what_are_no_numbers_of_ours_is_shown_as_it_is(values):
    with speaking("lt"):
        assert len(show_values(values)) == len(values.splitlines())


def test_where_nothing_differs_the_third_panel_is_white():
    given = RAMP.clone()
    given[:, :8] = 0
    (_, _, middle), image = panels(comparison(RAMP, given))
    assert middle == (255, 255, 255) and image.getpixel((8 + 304 + 143, 26 + 2)) == (255, 0, 0)


def test_of_a_batch_the_worst_image_is_shown():
    wanted, given = torch.zeros(3, 1, 8, 8), torch.zeros(3, 1, 8, 8)
    given[0] += 1e-6
    given[2] += 1
    assert comparison(wanted, given) == comparison(wanted[2], given[2])


def test_no_number_has_a_colour_of_its_own():
    colours, _ = panels(comparison(RAMP, torch.full_like(RAMP, torch.nan)))
    assert colours[1:] == [(255, 0, 255), (255, 0, 255)]


def test_pictures_of_pil_are_compared_too():
    black, white = Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), "white")
    assert comparison(black, white) == comparison(torch.zeros(3, 8, 8), torch.ones(3, 8, 8))


def test_images_and_arrays_are_shown_without_torch(monkeypatch):
    black, white = Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), "white")
    expected = comparison(black, white)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert comparison(black, white) == expected != b""
    assert side_by_side(np.array([1.0, 2.0]), np.array([1.0, np.inf])).split("\n")[1] == "1  2       1  inf     0  inf"


def test_images_have_no_picture_without_numpy(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert comparison(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), "white")) == b""


@pytest.mark.parametrize(
    "shape", [(3, 224, 224), pytest.param((3, 2048, 2048), marks=pytest.mark.slow), (1, 2, 2048), (2, 3, 300, 40)]
)
def test_a_picture_is_small_whatever_the_images(shape):
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    data = comparison(noise, 1 - noise)
    assert 0 < len(data) <= MAX_BYTES


@pytest.mark.parametrize(
    ("expected", "given"),
    [
        (RAMP, RAMP[:, :, :5]),
        (RAMP * 2, RAMP),
        (torch.zeros(2, 5), torch.ones(2, 5)),
        (torch.zeros(4, 8, 8), torch.ones(4, 8, 8)),
        (torch.zeros(3, 1, 8), torch.ones(3, 1, 8)),
        (torch.zeros(3, 2049, 8), torch.ones(3, 2049, 8)),
        (torch.zeros(0, 3, 8, 8), torch.zeros(0, 3, 8, 8)),
        (torch.zeros(3, 0, 8), torch.zeros(3, 0, 8)),
        (RAMP, RAMP.to(torch.complex64)),
        (RAMP, 3.0),
        (Image.new("RGB", (8, 8)), Image.new("LAB", (8, 8))),
        (1.0, 2.0),
    ],
)
def test_what_is_no_image_has_no_picture(expected, given):
    assert comparison(expected, given) == b""


def failure():
    with pytest.raises(CheckFailed) as caught:
        assert_close(1 - RAMP, RAMP)
    return caught.value


def test_a_failed_check_carries_its_picture_unless_it_is_hidden_or_about_a_gradient():
    picture = end_check(CHECK, failure(), Made()).picture
    assert base64.b64decode(picture) == comparison(RAMP, 1 - RAMP)
    assert end_check(CHECK, failure(), Made(of=0)).picture == ""
    hidden = CheckResult("unit::test_b", "unit", "f", "It is right", 1, hidden=True)
    assert end_check(hidden, failure(), Made()).picture == ""
    assert end_check(CHECK, None, Made()).picture == ""
