"""When a clone's commit was made: read from it, while nothing of it runs."""

import os
import shutil
import subprocess

import pytest

from autograder.submissions.commits import commit_date
from autograder.submissions.intake import take_in

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
DATE = "2026-11-20T22:30:00+02:00"


def git(folder, *arguments, date=DATE):
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_COMMITTER_DATE": date,
        "GIT_AUTHOR_DATE": "2020-01-01T00:00:00+00:00",
    }
    names = ("-c", "user.name=a", "-c", "user.email=a@x")
    subprocess.run(["git", *names, *arguments], cwd=folder, env=variables, check=True, capture_output=True)


def clone(folder, *dates):
    folder.mkdir(parents=True)
    git(folder, "init", "-b", "main")
    for number, date in enumerate(dates):
        (folder / "doubling.py").write_text(f"# {number}\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-m", "work", date=date)
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_it_is_the_committers_date_of_what_is_checked_out(tmp_path, packed):
    folder = clone(tmp_path / "lab-jane", "2026-11-01T10:00:00+00:00", DATE)
    if packed:
        git(folder, "gc")
        assert not (folder / ".git/refs/heads/main").exists()
    assert commit_date(folder) == DATE
    git(folder, "checkout", "HEAD~1")
    assert commit_date(folder) in ("2026-11-01T10:00:00+00:00", "2026-11-01T10:00:00Z")


def test_a_class_of_clones_has_moments(tmp_path):
    clone(tmp_path / "class" / "lab-jane", DATE)
    clone(tmp_path / "class" / "lab-bob", "2026-11-01T10:00:00+01:00")
    intake = take_in([tmp_path / "class"], {"doubling"})
    assert {name: each.at for name, each in intake.hand_ins.items()} == {
        "jane": DATE,
        "bob": "2026-11-01T10:00:00+01:00",
    }


@pytest.mark.parametrize("sections", [("A", "B"), ("A", "A", "B")])
def test_clones_in_sections_have_moments(tmp_path, sections):
    students = ["jane", "bob", "cy"][: len(sections)]
    for section, who in zip(sections, students, strict=True):
        clone(tmp_path / "class" / section / f"lab-{who}", DATE)
    intake = take_in([tmp_path / "class"], {"doubling"})
    assert {name: each.at for name, each in intake.hand_ins.items()} == dict.fromkeys(students, DATE)


def test_a_clone_of_one_name_in_two_sections_has_two_rows(tmp_path):
    for name in ("A/lab-jane", "A/lab-bob", "B/lab-jane", "B/lab-cy"):
        clone(tmp_path / "class" / name, DATE)
    intake = take_in([tmp_path / "class"], {"doubling"})
    assert list(intake.hand_ins) == ["bob", "cy", "jane", "jane-B"] and "jane" in intake.remarks[0]


def test_nothing_of_a_hostile_clone_runs(tmp_path):
    """Each of these makes a plain `git log` or `git status` in the clone run the program, or may."""
    folder = clone(tmp_path / "lab-eve", DATE)
    evil, ran = tmp_path / "evil", tmp_path / "ran"
    evil.write_text(f"#!/bin/sh\ntouch {ran}\n")
    evil.chmod(0o755)
    signed = subprocess.run(
        ["git", "cat-file", "commit", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout
    head, _, message = signed.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=folder,
        input=f"{head}\n{signature}\n\n{message}",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (folder / ".git/refs/heads/main").write_text(f"{made}\n")
    config = f"""
[core]
    repositoryformatversion = 1
    fsmonitor = {evil}
    pager = {evil}
    hooksPath = {tmp_path}
    sshCommand = {evil}
[log]
    showSignature = true
[gpg]
    program = {evil}
[extensions]
    partialClone = origin
[remote "origin"]
    url = ext::{evil}
    promisor = true
[include]
    path = {tmp_path / "more"}
[alias]
    log = !{evil}
"""
    (folder / ".git" / "config").write_text(config)
    (tmp_path / "more").write_text(f"[diff]\n    external = {evil}\n")
    subprocess.run(["git", "log", "-1"], cwd=folder, capture_output=True, check=False)
    assert ran.exists()  # the trap works
    ran.unlink()
    assert commit_date(folder) == DATE
    (folder / ".git/refs/heads/main").write_text(f"{'0' * 39}1\n")  # an object that a partial clone would fetch
    assert commit_date(folder) == ""
    assert not ran.exists()


def test_what_is_no_clone_has_no_date(tmp_path):
    folder = clone(tmp_path / "lab-eve", DATE)
    (folder / ".git" / "HEAD").unlink()
    os.mkfifo(folder / ".git" / "HEAD")
    assert commit_date(folder) == ""
    other = tmp_path / "lab-ann"
    other.mkdir()
    (other / ".git").symlink_to(clone(tmp_path / "lab-bob", DATE) / ".git")
    assert commit_date(other) == "" and commit_date(tmp_path) == ""
    third = clone(tmp_path / "lab-dan", DATE)
    (third / ".git" / "HEAD").write_text("ref: refs/../../../secret\n")
    assert commit_date(third) == ""


def test_a_shallow_clone_tells_its_date(tmp_path):
    whole = clone(tmp_path / "whole", "2026-11-01T10:00:00+00:00", DATE)
    git(tmp_path, "clone", "--depth", "1", whole.as_uri(), "lab-jane")
    assert commit_date(tmp_path / "lab-jane") == DATE
