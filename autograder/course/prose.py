"""Find the prose in a unit's source, and write the source in another language.

The prose of a source is the paragraphs of its docstrings and its TODOs, each as one line of text without its line breaks. Code
stays as it is: names of arguments, headings such as `Args:`, letters of a list, formulas without words.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

_WIDTH = 120
_QUOTES = '"""'
_TODO = "# TODO: "
_HEADINGS = ("Args:", "Returns:", "Raises:", "Attributes:", "Yields:")
#: What begins an item of a list, and is no prose: a bullet, a letter, a number, the name of a question.
_ITEM = re.compile(r"(?:[-*]|\w\)|\d+\.|\w+_\d+\.) +")
#: What begins the description of an argument or an error.
_ARGUMENT = re.compile(r"[\w*.`, ]+: +")
#: An indented line with three words in a row is prose, and any other a formula.
_WORDS = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")


@dataclass(frozen=True)
class Passage:
    """A paragraph of a source.

    Attributes:
        start, stop: its lines, counted from 0.
        text: its words in one line.
        lead: what stands before them: the indent, quotes, a bullet, an argument's name.
        hang: what stands before its other lines.
        tail: what stands after it.
        flows: False for a line of a formula, which is never broken.
    """

    start: int
    stop: int
    text: str
    lead: str
    hang: str
    tail: str = ""
    flows: bool = True

    def lines(self, text: str) -> list[str]:
        """Return the lines of the source with another text in the place of this one."""
        if not self.flows:
            return [f"{self.lead}{text}{self.tail}"]
        return textwrap.wrap(
            text + self.tail,
            _WIDTH,
            initial_indent=self.lead,
            subsequent_indent=self.hang,
            break_long_words=False,
            break_on_hyphens=False,
        )


def passages(source: str) -> list[Passage]:
    """Return the passages of a source, from top to bottom.

    Raises:
        SyntaxError: it is not Python.
    """
    lines = source.splitlines()
    found: list[Passage] = []
    inside: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            literal = node.body[0]
            first, last = literal.lineno - 1, (literal.end_lineno or literal.lineno) - 1
            inside |= set(range(first, last + 1))
            if lines[first].lstrip().startswith(_QUOTES):
                found += _passages_of_docstring(lines, first, last)
    found += _passages_of_todos(lines, inside)
    return sorted(found, key=lambda passage: passage.start)


def rewrite_prose(source: str, translate: Callable[[str], str]) -> str:
    """Return a source with its prose in another language; a passage for which `translate` returns the same text stays."""
    lines = source.splitlines()
    for passage in reversed(passages(source)):
        text = translate(passage.text)
        if text != passage.text:
            translated = passage.lines(text)
            lines[passage.start : passage.stop] = translated
            below = passage.start + len(translated)
            if below < len(lines) and _is_underline(lines[below]):
                lines[below] = passage.hang + "-" * len(text)
    return "\n".join(lines) + "\n" * source.endswith("\n")


def _is_underline(line: str) -> bool:
    """Return True for a line of hyphens, which underlines a heading."""
    return bool(line.strip()) and not line.strip().strip("-")


def _passages_of_docstring(lines: list[str], first: int, last: int) -> Iterator[Passage]:
    """Yield the passages of the docstring that stands in these lines, counted from 0."""
    base = len(lines[first]) - len(lines[first].lstrip())
    section, current = "", None
    for number in range(first, last + 1):
        line, tail = lines[number], ""
        lead = line[: len(line) - len(line.lstrip())]
        if number == first:
            lead += _QUOTES
        body = line[len(lead) :]
        if number == last:
            body, tail = body.removesuffix(_QUOTES).rstrip(), _QUOTES
        if current is not None and body and _continues(current, lead, body):
            current = replace(current, stop=number + 1, text=f"{current.text} {body}", tail=tail)
            continue
        if current is not None:
            yield current
            current = None
        indent = len(lead) if number != first else base
        if indent == base and body:
            section = body if body in _HEADINGS else ""
        if body and body not in _HEADINGS and not _is_underline(body):
            current = _passage(number, lead, body, " " * indent, tail, indent - base, section)
    if current is not None:
        yield current


def _passage(number: int, lead: str, body: str, indent: str, tail: str, depth: int, section: str) -> Passage | None:
    """Return the passage that begins with a line; None if the line is code."""
    argument = _ARGUMENT.match(body) if section in ("Args:", "Raises:", "Attributes:") else None
    item = _ITEM.match(body)
    if argument and depth == 4:
        return Passage(number, number + 1, body[argument.end() :], lead + argument[0], indent + " " * 4, tail)
    if item:
        hang = indent + " " * len(item[0]) if depth else indent
        return Passage(number, number + 1, body[item.end() :], lead + item[0], hang, tail)
    if depth and not section:
        wordy = bool(_WORDS.search(body))
        return Passage(number, number + 1, body, lead, "", tail, flows=False) if wordy else None
    return Passage(number, number + 1, body, lead, indent, tail)


def _continues(current: Passage, lead: str, body: str) -> bool:
    """Return True if a line belongs to the passage of the line above it."""
    begins = _ITEM.match(body) or body in _HEADINGS or _is_underline(body)
    return current.flows and lead == current.hang and not begins


def _passages_of_todos(lines: list[str], inside: set[int]) -> Iterator[Passage]:
    """Yield the TODOs outside these lines, each with the lines of comment below it."""
    for number, line in enumerate(lines):
        if number in inside or not line.lstrip().startswith(_TODO):
            continue
        indent = line[: len(line) - len(line.lstrip())]
        stop, texts = number + 1, [line.strip().removeprefix(_TODO)]
        while stop < len(lines) and re.match(rf"{indent}#(?! TODO) +\S", lines[stop]):
            texts.append(lines[stop].strip().removeprefix("#").strip())
            stop += 1
        yield Passage(number, stop, " ".join(texts), indent + _TODO, indent + "# ")
