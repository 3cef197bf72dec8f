"""Known mistakes: wrong variants of functions, each with the sentence that a student should read.

A course keeps them in `solutions/mistakes/<unit>.py`:

    @mistake("total_variation", "Only neighbours side by side are counted.")
    def only_horizontal(images): ...

A variant may use what the unit's solution defines, of whichever file, and what either of them imports.
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from autograder.checks.mixtures import mixture_text, mixtures
from autograder.course.skeletons import read_source, source_lines, split_at_start
from autograder.errors import CatalogError

#: Replaces the import of `mistake`, so that a file of variants imports nothing of the autograder.
_UNMARKED = "def mistake(*_, **__):\n    return lambda function: function\n"
_MARKED = "from autograder.diagnose import mistake\n"

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Mistake:
    """A known wrong variant.

    Attributes:
        name: its own.
        function: the function of the unit that it is a variant of.
        sentence: what the student reads.
        varies: why it loses other points on other seeds, if it does.
    """

    name: str
    function: str
    sentence: str
    varies: str = ""


def mistake(function: str, sentence: str, *, varies: str = "") -> Callable[[Function], Function]:
    """Mark a function as a known mistake in `function` of its unit; `known_mistakes` reads the mark in the file."""
    return lambda variant: variant


def variant_text(solution: str, variants: Path, variant: Mistake) -> str:
    """Return the source of a solution in which a variant from a file takes the place of the right function."""
    return with_more(solution, f"\n{_text_for(variant, variants)}\n{variant.function} = {variant.name}\n")


def named_variant_text(solution: str, variants: Path, variant: Mistake) -> str:
    """Return what `variant_text` does, with the right function's name on the variant, for code that may look at it."""
    return with_more(variant_text(solution, variants, variant), _naming(variant.function))


def disguised_text(solution: str, function: str) -> str:
    """Return the source of a solution whose right function stands where a variant would, called by code of another name.

    What holds for the solution and not here looks at the function, and not at what it does. A class stays in its place, as
    another one of the same name would not be equal to it.
    """
    if any(isinstance(node, ast.ClassDef) and node.name == function for node in ast.parse(solution).body):
        return with_more(solution, f"\n{_UNMARKED}")
    inner = "def disguised(*args, **kwargs):\n    return _right(*args, **kwargs)\n"
    return with_more(solution, f"\n{_UNMARKED}_right = {function}\n{inner}{function} = disguised\n{_naming(function)}")


def _naming(function: str) -> str:
    return f"for _name in ('__name__', '__qualname__'):\n    setattr({function}, _name, '{function}')\n"


def with_more(source: str, more: str) -> str:
    """Return a source with more code at its end, before the statements that it runs as a program."""
    before, after = split_at_start(source)
    return before + more + after


def mixed_texts(solution: str, variants: Path, function: str) -> dict[tuple[str, str], str]:
    """Return sources of a solution in which two known mistakes of a function are made at once, by the names of both."""
    wrong = variants_text(variants)
    names = tuple(known.name for known in known_mistakes(variants) if known.function == function)
    found = mixtures(solution, wrong, function, names)
    return {pair: mixture_text(solution, wrong, function, mixture) for pair, mixture in found.items()}


def variants_text(variants: Path) -> str:
    """Return the text of a file of variants, without the import of `mistake`; empty if there is no file."""
    if not variants.is_file():
        return ""
    return read_source(variants).replace(_MARKED, _UNMARKED)


def _text_for(variant: Mistake, variants: Path) -> str:
    """Return the text of a file of variants with one variant and those that it uses, without the others."""
    parts = _parts_of(variants, variants.stat().st_mtime_ns)
    others = {part.name: part for part in parts if part.name}
    needed, waiting = set[str](), [variant.name, *(name for part in parts if not part.name for name in part.used)]
    while waiting:
        name = waiting.pop()
        if name in others and name not in needed:
            needed.add(name)
            waiting += others[name].used
    return "".join(part.text for part in parts if not part.name or part.name in needed).replace(_MARKED, _UNMARKED)


@dataclass(frozen=True)
class _Part:
    """A statement of a file of variants, with what stands before it; `name` is that of a variant, and empty for any other."""

    name: str
    text: str
    used: frozenset[str]


@lru_cache(maxsize=32)
def _parts_of(path: Path, modified: int) -> tuple[_Part, ...]:
    """Return the statements of a file of variants, read once for each state of it."""
    text = read_source(path)
    lines, done, parts = source_lines(text), 0, []
    variants = {known.name for known in _mistakes_defined_in(path, modified)}
    for node in ast.parse(text).body:
        end = node.end_lineno or node.lineno
        used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        name = getattr(node, "name", "")
        parts.append(_Part(name if name in variants else "", "".join(lines[done:end]), frozenset(used)))
        done = end
    return tuple(parts)


def known_mistakes(path: Path) -> tuple[Mistake, ...]:
    """Return the mistakes that a file defines, in order; none if there is no file. Nothing of it is run.

    Raises:
        CatalogError: it is not valid Python, or what `mistake` is given is not written out.
    """
    return _mistakes_defined_in(path, path.stat().st_mtime_ns) if path.is_file() else ()


@lru_cache(maxsize=32)
def _mistakes_defined_in(path: Path, _: int) -> tuple[Mistake, ...]:
    """Return the mistakes of a file, read once for each state of it: many checks may fail."""
    try:
        body = ast.parse(read_source(path)).body
    except SyntaxError as error:
        raise CatalogError(f"{path}, line {error.lineno}: it is not valid Python ({error.msg})") from error
    definitions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    marked = (_mistake_at(path, node.name, each) for node in definitions for each in node.decorator_list)
    # The last of two definitions with one name counts, as in Python.
    return tuple({known.name: known for known in marked if known is not None}.values())


def _mistake_at(path: Path, name: str, decorator: ast.expr) -> Mistake | None:
    """Return the mistake that a decorator marks; None for another decorator."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func).rpartition(".")[2] != "mistake":
        return None
    try:
        given = [ast.literal_eval(each) for each in decorator.args]
        return Mistake(name, *given, **{str(each.arg): ast.literal_eval(each.value) for each in decorator.keywords})
    except (ValueError, TypeError) as error:
        advice = 'write @mistake("function", "sentence") with both texts written out'
        raise CatalogError(f"{path}, line {decorator.lineno}: {advice}") from error
