"""The files inside a submission, whether it is a folder, an archive or a lone file. Nothing is unpacked onto the disk."""

import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.results import legible

MAX_ENTRIES = 10_000
MAX_FILE_BYTES = 10 * 2**20
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_SHOWN_LENGTH = 200
_SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}


@dataclass(frozen=True)
class Entry:
    """One file inside a submission: its path there, its size, and how to read so many of its bytes."""

    path: PurePosixPath
    size: int
    read: Callable[[int], bytes]


class UnreadableError(Exception):
    """A container that cannot be read; the text is a sentence."""


#: What the libraries raise for containers that are broken, encrypted, cut short or of an unknown kind.
BROKEN = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def entries_in(path: Path, is_wanted: Callable[[str], bool]) -> tuple[list[Entry], list[str]]:
    """The files of a submission, and sentences about those that were refused.

    A folder that holds one archive, and no file that is wanted, stands for the archive: some platforms pack so.

    Args:
        path: a folder, an archive, or a file.
        is_wanted: whether a file name is one of the course's.

    Raises:
        UnreadableError: it cannot be opened.
    """
    try:
        if is_archive(path.name) and not path.is_dir():
            return _archived(path)
        if not path.is_dir():
            return [Entry(PurePosixPath(path.name), path.stat().st_size, lambda limit: head(path, limit))], []
        entries = list(_folder(path))
        archives = [entry for entry in entries if is_archive(entry.path.name)]
        if len(archives) != 1 or any(is_wanted(entry.path.name) for entry in entries):
            return entries, []
        inner, notes = _archived(path / archives[0].path)
        return inner + [entry for entry in entries if entry not in archives], notes
    except BROKEN as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableError(f"{path.name} cannot be opened ({reason}); hand it in again") from error


def _folder(root: Path) -> Iterator[Entry]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        for name in sorted(files):
            path = Path(folder) / name
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise UnreadableError(
                    f"{root.name} holds more than {MAX_ENTRIES:,} files; hand in the course's own files only"
                )
            inner = PurePosixPath(path.relative_to(root).as_posix())
            yield Entry(inner, path.stat().st_size, lambda limit, path=path: head(path, limit))  # type: ignore[misc]


def _archived(path: Path) -> tuple[list[Entry], list[str]]:
    members = list(_zipped(path) if path.name.lower().endswith(".zip") else _tarred(path))
    notes = [
        f"{printable(entry.path)} was refused: its path leads out of {path.name}"
        for entry in members
        if _leads_out(entry.path)
    ]
    return [entry for entry in members if not _leads_out(entry.path) and not _skipped(entry.path)], notes


def _zipped(path: Path) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    _refuse_crowd(path, len(infos))
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind in (0, stat.S_IFREG):

            def read(limit: int, info: zipfile.ZipInfo = info) -> bytes:
                with zipfile.ZipFile(path) as archive, archive.open(info) as file:
                    return file.read(limit)

            yield Entry(PurePosixPath(info.filename.replace("\\", "/")), info.file_size, read)


def _tarred(path: Path) -> Iterator[Entry]:
    with tarfile.open(path) as archive:
        for count, member in enumerate(archive, 1):
            _refuse_crowd(path, count)
            if not member.isreg():
                continue
            # Read while it is at hand: a compressed tar can only be read forwards.
            file = archive.extractfile(member)
            wanted = member.name.endswith((".py", ".ipynb"))
            data = file.read(MAX_FILE_BYTES + 1) if file is not None and wanted else b""
            yield Entry(PurePosixPath(member.name), member.size, lambda limit, data=data: data[:limit])  # type: ignore[misc]


def _refuse_crowd(path: Path, count: int) -> None:
    if count > MAX_ENTRIES:
        raise UnreadableError(f"{path.name} holds more than {MAX_ENTRIES:,} files; hand in the course's own files only")


def head(path: Path, limit: int) -> bytes:
    """The first bytes of a file."""
    with path.open("rb") as file:
        return file.read(limit)


def is_archive(filename: str) -> bool:
    """Whether a file name is that of an archive that can be opened."""
    return filename.lower().endswith(ARCHIVES)


def _leads_out(path: PurePosixPath) -> bool:
    return path.is_absolute() or ".." in path.parts or ":" in (path.parts[0] if path.parts else "")


def _skipped(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part in _SKIPPED_FOLDERS for part in path.parts)


def printable(path: PurePosixPath) -> str:
    """A path as it may be shown."""
    return legible(str(path), _SHOWN_LENGTH)
