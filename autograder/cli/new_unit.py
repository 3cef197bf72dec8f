"""Write the start of a new course or unit: files that work together, for the author to replace one by one."""

import re
from pathlib import Path

from autograder.course.catalog import Catalog, read_catalog
from autograder.course.skeletons import read_source, skeleton
from autograder.course.units import name_problem
from autograder.errors import UsageError
from autograder.results.store import write_atomically
from autograder.results.templates import fill_text

_SOLUTION = '''"""<[ title ]>: what it is about, in a sentence."""


def <[ name ]>(values: list[float]) -> list[float]:
    """Say what comes back, in a sentence.

    Args:
        values: any number of them.
    """
    # TODO: Say in a sentence what is to be done.
    ### BEGIN SOLUTION
    return [1 - value for value in values]
    ### END SOLUTION
'''
_CHECKS = '''"""Checks of <[ name ]>. The first line of each docstring is what the student reads."""

import random

import pytest

from autograder.compare import assert_close


@pytest.mark.points("<[ name ]>", 1)
def test_an_example(submission):
    """Zero becomes one, and one becomes zero."""
    assert_close(submission.<[ name ]>([0.0, 1.0]), [1.0, 0.0])


@pytest.mark.hidden
@pytest.mark.points("<[ name ]>", 1)
def test_random_values(submission, reference, seed):
    """Random values become what they should."""
    dice = random.Random(seed)
    values = [dice.random() for _ in range(5)]
    assert_close(submission.<[ name ]>(values), reference.<[ name ]>(values))
'''
_MISTAKES = '''"""Known mistakes in <[ name ]>, as students make them, each with the sentence that they should read."""

from autograder.diagnose import mistake


@mistake("<[ name ]>", "The values come back as they were.")
def unchanged(values):
    return list(values)
'''
_LESSON = """# <[ title ]>

**What.** What the student will have made.

**Why.** What it is good for.

**How.** The formula, and what is hard about it.

**Read on.** Where it comes from.
"""
_ENTRY = """
[[unit]]
name = "<[ name ]>"
title = "<[ title ]>"
seconds = 5

[unit.functions.<[ name ]>]
points = 2
hints = ["Which question leads there?", "Which function or line of the lesson helps? Never the answer."]
"""


_FIRST_UNIT = "first_steps"
_CATALOG = """[course]
title = "<[ title ]>"
"""
_PROJECT = """[project]
name = "<[ name ]>"
version = "0.1.0"
requires-python = ">=3.11"
# What the course's code imports comes besides: idealcat[torch], [torchvision], [numpy] or [pillow], or any other package.
dependencies = ["idealcat>=0.1.0"]

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
testpaths = ["exercises"]
"""
_README = """# <[ title ]>

A course for `autograder`. The solutions in `solutions/` are its source: exercises are made from them.

```
autograder verify --seeds 2       # do the checks catch what is wrong, and let pass what is right?
autograder new-unit NAME          # one more unit
autograder release student OUT    # what students get
pytest tests                      # the solutions pass
```

Begin with `solutions/<[ unit ]>.py`.
"""
_CONFTEST = '''"""Fixtures that the checks of several units use."""
'''


def write_new_unit(catalog: Catalog, name: str) -> list[Path]:
    """Write the start of a unit, with one function of the same name, and enter it in the catalog as the last one.

    Returns:
        The files that were written.

    Raises:
        UsageError: no unit can have the name, or another has it.
    """
    _require_free(catalog, name)
    words = {"name": name, "title": name.replace("_", " ").capitalize()}
    solution = fill_text(_SOLUTION, **words)
    entries = catalog.root / "exercises" / "catalog.toml"
    texts = {
        catalog.solution(name): solution,
        catalog.exercise(name): skeleton(solution, f"{name}.py"),
        catalog.checks(name): fill_text(_CHECKS, **words),
        catalog.mistakes(name): fill_text(_MISTAKES, **words),
        catalog.lesson(name): fill_text(_LESSON, **words),
        entries: _without_empty_list(read_source(entries)).rstrip("\n") + "\n" + fill_text(_ENTRY, **words),
    }
    for path, text in texts.items():
        write_atomically(path, text)
    return list(texts)


def write_new_course(folder: Path) -> list[Path]:
    """Write a course with one unit into a new folder: catalog, `pyproject.toml`, README, and the unit's files.

    Returns:
        The files that were written.

    Raises:
        UsageError: there is something in the folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"there is something in {folder} already; name a new folder")
    words = {"title": folder.absolute().name.replace("_", " ").replace("-", " ").capitalize(), "unit": _FIRST_UNIT}
    words["title"] = re.sub(r'[\\"\x00-\x1f]+', " ", words["title"])  # it stands in quotes in a file of TOML
    words["name"] = re.sub(r"[^a-z0-9]+", "-", folder.absolute().name.lower()).strip("-") or "course"
    texts = {
        folder / "exercises" / "catalog.toml": fill_text(_CATALOG, **words),
        folder / "pyproject.toml": fill_text(_PROJECT, **words),
        folder / "README.md": fill_text(_README, **words),
        folder / "tests" / "exercises" / "conftest.py": _CONFTEST,
    }
    for path, text in texts.items():
        write_atomically(path, text)
    return [*texts, *write_new_unit(read_catalog(folder), _FIRST_UNIT)[:-1]]


def _without_empty_list(entries: str) -> str:
    """Return the text of a catalog without `unit = []`: TOML allows no `[[unit]]` after it."""
    return re.sub(r"(?m)^unit\s*=\s*\[\s*\]\s*\n?", "", entries)


def _require_free(catalog: Catalog, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UsageError(f"{name!r} cannot be the name of a unit; take small letters, digits and underscores")
    problem = name_problem(name)
    if problem:
        raise UsageError(f"{name!r} cannot be the name of a unit, as it {problem}; take another name")
    functions = {function for unit in catalog.units.values() for function in unit.functions}
    if name in functions | catalog.units.keys():
        raise UsageError(f"the course has a unit or a function {name} already; take another name")
    files = catalog.solution, catalog.exercise, catalog.checks, catalog.mistakes, catalog.lesson
    there = [path for path in (file(name) for file in files) if path.exists()]
    if there:
        raise UsageError(f"{there[0]} is there already; take another name, or move it away")
