"""Read the files inside a zip or a tar. Nothing is unpacked onto the disk, and no name inside is ever used as a path.

Archives are read in the trusted process. That is sound because all of it is bounded: the number of entries, the bytes of a
zip's directory, the bytes that a tar has when it is decompressed, and those that are read of one file. A process of its own
would add a guard against faults of zlib, bz2 and lzma themselves.
"""

import bz2
import contextlib
import errno
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

#: Files of one submission.
MAX_ENTRIES = 10_000
#: Files of a class: 500 students with a clone of a released course each, some 400 files.
MAX_CLASS_ENTRIES = 20 * MAX_ENTRIES
MAX_FILE_BYTES = 10 * 2**20
#: Bytes that a tar may hold in all: it is decompressed to its end.
MAX_TAR_BYTES = 100 * 2**20
#: Bytes that each file may have in the directory of a zip, on average: the directory is read to its end.
MAX_DIRECTORY_ENTRY_BYTES = 420
#: Flags by which no link is followed and no pipe waited for. A system without a flag has no such links or pipes.
_READ = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
_SWAPPED = "another file was put in its place while it was read"
NO_FILE = "it is a link, a pipe or a device, and no file"
#: Names in a tar of files that may be wanted: source files and archives, whatever stands behind the ending (`unit.py.txt`),
#: a unit's file without its ending, and the facts of a platform.
_WANTED = re.compile(r"\.(py|ipynb|zip|tar|tgz|tbz2|txz)\b|\.(txt|yml)$|(^|/)[^./]+$", re.IGNORECASE)
#: What stands in a zip before the name and the content of each file (PKWARE, APPNOTE.TXT, 4.3.7).
_LOCAL_HEADER = struct.Struct("<4sHHHHHIIIHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


@dataclass(frozen=True)
class Entry:
    """One file inside a submission.

    Attributes:
        path: inside the submission.
        size: in bytes, as its container says.
        read: returns its first bytes, as many as it is asked for.
        refusal: why it may not be taken.
        modified: seconds, comparable inside one submission; below zero if unknown.
        misread: True if the path may be read wrong, as its container does not tell the code page.
    """

    path: PurePosixPath
    size: int
    read: Callable[[int], bytes]
    refusal: str = ""
    modified: float = -1.0
    misread: bool = False


@dataclass(frozen=True)
class InMemory:
    """An archive inside another, read as a whole; it stands in for a path."""

    name: str
    data: bytes

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Return the bytes as a file."""
        return io.BytesIO(self.data)


@dataclass(frozen=True)
class SameFile:
    """A file on the disk that may be opened again and again; it stands in for a path.

    If something else is put in its place meanwhile, such as a link to another student's file, that is not read.
    """

    path: Path
    device: int
    number: int

    @classmethod
    def of(cls, path: Path, status: os.stat_result | None = None) -> "SameFile":
        """Return the file that is there now, or the one that was listed with this status."""
        status = status or path.stat(follow_symlinks=False)
        return cls(path, status.st_dev, status.st_ino)

    @property
    def name(self) -> str:
        """Return the name of the file."""
        return self.path.name

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open it for reading; it has to be the same file still.

        Raises:
            OSError: it cannot be opened, or is another, or no file.
        """
        try:
            descriptor = os.open(self.path, _READ)
        except OSError as error:
            raise OSError(_SWAPPED) if error.errno == errno.ELOOP else error from error
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != (self.device, self.number) or not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise OSError(_SWAPPED)
        return os.fdopen(descriptor, mode)


class UnreadableError(Exception):
    """A container that cannot be read; the text is a sentence."""


def archive_entries(path: Path | InMemory | SameFile, most: int = MAX_ENTRIES) -> list[Entry]:
    """Return the files in an archive: the later of two with one path, as if it had been unpacked.

    Args:
        path: a zip or a tar.
        most: number of files that it may hold.

    Raises:
        UnreadableError: it holds more.
    """
    entries = _zip_entries(path, most) if path.name.lower().endswith(".zip") else _tar_entries(path, most)
    return list({entry.path: entry for entry in entries}.values())


def refuse_crowd(name: str, count: int, most: int = MAX_ENTRIES) -> None:
    """Raise `UnreadableError` if a container of this name holds more files than it may."""
    if count > most:
        raise UnreadableError(f"{name} holds more than {most:,} files; hand in the course's own files only")


def _zip_entries(path: Path | InMemory | SameFile, most: int) -> Iterator[Entry]:
    refuse_crowd(path.name, _directory_bytes(path) // MAX_DIRECTORY_ENTRY_BYTES, most)
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
    refuse_crowd(path.name, len(infos), most)
    for info in infos:
        if not info.is_dir():
            regular = stat.S_IFMT(info.external_attr >> 16) in (0, stat.S_IFREG)
            name, misread = _name_in(info)
            refusal = "" if regular else NO_FILE
            yield Entry(name, info.file_size, _reader(path, info), refusal, _seconds(info), misread)


def _name_in(info: zipfile.ZipInfo) -> tuple[PurePosixPath, bool]:
    """Return the path of a file in a zip, and True if nothing tells the code page of letters beyond ASCII.

    Many programs write UTF-8 without the flag that says so.
    """
    name, misread = info.filename, False
    if not info.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            misread = name == info.orig_filename  # else the zip holds the name a second time, in UTF-8
    return PurePosixPath(name.replace("\\", "/")), misread


def _seconds(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:  # a zip may hold the 31st of February
        return -1.0


def _directory_bytes(path: Path | InMemory | SameFile) -> int:
    """Return the bytes that a zip says its directory has, before anything is made of it."""
    with path.open("rb") as file:
        # A private function, because any other might find another directory than `ZipFile` does.
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined] # private there
    return int(end[5]) if end else 0


def _reader(path: Path | InMemory | SameFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        if info.flag_bits & 1:
            raise ValueError("it is encrypted")
        # The others are decompressed a block at a time, which may have any size.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError("it is compressed in an unusual way")
        # `ZipFile` would read the whole directory again, which may be that of a class.
        with path.open("rb") as whole:
            whole.seek(info.header_offset)
            header = whole.read(_LOCAL_HEADER.size)
            if not header.startswith(_LOCAL_SIGNATURE) or len(header) < _LOCAL_HEADER.size:
                raise zipfile.BadZipFile("it is not where the zip's directory says")
            *_, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
            whole.seek(name_bytes + extra_bytes, os.SEEK_CUR)
            with zipfile.ZipExtFile(whole, "r", info) as file:
                return file.read(limit)

    return read


def _tar_entries(path: Path | InMemory | SameFile, most: int) -> Iterator[Entry]:
    with _open_decompressed(path) as file, tarfile.open(fileobj=_Bounded(path, file), mode="r|") as archive:  # type: ignore[call-overload]
        for count, member in enumerate(archive, 1):
            refuse_crowd(path.name, count, most)
            if not member.isdir():
                # A sparse file is as long as it likes in no more than its header.
                regular = member.isreg() and not member.issparse()
                data = _content(archive, member) if regular else b""
                refusal = "" if regular else NO_FILE
                yield Entry(PurePosixPath(member.name), member.size, _head_of(data), refusal, member.mtime)


@contextlib.contextmanager
def _open_decompressed(path: Path | InMemory | SameFile) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        beginning = file.read(6)
        file.seek(0)
        opener = next((opener for magic, opener in _OPENERS.items() if beginning.startswith(magic)), None)
        with opener(file) if opener else contextlib.nullcontext(file) as plain:
            yield plain


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the bytes of a file that may be wanted, read while it is at hand: a compressed tar is read forwards only."""
    file = archive.extractfile(member) if _WANTED.search(member.name) else None
    return file.read() if file is not None else b""  # `_Bounded` limits all of them together


def _head_of(data: bytes) -> Callable[[int], bytes]:
    return lambda limit: data[:limit]


class _Bounded:
    """A stream that raises after so many bytes."""

    def __init__(self, path: Path | InMemory | SameFile, file: IO[bytes]) -> None:
        self._path = path
        self._file = file
        self._left = MAX_TAR_BYTES

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            megabytes = f"{MAX_TAR_BYTES // 2**20} MB"
            raise UnreadableError(f"{self._path.name} holds more than {megabytes}; hand in the course's own files only")
        return data
