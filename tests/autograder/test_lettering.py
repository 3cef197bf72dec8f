"""Words that are drawn: in the reader's language where a font has its letters."""

import pytest

from autograder import lettering
from autograder.course.catalog import read_catalog
from autograder.lettering import words_and_font
from autograder.messages import speaking
from tests.autograder.conftest import ROOT

TITLE = "Your classifier and 37 breeds"
TRANSLATIONS = read_catalog(ROOT).translations


@pytest.mark.parametrize(
    ("language", "shown"),
    [("lt", "Jūsų klasifikatorius ir 37 veislės"), ("sr", "Ваш"), ("en", TITLE)],
)
def test_words_are_in_the_readers_language_and_in_a_font_with_its_letters(language, shown):
    with speaking(language, TRANSLATIONS):
        words, font = words_and_font(TITLE, 14)
    assert words.startswith(shown)
    assert all(bytes(font.getmask(each)) != bytes(font.getmask("\uffff")) for each in words if each != " ")


def test_a_composed_caption_is_in_the_readers_language():
    with speaking("lt", TRANSLATIONS):
        assert words_and_font("step 30: zebra 88%", 14)[0] == "žingsnis 30: zebras 88%"


@pytest.mark.parametrize(
    ("language", "fonts", "raqm"),
    [("my", lettering._FONTS[:2], True), ("sr", lettering._FONTS[:1], True), ("my", ("any",), False)],
)
def test_without_a_font_that_can_draw_them_words_stay_as_they_are(language, fonts, raqm, monkeypatch):
    monkeypatch.setattr(lettering, "_FONTS", fonts)
    monkeypatch.setattr("PIL.features.check", lambda _: raqm)
    if not raqm:
        monkeypatch.setattr(lettering, "_has_letter", lambda *_: True)
    with speaking(language, TRANSLATIONS):
        assert words_and_font(TITLE, 14) == (TITLE, lettering.font(14))


def test_a_font_that_is_not_on_the_machine_is_passed_over():
    assert lettering.font(14, "NoSuchFont.ttf") is None
