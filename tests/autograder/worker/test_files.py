"""Files in memory: they do what real ones do, take no more than their room, and touch nothing real."""

import contextlib
import errno
import io
import json
import logging
import os
import posix
import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from autograder.worker.files import Folder

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="a worker runs on Linux"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder, in which the code runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


@contextlib.contextmanager
def in_memory(**kwargs):
    folder = Folder(**kwargs)
    with folder.working_inside():
        yield folder


def listing(path="."):
    found = {}
    for above, folders, files in os.walk(path):
        for name in folders + files:
            full = Path(above, name)
            found[str(full)] = full.read_bytes() if full.is_file() else None
    return found


def modes():
    Path("a.txt").write_text("one\ntwo\n")
    seen = []
    with open("a.txt", "a") as file:
        seen += [file.tell(), file.write("three"), file.mode, file.readable()]
    with open("a.txt", "r+b") as file:
        seen += [file.read(3), file.seek(-2, io.SEEK_END), file.write(b"EE!"), file.seek(0), file.readline()]
        seen += [file.truncate(9), file.seek(12), file.write(b"x"), file.mode]
    with open("a.txt", "rb", buffering=0) as file:
        seen += [file.read(), file.readable(), file.writable()]
    with open("a.txt", encoding="latin-1", newline="\r\n") as one, open("a.txt", "rb") as two:
        seen += [one.readline(), two.read(1), one.read(), list(two)]
    with open("w", "w", buffering=1) as file:
        file.write("line\nrest")
        seen.append(Path("w").read_text())
    return seen


def temporary():
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder, "a.npy"), np.arange(4))
        np.savez(f"{folder}/b.npz", x=np.eye(2))
        seen += [np.load(f"{folder}/a.npy"), np.load(f"{folder}/b.npz")["x"]]
        Image.new("RGB", (2, 2), "red").save(Path(folder, "d.png"))
        with Image.open(Path(folder, "d.png")) as image:
            seen.append(image.getpixel((0, 0)))
        with zipfile.ZipFile(Path(folder, "e.zip"), "w") as file:
            file.writestr("inside", "text")
        seen += [zipfile.ZipFile(Path(folder, "e.zip")).namelist(), sorted(os.listdir(folder))]
        seen.append(sorted(path.name for path in Path(folder).glob("*.n*")))
    seen.append(Path(folder).exists())
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(b"[1]")
        file.flush()
        seen += [json.load(open(file.name)), Path(file.name).suffix]
    seen.append(Path(file.name).exists())
    with tempfile.NamedTemporaryFile("w+", delete=False) as file:
        file.write("kept")
    seen += [Path(file.name).read_text(), os.remove(file.name)]
    number, name = tempfile.mkstemp()
    seen += [os.write(number, b"abc"), os.lseek(number, 1, 0), os.read(number, 9), os.fstat(number).st_size]
    seen += [os.ftruncate(number, 2), os.fsync(number), os.close(number), Path(name).read_bytes(), os.unlink(name)]
    number, name = tempfile.mkstemp(text=True)
    with os.fdopen(number, "w") as file:
        file.write("text")
    seen += [Path(name).read_text(), Path(name).unlink()]
    for make in (tempfile.TemporaryFile, lambda: tempfile.SpooledTemporaryFile(2)):
        with make() as file:
            file.write(b"text")
            seen += [file.seek(0), file.read()]
    return [np.asarray(each).tolist() for each in seen]


def folders():
    os.makedirs("runs/today", exist_ok=True)
    os.makedirs("runs/today", exist_ok=True)
    Path("runs/today/log").write_text("1")
    Path("runs/touched").touch()
    shutil.copy("runs/today/log", "log")
    shutil.copytree("runs", "copied")
    shutil.move("log", "runs/moved")
    os.rename("runs/touched", "runs/renamed")
    with os.scandir("runs") as entries:
        seen = sorted((each.name, each.is_dir(), each.is_file(), each.path) for each in entries)
    os.chdir("copied")
    seen += [Path.cwd().name, sorted(os.listdir()), Path("today/log").resolve().relative_to(Path.cwd()).as_posix()]
    os.chdir("..")
    shutil.rmtree("copied/today")
    os.makedirs("runs/old/inner")
    Path("runs/old/inner/log").write_text("2")
    os.rename("runs/old", "runs/new")
    os.mkdir("empty")
    os.replace("runs/new/inner", "empty")
    Path("runs/new").rename("runs/new")
    os.chdir("empty")
    os.rename("../empty", "../full")
    seen += [Path.cwd().name, Path("log").read_text()]
    os.chdir("..")
    seen += [os.access("runs", os.W_OK), os.access("nothing", os.R_OK), os.path.getsize("runs/today/log")]
    handler = logging.FileHandler("a.log")
    handler.emit(logging.makeLogRecord({"msg": "said"}))
    handler.close()
    return seen


