"""Sentences that suffice to mend a mistake: each folder of `sentences/` is a wrong module, with what must be said of it.

A title and its sentence say together what came back, which part of it is wrong, and what is expected; and nothing of what goes
on inside the grader or a library.
"""

import json
from pathlib import Path

import pytest

from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome
from autograder.submissions import Submission, read_module

SENTENCES = Path(__file__).parents[1] / "sentences"
CASES = sorted(path.name for path in SENTENCES.iterdir())
#: Words of the machinery, which mean nothing to a student.
INSIDE = (
    "pickle",
    "spawn",
    "landlock",
    "seccomp",
    "codec",
    "recipe",
    "handle",
    "positional argument",
    "at most 1 argument",
)


#: Their checks draw networks and pictures first, which takes seconds.
SLOW = (
    *("accuracy_of_four_items", "head_as_a_class", "history_of_tensors", "labels_from_one", "losses_as_tensors"),
    *("names_in_a_generator", "never_in_eval_mode", "outside_the_budget", "picture_without_losses"),
    *("side_by_side_and_averaged", "side_by_side_and_squared", "split_as_masks"),
)


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.slow) if c in SLOW else c for c in CASES])
def test_a_student_can_mend_it(case, catalog):
    expected = json.loads((SENTENCES / case / "expected.json").read_text())
    (path,) = (SENTENCES / case).glob("*.py")
    unit = read_module(path, path.stem)
    spec = GradingSpec(
        catalog, units=(unit.unit,), functions=frozenset({expected["function"]}), seed="student", require=()
    )
    result = Grader(spec, InThisProcess()).grade(Submission(case, {unit.unit: unit}))
    wrong = [check for check in result.checks if check.outcome is Outcome.FAILED]
    assert wrong != []
    said = "\n".join(f"{check.title}: {check.message} {check.diagnosis}" for check in wrong)
    assert [words for words in expected["says"] if words not in said] == []
    messages = " ".join(check.message.lower() for check in wrong)
    assert [words for words in (*expected.get("never", ()), *INSIDE) if words.lower() in messages] == []
