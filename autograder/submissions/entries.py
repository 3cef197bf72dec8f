"""List the files inside a submission (a folder, an archive or a lone file), and refuse those that may not be taken."""

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from autograder.results.types import legible
from autograder.submissions.archives import (
    MAX_CLASS_ENTRIES,
    MAX_ENTRIES,
    NO_FILE,
    Entry,
    InMemory,
    SameFile,
    UnreadableError,
    archive_entries,
    refuse_crowd,
)

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_MAX_DEPTH = 20
#: So many levels of archives inside a submission are opened.
_NESTED = 2
#: The most archives side by side that are opened, such as one for each unit.
_BESIDE = 5
_MAX_ARCHIVE_BYTES = 100 * 2**20
_SHOWN_LENGTH = 200
_NOTES = 5
_SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}


def entries_in(
    path: Path, is_wanted: Callable[[str], bool], entries: Callable[[], list[Entry]] | None = None
) -> tuple[list[Entry], list[str]]:
    """Return the files of a submission, and sentences about those that were refused.

    A folder with archives and no file that is wanted stands for what is in them: some platforms and students pack so.

    Args:
        path: a folder, an archive, or a file.
        is_wanted: returns True for a file name of the course's.
        entries: gives the files, if they are some of those in a folder or archive of a whole class.

    Raises:
        UnreadableError: it cannot be opened.
    """
    with refuse_broken(path.name):
        found = _entries(path, is_wanted) if entries is None else _without_archives(entries(), is_wanted)
        return _split_permitted(found, path.name, is_wanted)


@contextlib.contextmanager
def refuse_broken(name: str) -> Iterator[None]:
    """Raise `UnreadableError` in place of whatever a broken container of this name makes the libraries say."""
    try:
        yield
    except UnreadableError:
        raise
    except Exception as error:
        raise UnreadableError(f"{name} cannot be opened ({reason(error)}); hand it in again") from error


