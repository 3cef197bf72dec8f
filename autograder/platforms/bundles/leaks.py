"""Find what a bundle for students holds and must not."""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, solution_lines
from autograder.grading.session import collected_tests

_PRIVATE = {"solutions", "alternatives", "mistakes", "hostile", "samples"}
#: Files that a student reads or runs; the engine and the data are the same for everybody.
_READ = ("exercises", "tests", "docs", "README.md", "notebooks")

#: In checks and drawings a single line this short is the field's idiom, `with torch.no_grad():`, and no answer.
_IDIOM = 40


def leaks(files: Mapping[str, bytes], catalog: Catalog) -> list[str]:
    """Return what a bundle for students must not hold, a sentence each: solutions, hidden checks, keys.

    Args:
        files: by path inside the bundle.
        catalog: of the course that it was made from.
    """
    return [
        *_private_files(files),
        *_solved(files, catalog),
        *_hidden(files, catalog),
    ]


def _private_files(files: Mapping[str, bytes]) -> Iterator[str]:
    for name in files:
        parts = PurePosixPath(name).parts
        if set(parts[:-1]) & _PRIVATE:
            yield f"{name} is not for students"


def _solved(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[str]:
    for unit in catalog.units:
        secret = solution_lines(read_source(catalog.solution(unit)))
        for name, text in _texts(files):
            lines = [line.strip() for line in text.splitlines()]
            telling = secret & set(lines)
            if name.startswith(("tests/", "exercises/pictures/")):
                telling = {line for line in telling if len(line) > _IDIOM} | _together(lines, secret)
            for line in sorted(telling):
                yield f"{name} holds a line of the solution of {unit}: {line}"


def _together(lines: list[str], secret: set[str]) -> set[str]:
    """Return the lines of a solution that follow one another."""
    pairs = itertools.pairwise(lines)
    return {line for pair in pairs if secret.issuperset(pair) for line in pair}


def _hidden(files: Mapping[str, bytes], catalog: Catalog) -> Iterator[str]:
    for unit in catalog.units:
        if not catalog.checks(unit).is_file():
            continue
        for test in (test for test in collected_tests(catalog, unit) if test.hidden):
            function = test.name.rpartition(".")[2]
            for name, text in _texts(files):
                if re.search(rf"\bdef {re.escape(function)}\b", text):
                    yield f"{name} holds the hidden check {function} of {unit}"


def _texts(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for name, content in files.items():
        if name.startswith(_READ) and not name.endswith((".png", ".safetensors")):
            yield name, content.decode("utf-8", "replace")
