"""Draw plain pictures with words, by Pillow: images in rows, curves, bars, a matrix of counts.

Everything is drawn at twice its size and scaled down, so that lines are smooth. Words are in the reader's language if this
machine has a font with its letters (`autograder.lettering`).
"""

import math
from collections.abc import Mapping, Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from autograder.lettering import width, words_and_font

PAPER, INK, PALE = "white", (40, 40, 48), (205, 208, 214)
COLOURS = ((36, 99, 196), (208, 74, 44), (30, 140, 92), (146, 82, 178))
MARGIN, GAP = 24, 12
TITLE, TEXT = 20, 14
_SCALE = 2

Captioned = tuple[Image.Image, str]
Colour = str | tuple[int, int, int]


def write(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str, colour: Colour, size: int, anchor: str = "la"
) -> None:
    """Write words at a place."""
    shown, letters = words_and_font(words, size)
    pen.text(place, shown, colour, letters, anchor)


def write_on_plate(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], words: str, colour: Colour, size: int, anchor: str = "la"
) -> None:
    """Write words at a place on a white rectangle, which hides what lies below them."""
    shown, letters = words_and_font(words, size)
    left, top, right, bottom = pen.textbbox(place, shown, letters, anchor)
    pen.rectangle((left - _SCALE, top - _SCALE, right + _SCALE, bottom + _SCALE), PAPER)
    pen.text(place, shown, colour, letters, anchor)


def picture(pixels: Tensor, side: int) -> Image.Image:
    """Return an image `(3, H, W)` or `(H, W)` in `[0, 1]`, its longer side scaled to `side`; each pixel is a square."""
    image = to_pil_image(pixels.detach().float().clamp(0, 1))
    factor = side / max(image.size)
    kept = Image.Resampling.NEAREST if factor >= 1 else Image.Resampling.BOX
    return image.resize((round(image.width * factor), round(image.height * factor)), kept)


def sheet(title: str, rows: Sequence[tuple[str, Sequence[Captioned]]]) -> Image.Image:
    """Return a picture of rows of images under a title, each row with a name above it and each image with a caption below."""
    wide = max(sum(map(_column, row)) - GAP for _, row in rows)
    wide = max(wide, width(title, TITLE), *(width(name, TEXT) for name, _ in rows))
    name_height, caption_height = TEXT + 12, TEXT + 8
    tall = sum(
        (name_height if name else 0) + max(image.height for image, _ in row) + caption_height + GAP
        for name, row in rows
    )
    paper = Image.new("RGB", (wide + 2 * MARGIN, tall + 2 * MARGIN + TITLE + GAP), PAPER)
    pen = ImageDraw.Draw(paper)
    write(pen, (MARGIN, MARGIN), title, INK, TITLE)
    top = MARGIN + TITLE + 2 * GAP
    for name, row in rows:
        write(pen, (MARGIN, top), name, INK, TEXT)
        left, top = MARGIN, top + (name_height if name else 0)
        height = max(image.height for image, _ in row)
        for image, caption in row:
            paper.paste(image.convert("RGB"), (left, top))
            write(pen, (left, top + height + 4), caption, INK, TEXT)
            left += _column((image, caption))
        top += height + caption_height + GAP
    return paper


def _column(captioned: Captioned) -> int:
    """Return the width that an image takes in its row: as wide as its caption, if that is wider."""
    image, caption = captioned
    return max(image.width, width(caption, TEXT)) + GAP


