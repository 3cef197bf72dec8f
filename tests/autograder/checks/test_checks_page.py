"""docs/checks.md: each of its lines is run on the module that it shows."""

import re
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome
from tests.autograder.conftest import ROOT

PAGE = (ROOT / "docs" / "checks.md").read_text()
MODULE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
SECTIONS = PAGE.split("## Marks")[0]
LINES = re.findall(r"^\| [^\n]* \| `([^\n`]+)` \|$", SECTIONS, re.MULTILINE)
FIXTURES = "submission, reference, seed, rng, folder, partial, model, capsys, subtests"
HEAD = """import asyncio, collections, dataclasses, datetime, random
from fractions import Fraction
from pathlib import Path
import numpy as np, pytest, torch
from autograder.compare import *
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    checks = [
        f'@pytest.mark.points("same", 1)\ndef test_{i}({FIXTURES}):\n    """Line {i}."""\n    {line}\n'
        for i, line in enumerate(LINES)
    ]
    files = {
        "exercises/catalog.toml": '[course]\ntitle = "Page"\n[[unit]]\nname = "page"\ntitle = "Page"\n'
        f"[unit.functions.same]\npoints = {len(LINES)}\n",
        "tests/exercises/test_page.py": HEAD + "\n\n".join(checks),
        "solutions/page.py": MODULE,
        "handed in/page.py": MODULE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_entry_has_a_line():
    entries = [line for line in SECTIONS.splitlines() if line.startswith("| ") and not line.startswith("|---")]
    heads = [line for line in entries if line.endswith("| a line |")]
    assert len(LINES) == len(entries) - len(heads) > 30


@pytest.mark.parametrize("kind", ["in process", pytest.param("sandboxed", marks=pytest.mark.slow)])
def test_each_line_holds(course, kind, request):
    workers = request.getfixturevalue("sandbox") if kind == "sandboxed" else InThisProcess()
    result = Grader(GradingSpec(read_catalog(course), require=()), workers).grade_path(course / "handed in")
    lines = {f"page::test_{i}": line for i, line in enumerate(LINES)}
    assert {lines[c.id]: c.message for c in result.checks if c.outcome is not Outcome.PASSED} == {}
