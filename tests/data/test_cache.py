"""The cache: whole or not there, made by one process while the others wait."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data.cache import MANIFEST, CacheError, cache_folder, is_whole, made_once


def write_two(folder):
    (folder / "first.txt").write_text("one")
    (folder / "deep").mkdir()
    (folder / "deep" / "second.txt").write_text("two")


def leftovers(cache):
    """Return what lies in the cache beside the things themselves and the locks."""
    return [path.name for path in cache.iterdir() if path.name.startswith(".") and not path.name.endswith(".lock")]


def test_the_environment_names_the_folder(monkeypatch):
    monkeypatch.setenv("IDEALCAT_CACHE", "/somewhere/else")
    assert cache_folder() == Path("/somewhere/else")


@pytest.mark.skipif(os.name != "posix", reason="XDG is a custom of POSIX desktops")
def test_without_it_the_platform_has_a_place(monkeypatch):
    monkeypatch.delenv("IDEALCAT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/idealcat")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    place = "Library/Caches" if sys.platform == "darwin" else ".cache"
    assert cache_folder() == Path("/home/somebody", place, "idealcat")


def test_a_thing_is_made_at_the_first_call_and_found_at_the_second(empty_cache):
    calls = []
    for _ in range(2):
        folder = made_once("thing", lambda into: (calls.append(into), write_two(into)))
    assert len(calls) == 1
    assert is_whole(folder)
    assert (folder / "deep" / "second.txt").read_text() == "two"
    assert not leftovers(empty_cache)


@pytest.mark.parametrize("damage", ["lost", "cut", "no manifest", "bad manifest"])
def test_what_is_not_whole_is_made_again(empty_cache, damage):
    folder = made_once("thing", write_two)
    if damage == "lost":
        (folder / "deep" / "second.txt").unlink()
    elif damage == "cut":
        (folder / "first.txt").write_text("o")
    elif damage == "no manifest":
        (folder / MANIFEST).unlink()
    else:
        (folder / MANIFEST).write_text("{half a mani")
    assert not is_whole(folder)
    assert (made_once("thing", write_two) / "first.txt").read_text() == "one"
    assert is_whole(folder)


def test_a_full_disk_leaves_nothing_behind(empty_cache):
    def fill_up(folder):
        write_two(folder)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        CacheError, match=r"^thing could not be written to the cache folder .* \(No space left on device\)"
    ):
        made_once("thing", fill_up)
    assert not (empty_cache / "thing").exists()
    assert not leftovers(empty_cache)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom permissions bind")
def test_a_read_only_folder_is_one_sentence(empty_cache):
    empty_cache.mkdir()
    empty_cache.chmod(0o500)
    with pytest.raises(CacheError, match=r"\(Permission denied\): make room or give the right to write there"):
        made_once("thing", write_two)


def test_a_refused_lock_is_one_sentence(empty_cache, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    with pytest.raises(CacheError, match=r"\(Permission denied\): make room or give the right to write there"):
        made_once("thing", write_two)


def test_an_own_fault_is_not_dressed_up_as_the_disk(empty_cache):
    with pytest.raises(ZeroDivisionError):
        made_once("thing", lambda folder: 1 / 0)
    assert not (empty_cache / "thing").exists()


def test_a_whole_thing_in_a_folder_that_cannot_be_written_is_read(empty_cache, monkeypatch):
    folder = made_once("thing", write_two)
    monkeypatch.setattr("filelock.FileLock.acquire", lambda *_: pytest.fail("locked"))
    assert made_once("thing", write_two) == folder


_MAKING = """
import sys
from data.cache import made_once

def make(folder):
    print("making", flush=True)
    sys.stdin.readline()  # until the other process has begun as well
    (folder / "one").write_text("1")

made_once("thing", make)
"""


@pytest.mark.slow
def test_of_two_processes_one_makes_it_and_the_other_waits(empty_cache):
    command, pipes = (
        [sys.executable, "-c", _MAKING],
        {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True},
    )
    with subprocess.Popen(command, **pipes) as first:
        assert first.stdout.readline() == "making\n"
        with subprocess.Popen(command, **pipes) as second:
            first.communicate("go\n", timeout=60)
            printed, _ = second.communicate("go\n", timeout=60)
    assert (first.returncode, second.returncode, printed) == (0, 0, "")
    assert is_whole(empty_cache / "thing")
    assert not leftovers(empty_cache)
