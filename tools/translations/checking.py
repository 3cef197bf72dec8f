"""Check a translation against its English: what must be the same in both, the script, the length, the glossary."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from tools.translations.extract import ROOT

_PLACEHOLDER = re.compile(r"\{\w+\}")
_CODE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"https?://\S+|[\w./-]+\.(?:py|md|toml|png|ipynb)\b")
_FORMULA = re.compile(r"\([A-Z](?:, ?[A-Z0-9]+)*,?\)|\[[^\]a-z]*\d[^\]a-z]*\]|\S*[a-z]\S*_\w+(?:\([^)]*\))?")
_DISPLAYED = re.compile(r"\$\$[^$]*\$\$")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?:e-?\d+)?")
_QUOTED = re.compile(r'"[^"]*"|\'[^\' ]*\'|“[^”]*”|„[^“”]*[“”]')
#: Words that no translation has, unless it quotes.
_ENGLISH = re.compile(
    r"\b(?:the|of|and|which|that|with|from|are|each|its|it|than|they|this|does|not|has|have|was|were|by|"
    r"expected|returned)\b",
    re.IGNORECASE,
)
_SCRIPTS = {"my": re.compile(r"[\u1000-\u109f]"), "sr": re.compile(r"[\u0400-\u04ff]")}
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
#: Letters of a translation for each of the English: the least and the most.
_LENGTHS = (0.4, 2.6)
_SHORT = 25
_MARKS = ".:;?!,"
_STEM = 4


def problems(language: str, english: str, translation: str) -> Iterator[str]:
    """Yield what is wrong with a translation of one text."""
    if not translation.strip():
        yield "is empty"
        return
    yield from _same(english, translation)
    if _DISPLAYED.fullmatch(english.strip()):  # a formula by itself stays as it is
        if english.strip() != translation.strip():
            yield "is another formula"
        return
    yield from _script(language, english, translation)
    yield from _edges(english, translation)
    low, high = _LENGTHS
    ratio = len(translation) / len(english)
    if len(english) > _SHORT and not low <= ratio <= high:
        yield f"is {ratio:.1f} times as long as the English, expected {low} to {high} times"
    for pattern in (_PLACEHOLDER, _CODE, _LINK, _QUOTED, _FORMULA):
        english = pattern.sub(" ", english)
    for term, allowed in glossary(language):
        if re.search(rf"\b{re.escape(term)}s?\b", english, re.IGNORECASE) and not _has(translation, allowed):
            yield f"renders {term!r} by none of: {', '.join(allowed)}"


def _same(english: str, translation: str) -> Iterator[str]:
    parts = (("placeholder", _PLACEHOLDER), ("code", _CODE), ("link or file", _LINK), ("formula", _FORMULA))
    for what, pattern in parts:
        yield from _differences(what, pattern, english, translation)
        if what != "formula":
            english, translation = pattern.sub(" ", english), pattern.sub(" ", translation)
    yield from _differences("number", _NUMBER, english, translation)


def _differences(what: str, pattern: re.Pattern[str], english: str, translation: str) -> Iterator[str]:
    wanted, given = Counter(pattern.findall(english)), Counter(pattern.findall(translation))
    lost, new = wanted - given, given - wanted
    if lost:
        yield f"lacks the {what} {', '.join(lost)}"
    if new:
        yield f"has a {what} of its own: {', '.join(new)}"


def _script(language: str, english: str, translation: str) -> Iterator[str]:
    words = english
    for pattern in (_PLACEHOLDER, _CODE, _LINK, _QUOTED, _FORMULA):
        words, translation = pattern.sub(" ", words), pattern.sub(" ", translation)
    if len(re.findall(r"\b[a-z]{3,}\b", words)) < 2:  # a name, a formula
        return
    if words.strip() == translation.strip():
        yield "is the English"
    left = {word.lower() for word in _ENGLISH.findall(translation)}
    if len(left) > 1 or (left and language in _SCRIPTS):
        yield f"has English left: {', '.join(sorted(left))}"
    for name, letters in _SCRIPTS.items():
        if name == language and not letters.search(translation):
            yield f"has no letter of the script of {language}"
        if name != language and letters.search(translation):
            yield f"has letters of the script of {name}"
    if language == "sr" and len(_LATIN.findall(translation)) > len(_SCRIPTS["sr"].findall(translation)):
        yield "has more Latin letters than Cyrillic ones"


def _edges(english: str, translation: str) -> Iterator[str]:
    """Yield where spaces or marks at the ends differ: many texts are parts of a line."""
    for side, of in (
        ("start", lambda text: text[: len(text) - len(text.lstrip())]),
        ("end", lambda t: t[len(t.rstrip()) :]),
    ):
        if of(english) != of(translation):
            yield f"differs in the spaces at its {side}"
    first, last = english.lstrip()[:1], english.rstrip()[-1:]
    if first in _MARKS and first != translation.lstrip()[:1]:
        yield f"does not begin with {first!r}"
    ends = {".": ".။", "?": "?။", ",": ",၊", ":": ":", ";": ";"}
    if last in ends and translation.rstrip()[-1:] not in ends[last]:
        yield f"does not end with {last!r}"
    if last.isalpha() and translation.rstrip()[-1:] in ".။":
        yield "ends with a full stop, and the English does not"


@cache
def glossary(language: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the terms with the renderings that a language allows."""
    with (ROOT / "exercises" / "locale" / "glossary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple((row["en"], tuple(row[language].split("/"))) for row in rows if row[language])


def _has(translation: str, allowed: tuple[str, ...]) -> bool:
    """Return True if one of the renderings is there, in whatever inflection: the beginning of each word must be."""
    text = translation.lower()

    def stem(word: str) -> str:
        return word[: max(_STEM, len(word) - 3)] if len(word) > _STEM else word[:-1] if len(word) > 3 else word

    return any(all(stem(word) in text for word in rendering.lower().split()) for rendering in allowed)


def check_entry(language: str, english: str | tuple[str, str], translation: str | tuple[str, ...]) -> list[str]:
    """Return what is wrong with an entry of a catalog; each plural form is checked against the English plural."""
    if isinstance(translation, str):
        return list(problems(language, str(english), translation))
    return [problem for form in translation for problem in problems(language, english[1], form)]
