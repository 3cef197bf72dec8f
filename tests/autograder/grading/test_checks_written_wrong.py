"""`verify` finds what is wrong with how checks are written."""

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.verify.authoring import check_problems
from autograder.grading.verify.verification import Verification
from autograder.results.types import CheckResult

CATALOG = """
[course]
title = "Tenths"

[[unit]]
name = "u"
title = "U"

[unit.functions.f]
points = 0.3
"""
GOOD = '''import pytest


@pytest.mark.points("f", 0.1)
@pytest.mark.parametrize("x", [1, 2, 3])
def test_f(submission, x):
    """Double."""
    assert submission.f(x) == 2 * x
'''


@pytest.fixture
def course(tmp_path):
    def write(checks=GOOD, catalog=CATALOG):
        for name, text in {"exercises/catalog.toml": catalog, "tests/exercises/test_u.py": checks}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return read_catalog(tmp_path)

    return write


def test_good_checks_have_no_problems(course):
    catalog = course()
    assert list(check_problems(catalog, catalog.units["u"])) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('@pytest.mark.depends_on("test_g")', "u, test_f[1]: depends on test_g, and there is no such check"),
        (
            '@pytest.mark.points("g", 1)',
            "u, test_f[1]: gives points of g, which the catalog does not have in this unit",
        ),
    ],
)
def test_marks_of_what_is_not_there_are_found(course, line, problem):
    catalog = course(GOOD.replace("@pytest.mark.param", f"{line}\n@pytest.mark.param"))
    assert problem in list(check_problems(catalog, catalog.units["u"]))


@pytest.mark.parametrize(
    "line",
    [
        "import subprocess",
        "import runpy",
        "from exercises import u",
        "import u",
        "exec('1')",
        "import os; os.system('ls')",
    ],
)
def test_checks_that_run_code_themselves_are_found(course, line):
    text = GOOD + f"\n\ndef start():\n    {line}\n"
    catalog = course(text)
    (problem,) = check_problems(catalog, catalog.units["u"])
    assert problem.startswith("test_u.py:12: ")
    assert "outside of the sandbox; use `submission`, or `submission.run`" in problem


@pytest.mark.parametrize("name", ["run", "folder", "calls", "notes"])
def test_a_function_with_a_name_that_checks_use_otherwise_is_found(course, name):
    catalog = course(catalog=CATALOG.replace("functions.f]", f"functions.{name}]"))
    problems = list(check_problems(catalog, catalog.units["u"]))
    assert f"u, {name}: a check reads `submission.{name}` as something else; give it another name" in problems


@pytest.mark.parametrize(("points", "good"), [(0.1, True), (0.2, False)])
def test_points_are_compared_as_decimal_numbers(course, points, good):
    catalog = course()
    verification = Verification(catalog, list(catalog.units.values()), lambda trials: iter(()))
    verification._known = {str(i): CheckResult(f"u::{i}", "u", "f", "", points) for i in range(3)}
    assert (list(verification._uneven_points(catalog.units["u"])) == []) is good
