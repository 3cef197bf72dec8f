"""The course answers what `autograder verify` asks: of every unit, on as many seeds as `--seeds` says."""

import gc
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.verify import Bench, Verification

CATALOG = read_catalog(Path(__file__).parents[3])
#: Two questions are asked of the course as a whole, and are measured (docs/validity.md): how many mixtures are named,
#: and which checks nothing fails. For mutants it is asked here that each survivor has its reason.
QUESTIONS = ("course", "skeletons", "solutions", "modules", "nothing", "shortcuts", "mistakes", "mutants")


@pytest.fixture
def run_trials(sandbox, monkeypatch):
    """Run trials in this process. A slow machine has as much time to name a mistake as that takes."""
    monkeypatch.setattr("autograder.grading.grade.NAMING_SECONDS", 60.0)
    bench = Bench(CATALOG, sandbox)
    gc.freeze()  # a collection of what is imported takes as long as ten checks
    yield lambda trials: map(bench.run, trials)
    gc.unfreeze()


@pytest.mark.slow
@pytest.mark.parametrize("unit", CATALOG.units)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_unit_verifies(question, unit, seeds, run_trials):
    (finding,) = Verification(CATALOG, CATALOG.select([unit]), run_trials, seeds=seeds, only=(question,)).findings()
    assert not finding.problems, "\n".join(finding.problems)
