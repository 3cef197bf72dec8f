import json
import re
from pathlib import Path

import jsonschema
import pytest

from autograder.errors import GraderError
from autograder.results.types import CheckResult, Outcome, SubmissionResult

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "autograder" / "results" / "result.schema.json").read_text())


def check(outcome=Outcome.PASSED, points=2.0, **facts):
    return CheckResult("unit::test_it", "unit", "function", "It works", points, outcome=outcome, **facts)


def test_a_check_is_born_not_run_and_worth_nothing():
    born = CheckResult("unit::test_it", "unit", "function", "It works", 2.0)
    assert (born.outcome, born.points) == (Outcome.NOT_RUN, 0.0)


@pytest.mark.parametrize("outcome", Outcome)
def test_points_go_to_passed_alone(outcome):
    assert check(outcome).points == (2.0 if outcome is Outcome.PASSED else 0.0)


def test_a_submission_without_checks_has_not_passed():
    assert not SubmissionResult("alice").all_passed


def test_score_does_not_depend_on_rounding():
    result = SubmissionResult("alice", tuple(check(points=0.1) for _ in range(10)))
    assert result.score == 1.0 == result.max_score


def test_json_keeps_everything():
    result = SubmissionResult(
        "alice", (check(Outcome.FAILED, message="wrong", mistake="m", output="…"),), ("note",), ("x.py",), ("process",)
    )
    assert SubmissionResult.from_json(result.to_json()) == result


def test_the_name_is_called_submission_in_documents_old_and_new():
    assert json.loads(SubmissionResult("alice").to_json())["submission"] == "alice"
    old = '{"schema": 1, "score": 0.0, "max_score": 0.0, "checks": [], "submission": "bob", "seed": "00"}'
    assert SubmissionResult.from_json(old) == SubmissionResult("bob", seed="00")


def test_forged_points_in_a_document_are_not_believed():
    document = json.loads(SubmissionResult("alice", (check(Outcome.FAILED),)).to_json())
    document["checks"][0]["points"] = document["score"] = 100.0
    assert SubmissionResult.from_json(json.dumps(document)).score == 0.0


def test_another_schema_is_refused():
    with pytest.raises(GraderError, match="not a result of schema 1"):
        SubmissionResult.from_json('{"schema": 2}')


def test_a_lone_surrogate_does_not_stop_the_writing():
    assert json.loads(SubmissionResult("alice", notes=("\ud800",)).to_json())["notes"] == ["?"]


def test_documents_fit_the_schema():
    result = SubmissionResult("alice", (check(), check(Outcome.CRASHED)), seed="00")
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)


def test_schema_refuses_points_without_a_pass():
    document = json.loads(SubmissionResult("alice", (check(Outcome.FAILED),)).to_json())
    document["checks"][0]["points"] = 2.0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_every_field_is_documented():
    text = (ROOT / "docs" / "result.md").read_text()
    documented = set(re.findall(r"`(\w+)`", text))
    fields = set(SCHEMA["properties"]) | set(SCHEMA["$defs"]["check"]["properties"])
    assert fields - documented == set()
    assert {outcome.value for outcome in Outcome} - documented == set()