def reason(error: Exception) -> str:
    """Return why something could not be read, for the middle of a sentence."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return legible(text or type(error).__name__, _SHOWN_LENGTH)


def files_below(folder: Path) -> list[Entry]:
    """Return every file below the folder of a class, without those that start with a dot or that nobody writes.

    Raises:
        UnreadableError: it holds too many.
    """
    return [entry for entry in _folder(folder, MAX_CLASS_ENTRIES) if not _is_skipped(entry.path)]


def _entries(path: Path, is_wanted: Callable[[str], bool]) -> list[Entry]:
    _refuse_odd(path)
    if not path.is_dir():
        return (
            _without_archives(archive_entries(SameFile.of(path)), is_wanted)
            if is_archive(path.name)
            else [_entry(path, path.name, path.lstat())]
        )
    return _without_archives(list(_folder(path)), is_wanted)


def _without_archives(entries: list[Entry], is_wanted: Callable[[str], bool], left: int = _NESTED) -> list[Entry]:
    """Return the files with those of archives in place of the archives, if no file beside these is wanted.

    If there are several archives, the files of each lie in a folder of its name, and one that cannot be opened stays as it is.

    Args:
        entries: the files and archives.
        is_wanted: returns True for a file name of the course's.
        left: how many archives in one another are opened.
    """
    archives = [
        entry for entry in entries if is_archive(entry.path.name) and not entry.refusal and not _is_skipped(entry.path)
    ]
    if not left or not 0 < len(archives) <= _BESIDE or any(is_wanted(entry.path.name) for entry in entries):
        return entries
    if len(archives) == 1:
        return _open_archive(archives[0], is_wanted, left) + [each for each in entries if each is not archives[0]]
    opened = {}
    for archive in archives:
        with contextlib.suppress(UnreadableError):
            opened[archive.path] = _open_archive(archive, is_wanted, left)
    inner = [replace(each, path=path.with_suffix("") / each.path) for path, held in opened.items() for each in held]
    refuse_crowd(archives[0].path.name, len(inner))
    return inner + [entry for entry in entries if entry.path not in opened]


def _open_archive(archive: Entry, is_wanted: Callable[[str], bool], left: int) -> list[Entry]:
    with refuse_broken(archive.path.name):
        held = read_archive(archive)
        return _without_archives(archive_entries(held), is_wanted, left - 1)


def read_archive(entry: Entry) -> InMemory:
    """Return an archive that lies in another one.

    Raises:
        UnreadableError: it is too large.
    """
    data = entry.read(_MAX_ARCHIVE_BYTES + 1)
    if len(data) > _MAX_ARCHIVE_BYTES:
        raise UnreadableError(
            f"{entry.path.name} is larger than {_MAX_ARCHIVE_BYTES // 2**20} MB; hand in the files alone"
        )
    return InMemory(entry.path.name, data)


def _refuse_odd(path: Path) -> None:
    """Refuse a link, which may have replaced what was listed, and a pipe or a device, whose opening may wait for ever."""
    if path.is_symlink():
        raise UnreadableError(f"{path.name} is a link; put the files themselves there")
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UnreadableError(f"{path.name} is a pipe or a device, and no file; hand in a file or a folder")


def _folder(root: Path, most: int = MAX_ENTRIES) -> Iterator[Entry]:
    count, waiting = 0, [PurePosixPath()]
    while waiting:
        inner = waiting.pop()
        found = _list_folder(root, inner)
        count += len(found)
        refuse_crowd(root.name, count, most)
        for name, status in found:
            if not stat.S_ISDIR(status.st_mode):
                refusal = "" if stat.S_ISREG(status.st_mode) else NO_FILE
                yield _entry(root / inner / name, str(inner / name), status, refusal)
            elif len(inner.parts) < _MAX_DEPTH and not _is_skipped(PurePosixPath(name)):
                waiting.append(inner / name)


def _list_folder(root: Path, inner: PurePosixPath) -> list[tuple[str, os.stat_result]]:
    """Return what is in a folder below the root, in the order of names, which is the same everywhere; no link is followed.

    Below the root, a folder that may not be opened, or has become a link, has nothing in it.
    """
    try:
        with _open_folder(root, inner) as folder, os.scandir(folder) as found:
            return sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in found)
    except OSError:
        if not inner.parts:
            raise
        return []


@contextlib.contextmanager
def _open_folder(root: Path, inner: PurePosixPath) -> Iterator[int | Path]:
    """Yield the descriptor of a folder, opened part by part and through no link; its path where a system has none."""
    if os.scandir not in os.supports_fd:
        yield root / inner
        return
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    folder = os.open(root, flags)
    try:
        for part in inner.parts:
            above, folder = folder, os.open(part, flags, dir_fd=folder)
            os.close(above)
        yield folder
    finally:
        os.close(folder)


def _entry(path: Path, name: str, status: os.stat_result, refusal: str = "") -> Entry:
    file = SameFile.of(path, status)
    return Entry(PurePosixPath(name), status.st_size, lambda limit: _head(file, limit), refusal, status.st_mtime)


def _head(file: SameFile, limit: int) -> bytes:
    with file.open() as opened:
        return opened.read(limit)


def _split_permitted(
    entries: list[Entry], container: str, is_wanted: Callable[[str], bool]
) -> tuple[list[Entry], list[str]]:
    """Return the entries that may be taken, and sentences about those that may not and that someone would miss."""
    taken, notes = [], []
    for entry in entries:
        outside = f"its path leads out of {container}" if leads_out(entry.path) else ""
        refusal = outside or entry.refusal
        if not refusal and not _is_skipped(entry.path):
            taken.append(entry)
        elif outside or (refusal and is_wanted(entry.path.name)):
            notes.append(f"{printable(entry.path)} was refused: {refusal}")
    more = [f"... and {len(notes) - _NOTES} more were refused"] if len(notes) > _NOTES else []
    return taken, notes[:_NOTES] + more


def is_archive(filename: str) -> bool:
    """Return True for the name of an archive that can be opened."""
    return filename.lower().endswith(ARCHIVES)


def leads_out(path: PurePosixPath) -> bool:
    """Return True for a path that begins at a root or a drive letter, or has `..` in it."""
    return path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", str(path)) is not None


def _is_skipped(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part in _SKIPPED_FOLDERS for part in path.parts)


def printable(path: PurePosixPath) -> str:
    """Return a path as it may be shown."""
    return legible(str(path), _SHOWN_LENGTH)
