"""Words that are drawn into a picture: in the reader's language if this machine has a font with its letters.

Such fonts are matplotlib's DejaVu, and Padauk for Burmese (Debian: fonts-sil-padauk).
"""

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.libraries import ImageFont, pillow_features
from autograder.messages import translate_sentence

if TYPE_CHECKING:
    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

#: Name for the font that comes with Pillow.
_OWN = ""
#: Names of fonts, in the order in which they are tried.
_FONTS = (_OWN, "DejaVuSans.ttf", "Padauk-Regular.ttf")
#: Factors for fonts whose letters are small for their size.
_SCALES = {"Padauk-Regular.ttf": 1.2}
#: Size in which letters are drawn to see if a font has them.
_PROBE_SIZE = 20
#: Character that no font has: each draws its sign for a missing letter.
_NO_CHARACTER = "\uffff"


@cache
def font(size: int, name: str = _OWN) -> "Font | None":
    """Return Pillow's own font, or the font of a name; None if that is not on this machine."""
    if name == _OWN:
        return ImageFont.load_default(size)
    found = find_spec("matplotlib")
    bundled = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / name if found and found.origin else Path(name)
    for place in (bundled, name):
        try:
            return ImageFont.truetype(place, round(size * _SCALES.get(name, 1)))
        except OSError:
            continue
    return None


@cache
def _has_letter(name: str, letter: str) -> bool:
    """Return True if a font has a letter: it draws that in another way than a character that no font has."""
    probe = font(_PROBE_SIZE, name)
    return probe is not None and bytes(probe.getmask(letter)) != bytes(probe.getmask(_NO_CHARACTER))


def words_and_font(words: str, size: int) -> "tuple[str, Font]":
    """Return words in the reader's language, and a font that has all of its letters; without one, the words as they are."""
    shown = translate_sentence(words)
    letters = {each for each in shown if not each.isspace() and unicodedata.category(each) != "Cf"}
    # Pillow places combining signs, such as vowels of Burmese, only with the library Raqm.
    drawable = pillow_features.check("raqm") or not any(unicodedata.category(each).startswith("M") for each in letters)
    names = _FONTS if shown != words and drawable else ()
    for name in names:
        if all(_has_letter(name, each) for each in sorted(letters)):
            return shown, font(size, name) or ImageFont.load_default(size)
    return words, font(size) or ImageFont.load_default(size)


def width(words: str, size: int) -> int:
    """Return how wide words are in the reader's language, in pixels."""
    shown, letters = words_and_font(words, size)
    return round(letters.getlength(shown))
