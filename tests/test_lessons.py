"""The lessons keep their word: what they print is what the solutions print, and each leads to the next."""

import contextlib
import doctest
import io
import re
import sys
from types import ModuleType

import pytest

from autograder.course.catalog import read_catalog
from tests.autograder.conftest import ROOT

CATALOG = read_catalog(ROOT)
UNITS = list(CATALOG.units)


def lesson(unit):
    return CATALOG.lesson(unit).read_text()


@pytest.fixture
def solved(monkeypatch):
    """`exercises` with every function written."""
    package = ModuleType("exercises")
    package.__path__ = [str(ROOT / "solutions")]
    for name in [name for name in sys.modules if name.partition(".")[0] == "exercises"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "exercises", package)
    yield
    for unit in UNITS:
        sys.modules.pop(f"exercises.{unit}", None)


@pytest.mark.parametrize("unit", UNITS)
def test_the_solutions_print_what_the_lesson_says(unit, solved):
    examples = doctest.DocTestParser().get_doctest(lesson(unit), {}, unit, f"{unit}.md", 0)
    assert any(example.want for example in examples.examples)
    told = io.StringIO()
    doctest.DocTestRunner(verbose=False).run(examples, out=told.write)
    assert told.getvalue() == ""


@pytest.mark.slow
def test_the_probe_of_each_layer_prints_the_table_of_the_lesson(solved):
    (code, table) = re.search(
        r"^```python\n(.*?)^```\n.*?((?:^    [^\n]*\n)+)", lesson("domain_shift"), re.M | re.S
    ).groups()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, {})
    (head, *rows), (told_head, *told) = (
        [line.split() for line in text.splitlines()] for text in (out.getvalue(), table)
    )
    assert head == told_head
    assert [row[0] for row in rows] == [row[0] for row in told]
    found, shares = ([float(share) for row in part for share in row[1:]] for part in (rows, told))
    assert found == pytest.approx(shares, abs=0.03)


@pytest.mark.parametrize("unit", UNITS)
def test_a_lesson_says_of_each_function_how_long_and_how_hard_it_is(unit):
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\w+) \|$", lesson(unit), re.MULTILINE)
    assert [name for name, _, _ in rows] == list(CATALOG.units[unit].functions)
    assert all(0 < int(minutes) <= 60 and hard in ("easy", "medium", "hard") for _, minutes, hard in rows)


@pytest.mark.parametrize(("unit", "after"), list(zip(UNITS, [*UNITS[1:], UNITS[0]], strict=True)))
def test_a_lesson_ends_with_a_question_that_the_next_unit_answers(unit, after):
    last = lesson(unit).rstrip().rpartition("\n\n")[2]
    assert f"]({after}.md)" in last and last.endswith("?")
