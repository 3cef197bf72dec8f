"""Check translated lessons and pages: the same headings, code, pictures, links and numbers as in the English."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from autograder.course.catalog import read_catalog
from tools.translations.checking import problems
from tools.translations.extract import ROOT

STUDENT = "student"
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"(?:^ {4}.*\n?)+", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]+|\s+")
_INLINE = re.compile(r"`[^`\n]+`")
_ADDRESS = re.compile(r"\]\(([^)]+)\)")


def lesson_paths(language: str, root: Path = ROOT) -> Iterator[tuple[str, Path, Path]]:
    """Yield each unit with its lesson in English and where it stands in a language."""
    for unit in read_catalog(root).units:
        lessons = root / "exercises" / "lessons"
        yield unit, lessons / f"{unit}.md", lessons / language / f"{unit}.md"
    yield STUDENT, root / "docs" / "student.md", root / "docs" / language / "student.md"
    templates = root / "autograder" / "platforms" / "bundles" / "templates"
    yield "readme", templates / "README.md", templates / f"README.{language}.md"


def missing_lessons(language: str) -> list[str]:
    """Return the units without a lesson in a language."""
    return [unit for unit, _, path in lesson_paths(language) if not path.is_file()]


def lesson_problems(language: str, part: str | None = None) -> Iterator[str]:
    """Yield what is wrong with the translated lessons that there are."""
    for unit, english, path in lesson_paths(language):
        if path.is_file() and part in (None, unit):
            text = path.read_text("utf-8")
            if unit == STUDENT:  # whose last paragraph says how to mend a sentence
                text, _, note = text.rstrip().rpartition("\n\n")
                if f"exercises/locale/{language}" not in note:
                    yield f"{path.relative_to(ROOT)} does not end with how to mend a sentence"
            for problem in text_problems(language, english.read_text("utf-8"), text):
                yield f"{path.relative_to(ROOT)} {problem}"


def text_problems(language: str, english: str, translation: str) -> Iterator[str]:
    """Yield what is wrong with the translation of a page of Markdown; its links have a step up more, for its folder."""
    english, translation = english.replace("../", ""), translation.replace("../", "")
    yield from _code(english, translation)
    shapes = [
        [len(line) - len(line.lstrip("#")) for line in text.splitlines() if line.startswith("#")]
        for text in (english, translation)
    ]
    if shapes[0] != shapes[1]:
        yield "has other headings than the English"
    bare = [_FENCE.sub("", _BLOCK.sub("", text)) for text in (english, translation)]
    blocks = [re.split(r"\n\s*\n", text.strip()) for text in bare]
    if len(blocks[0]) != len(blocks[1]):
        yield f"has {len(blocks[1])} paragraphs, expected {len(blocks[0])}"
        return
    for wanted, given in zip(*blocks, strict=True):
        said = " ".join(given.split())
        for problem in problems(language, " ".join(wanted.split()), said):
            yield f"{problem}: {said[:60]}"


def _code(english: str, translation: str) -> Iterator[str]:
    signs = ["".join(_LETTERS.sub("", block) for block in _BLOCK.findall(text)) for text in (english, translation)]
    if signs[0] != signs[1]:
        yield "has other formulas or code in its indented blocks"
    for what, pattern in (("code", _FENCE), ("code", _INLINE), ("link", _ADDRESS)):
        wanted, given = (Counter(pattern.findall(text)) for text in (english, translation))
        for lost in wanted - given:
            yield f"lacks the {what} {lost}"
