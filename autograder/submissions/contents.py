"""Tell what lies in a class's folder: work of students, work of a whole class, results, or nothing that counts."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from autograder.results.store import GRADED
from autograder.results.types import legible
from autograder.submissions.archives import UnreadableError
from autograder.submissions.assignments import units_named
from autograder.submissions.authors import may_be_student
from autograder.submissions.choosing import unit_of
from autograder.submissions.downloads import JUNK, WORK_FOLDERS
from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import Intake, LeftOut, entries_of

#: Reason for a folder such as `src` among those of the students.
COMMON = "it has the name of a common folder and no student's; if it is a student's, give it another name"
#: All of a folder or zip, in place of one folder in it.
TOP = PurePosixPath()


def is_relevant(child: Path) -> bool:
    """Return True unless a path is hidden, a system's junk or a folder of results: these are left out in silence."""
    hidden = child.name.startswith((".", "__MACOSX")) or child.name.casefold() in JUNK
    return not hidden and not holds_results(child)


def is_container(child: Path) -> bool:
    """Return True if a path is a folder or archive that may hold the work of a student or a class."""
    return is_relevant(child) and not child.is_symlink() and (child.is_dir() or is_archive(child.name))


def holds_results(folder: Path) -> bool:
    """Return True if `autograder grade` has written the folder, which may lie beside the submissions."""
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
    """Return that something beside the students' work is not graded, and why; a path in a zip is shown as a whole."""
    if path.name in WORK_FOLDERS:
        reason = COMMON
    elif unit_of(path.name, units):
        reason = "it lies beside the students' folders and names no student; put it into its student's folder"
    else:
        reason = "it is neither a folder, an archive nor a file of this course"
    return LeftOut(legible(path.name if isinstance(path, Path) else str(path)), "", reason)
