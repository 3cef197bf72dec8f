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


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_each_unit(language):
    assert {path.stem for path in SOLVED if path.parent.name == language} == set(CATALOG.units)


def test_each_has_a_note_of_what_was_mended():
    rows = (ROOT / "tests" / "translations" / "README.md").read_text(encoding="utf-8").splitlines()
    noted = [tuple(row.split(" | ")[:2]) for row in rows if row.startswith("| ")][1:]
    assert sorted(noted) == sorted((f"| {path.parent.name}", path.stem) for path in SOLVED)
