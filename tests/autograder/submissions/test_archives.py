"""Hostile and careless archives: each ends in a sentence, within bounds, and takes no one else's file."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from autograder.submissions.archives import (
    MAX_DIRECTORY_ENTRY_BYTES,
    MAX_ENTRIES,
    MAX_FILE_BYTES,
    MAX_TAR_BYTES,
    SameFile,
    archive_entries,
)
from autograder.submissions.entries import ARCHIVES
from tests.autograder.handed_in import read_submission

UNITS = ("variation_loss", "adversarial_attack")
CODE = "def total_variation(images):\n    return images\n"
NAME = "variation_loss.py"


def submitted(path: Path):
    return read_submission(path, UNITS)


def problem_of(path: Path) -> str:
    return submitted(path).modules["variation_loss"].problem


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(path: Path, *members, method=zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo("x") if isinstance(name, str) else name
            info.filename = name if isinstance(name, str) else name.filename
            archive.writestr(info, content, method)
    return path


def member(name: str = NAME, content: bytes = CODE.encode(), **facts) -> bytes:
    """One member of a tar, with the facts of its header as given."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + b"\0" * (-len(content) % 512)


def tarred(path: Path, *members: bytes, compress=lambda data: data) -> Path:
    return written(path, compress(b"".join(members) + b"\0" * 1024))


# --- zips


def test_a_zip_bomb_of_any_method_is_not_blown_up(tmp_path, peak):
    """Deflate is read in pieces; the others decompress to any size at once, and are refused."""
    bomb = b"#" * (50 * 2**20)
    for method, words in [
        (zipfile.ZIP_DEFLATED, "is 50.0 MB, more than the 256 KB allowed"),
        (zipfile.ZIP_BZIP2, "is 50.0 MB, more than the 256 KB allowed"),
    ]:
        assert words in problem_of(zipped(tmp_path / "a.zip", (NAME, bomb), method=method))
    assert peak() < 125 * 2**20  # the bomb itself


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_an_unusual_compression_is_refused(tmp_path, method):
    words = "variation_loss.py cannot be read (it is compressed in an unusual way); hand it in again"
    assert problem_of(zipped(tmp_path / "a.zip", (NAME, CODE), method=method)) == words


def test_a_size_that_is_a_lie_gives_no_more_than_it_says(tmp_path):
    path = zipped(tmp_path / "a.zip", (NAME, b"#" * 2**20))
    data = path.read_bytes().replace(struct.pack("<I", 2**20), struct.pack("<I", 10))
    assert "cannot be read (Bad CRC-32" in problem_of(written(path, data))


def test_entries_that_overlap_are_read_one_by_one(tmp_path, peak):
    """A directory of a hundred names for one and the same compressed megabyte."""
    path = zipped(tmp_path / "a.zip", (NAME, b"#" * 2**20))
    with zipfile.ZipFile(path, "a") as archive:
        (info,) = archive.infolist()
        for number in range(100):
            other = zipfile.ZipInfo(f"{number}/adversarial_attack.py")
            for fact in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(other, fact, getattr(info, fact))
            archive.filelist.append(other)
        archive._didModify = True
    found = submitted(path)
    assert "1.0 MB, more than" in found.modules["variation_loss"].problem
    assert peak() < 100 * 2**20


@pytest.mark.parametrize("inner", ["inner.zip", "inner.tar.gz"])
def test_a_broken_archive_in_an_archive_is_named(tmp_path, inner):
    path = zipped(tmp_path / "a.zip", (inner, b"PK or not"))
    assert submitted(path).problem.startswith(f"{inner} ")


def test_several_archives_are_opened_and_a_broken_one_is_named(tmp_path):
    good = zipped(tmp_path / "b.zip", (NAME, CODE)).read_bytes()
    found = submitted(zipped(tmp_path / "a.zip", ("adversarial_attack.zip", b"PK or not"), ("two.zip", good)))
    assert list(found.modules) == ["variation_loss"]
    assert found.notes == ("adversarial_attack.zip was not opened; hand in the files themselves",)