class _Plot:
    """A field with two axes, in units of the data."""

    def __init__(self, size: tuple[int, int], x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = x, y
        self._size = (size[0] * _SCALE, size[1] * _SCALE)
        self._image = Image.new("RGB", self._size, PAPER)
        self.pen = ImageDraw.Draw(self._image)
        self._margin = 44 * _SCALE

    def at(self, x: float, y: float) -> tuple[float, float]:
        (left, right), (low, high) = self._x, self._y
        wide, tall = (side - 2 * self._margin for side in self._size)
        return (
            self._margin + wide * (x - left) / (right - left),
            self._size[1] - self._margin - tall * (y - low) / (high - low),
        )

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: int = 2) -> None:
        self.pen.line([self.at(*point) for point in points], colour, width * _SCALE, "curve")

    def text(self, x: float, y: float, words: str, colour: Colour = INK, anchor: str = "la") -> None:
        write(self.pen, self.at(x, y), words, colour, TEXT * _SCALE, anchor)

    def axes(self, x_name: str, y_name: str) -> None:
        (left, right), (low, high) = self._x, self._y
        for k in range(5):
            level = low + (high - low) * k / 4
            self.line([(left, level), (right, level)], PALE, 1)
            write(self.pen, _shift(self.at(left, level), -8), f"{level:.3g}", INK, TEXT * _SCALE, "rm")
        self.line([(left, low), (right, low)], INK, 1)
        x, y = self.at(right, low)
        write(self.pen, (x, y + 12 * _SCALE), x_name, INK, TEXT * _SCALE, "ra")
        x, y = self.at(left, high)
        write(self.pen, (x, y - 8 * _SCALE), y_name, INK, TEXT * _SCALE, "lb")

    def image(self) -> Image.Image:
        return self._image.resize((self._size[0] // _SCALE, self._size[1] // _SCALE), Image.Resampling.LANCZOS)


def curves(
    series: Mapping[str, Sequence[float]],
    *,
    x_name: str,
    y_name: str,
    mark: int | None = None,
    size: tuple[int, int] = (760, 400),
) -> Image.Image:
    """Draw one line for each series of numbers, counted from 1, each with its name at its end.

    Args:
        series: by name; numbers that are not finite are left out.
        x_name, y_name: what the axes stand for.
        mark: a place counted from 1 that a vertical line shows.
        size: in pixels.
    """
    longest = max(len(values) for values in series.values())
    points = {
        name: [each for each in enumerate(values, 1) if math.isfinite(each[1])] for name, values in series.items()
    }
    top = _round_above(max((value for line in points.values() for _, value in line), default=0.0))
    plot = _Plot(size, (1, max(longest, 2)), (0, top))
    plot.axes(x_name, y_name)
    if mark is not None:
        plot.line([(mark, 0), (mark, top)], PALE, 3)
    heights = _name_heights({name: line[-1][1] for name, line in points.items() if line}, top)
    for (name, line), colour in zip(points.items(), COLOURS, strict=False):
        if line:
            plot.line(line, colour)
            plot.text(line[-1][0], heights[name], name, colour, "rb")
    return plot.image()


def _name_heights(ends: Mapping[str, float], top: float) -> dict[str, float]:
    """Return the height of each line's name, from the heights of the lines' ends.

    A name stands right above the end of its own line, or below it if another line ends above. A name that would cover another
    moves up.
    """
    gap, room = 0.02 * top, 0.07 * top
    heights: dict[str, float] = {}

    def free(height: float, *, of_lines: bool) -> bool:
        lines = [end for end in ends.values() if of_lines and height - gap < end < height + room]
        return not lines and all(abs(height - other) >= room for other in heights.values())

    for name, end in sorted(ends.items(), key=lambda each: each[1]):
        above, below = end + gap, end - gap - room
        if not free(above, of_lines=True) and below > 0 and free(below, of_lines=True):
            heights[name] = below
            continue
        while not free(above, of_lines=False):
            above += gap / 2
        heights[name] = above
    return heights


def bars(
    values: Mapping[str, float], *, y_name: str, form: str = "+.2f", size: tuple[int, int] = (560, 340)
) -> Image.Image:
    """Draw one bar for each number, with its name below and its value above.

    Args:
        values: by name.
        y_name: what the axis stands for.
        form: of the values, as `format` takes it; by default with their sign.
        size: in pixels.
    """
    high, lowest = _round_above(max(0.0, *values.values())), min(0.0, *values.values())
    low = -_round_above(-lowest) if lowest else 0.0
    plot = _Plot(size, (0, len(values)), (low, high))
    plot.axes("", y_name)
    for k, (name, value) in enumerate(values.items()):
        (left, top), (right, bottom) = plot.at(k + 0.2, max(value, 0)), plot.at(k + 0.8, min(value, 0))
        plot.pen.rectangle((left, top, right, bottom), COLOURS[0] if value >= 0 else COLOURS[1])
        write_on_plate(plot.pen, ((left + right) / 2, top - 4 * _SCALE), format(value, form), INK, TEXT * _SCALE, "mb")
        x, y = plot.at(k + 0.5, low)
        write(plot.pen, (x, y + 10 * _SCALE), name, INK, TEXT * _SCALE, "ma")
    return plot.image()


def paths(
    heights: Tensor, corner: float, series: Mapping[str, Sequence[tuple[float, float]]], side: int = 420
) -> Image.Image:
    """Draw paths over a landscape `(S, S)` of heights in `[0, 1]`, which covers `[-corner, corner]` in both directions."""
    shade = 1 - 0.55 * (heights * 12).floor() / 12
    ground = to_pil_image(shade).convert("RGB").resize((side * _SCALE, side * _SCALE), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(ground)
    for (name, points), colour in zip(series.items(), COLOURS, strict=False):
        places = [
            tuple(
                side * _SCALE * (0.5 + sign * value / (2 * corner)) for value, sign in zip(point, (1, -1), strict=True)
            )
            for point in points
        ]
        pen.line(places, colour, 2 * _SCALE, "curve")
        for x, y in places:
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), colour)
        write_on_plate(pen, (12, 12 + 2 * (TEXT + 8) * list(series).index(name)), name, colour, TEXT * _SCALE)
    return ground.resize((side, side), Image.Resampling.LANCZOS)


def matrix(counts: Tensor, names: Sequence[str], cell: int = 15) -> Image.Image:
    """Draw a matrix of counts `(K, K)` with named rows and columns: the larger its share of the row, the darker a cell."""
    shares = counts.double() / counts.sum(dim=1, keepdim=True).clamp(min=1)
    size, label = len(names) * cell, max(width(name, cell - 3) for name in names) + 8
    paper = Image.new("RGB", (label + size + 1, label + size + 1), PAPER)
    pen = ImageDraw.Draw(paper)
    sideways = Image.new("RGB", (label, size), PAPER)
    for k, name in enumerate(names):
        write(pen, (label - 4, label + k * cell + cell // 2), name, INK, cell - 3, "rm")
        write(ImageDraw.Draw(sideways), (0, k * cell + cell // 2), name, INK, cell - 3, "lm")
    paper.paste(sideways.transpose(Image.Transpose.ROTATE_90), (label, 0))
    for i, row in enumerate(shares.tolist()):
        for j, share in enumerate(row):
            colour = COLOURS[0] if i == j else COLOURS[1]
            shade = tuple(round(255 - (255 - channel) * share**0.6) for channel in colour)
            left, top = label + j * cell, label + i * cell
            pen.rectangle((left, top, left + cell, top + cell), shade, PALE)
    return paper


def liveliest(maps: Tensor, count: int) -> Tensor:
    """Return the channels of `(C, h, w)` that vary the most, at most `count` of them."""
    order = maps.flatten(1).std(dim=1).argsort(descending=True)
    return maps[order[:count].sort().values]


def amplified(change: Tensor, factor: float) -> Tensor:
    """Return a change of pixels, times a factor, as an image in which no change is grey."""
    return torch.clamp(0.5 + factor * change, 0, 1)


def _round_above(value: float) -> float:
    """Return the next of 1, 2, 4, 6, 8 times a power of ten: its quarters read well on an axis."""
    power = 10.0 ** math.floor(math.log10(value)) if value > 0 else 1.0
    return next(power * step for step in (1, 2, 4, 6, 8, 10) if value <= power * step * (1 + 1e-9))


def _shift(place: tuple[float, float], by: int) -> tuple[float, float]:
    return place[0] + by * _SCALE, place[1]
