"""A result holds all that it takes to grade again, and `autograder replay` does, and says whether the same comes out."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from autograder import cli
from autograder.course.catalog import read_catalog
from autograder.errors import SandboxError, UsageError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.replay import replay
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome, SubmissionResult
from autograder.submissions import Submission
from tests.autograder.small_course import KINDS, make_course

SCHEMA = json.loads((Path(__file__).parents[3] / "autograder" / "results" / "result.schema.json").read_text())


@pytest.fixture
def graded(tmp_path):
    """A course, a submission with one wrong function, and its result as it was written."""
    catalog = read_catalog(make_course(tmp_path / "course"))
    submission = tmp_path / "alice"
    submission.mkdir()
    (submission / "doubling.py").write_text(KINDS["half"][0])
    grader = Grader(GradingSpec(catalog, seed="abc", require=()), InThisProcess())
    return catalog, submission, SubmissionResult.from_json(grader.grade_path(submission).to_json())


def test_a_result_holds_what_it_was_graded_by(graded):
    _, _, result = graded
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    assert {"submission", "checks", "solutions", "mistakes", "catalog"} <= result.hashes.keys()
    assert result.seed == "abc" and result.limits["seconds of doubling"] == 1
    assert result.started.startswith("20") and result.started.endswith("+00:00")
    assert {"idealcat", "python", "torch", "pytest"} <= result.versions.keys()


def test_a_sandboxed_result_holds_the_limits_and_the_data(grader):
    result = grader.grade(Submission("nobody"))
    assert result.limits["data_bytes"] == 2 * 2**30 and "data" in result.hashes and "seccomp" in result.isolation


def test_the_same_comes_out(graded):
    catalog, submission, result = graded
    again = replay(result, submission, catalog, InThisProcess())
    assert (again.conditions, again.differences) == ((), ())
    assert again.result.seed == result.seed and again.result.score == result.score == 2


def test_isolation_is_asked_for_as_before_or_by_name(graded):
    catalog, submission, result = graded
    isolated = replace(result, isolation=("seccomp",))
    with pytest.raises(SandboxError, match="untrusted work is not graded"):
        replay(isolated, submission, catalog, InThisProcess())
    again = replay(isolated, submission, catalog, InThisProcess(), require=())
    assert again.differences == () and "the rung seccomp was in force and is not" in again.conditions


def test_what_is_not_as_it_was_is_told(graded, tmp_path):
    _, submission, result = graded
    catalog = read_catalog(make_course(tmp_path / "later"))
    checks = catalog.checks("doubling")
    checks.write_text(checks.read_text().replace("2 * x", "3 * x"))
    elsewhere = {"architecture": "sparc", "number of threads": "64", "instruction set": "VIS"}
    older = replace(result, versions={**result.versions, "torch": "1.0"}, machine=elsewhere, isolation=())
    again = replay(older, submission, catalog, InThisProcess())
    assert any(line.startswith("the version of torch was 1.0 and is ") for line in again.conditions)
    assert any(line.startswith("the content of the checks was ") for line in again.conditions)
    for name, value in elsewhere.items():
        assert any(line.startswith(f"the machine's {name} was {value} and is ") for line in again.conditions)
    assert again.differences[0] == "doubling::test_double: passed -> failed, 1 -> 0 of 1"


def test_another_message_is_another_outcome(graded):
    catalog, submission, result = graded
    checks = tuple(
        replace(check, message="other words") if check.outcome is not Outcome.PASSED else check
        for check in result.checks
    )
    (line,) = replay(replace(result, checks=checks), submission, catalog, InThisProcess()).differences
    assert line.startswith("doubling::test_halve: said 'other words', and now 'doubling.py has no function halve")


@pytest.mark.parametrize("packed", [False, True])
def test_a_student_is_found_in_a_class(graded, tmp_path, packed):
    catalog, _, result = graded
    students = tmp_path / "class"
    students.mkdir()
    for who, kind in (("alice", "half"), ("bob", "right")):
        (students / f"{who}_doubling.py").write_text(KINDS[kind][0])
    path = Path(shutil.make_archive(str(students), "zip", students)) if packed else students
    again = replay(result, path, catalog, InThisProcess())
    assert again.differences == () and again.result.score == result.score
    renamed = replace(result, name="Carol of the roster")
    assert replay(renamed, path, catalog, InThisProcess()).result.name == renamed.name
    other = replace(result, hashes={**result.hashes, "submission": "0"})
    with pytest.raises(UsageError, match="its content is another than that of alice"):
        replay(other, path, catalog, InThisProcess())


def test_another_submission_is_refused(graded, tmp_path):
    catalog, submission, result = graded
    other = tmp_path / "bob"
    shutil.copytree(submission, other)
    (other / "doubling.py").write_text(KINDS["right"][0])
    with pytest.raises(UsageError, match="its content is another than that of alice"):
        replay(result, other, catalog, InThisProcess())


def test_a_submission_that_is_not_there_is_called_so(graded, tmp_path):
    catalog, _, result = graded
    with pytest.raises(UsageError, match="nobody does not exist; give the folder, archive or file that was graded"):
        replay(result, tmp_path / "nobody", catalog, InThisProcess())


@pytest.mark.slow
@pytest.mark.usefixtures("commands_share_the_sandbox")
def test_the_command_says_if_a_byte_was_changed_and_what_comes_out_now(tmp_path, monkeypatch, capsys):
    signature = pytest.importorskip("tests.autograder.results.test_signature", reason="cryptography is not installed")
    private, public = signature.make_key(tmp_path)
    monkeypatch.chdir(make_course(tmp_path / "course"))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "alice").mkdir()
    (tmp_path / "alice" / "doubling.py").write_text(KINDS["half"][0])

    def command(*args):
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, "".join(capsys.readouterr())

    out, result = tmp_path / "out", tmp_path / "out" / "results" / "alice.json"
    assert command("grade", tmp_path / "alice", "-o", out, "--sign", private)[0] == 1
    code, text = command("replay", result, tmp_path / "alice", "--verify", public)
    assert code == 0 and "not one byte has been changed" in text and "The same outcome again" in text

    document = json.loads(result.read_text())
    document["machine"]["number of threads"] = "9"
    result.write_text(json.dumps(document, indent=1) + "\n")
    code, text = command("replay", result, tmp_path / "alice", "--verify", public)
    assert code == 1 and "Not what was signed: alice.json" in text and "The same outcome again" in text
    assert "Not as it was: the machine's number of threads was 9 and is 1" in text
    code, text = command("replay", result, "--verify", public)
    assert code == 1 and "Not what was signed" in text and "outcome" not in text
    code, text = command("replay", result, tmp_path / "alice", "--require", "nonsense")
    assert code == 2 and "there is no rung called nonsense" in text
    code, text = command("replay", result, tmp_path / "alice", "--require", "seccomp", "--trusted")
    assert code == 2 and "give one of them" in text
    code, text = command("replay", result)
    assert code == 2 and "Missing argument SUBMISSION" in text
    code, text = command("replay", out, tmp_path / "alice")
    assert code == 2 and "is a folder; give the JSON file of one result" in text

    assert command("grade", tmp_path / "alice", "-o", out, "--fresh")[0] == 1  # another result, which nobody signed
    code, text = command("replay", result, "--verify", public)
    assert code == 2 and "alice.json.sig cannot be read" in text
