"""A file is whole or not there, and one process at a time holds it."""

import os
import signal
import subprocess
import sys

import pytest

from autograder.errors import GraderError, UsageError
from autograder.results.store import hold, put_aside, read_moments, signature_path, write_atomically

HOLDER = """
import sys, time
from pathlib import Path
from autograder.results.store import hold
with hold(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_file_is_free_again_when_its_process_was_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "lock"], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match="another run"), hold(tmp_path / "lock", "another run is here"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with hold(tmp_path / "lock", "another run is here"):
        pass


def test_a_file_system_without_locks_holds_nothing(tmp_path, monkeypatch):
    def unsupported(*_, **__):
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", unsupported)
    with hold(tmp_path / "lock", "busy"), hold(tmp_path / "lock", "busy"):
        pass


def test_what_cannot_be_written_leaves_the_old_text(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_atomically(path, "old")
    monkeypatch.setattr(
        "autograder.results.store.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(GraderError, match=r"a.txt cannot be written \(No space left\); make room for it"):
        write_atomically(path, "new")
    assert path.read_text() == "old" and [each.name for each in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(("delimiter", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16")])
def test_the_table_of_intake_is_read_as_a_spreadsheet_saves_it(tmp_path, delimiter, encoding):
    rows = [("student", "path", "submitted", "late", "reason"), ("al", "al.zip", "2026-11-20T10:00:00+01:00", "", "")]
    text = "".join(f"{delimiter.join(row)}\r\n" for row in rows)
    (tmp_path / "intake.csv").write_bytes(text.encode(encoding))
    assert read_moments(tmp_path) == {"al": "2026-11-20T10:00:00+01:00"}


@pytest.mark.skipif(sys.platform == "win32", reason="rights are other ones")
def test_a_file_has_the_rights_of_any_other_and_keeps_those_that_it_was_given(tmp_path):
    path, other = tmp_path / "page.html", tmp_path / "other"
    other.write_text("")
    write_atomically(path, "old")
    assert path.stat().st_mode == other.stat().st_mode
    path.chmod(0o640)
    write_atomically(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)


def test_a_result_that_is_put_aside_has_no_signature_of_an_earlier_one(tmp_path):
    for text, signed in (("first", True), ("second", False)):
        result = tmp_path / "results" / "al.json"
        write_atomically(result, text)
        if signed:
            write_atomically(signature_path(result), "of the first")
        assert put_aside(tmp_path, []) == ["al"]
    aside = tmp_path / "earlier" / "al.json"
    assert aside.read_text() == "second" and not signature_path(aside).exists()