def test_a_crowd_of_archives_in_an_archive_is_not_opened(tmp_path):
    good = zipped(tmp_path / "b.zip", (NAME, CODE)).read_bytes()
    found = submitted(zipped(tmp_path / "a.zip", *((f"{number}.zip", good) for number in range(6))))
    assert not found.modules and "0.zip was not opened; hand in the files themselves" in found.notes


def test_the_directory_of_a_zip_is_read_once_for_all_its_files(tmp_path, monkeypatch):
    path = zipped(tmp_path / "class.zip", *((f"al/{name}.py", CODE) for name in UNITS), ("al/notes.txt", "notes"))
    opened = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args, **options):
            opened.append(args)
            super().__init__(*args, **options)

    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    entries = archive_entries(SameFile.of(path))
    assert [entry.read(5) for entry in entries] == [b"def t", b"def t", b"notes"] and len(opened) == 1


def test_a_file_that_is_not_where_the_directory_says_has_a_sentence(tmp_path):
    path = zipped(tmp_path / "a.zip", (NAME, CODE))
    written(path, path.read_bytes().replace(b"PK\x03\x04", b"PK\x03\x05", 1))
    assert "it is not where the zip's directory says" in problem_of(path)


def test_an_encrypted_zip_has_a_sentence(tmp_path):
    path = zipped(tmp_path / "a.zip", (NAME, CODE))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    assert "cannot be read (it is encrypted); hand it in again" in problem_of(written(path, data))


def test_a_crowd_of_entries_is_counted_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(100_001):
            info = zipfile.ZipInfo(f"{number}.txt")
            info.header_offset = info.CRC = 0
            archive.filelist.append(info)
        archive._didModify = True
    assert path.stat().st_size > MAX_DIRECTORY_ENTRY_BYTES * (MAX_ENTRIES + 1)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert submitted(path).problem == "a.zip holds more than 10,000 files; hand in the course's own files only"


def test_of_two_entries_with_one_path_the_later_stands(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(tmp_path / "a.zip", (NAME, "x = 1\n"), ("./" + NAME, "x = 2\n"), (NAME, "x = 3\n"))
    tarred(tmp_path / "b.tar", member(content=b"x = 1\n"), member(content=b"x = 3\n"))
    for path in (tmp_path / "a.zip", tmp_path / "b.tar"):
        found = submitted(path)
        assert (found.modules["variation_loss"].text, found.not_taken) == ("x = 3\n", ())


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR], ids=oct)
def test_a_link_or_device_in_a_zip_is_refused(tmp_path, kind):
    info = zipfile.ZipInfo(NAME)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    found = submitted(zipped(tmp_path / "a.zip", (info, "/etc/passwd")))
    assert found.modules == {}
    assert found.notes == ("variation_loss.py was refused: it is a link, a pipe or a device, and no file",)


# --- names


@pytest.mark.parametrize("name", ["../", "a/../../", "/", "//host/", "C:/", "c:\\temp\\", "..\\", "\\"])
def test_a_path_that_leads_out_is_refused(tmp_path, name):
    found = submitted(zipped(tmp_path / "a.zip", (name + NAME, CODE)))
    assert found.modules == {}
    (note,) = found.notes
    assert note.endswith("variation_loss.py was refused: its path leads out of a.zip")


def test_ten_thousand_refusals_are_five_and_a_count(tmp_path):
    found = submitted(zipped(tmp_path / "a.zip", *[(f"../{i}.txt", "") for i in range(9_000)]))
    assert len(found.notes) == 6
    assert found.notes[-1] == "... and 8995 more were refused"


