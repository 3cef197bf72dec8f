"""What a check's call finds in files is put back before it is made again, and no other file is touched."""

import os
import sys
import tempfile

import pytest

from autograder.checks.crossing import files_of, put_back


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_temporary_files_are_put_back(temporary):
    kept, new = temporary / "check" / "kept.txt", temporary / "check" / "new.txt"
    kept.parent.mkdir()
    kept.write_text("before")
    found = files_of([str(kept.parent), {"path": new}])
    assert found == {kept: b"before", new: None}
    kept.write_text("after")
    new.write_text("made")
    put_back(found)
    assert kept.read_text() == "before" and not new.exists()


@pytest.mark.parametrize("text", ["/", "/dev/null", "/etc", "//", "/ and more"])
def test_a_text_that_begins_like_a_path_is_none(temporary, text):
    assert files_of([text]) == {}


def test_files_elsewhere_and_the_temporary_folder_itself_are_let_alone(temporary):
    other = temporary.parent / "notes.txt"
    other.write_text("mine")
    assert files_of([other, str(other), str(temporary), f"{temporary}/../notes.txt"]) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
def test_what_is_no_file_is_let_alone(temporary):
    os.mkfifo(temporary / "pipe")
    found = files_of([temporary / "pipe", temporary / "not_there"])
    assert found == {temporary / "not_there": None}
    os.mkfifo(temporary / "not_there")
    put_back(found)
    assert (temporary / "not_there").exists()
