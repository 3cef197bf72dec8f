"""A result from another machine counts only if it is of the schema, the submission and the spec that it was asked for."""

import json
from dataclasses import replace
from importlib import metadata

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.jobs import Task
from autograder.grading.spec import GradingSpec
from autograder.sandbox.confines import Allowance
from tests.autograder.handed_in import collect_submission
from tests.autograder.small_course import KINDS, make_course

validator_of = pytest.importorskip(
    "autograder.grading.result_validator", reason="jsonschema is not installed"
).ResultValidator


class Confined(InThisProcess):
    """It says what a sandbox says of its workers."""

    limits = vars(Allowance())
    isolation = ("process", "rlimits", "no_new_privs", "seccomp", "landlock")

    def require(self, rungs):
        pass


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return asked_of(tmp_path_factory.mktemp("asked"))


def asked_of(folder, *edit, **files):
    """The validator, a task as a worker gets it, and the result that an honest one sends; `edit` is one of the catalog."""
    course = make_course(folder / "course")
    if edit:
        catalog = course / "exercises" / "catalog.toml"
        catalog.write_text(catalog.read_text().replace(*edit))
    spec = GradingSpec(read_catalog(course), b"secret", ("doubling",))
    (folder / "alice").mkdir()
    for name, text in {"doubling.py": KINDS["half"][0], **files}.items():
        (folder / "alice" / name).write_text(text)
    raw = collect_submission(folder / "alice", spec.catalog.units)
    validator = validator_of(spec)
    task = validator.prepare(Task("alice", raw))
    graded = Grader(replace(spec, secret=b""), Confined()).grade_task(task)
    return validator, task, graded.result


def test_the_result_that_was_asked_for_counts(asked):
    validator, task, result = asked
    assert validator.validate((result.to_json(), ""), task) == (result, "")
    assert result.score == 2.0


def test_a_course_that_does_without_torch_asks_for_no_version_of_it(tmp_path):
    validator, task, result = asked_of(tmp_path, 'preload = ["torch"]', "")
    assert "torch" not in result.versions
    assert validator.validate((result.to_json(), ""), task) == (result, "")


@pytest.mark.parametrize("written", [True, False])
def test_points_for_examples_are_no_others_than_were_asked_for(tmp_path, written):
    own = {"my_checks.py": "from doubling import double\nassert double(1) == 2\n"} if written else {}
    validator, task, result = asked_of(
        tmp_path, "[unit.functions.halve]", "examples = 4\n\n[unit.functions.halve]", **own
    )
    assert result.max_score == 7.0
    assert validator.validate((result.to_json(), ""), task) == (result, "")


def test_a_library_that_is_not_installed_has_no_version(asked, monkeypatch):
    monkeypatch.setattr("autograder.grading.spec.find_spec", lambda name: None if name == "torchvision" else name)
    validator, task, result = asked
    versions = {name: version for name, version in result.versions.items() if name != "torchvision"}
    without = replace(result, versions=versions)
    assert validator_of(validator._spec).validate((without.to_json(), ""), task) == (without, "")


def test_a_worker_with_another_keras_is_refused(asked, monkeypatch):
    """Marks may depend on it, so a result bears its version."""
    validator, task, result = asked
    version = metadata.version
    monkeypatch.setattr("autograder.grading.spec.find_spec", lambda _: True)
    monkeypatch.setattr(metadata, "version", lambda name: "3.9" if name in ("keras", "jax") else version(name))
    spec = replace(validator._spec)
    same = replace(result, versions={**result.versions, "keras": "3.9", "jax": "3.9"})
    assert validator_of(spec).validate((same.to_json(), ""), task) == (same, "")
    other = replace(same, versions={**same.versions, "keras": "3.8"})
    with pytest.raises(ValueError, match="another set of versions"):
        validator_of(spec).validate((other.to_json(), ""), task)


def test_a_worker_gets_a_seed_and_gives_the_marks_that_the_secret_gives(asked):
    validator, task, result = asked
    assert validator._spec.secret and task.seed == result.seed == validator._spec.seed_for(result.hashes["submission"])


def test_a_reason_is_text_that_steers_no_terminal(asked):
    validator, task, _ = asked
    assert validator.validate(("", "gone \x1b[2J"), task) == (None, "gone ?[2J")


def points(document):
    document["checks"][0].update(points=9.0, max_points=9.0, outcome="passed")
    document.update(score=10.0, max_score=11.0)


def dropped(document):
    left = document["checks"][:-1]
    document.update(checks=left, score=2.0, max_score=2.0)


def doubled(document):
    for check in document["checks"][1:2]:
        check["id"] = document["checks"][0]["id"]


CHANGES = {
    "name": (lambda d: d.update(submission="bob"), "another name"),
    "seed": (lambda d: d.update(seed="0" * 32), "another seed"),
    "submission": (lambda d: d["hashes"].update(submission="0" * 64), "another submission"),
    "answers": (lambda d: d["answers"].update(why="because"), "another set of answers"),
    "source": (lambda d: d["sources"].update(doubling="pass"), "another source"),
    "checks of another course": (lambda d: d["hashes"].update(checks="0" * 64), "another course"),
    "device": (lambda d: d.update(device="cuda"), "another device"),
    "Python": (lambda d: d["versions"].update(python="2.7"), "another set of versions"),
    "torch": (lambda d: d["versions"].update(torch="1.0"), "another version of torch"),
    "limits": (lambda d: d["limits"].update({"seconds of doubling": 100.0}), "another set of limits"),
    "isolation": (lambda d: d.update(isolation=["process"]), "another isolation"),
    "points": (points, "another number of points for double"),
    "fewer checks": (dropped, "another number of points for halve"),
    "one check twice": (doubled, "another set of checks"),
    "function": (lambda d: d["checks"][0].update(function="triple"), "another function"),
    "score": (lambda d: d.update(score=3.0), "no result of this schema"),
    "points of a failed check": (lambda d: d["checks"][2].update(points=1.0), "no result of this schema"),
    "outcome": (lambda d: d["checks"][0].update(outcome="splendid"), "no result of this schema"),
    "type": (lambda d: d["checks"][0].update(message=5), "no result of this schema"),
    "not a number": (lambda d: d["checks"][0].update(max_points=float("nan")), "no result of this schema"),
    "schema": (lambda d: d.update(schema=2), "no result of this schema"),
    "more": (lambda d: d.update(remark="x"), "no result of this schema"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_result_counts_for_nothing(change, asked):
    validator, task, result = asked
    alter, words = CHANGES[change]
    document = json.loads(result.to_json())
    alter(document)
    with pytest.raises(ValueError, match=words):
        validator.validate((json.dumps(document, indent=1, ensure_ascii=False) + "\n", ""), task)


@pytest.mark.parametrize(
    "reply", [None, "", ("",), ("", 5), ["", ""], ("[" * 10**6, ""), ("null", ""), (" " * 2**25, "")]
)
def test_what_is_no_result_counts_for_nothing(reply, asked):
    validator, task, _ = asked
    with pytest.raises(ValueError, match="it sent"):
        validator.validate(reply, task)