def refusals():
    Path("file").write_text("x")
    os.mkdir("folder")
    os.mkdir("other")
    Path("folder/inside").write_text("x")
    seen = []
    for attempt in (
        lambda: open("nothing"),
        lambda: open("nothing/x", "w"),
        lambda: open("folder", "w"),
        lambda: open("file", "x"),
        lambda: os.open("file", os.O_CREAT | os.O_EXCL | os.O_WRONLY),
        lambda: os.remove("nothing"),
        lambda: os.mkdir("file"),
        lambda: os.mkdir("folder"),
        lambda: os.mkdir("nothing/x"),
        lambda: os.rmdir("folder"),
        lambda: os.rmdir("nothing"),
        lambda: os.listdir("nothing"),
        lambda: os.listdir("file"),
        lambda: os.rename("nothing", "x"),
        lambda: os.rename("file", "nothing/x"),
        lambda: os.rename("file", "folder"),
        lambda: os.rename("folder", "file"),
        lambda: os.rename("folder", "nothing/x"),
        lambda: os.rename("folder", "folder/below"),
        lambda: os.rename("other", "folder"),
        lambda: os.stat("nothing"),
        lambda: os.chdir("nothing"),
        lambda: open("file").write("x"),
        lambda: open("file").truncate(0),
        lambda: open("file", "wb", encoding="utf-8"),
        lambda: open("file", "w").read(),
        lambda: open("file", "rb").seek(-1),
        lambda: open("file", "rw"),
    ):
        with pytest.raises((OSError, ValueError)) as caught:
            attempt()
        seen.append((type(caught.value), getattr(caught.value, "errno", None)))
    return seen


@pytest.mark.parametrize("work", [modes, temporary, folders, refusals])
def test_they_do_what_real_files_do(work, place):
    with in_memory():
        seen, left = work(), listing()
    assert listing(place) == {}
    assert work() == seen
    assert listing() == left


def test_nothing_real_can_be_changed(place):
    Path("real").write_text("real")
    Path("folder").mkdir()
    with in_memory():
        os.mkdir("made")
        for attempt in (
            lambda: open("real", "w"),
            lambda: open("real", "a"),
            lambda: open("real", "r+"),
            lambda: os.remove("real"),
            lambda: os.rename("real", "other"),
            lambda: os.mkdir("real"),
            lambda: os.rmdir("folder"),
            lambda: os.rename("made", "folder"),
            lambda: os.rename(place, f"{place}/made/below"),
            lambda: open("folder/new", "w"),
            lambda: os.chdir(Path(place, "nowhere")),
        ):
            with pytest.raises(OSError):
                attempt()
        Path("new").write_text("new")
        assert Path("real").read_text() == "real" and sorted(os.listdir()) == ["folder", "made", "new", "real"]
        assert open("/dev/null", "w").write("x") == 1
    assert sorted(os.listdir()) == ["folder", "real"]


def test_their_room_is_limited_for_all_together(place):
    with in_memory(most_bytes=1000):
        Path("a").write_bytes(bytes(600))
        with pytest.raises(OSError) as caught:
            Path("b").write_bytes(bytes(600))
        assert caught.value.errno == errno.ENOSPC
        with tempfile.TemporaryFile(buffering=0) as nameless, pytest.raises(OSError):
            nameless.write(bytes(600))
        with open("b", "wb", buffering=0) as file, pytest.raises(OSError):
            file.truncate(10**9)
        os.remove("a")
        assert Path("b").write_bytes(bytes(900)) == 900


def test_nothing_is_left_once_they_are_cleared(place):
    with in_memory() as folder:
        Path("a").write_text("x")
        Path(tempfile.mkdtemp(), "b").write_text("x")
        os.mkdir("inside")
        os.chdir("inside")
        number = os.open("open", os.O_CREAT | os.O_RDWR)
        folder.clear()
        assert Path.cwd() == place and listing() == {}
        with pytest.raises(OSError):
            os.write(number, b"x")


def test_threads_write_at_once(place):
    def write(name):
        for number in range(50):
            Path(f"{name}-{number}").write_text(name)

    with in_memory() as folder:
        threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(folder.files_written()) == 200


def test_what_a_program_did_not_close_is_written(place):
    Path("real").write_text("real")
    with in_memory(files={"given": "1", "sub/other": "2"}, alone=True) as folder:
        left = open("out", "w")
        left.write("x")
        open("given", "a").write("1")
        Path(tempfile.gettempdir(), "elsewhere").write_text("x")
        assert sorted(os.listdir()) == ["given", "out", "sub"]
        for look in (lambda: open("real"), lambda: os.stat(place / "real"), lambda: os.open("real", os.O_RDONLY)):
            with pytest.raises(FileNotFoundError):
                look()
    assert folder.files_written() == {"out": b"x", "given": b"11"}


def test_a_program_has_no_access_to_what_it_cannot_see(place):
    Path("real").write_text("real")
    with in_memory(files={"given": "1"}, alone=True):
        assert [os.access(name, os.R_OK) for name in ("given", "real", "missing")] == [True, False, False]


@pytest.mark.parametrize("mode", ["rw", "q", "b"])
def test_a_mode_that_does_not_exist_is_refused_in_pythons_words(place, mode):
    with pytest.raises(ValueError) as real:
        open("file", mode)
    with in_memory(), pytest.raises(ValueError) as caught:
        open("file", mode)
    assert str(caught.value) == str(real.value)


def test_the_kernel_sees_none_of_them(place):
    with in_memory():
        Path("a").write_text("x")
        with pytest.raises(FileNotFoundError):
            posix.stat("a")


def test_a_library_that_needs_the_systems_number_of_a_file_is_told_what_to_use(place):
    with in_memory(), pytest.raises(io.UnsupportedOperation, match=r"lie in memory.*use np\.save and np\.load"):
        np.zeros(3).tofile("a.bin")
    assert listing(place) == {}
