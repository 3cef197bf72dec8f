"""A package of the course's own, with its data, beside the exercises: nobody installs it."""

import sys

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.platforms.bundles import student_bundle
from autograder.sandbox import Sandbox

FILES = {
    "exercises/catalog.toml": """
[course]
title = "Odd"
preload = ["oddtext"]

[[unit]]
name = "table"
title = "Table"

[unit.functions.total]
points = 1

[[unit]]
name = "helpers"
title = "Helpers"

[unit.functions.twice]
points = 1
""",
    "oddtext/__init__.py": "from pathlib import Path\n\nTEXT = Path(__file__).with_name('words.csv').read_text()\n",
    "oddtext/words.csv": "word,count\nfox,2\n",
    "tests/exercises/test_table.py": '''import oddtext
import pytest


@pytest.mark.points("total", 1)
def test_total(submission):
    """Twice the letters of the course's text."""
    assert submission.total() == 2 * len(oddtext.TEXT)
''',
    "tests/exercises/test_helpers.py": '''import pytest


@pytest.mark.points("twice", 1)
def test_twice(submission):
    """Twice."""
    assert submission.twice(2) == 4
''',
    "solutions/table.py": '''from helpers import twice
from oddtext import TEXT


def total():
    """Return twice the letters."""
    # TODO: Twice.
    ### BEGIN SOLUTION
    return twice(len(TEXT))
    ### END SOLUTION
''',
    "solutions/helpers.py": '''def twice(x):
    """Return twice a number."""
    # TODO: Twice.
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
''',
}


@pytest.mark.slow
def test_it_is_found_by_checks_workers_and_a_release(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text.lstrip())
    catalog = read_catalog(tmp_path)
    with Sandbox(catalog.preload) as sandbox:
        result = Grader(GradingSpec(catalog, require=()), sandbox).grade_path(tmp_path / "solutions")
    assert [check.outcome.value for check in result.checks] == ["passed", "passed"], result.checks
    assert student_bundle(catalog)["oddtext/words.csv"] == FILES["oddtext/words.csv"].encode()
    sys.modules.pop("oddtext", None)
