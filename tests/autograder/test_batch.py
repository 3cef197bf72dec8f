import json
import os
from pathlib import Path

import pytest

from autograder.batch import Failure, find_submissions, grade_all, write_atomically
from autograder.errors import GraderError, SandboxError
from autograder.results import SubmissionResult

UNITS = ("unit",)


class FakeGrader:
    """Grades without running anything; fails on names that say so."""

    def grade(self, path, name):
        if "broken" in name:
            raise GraderError("the checks could not be run")
        if "sandbox" in name:
            raise SandboxError("no sandbox")
        return SubmissionResult(name)


def test_each_result_is_written_as_it_comes(tmp_path):
    endings = grade_all(FakeGrader(), {"alice": Path("a"), "bob": Path("b")}, tmp_path)
    first = next(endings)
    assert json.loads(first.path.read_text())["submission"] == "alice"
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["alice.json"]
    next(endings)
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["alice.json", "bob.json"]


def test_one_that_fails_does_not_stop_the_others(tmp_path):
    endings = list(grade_all(FakeGrader(), dict.fromkeys(("a", "broken", "c"), Path("x")), tmp_path))
    assert endings[1] == Failure("broken", "the checks could not be run")
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["a.json", "c.json"]


def test_without_a_sandbox_nothing_goes_on(tmp_path):
    with pytest.raises(SandboxError):
        list(grade_all(FakeGrader(), {"sandbox": Path("x"), "b": Path("x")}, tmp_path))


def test_every_submission_has_a_name_of_its_own(tmp_path):
    for place in ("one/alice", "two/alice", "two/bob"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "unit.py").write_text("")
    (tmp_path / "two" / "bob.zip").write_bytes(b"")
    found = find_submissions([tmp_path / "one", tmp_path / "two", tmp_path / "one" / "alice"], UNITS)
    assert len(found) == 4
    assert set(found) == {"alice", "two-alice", "bob", "bob.zip"}


def test_a_long_name_still_has_a_file(tmp_path):
    (ending,) = grade_all(FakeGrader(), {"x" * 255: Path("x")}, tmp_path)
    assert ending.path.is_file()


def test_two_long_names_have_a_file_each(tmp_path):
    names = ("\U0001f600" * 63 + end for end in "ab")
    endings = list(grade_all(FakeGrader(), dict.fromkeys(names, Path("x")), tmp_path))
    assert len({ending.path for ending in endings}) == len(list((tmp_path / "results").iterdir())) == 2


def test_a_name_that_cannot_be_shown_is_shown_otherwise(tmp_path):
    for name in (b"bob\xff", b"bob\x1b", b"bob\n"):
        (tmp_path / os.fsdecode(name)).mkdir()
    found = find_submissions([tmp_path], UNITS)
    assert len(found) == 3 and all(name.isprintable() for name in found)


def test_a_file_is_whole_or_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_atomically(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