@pytest.mark.parametrize(
    "name",
    [
        "variation_losses.py", "test_variation_loss.py", "variation_loss.txt", "variation_loss.py ", "variation_loss.py.",
        "variation_loss.py\n", "x\nvariation_loss.py", "\x1b[2Jvariation_loss.py", "variation_loss\u202e.py",
        "v\u0430riation_loss.py", "a" * 60_000 + ".py", "a/" * 30_000 + "b.py", "variation_loss.py/x.py", ".py", "-rf.py",
    ],
    ids=ascii,
)  # fmt: skip
def test_no_other_name_is_taken_and_any_is_shown_harmlessly(tmp_path, name):
    found = submitted(zipped(tmp_path / "a.zip", (name, CODE), ("adversarial_attack.py", CODE)))
    assert list(found.modules) == ["adversarial_attack"]
    shown = (*found.not_taken, *found.notes)
    assert all(text.isprintable() and len(text) < 500 for text in shown)


def test_what_follows_a_null_byte_in_a_name_is_no_part_of_it(tmp_path):
    path = zipped(tmp_path / "a.zip", ("variation_loss.pyX/../../etc", CODE))
    data = path.read_bytes().replace(b".pyX/", b".py\0/")
    assert list(submitted(written(path, data)).modules) == ["variation_loss"]


def test_a_name_that_is_no_utf8_is_shown_harmlessly(tmp_path):
    folder = tmp_path / "alice"
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff\xfe.py", "w"):
        pass
    found = submitted(folder)
    assert found.not_taken == ("??.py",)
    (tmp_path / os.fsdecode(b"bob\xff\x1b.py")).write_text(CODE)
    assert submitted(tmp_path / os.fsdecode(b"bob\xff\x1b.py")).name == "bob??"


# --- tars

COMPRESSIONS = {"tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress}


def test_a_path_may_be_a_file_and_a_folder(tmp_path):
    path = zipped(tmp_path / "a.zip", ("helper.py", "x = 1"), ("helper.py/variation_loss.py", CODE))
    assert submitted(path).modules["variation_loss"].text == CODE


@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("content", COMPRESSIONS)
def test_a_tar_is_read_whatever_its_ending_says(tmp_path, ending, content):
    path = tarred(tmp_path / f"a.{ending}", member("hw/" + NAME), compress=COMPRESSIONS[content])
    assert submitted(path).modules["variation_loss"].text == CODE


@pytest.mark.parametrize("ending", ARCHIVES)
def test_an_archive_of_any_ending_in_a_tar_is_opened(tmp_path, ending):
    inner = zipped(tmp_path / "a.zip", (NAME, CODE)) if ending == ".zip" else tarred(tmp_path / "a", member())
    path = tarred(tmp_path / "outer.tar", member(f"hw{ending}", inner.read_bytes()))
    assert submitted(path).modules["variation_loss"].text == CODE


def test_a_large_archive_in_a_tar_is_opened(tmp_path):
    data = random.Random(0).randbytes(2 * MAX_FILE_BYTES)
    inner = zipped(tmp_path / "hw.zip", (NAME, CODE), ("data.bin", data), method=zipfile.ZIP_STORED)
    path = tarred(tmp_path / "outer.tar", member("hw.zip", inner.read_bytes()))
    assert submitted(path).modules["variation_loss"].text == CODE


@pytest.mark.parametrize("name", ["variation_loss", "variation_loss.txt"])
def test_a_lone_file_without_its_ending_is_read_in_a_tar(tmp_path, name):
    assert submitted(tarred(tmp_path / "a.tar", member(name))).modules["variation_loss"].text == CODE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["big.bin", "big.zip"])
