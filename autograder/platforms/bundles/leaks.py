"""Find what a bundle for students must not hold: solutions, hidden checks, keys."""

import ast
import itertools
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from autograder.checks.fingerprints import parse_fingerprints
from autograder.checks.mistakes import Mistake, known_mistakes
from autograder.course.catalog import Catalog
from autograder.course.skeletons import solution_lines, whole_solution
from autograder.grading.session import collected_tests

_PRIVATE = {"solutions", "alternatives", "mistakes", "hostile", "samples"}
#: Files that a student reads or runs; the engine and the data are the same for everybody.
_READ = ("exercises", "tests", "docs", "README.md", "notebooks")

#: In checks, drawings and sentences a single line up to this length gives no answer away: it is an idiom, such as
#: `with torch.no_grad():`.
_IDIOM = 40
#: A line of a hidden check up to this length may stand in any file.
_COMMON = 20
#: Number of a hidden check's own lines that give it away; all of them if it has fewer.
_TELLING = 2
_DEFINED = re.compile(r"\bdef (\w+)")
#: Suffixes of pictures that hold no text.
PIXELS = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_NO_TEXT = (*PIXELS, ".safetensors")
_FINGERPRINTS = "exercises/fingerprints/"


def leaks(files: Mapping[str, bytes], catalog: Catalog) -> list[str]:
    """Return a sentence for each thing in a bundle that is not for students: solutions, hidden checks, keys.

    Args:
        files: by path inside the bundle.
        catalog: the catalog of the course that it was made from.
    """
    return [
        *_private_files(files),
        *_solution_leaks(files, catalog),
        *_hidden_check_leaks(files, catalog),
        *_fingerprints(files, catalog),
    ]


def _private_files(files: Mapping[str, bytes]) -> Iterator[str]:
    for name in files:
        parts = PurePosixPath(name).parts
        if set(parts[:-1]) & _PRIVATE:
            yield f"{name} is not for students"


def _solution_leaks(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[str]:
    for unit in catalog.units:
        secret = solution_lines(whole_solution(catalog, unit))
        for name, text in _texts(files):
            lines = [line.strip() for line in text.splitlines()]
            telling = secret & set(lines)
            if name.startswith(("tests/", "exercises/pictures/")):
                telling = {line for line in telling if len(line) > _IDIOM} | _together(lines, secret)
            for line in sorted(telling):
                yield f"{name} holds a line of the solution of {unit}: {line}"


def _together(lines: list[str], secret: set[str]) -> set[str]:
    """Return the lines of a solution that stand next to another of its lines."""
    pairs = itertools.pairwise(lines)
    return {line for pair in pairs if secret.issuperset(pair) for line in pair}


def _hidden_check_leaks(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[str]:
    """Yield a sentence for each hidden check in a file: found by its name, or by lines that only hidden checks have."""
    texts = [
        (name, {line.strip() for line in text.splitlines()}, _DEFINED.findall(text)) for name, text in _own_texts(files)
    ]
    tests_of = {unit: collected_tests(catalog, unit) for unit in catalog.units if catalog.checks(unit).is_file()}
    # Methods of two classes may share a name, and so may checks of two units.
    named = {test.name.rpartition(".")[2] for tests in tests_of.values() for test in tests if not test.hidden}
    for unit, tests in tests_of.items():
        visible = {line for test in tests if not test.hidden for line in _body(test.source)}
        for test in (test for test in tests if test.hidden):
            function = test.name.rpartition(".")[2]
            own = {line for line in _body(test.source) if len(line) > _COMMON} - visible
            for name, lines, defined in texts:
                held = own & lines
                if function in defined and function not in named:
                    yield f"{name} holds the hidden check {function} of {unit}"
                elif held and len(held) >= min(_TELLING, len(own)):
                    yield f"{name} holds lines of the hidden check {function} of {unit}: {min(held)}"


def _fingerprints(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[str]:
    """Yield what a file of fingerprints holds besides hashes, numbers, and the names and sentences of known mistakes."""
    solutions = {unit: solution_lines(whole_solution(catalog, unit)) for unit in catalog.units}
    for name, content in files.items():
        if not name.startswith(_FINGERPRINTS):
            continue
        unit = PurePosixPath(name).stem
        known = (
            {_sentences_of(each) for each in known_mistakes(catalog.mistakes(unit))} if unit in catalog.units else set()
        )
        try:
            held = [mistake for mistake, _ in parse_fingerprints(content.decode())]
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            yield f"{name} is no file of fingerprints ({error})"
            continue
        for mistake in held:
            if _sentences_of(mistake) not in known:
                yield f"{name} holds a mistake that {unit} does not have: {mistake.name}"
            lines = (line for line in solutions.get(unit, ()) if len(line) > _IDIOM)
            for line in sorted(line for line in lines if line in mistake.sentence):
                yield f"{name} holds a line of the solution of {unit}: {line}"


def _sentences_of(mistake: Mistake) -> tuple[str, str, str]:
    return mistake.name, mistake.function, mistake.sentence


def _body(source: str) -> set[str]:
    """Return the lines of a function after its decorators and its first line, without the docstring."""
    if not source:
        return set()
    function = ast.parse(textwrap.dedent(source)).body[0]
    body = getattr(function, "body", [])
    if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(function) is not None:
        body = body[1:]
    lines = textwrap.dedent(source).splitlines()
    return {line.strip() for each in body for line in lines[each.lineno - 1 : each.end_lineno]}


def _texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, content in files.items():
        if name.startswith(_READ) and not name.endswith(_NO_TEXT):
            yield name, content.decode("utf-8", "replace")


def _own_texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Yield the texts of the course, with the packages that its checks import, and without the engine."""
    for name, content in files.items():
        if not name.startswith("autograder/") and not name.endswith(_NO_TEXT):
            yield name, content.decode("utf-8", "replace")
