"""The start of a new unit: files that work together from the beginning, to be replaced piece by piece."""

import keyword
import re
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, skeleton
from autograder.errors import UsageError
from autograder.results.store import write_atomically
from autograder.results.templates import filled

_SOLUTION = '''"""<[ title ]>: what it is about, in a sentence.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1].
"""

from torch import Tensor


def <[ name ]>(images: Tensor) -> Tensor:
    """Say what comes back, in a sentence.

    Args:
        images: shape (N, 3, H, W).

    Returns:
        The same shape.
    """
    # TODO: Say in a sentence what is to be done.
    ### BEGIN SOLUTION
    return 1 - images
    ### END SOLUTION
'''
_CHECKS = '''"""Checks of <[ name ]>. The first line of each docstring is what the student reads."""

import pytest
import torch

from autograder.compare import assert_close


@pytest.mark.points("<[ name ]>", 1)
def test_black_and_white(submission):
    """Black becomes white, and white becomes black."""
    images = torch.zeros(1, 3, 2, 2)
    images[..., 0] = 1
    assert_close(submission.<[ name ]>(images), 1 - images)


@pytest.mark.hidden
@pytest.mark.points("<[ name ]>", 1)
def test_random_images(submission, reference, rng):
    """Random images become what they should."""
    images = torch.rand(2, 3, 4, 5, generator=rng)
    assert_close(submission.<[ name ]>(images), reference.<[ name ]>(images))
'''
_MISTAKES = '''"""Known mistakes in <[ name ]>, as students make them, each with the sentence that they should read."""

from autograder.diagnose import mistake


@mistake("<[ name ]>", "The images come back as they were.")
def unchanged(images):
    return images
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


def write_new_unit(catalog: Catalog, name: str) -> list[Path]:
    """Write the start of a unit, with one function of the same name, and enter it in the catalog as the last one.

    Returns:
        The files that were written.

    Raises:
        UsageError: the name cannot be a unit's, or is taken.
    """
    _require_free(catalog, name)
    words = {"name": name, "title": name.replace("_", " ").capitalize()}
    solution = filled(_SOLUTION, **words)
    entries = catalog.root / "exercises" / "catalog.toml"
    texts = {
        catalog.solution(name): solution,
        catalog.exercise(name): skeleton(solution, f"{name}.py"),
        catalog.checks(name): filled(_CHECKS, **words),
        catalog.mistakes(name): filled(_MISTAKES, **words),
        catalog.lesson(name): filled(_LESSON, **words),
        entries: read_source(entries).rstrip("\n") + "\n" + filled(_ENTRY, **words),
    }
    for path, text in texts.items():
        write_atomically(path, text)
    return list(texts)


def _require_free(catalog: Catalog, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise UsageError(f"{name!r} cannot be the name of a unit; take small letters, digits and underscores")
    functions = {function for unit in catalog.units.values() for function in unit.functions}
    if name in functions | catalog.units.keys():
        raise UsageError(f"the course has a unit or a function {name} already; take another name")
    there = [path for path in (catalog.solution(name), catalog.exercise(name), catalog.checks(name)) if path.exists()]
    if there:
        raise UsageError(f"{there[0]} is there already; take another name, or remove it")