@pytest.mark.parametrize("ending", ["tar.gz", "tar.bz2", "tar.xz"])
def test_a_tar_bomb_is_not_blown_up(tmp_path, ending, name, peak):
    """A gigabyte in a megabyte: read no further than a tar may reach."""
    opener = {"tar.gz": gzip.open, "tar.bz2": bz2.open, "tar.xz": lzma.open}[ending]
    with opener(tmp_path / f"a.{ending}", "wb") as file:
        file.write(member(name, b"", size=2 * MAX_TAR_BYTES))
        for _ in range(2 * MAX_TAR_BYTES // 2**20):
            file.write(b"\0" * 2**20)
        file.write(member())
    words = f"a.{ending} holds more than 100 MB; hand in the course's own files only"
    assert submitted(tmp_path / f"a.{ending}").problem == words
    assert peak() < 200 * 2**20


def test_sparse_files_are_refused(tmp_path):
    """Each is a terabyte of nothing in half a kilobyte."""
    header = bytearray(member(content=b"", type=tarfile.GNUTYPE_SPARSE))
    header[386:410] = b"%011o\0%011o\0" % (0, 0)
    header[483:495] = b"\x80" + (2**40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    found = submitted(tarred(tmp_path / "a.tar", *[bytes(header)] * 50))
    assert found.modules == {}
    assert found.notes == ("variation_loss.py was refused: it is a link, a pipe or a device, and no file",)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE], ids=ascii
)
def test_a_link_or_device_in_a_tar_is_refused(tmp_path, kind):
    found = submitted(tarred(tmp_path / "a.tar", member(content=b"", type=kind, linkname="/etc/passwd")))
    assert found.modules == {}
    assert found.notes == ("variation_loss.py was refused: it is a link, a pipe or a device, and no file",)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([member("x", b"", type=tarfile.XHDTYPE, size=2**40)], "cannot be opened ("),
        ([member("x", b"", type=tarfile.GNUTYPE_LONGNAME, size=2**40)], "cannot be opened ("),
        ([member("x", b"30 path=y\n", type=tarfile.XHDTYPE)] * 3000, "cannot be opened ("),
        ([member("x", b"")] * 10_001, "holds more than 10,000 files"),
        ([member("x", b"")[:300]], "cannot be opened ("),
        ([member(content=b"", size=2**30)], "cannot be opened ("),
    ],
    ids=["endless header", "endless name", "chain of headers", "crowd", "cut header", "cut content"],
)
def test_a_tar_that_lies_has_a_sentence(tmp_path, members, words):
    path = written(tmp_path / "a.tar", b"".join(members))
    assert words in submitted(path).problem


def test_a_negative_size_is_no_way_back(tmp_path):
    found = submitted(tarred(tmp_path / "a.tar", member("x", b"", size=-512), member()))
    assert found.problem or found.not_taken == ("x",)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_was_cut_short_has_a_sentence(tmp_path, compress):
    whole = compress(member(content=random.Random(1).randbytes(5000)) + b"\0" * 1024)
    assert submitted(written(tmp_path / "a.tar.gz", whole[:-2000])).problem.endswith("hand it in again")


def test_an_empty_archive_says_what_the_course_has(tmp_path):
    words = "holds no file of this course; the course has variation_loss.py, adversarial_attack.py"
    for path in (zipped(tmp_path / "a.zip"), tarred(tmp_path / "b.tar"), tmp_path / "folder"):
        (tmp_path / "folder").mkdir(exist_ok=True)
        assert submitted(path).notes == (f"{path.name} {words}",)


def whole_archives() -> dict[str, bytes]:
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, CODE * 9)
        archive.writestr("a/b.txt", "x" * 99)
    tar = member(content=CODE.encode() * 9) + member("a/b.txt") + b"\0" * 1024
    return {"a.zip": plain.getvalue(), "a.tar": tar, "a.tar.gz": gzip.compress(tar), "a.tar.xz": lzma.compress(tar)}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
def test_a_damaged_archive_ends_in_a_sentence_or_a_module(tmp_path, name):
    """Bytes changed anywhere: whatever the libraries say to it."""
    dice, whole = random.Random(5), whole_archives()[name]
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 5)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        found = submitted(written(tmp_path / name, data))
        assert all(text.isprintable() for text in (found.problem, *found.notes, *found.not_taken))
