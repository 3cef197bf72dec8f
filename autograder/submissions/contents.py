"""Tell what lies in a class's folder: work of students, work of a whole class, results, or nothing that counts."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from autograder.results.store import GRADED
from autograder.results.types import legible
from autograder.submissions.archives import Entry, UnreadableError
from autograder.submissions.assignments import units_named
from autograder.submissions.authors import may_be_student
from autograder.submissions.choosing import unit_of
from autograder.submissions.downloads import JUNK, NO_FILE_OF_COURSE, WORK_FOLDERS, is_junk
from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import SOURCES, Intake, LeftOut, entries_of, name_of, without_ending

#: Reason for a folder such as `src` among those of the students.
COMMON = "it has the name of a common folder and no student's; if it is a student's, give it another name"
#: Reason for an archive that lies there unpacked too.
COPY_OF = "the folder {} holds the same files, and is graded in its place"
#: Reason for a folder beside downloads in which nobody's work is.
NO_WORK = "no script, notebook or archive is in it"
#: The largest files whose contents are compared.
_COMPARED_BYTES = 20 * 2**20
#: The top of a folder or zip, which stands for all of it.
TOP = PurePosixPath()


def children_of(folder: Path) -> list[Path]:
    """Return what lies in a folder, in order; nothing if it may not be entered, which whoever reads it will say."""
    return sorted(folder.iterdir()) if _may_be_entered(folder) else []


def _may_be_entered(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def is_relevant(child: Path) -> bool:
    """Return True unless a path is hidden, a system's junk, a folder of results, or the archive of a folder beside it."""
    hidden = child.name.startswith((".", "__MACOSX")) or child.name.casefold() in JUNK
    return not hidden and not holds_results(child) and not is_packed_copy(child)


def is_packed_copy(child: Path) -> bool:
    """Return True if a path is an archive beside the folder of its name, which holds the same files."""
    folder = child.with_name(without_ending(child.name))
    return is_archive(child.name) and is_container(folder) and child.is_file() and holds_same_files(folder, child)


def holds_same_files(folder: Path, archive: Path) -> bool:
    """Return True if every file of an archive lies in a folder too, under the same name and with the same content."""
    try:
        packed, unpacked = (dict(entries_of(each)) for each in (archive, folder))
    except UnreadableError:
        return False
    packed = {path: entry for path, entry in packed.items() if not is_junk(path)}
    wrapped = {PurePosixPath(folder.name) / path: entry for path, entry in unpacked.items()}
    return bool(packed) and any(
        packed.keys() <= there.keys() and all(_are_same(entry, there[path]) for path, entry in packed.items())
        for there in (unpacked, wrapped)
    )


def _are_same(one: Entry, other: Entry) -> bool:
    """Return True if two files have one size and one content; the content of large ones, and of no work, is not compared."""
    is_work = one.path.suffix.lower() in SOURCES or is_archive(one.path.name)
    if one.size != other.size or not is_work or one.size > _COMPARED_BYTES:
        return one.size == other.size
    try:
        return one.read(_COMPARED_BYTES) == other.read(_COMPARED_BYTES)
    except Exception:  # whatever a broken archive makes the libraries say; which of the two is read, its result tells
        return True


def holds_work(child: Path) -> bool:
    """Return True if a script, notebook or archive lies in a folder, or a path is one itself."""
    paths = folder_paths(child) if child.is_dir() and not child.is_symlink() else [PurePosixPath(child.name)]
    return any(path.suffix.lower() in SOURCES or is_archive(path.name) for path in paths)


def list_packed_copies(folder: Path) -> list[LeftOut]:
    """Return the archives in a folder that are not graded because they lie there unpacked too."""
    copies = [child for child in children_of(folder) if is_packed_copy(child)]
    return [LeftOut(legible(child.name), "", COPY_OF.format(legible(name_of(child)))) for child in copies]


def is_container(child: Path) -> bool:
    """Return True if a path is a folder or archive that may hold the work of a student or a class."""
    return is_relevant(child) and not child.is_symlink() and (child.is_dir() or is_archive(child.name))


def holds_results(folder: Path) -> bool:
    """Return True if `autograder grade` has written the folder, which may lie beside the submissions."""
    if not _may_be_entered(folder):
        return False
    return any((folder / name).is_file() for name in (".grading", GRADED)) and (folder / "results").is_dir()


def units_inside(child: Path, units: frozenset[str]) -> set[str]:
    """Return the units that a folder or archive holds files of; `an archive` alone if an archive holds further archives."""
    if not child.is_dir() and not is_archive(child.name):
        return set()
    try:
        paths = folder_paths(child) if child.is_dir() else entries_of(child)
        names = [path.name for path in paths]
    except UnreadableError:
        return set()
    if not child.is_dir() and any(map(is_archive, names)):
        return {"an archive"}
    return units_named(names, units)


def is_clone(folder: Path) -> bool:
    """Return True for a folder with a repository of git, which is no link."""
    return _may_be_entered(folder) and (folder / ".git").is_dir() and not folder.is_symlink()


def clone_marks(path: Path) -> Iterator[PurePosixPath]:
    """Yield a path in the `.git` of each clone in a folder, to mark the clone: the files of git itself are not listed.

    A clone may also lie in the folder of a section.
    """
    for child in children_of(path) if path.is_dir() else ():
        if is_clone(child):
            yield PurePosixPath(child.name, ".git", "HEAD")
        elif child.is_dir() and not child.is_symlink():
            inside = (each for each in children_of(child) if is_clone(each))
            yield from (PurePosixPath(child.name, each.name, ".git", "HEAD") for each in inside)


def folder_paths(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the path of each file below a folder."""
    for above, _, files in os.walk(folder):
        inner = PurePosixPath(os.path.relpath(above, folder))
        yield from (inner / name for name in files)


def is_class(part: Intake, units: frozenset[str]) -> bool:
    """Return True if several students of an intake have handed in the same unit, or an archive each."""
    handed_in: Counter[str] = Counter()
    for who, each in part.hand_ins.items():
        if not may_be_student(who, units):
            continue
        names = [name.name for name in each.files or ()] or (
            [path.name for path in folder_paths(each.path)] if each.path.is_dir() else [each.path.name]
        )
        handed_in.update({"an archive" if is_archive(name) else unit_of(name, units) or "" for name in names})
    return any(count > 1 for name, count in handed_in.items() if name)


def left_beside(path: PurePath, units: frozenset[str]) -> LeftOut:
    """Return the reason why something beside the students' work is not graded; a path in a zip is shown as a whole."""
    if path.name in WORK_FOLDERS:
        reason = COMMON
    elif unit_of(path.name, units):
        reason = "it lies beside the students' folders and names no student; put it into its student's folder"
    else:
        reason = NO_FILE_OF_COURSE
    return LeftOut(legible(path.name if isinstance(path, Path) else str(path)), "", reason)
