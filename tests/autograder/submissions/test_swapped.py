"""What is swapped between listing and reading is not read, links are no hand-ins, and odd names cost nothing."""

import os
import zipfile
from pathlib import PurePosixPath

import pytest

from autograder.submissions import collect_hand_in
from autograder.submissions.archives import SameFile
from autograder.submissions.downloads import SHAPES, recognize
from autograder.submissions.entries import entries_in, files_below
from autograder.submissions.intake import take_in

pytestmark = pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system opens whatever a link leads to")
UNITS = ("variation_loss",)
SECRET = b"def f():\n    return 'of another student'\n"


@pytest.fixture
def folders(tmp_path):
    """A submission, and the file of another student."""
    (tmp_path / "alice" / "inner").mkdir(parents=True)
    (tmp_path / "bob").mkdir()
    for place in ("alice/variation_loss.py", "alice/inner/variation_loss.py"):
        (tmp_path / place).write_bytes(b"def f(): ...\n")
    (tmp_path / "bob" / "variation_loss.py").write_bytes(SECRET)
    return tmp_path / "alice", tmp_path / "bob"


def swap_file(alice, bob):
    (alice / "variation_loss.py").unlink()
    (alice / "variation_loss.py").symlink_to(bob / "variation_loss.py")


def swap_for_a_pipe(alice, bob):
    (alice / "variation_loss.py").unlink()
    os.mkfifo(alice / "variation_loss.py")


def swap_for_another_file(alice, bob):
    (bob / "variation_loss.py").replace(alice / "variation_loss.py")


@pytest.mark.parametrize("swap", [swap_file, swap_for_a_pipe, swap_for_another_file])
def test_a_file_that_is_swapped_after_it_was_listed_is_not_read(swap, folders):
    entries = {str(entry.path): entry for entry in files_below(folders[0])}
    swap(*folders)
    with pytest.raises(OSError, match="another file was put in its place while it was read"):
        entries["variation_loss.py"].read(100)
    assert entries["inner/variation_loss.py"].read(100) == b"def f(): ...\n"


def test_a_folder_that_is_swapped_after_it_was_listed_is_not_read(folders):
    alice, bob = folders
    entries = {str(entry.path): entry for entry in files_below(alice)}
    (alice / "inner").rename(alice / "before")
    (alice / "inner").symlink_to(bob)
    with pytest.raises(OSError, match="another file was put in its place"):
        entries["inner/variation_loss.py"].read(100)


def test_an_archive_that_is_swapped_is_not_read(folders, tmp_path):
    for name in ("alice", "bob"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.write(tmp_path / name / "variation_loss.py", "variation_loss.py")
    entries, _ = entries_in(tmp_path / "alice.zip", lambda name: True)
    (tmp_path / "alice.zip").unlink()
    (tmp_path / "alice.zip").symlink_to(tmp_path / "bob.zip")
    with pytest.raises(OSError, match="another file was put in its place"):
        entries[0].read(100)
    with pytest.raises(OSError, match="another file was put in its place"):
        SameFile.of(tmp_path / "alice.zip").open()


def test_a_hand_in_that_becomes_a_link_after_the_class_was_taken_in_is_refused(folders, tmp_path):
    hand_in = take_in([tmp_path], UNITS, "folders").hand_ins["alice"]
    folders[0].rename(tmp_path / "elsewhere")
    folders[0].symlink_to(folders[1])
    raw = collect_hand_in(hand_in, "alice", UNITS)
    assert raw.files == {} and raw.problem == "alice is a link; put the files themselves there"


@pytest.mark.parametrize("given", ["folder", "names"])
def test_links_at_the_top_of_a_class_are_refused_with_a_sentence(given, folders, tmp_path):
    (tmp_path / "carl").symlink_to(folders[1])
    (tmp_path / "dora_variation_loss.py").symlink_to(folders[1] / "variation_loss.py")
    (tmp_path / "eve.zip").symlink_to("/etc/passwd")
    intake = take_in([tmp_path] if given == "folder" else sorted(tmp_path.iterdir()), UNITS)
    assert sorted(intake.hand_ins) == ["alice", "bob"]
    assert {left.path: left.reason for left in intake.left_out} == dict.fromkeys(
        ("carl", "dora_variation_loss.py", "eve.zip"), "it is a link; put the files themselves there"
    )


def test_links_in_a_download_are_refused_with_a_sentence(folders, tmp_path):
    download = tmp_path / "class"
    download.mkdir()
    for number in range(3):
        (download / f"name{number}_{number}_1{number}_variation_loss.py").write_bytes(b"def f(): ...\n")
    (download / "etc").symlink_to("/etc")
    (download / "mallory_7_17_variation_loss.py").symlink_to(folders[1] / "variation_loss.py")
    intake = take_in([download], UNITS)
    assert intake.form == "a download of Canvas"
    assert [(left.path, left.reason) for left in intake.left_out] == [
        ("etc", "it is a link, a pipe or a device, and no file")
    ]
    raw = collect_hand_in(intake.hand_ins["mallory"], "mallory", UNITS)
    assert raw.files == {} and "was refused: it is a link, a pipe or a device" in raw.notes[0]


def test_one_link_that_the_instructor_names_is_followed(folders, tmp_path):
    (tmp_path / "link").symlink_to(folders[0])
    (hand_in,) = take_in([tmp_path / "link"], UNITS).hand_ins.values()
    assert "variation_loss" in collect_hand_in(hand_in, "alice", UNITS).files


@pytest.mark.parametrize("shape", SHAPES)
def test_names_that_are_slow_to_match_cost_nothing(shape):
    parts = ("_1" * 30_000, "a-1.b" * 12_000, "x_" * 30_000 + "attempt_", "submitted/" + "a " * 20_000, "_" * 60_000)
    names = [PurePosixPath(part) for part in parts]
    found = recognize(names, lambda _: b"Name:" + b" " * 10**6 + b"(", shape)
    assert found is None or not found.attempts


def test_facts_that_are_slow_to_read_cost_nothing():
    names = [PurePosixPath("lab_alice_attempt_2026-11-20-10-00-00" + end) for end in (".txt", "_variation_loss.py")]
    download = recognize(names, lambda _: b"Name:" + b" " * 10**6 + b"x" + b" " * 10**6 + b"(\n", "blackboard")
    assert len(download.attempts) == 1


def test_the_table_of_a_download_is_not_one_that_a_student_hands_in():
    names = [PurePosixPath(f"class/{name}/submission_metadata.yml") for name in ("alice", "bob")]

    def read(path):
        raise AssertionError(f"{path} was read")

    assert recognize(names, read, "gradescope") is None
