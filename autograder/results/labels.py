"""Labels of what is shown beside one another: panels of a picture, and blocks of numbers in text.

Both are made and stored with English labels, and shown with labels in the reader's language.
"""

import base64
import io
from collections.abc import Sequence

from autograder.lettering import width, words_and_font
from autograder.libraries import Image, ImageDraw, PngImagePlugin
from autograder.messages import ENGLISH, language, speaking, tr

EXPECTED, GIVEN, RETURNED, DIFFERENCE = LABELS = ("expected", "given", "returned", "difference")
#: Between blocks of numbers.
GAP = "   "
_MARGIN, _STRIP, _LETTERS = 8, 18, 12
#: Where a PNG holds its labels as text.
_KEY = "labels"


def label_panels(panels: Sequence[tuple[str, Image.Image]]) -> bytes:
    """Return a PNG with images side by side, each below its English label; it holds the labels as text too.

    Args:
        panels: labels in English, and images of one size.
    """
    with speaking(ENGLISH):
        return _draw(panels)


def _draw(panels: Sequence[tuple[str, Image.Image]]) -> bytes:
    column = _MARGIN + max(max(panel.width, width(label, _LETTERS)) for label, panel in panels)
    height = _STRIP + max(panel.height for _, panel in panels) + 2 * _MARGIN
    canvas = Image.new("RGB", (_MARGIN + len(panels) * column, height), "white")
    pen = ImageDraw.Draw(canvas)
    for place, (label, panel) in enumerate(panels):
        left = _MARGIN + place * column
        shown, font = words_and_font(label, _LETTERS)
        pen.text((left, _MARGIN + _STRIP - 4), shown, "black", font, "ls")
        canvas.paste(panel, (left, _MARGIN + _STRIP))
    notes = PngImagePlugin.PngInfo()
    notes.add_text(_KEY, "\n".join(label for label, _ in panels))
    file = io.BytesIO()
    canvas.save(file, "PNG", optimize=True, pnginfo=notes)
    return file.getvalue()


def show_picture(picture: str) -> str:
    """Return a stored picture, in base64, with its labels in the reader's language; a picture without them stays as it is."""
    if not picture or language() == ENGLISH:
        return picture
    try:
        with Image.open(io.BytesIO(base64.b64decode(picture)), formats=("PNG",)) as canvas:
            labels = str(canvas.info[_KEY]).split("\n")
            column = (canvas.width - _MARGIN) // len(labels)
            top, bottom = _MARGIN + _STRIP, canvas.height - _MARGIN
            lefts = [_MARGIN + place * column for place in range(len(labels))]
            panels = [canvas.crop((left, top, left + column - _MARGIN, bottom)) for left in lefts]
    except (
        OSError,
        ValueError,
        KeyError,
        SyntaxError,
        Image.DecompressionBombError,
    ):  # a result may come from anywhere
        return picture
    return base64.b64encode(_draw(list(zip(labels, panels, strict=True)))).decode("ascii")


def show_values(values: str) -> list[str]:
    """Return the lines of numbers that a result holds, with their labels in the reader's language.

    Args:
        values: blocks below their labels, side by side with `GAP` between them, or one below the other.
    """
    lines = values.splitlines()
    names = lines[0].split() if lines else []
    if language() == ENGLISH or not names or not set(names) <= set(LABELS):
        return lines
    if len(names) == 1:
        return [tr(line) if line in LABELS else line for line in lines]
    starts = [lines[0].index(name) for name in names]
    blocks = [
        [tr(name), *(line[start:end].rstrip() for line in lines[1:])]
        for name, start, end in zip(names, starts, [*starts[1:], None], strict=True)
    ]
    wide = [max(map(len, block)) for block in blocks]
    rows = zip(*blocks, strict=True)
    return [GAP.join(cell.ljust(size) for cell, size in zip(row, wide, strict=True)).rstrip() for row in rows]
