"""The pictures with words: whatever numbers come, something fit to be looked at comes out."""

import itertools
import math

import pytest
import torch
from PIL import Image, ImageDraw

from data.drawing import _name_heights, amplified, bars, curves, liveliest, matrix, picture, sheet, write_on_plate


def ink(image):
    """Count the pixels that are not paper."""
    return sum(count for count, colour in image.convert("RGB").getcolors(2**24) if colour != (255, 255, 255))


def test_pixels_stay_pixels_when_a_picture_grows():
    small = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    large = picture(small, 64)
    assert large.size == (64, 64)
    assert {large.getpixel(place) for place in ((0, 0), (31, 31), (63, 63))} == {0}
    assert picture(torch.rand(3, 200, 100), 50).size == (25, 50)


def test_a_sheet_has_room_for_every_row():
    red = Image.new("RGB", (100, 50), "red")
    one = sheet("Title", [("row", [(red, "caption")])])
    three = sheet("Title", [("row", [(red, "caption"), (red, "other")]), ("", [(red, "")])])
    assert three.height > one.height + 50
    assert three.width > one.width
    assert sum(count for count, colour in three.getcolors(2**24) if colour == (255, 0, 0)) == 3 * 5000


def test_a_title_wider_than_its_rows_is_not_cut():
    narrow = sheet("A title that is a good deal wider than the only picture", [("", [(Image.new("RGB", (9, 9)), "")])])
    assert narrow.crop((narrow.width - 20, 0, narrow.width, narrow.height)).getcolors() == [
        (20 * narrow.height, (255, 255, 255))
    ]


@pytest.mark.parametrize(
    "values", [[1.0], [0.0, 0.0], [3.0, 2.5, 9.99, 1e-9], [1e6] * 30, [math.nan, 2.0, math.inf], [math.nan]]
)
def test_curves_of_any_length_and_height(values):
    assert ink(curves({"one": values, "two": values[::-1]}, x_name="epoch", y_name="loss", mark=1)) > 500


@pytest.mark.parametrize("values", [{"a": 0.5}, {"a": -0.2, "b": 0.3}, {"a": 0.0}, {"a": -1.0, "b": -3.0}])
def test_bars_up_and_down(values):
    assert ink(bars(values, y_name="gain")) > 500


def test_a_matrix_is_darker_where_more_was_counted():
    counts = torch.tensor([[9, 1], [0, 0]])
    image = matrix(counts, ["cat", "a dog of a long name"], cell=20)
    side = image.width - 41
    cells = [image.getpixel((side + 20 * j + 10, side + 20 * i + 10)) for i in range(2) for j in range(2)]
    assert sum(cells[0]) < sum(cells[1]) < sum(cells[2]) == sum(cells[3]) == 3 * 255


def test_the_liveliest_channels_stay_in_order():
    maps = torch.stack([torch.zeros(2, 2), torch.eye(2), torch.ones(2, 2), 5 * torch.eye(2)])
    assert torch.equal(liveliest(maps, 2), maps[[1, 3]])


def test_no_change_is_grey():
    assert amplified(torch.tensor([0.0, 1.0, -1.0]), 8).tolist() == [0.5, 1.0, 0.0]


def test_captions_in_a_row_do_not_run_into_one_another():
    small = Image.new("RGB", (9, 9), "red")
    long, short = (sheet("", [("", [(small, caption), (small, "")])]) for caption in ("a caption of some length", ""))
    assert long.width > short.width + 100


@pytest.mark.parametrize(
    ("ends", "order"),
    [
        ({"fine-tuned": 0.92, "frozen": 0.90, "spoilt": 0.1}, ["spoilt", "frozen", "fine-tuned"]),
        ({"a": 0.5, "b": 0.5}, ["b", "a"]),
        ({"a": 0.02, "b": 0.03, "c": 0.01}, ["c", "a", "b"]),  # there is no room below
        ({"a": 0.99, "b": 0.98, "c": 0.97}, ["c", "b", "a"]),
    ],
)
def test_names_of_lines_stand_apart_and_in_the_order_of_the_lines(ends, order):
    heights = _name_heights(ends, 1.0)
    assert sorted(heights, key=heights.get) == order
    places = sorted(heights.values())
    assert all(after - before > 0.069 for before, after in itertools.pairwise(places)) and places[0] > 0
    assert all(abs(heights[name] - end) < 0.2 for name, end in ends.items())


def test_a_name_alone_stands_right_above_its_line():
    assert _name_heights({"a": 0.5, "b": 0.1}, 1.0) == pytest.approx({"a": 0.52, "b": 0.12})


def test_what_lies_below_words_on_a_plate_is_not_seen():
    image = Image.new("RGB", (120, 40), "grey")
    write_on_plate(ImageDraw.Draw(image), (20, 10), "plain descent", "blue", 14)
    found = image.crop((20, 14, 100, 24)).getcolors(2**16)
    colours = {colour: count for count, colour in found}
    assert (128, 128, 128) not in colours and colours[255, 255, 255] > 100
