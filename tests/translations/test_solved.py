"""Units written from a translation alone earn full marks: its skeletons and lessons say all that a student needs."""

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome
from autograder.sandbox import Sandbox
from tools.translations.catalogs import LANGUAGES, ROOT

CATALOG = read_catalog(ROOT)
#: pytest leaves the folders of the languages out (see `norecursedirs`), as it would take their files for submissions.
SOLVED = sorted((ROOT / "tests" / "translations").glob("??/*.py"))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(CATALOG.preload) as sandbox:
        yield sandbox


def name(path):
    return f"{path.parent.name}-{path.stem}"


@pytest.mark.slow
@pytest.mark.parametrize("path", SOLVED, ids=name)
def test_full_marks(path, sandbox):
    result = Grader(GradingSpec(CATALOG, units=(path.stem,), seed="a"), sandbox).grade_path(path.parent)
    assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []
    assert result.score == result.max_score


def test_they_are_of_a_language_and_a_unit():
    assert {path.parent.name for path in SOLVED} <= set(LANGUAGES)
    assert {path.stem for path in SOLVED} <= set(CATALOG.units)
