"""Golden submissions: each folder is one kind of student, with the result that is expected beside it.

    pytest tests/autograder/grading/test_golden.py --update-goldens

writes what came out; read the difference before you commit it.
"""

import json
from pathlib import Path

import jsonschema
import pytest

from autograder.results.types import Outcome

ROOT = Path(__file__).parents[3]
SUBMISSIONS = Path(__file__).parents[1] / "samples"
SCHEMA = json.loads((ROOT / "autograder" / "results" / "result.schema.json").read_text())
CASES = sorted(path.name for path in SUBMISSIONS.iterdir())


#: Its worker, whose builtins it breaks, crashes or hangs: in either case there is no answer.
BROKEN = "cheats"


def without_answer(found):
    """The same result, in which a worker that hung counts as one that crashed."""
    ended = {check: "crashed" if end == "timed_out" else end for check, end in found["outcomes"].items()}
    return {**found, "outcomes": ended}


def summary(checks):
    """Return what random inputs must not change: how each check ended, and which mistake was named."""
    ended = {check.id: check.outcome.value for check in checks}
    named = {check.id: check.mistake for check in checks if check.mistake}
    return {"outcomes": ended, "mistakes": named}


#: Several seconds each; what they show is graded quickly elsewhere, too.
LONG = (
    *("careless", "crash", "endless_loop", "notebook", "only_horizontal"),
    *("perfect", "renamed_function", "untouched", "wrong_ball", "zipped"),
)


def slow_if(cases, long):
    return [pytest.param(case, marks=pytest.mark.slow) if case in long else case for case in cases]


@pytest.fixture(autouse=True)
def no_name_depends_on_the_machine(monkeypatch):
    for place in ("grading.grade", "checks.plugin"):
        monkeypatch.setattr(f"autograder.{place}.NAMING_SECONDS", 60.0)


@pytest.mark.parametrize("case", slow_if(CASES, (*LONG, BROKEN)))
def test_graded_as_expected(case, grader, request):
    result = grader.grade_path(SUBMISSIONS / case)
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    found = {"score": result.score, "not_taken": [name for name in result.not_taken if name != "expected.json"]}
    found |= summary(result.checks)
    path = SUBMISSIONS / case / "expected.json"
    if request.config.getoption("--update-goldens"):
        says = json.loads(path.read_text())["says"] if path.exists() else []
        path.write_text(json.dumps({**found, "says": says}, indent=1) + "\n")
    expected = json.loads(path.read_text())
    said = "\n".join([check.message for check in result.checks] + list(result.notes))
    wanted = {key: expected[key] for key in found}
    if case == BROKEN:
        found, wanted = without_answer(found), without_answer(wanted)
    assert found == wanted
    assert [sentence for sentence in expected["says"] if sentence not in said] == []


# A process cannot outlive its own death, and pytest reads folders and files, not archives.
IN_PROCESS = [case for case in CASES if case not in ("crash", "zipped", "wrong_file_name", "cheats")]


@pytest.mark.parametrize("case", slow_if(IN_PROCESS, (*LONG, "syntax_error")))
def test_in_process_and_sandboxed_agree(case, student_pytest):
    """A student sees at home what the grader sees."""
    run = student_pytest(SUBMISSIONS / case)
    expected = json.loads((SUBMISSIONS / case / "expected.json").read_text())
    handed_in = {name: outcome for name, outcome in expected["outcomes"].items() if outcome != Outcome.NOT_RUN}
    assert summary(run.checks.values()) == {"outcomes": handed_in, "mistakes": expected["mistakes"]}
