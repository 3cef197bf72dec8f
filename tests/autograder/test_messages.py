"""Texts are translated when they are shown, and a stored sentence finds its template and values again."""

import re

import pytest

from autograder import messages
from autograder.errors import UsageError
from autograder.messages import choose_language, languages, parse_sentence, show_sentence, speaking, tr, tr_plural
from autograder.results.types import legible

PO = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && (n%100<10 || n%100>=20) ? 1 : 2);\n"

#. shades: title
msgid "Shades of grey"
msgstr "Pilki atspalviai"

#. shades: sentence
msgid "gives {count} answers, expected \"{wanted}\""
msgstr "tikėtasi „{wanted}“, o pateikta {count}"

#, fuzzy
msgid "Maybe"
msgstr "Galbūt"

#. shades: sentence
msgid "{count} shade"
msgid_plural "{count} shades"
msgstr[0] "{count} atspalvis"
msgstr[1] "{count} atspalviai"
msgstr[2] "{count} atspalvių"

msgid "Not yet"
msgstr ""
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of catalogs in which Lithuanian has a few texts."""
    path = tmp_path / "locale" / "lt" / "LC_MESSAGES" / "course.po"
    path.parent.mkdir(parents=True)
    path.write_text(PO, encoding="utf-8")
    (tmp_path / "locale" / "course.pot").write_text(PO, encoding="utf-8")
    return tmp_path / "locale"


def test_a_text_is_shown_in_the_language_in_use(folder):
    with speaking("lt", folder):
        assert tr("Shades of grey") == "Pilki atspalviai"
    assert tr("Shades of grey") == "Shades of grey"


@pytest.mark.parametrize("text", ["Not yet", "Maybe", "nowhere", ""])
def test_english_stands_for_what_is_missing_or_fuzzy(folder, text):
    with speaking("lt", folder):
        assert tr(text) == text


@pytest.mark.parametrize(("count", "form"), [(1, "atspalvis"), (3, "atspalviai"), (10, "atspalvių"), (21, "atspalvis")])
def test_numbers_have_their_plural_forms(folder, count, form):
    with speaking("lt", folder):
        assert tr_plural("{count} shade", "{count} shades", count) == f"{count} {form}"
    assert tr_plural("{count} shade", "{count} shades", 1) == "1 shade"


def test_a_stored_sentence_is_shown_in_each_readers_language(folder):
    english = 'shade(2) gives 3 answers, expected "4"'
    sentence = parse_sentence(english, folder, call="shade(2)")
    assert sentence["values"]["problem"]["values"] == {"count": "3", "wanted": "4"}
    assert show_sentence(sentence, english) == english
    with speaking("lt", folder):
        assert show_sentence(sentence, english) == "shade(2) tikėtasi „4“, o pateikta 3"


@pytest.mark.parametrize(
    "sentence",
    [{"text": "{lost}", "values": {}}, {"text": 3, "values": {}}, {"values": {}}, {"text": "{", "values": {}}],
)
def test_a_forged_sentence_shows_the_message(folder, sentence):
    with speaking("lt", folder):
        assert show_sentence(sentence, "the message") == "the message"


@pytest.mark.parametrize(
    "english",
    [
        "f(2) returned 3.0 at [0, 1], expected 0.0 (4 of 8 entries differ)",
        "f(2) returned a tensor of shape (2, 3), expected (3, 2)",
        "f(2) returned 3 (an int), expected 2.0 (a float); g fails, and f uses it: mend g first",
        "f(2): the largest change of a pixel is 0.2, expected at most 0.1",
        "f(2) returned numbers of at least 0 and at most 1",
        "f(2) raised ValueError: {images} of cats; and dogs (unit.py:12)",
        "the gradient of f(2) did not finish within 5 s of its own time and was stopped (unit.py:3)",
        "unit.py has no function denoise; rename denois to denoise",
        "f(2) raised AttributeError: 'Tensor' object has no attribute 'backwards' (unit.py:3)",
        "f(2) returned a list, expected a tensor",
        'waits for "There is one number for each image"',
    ],
)
def test_template_and_values_give_the_sentence_again(english, catalog):
    sentence = parse_sentence(english, catalog.translations, call="f(2)")
    assert sentence
    assert messages._fill(sentence) == english


def test_a_split_has_the_most_values_of_one_word(folder):
    sentence = parse_sentence("f(2): the share of what is kept is 0.5, expected at most 0.4", folder, call="f(2)")
    values = sentence["values"]["problem"]["values"]
    assert "0.5" in str(values) and "what is kept" in str(values) and "kept is" not in str(values)


@pytest.mark.parametrize(
    "english",
    [
        "f(2) returned 3.0 at [0, 1], expected 0.0 (4 of 8 entries differ)",
        "f(2) returned a tensor of shape (2, 3), expected (3, 2)",
        "f(2) returned a dict with ['a'], expected ['b']",
        "the gradient of f(2) returned 3.0 at [0, 1], expected 0.0 (4 of 8 entries differ)",
        "the gradient of f(2) did not finish within 5 s of its own time and was stopped (unit.py:3)",
    ],
)
@pytest.mark.parametrize("language", ["lt", "ms", "my", "sr", "tl"])
def test_the_commonest_sentences_have_no_english_left(english, language, catalog):
    sentence = parse_sentence(english, catalog.translations, call="f(2)")
    with speaking(language, catalog.translations):
        assert not re.search(
            r"returned|expected|shape of|entries|with|the gradient|stopped", show_sentence(sentence, english)
        )


@pytest.mark.parametrize(
    ("english", "shown"),
    [
        (
            "f(2) raised AttributeError: 'Tensor' object has no attribute 'backwards' (unit.py:3)",
            "f(2) sukėlė AttributeError: 'Tensor' object has no attribute 'backwards' (unit.py:3)",
        ),
        (
            "f(2) returned a method, expected what it gives: call it, with ()",
            "f(2) grąžina method, o tikėtasi to, ką tai duoda: iškvieskite su ()",
        ),
        (
            "the gradient of f(2) returned a float, expected a tensor to differentiate",
            "f(2) gradientas grąžino float, tikėtasi tenzoriaus, kurį galima diferencijuoti",
        ),
        ("f(2) returned None, expected False (a bool)", "f(2) grąžina None, o tikėtasi False (bool)"),
        ("f(2) returned a dict with 3 as a key", "f(2) grąžino žodyną, kurio raktas yra 3"),
        ("f(2) returned 'a cat', expected 'a dog'", "f(2) grąžina 'a cat', o tikėtasi 'a dog'"),
    ],
)
def test_words_of_python_stay_and_our_own_are_shown(english, shown, catalog):
    sentence = parse_sentence(english, catalog.translations, call="f(2)")
    with speaking("lt", catalog.translations):
        assert show_sentence(sentence, english) == shown


@pytest.mark.parametrize("call", ["the gradient of f(2)", "unit.py 3 with the input 'a'"])
def test_our_words_around_a_call_are_shown_in_the_readers_language(call, catalog):
    english = f"{call} returned 3.0, expected 0.0"
    sentence = parse_sentence(english, catalog.translations, call=call)
    assert messages._fill(sentence) == english
    with speaking("lt", catalog.translations):
        assert not re.search(r"the gradient|with the input", show_sentence(sentence, english))


def test_a_value_of_one_word_is_code(catalog):
    sentence = parse_sentence("f(2) returned loss, expected failed", catalog.translations, call="f(2)")
    with speaking("lt", catalog.translations):
        assert tr("loss") != "loss" and tr("failed") != "failed"
        assert re.search(r"\bloss\b.*\bfailed\b", show_sentence(sentence, ""))


def test_a_place_may_be_empty(folder):
    sentence = parse_sentence("f(2) returned a tensor, expected a Python float, 0.75", folder, call="f(2)")
    assert "a Python {" in str(sentence)


def test_what_quotes_the_student_is_no_sentence_of_ours(catalog):
    call = "f('returned 1, expected 2')"
    sentence = parse_sentence(f"{call} raised KeyError: 'at most 3'", catalog.translations, call=call)
    assert sentence["values"]["call"] == call
    assert all(isinstance(value, str) for value in sentence["values"].values())


def test_the_language_is_as_asked_for_or_as_the_machine_says(folder, monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", messages.LANGUAGE):
        monkeypatch.delenv(name, raising=False)
    assert choose_language("", "", folder) == "en"
    monkeypatch.setenv("LANG", "lt_LT.UTF-8")
    assert choose_language("", "", folder) == "lt"
    assert choose_language("", "en", folder) == "en"
    monkeypatch.setenv(messages.LANGUAGE, "lt")
    assert choose_language("", "en", folder) == "lt"
    assert choose_language("en", "lt", folder) == "en"
    monkeypatch.setenv("LANG", "xx_XX.UTF-8")
    monkeypatch.delenv(messages.LANGUAGE)
    assert choose_language("", "", folder) == "en"
    assert "lt" in languages(folder)


def test_an_unknown_language_is_named(folder, monkeypatch):
    with pytest.raises(UsageError, match=r"--lang xx: there is no such language; it is one of en, "):
        choose_language("xx", "", folder)


def test_burmese_keeps_its_word_breaks_and_nothing_steers_the_terminal():
    assert legible("ကြောင်\u200bပုံ") == "ကြောင်\u200bပုံ"
    assert legible("a\u202eb\x1b[2J") == "a?b?[2J"
