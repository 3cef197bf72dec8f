"""Take an archive that holds a class: a folder, an archive or a file for each student, or folders that hold a class each."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path, PurePosixPath

from autograder.results.types import legible
from autograder.submissions.archives import UnreadableError
from autograder.submissions.authors import (
    have_several_authors,
    is_source,
    may_be_student,
    share_unit,
    sort_by_author,
)
from autograder.submissions.choosing import unit_of
from autograder.submissions.contents import COMMON, NO_WORK, TOP, is_class, left_beside
from autograder.submissions.downloads import VERSIONS, WORK_FOLDERS, is_junk
from autograder.submissions.entries import is_archive, leads_out
from autograder.submissions.hand_in import (
    FOREIGN,
    FOREIGN_ARCHIVES,
    SOURCES,
    HandIn,
    Intake,
    LeftOut,
    entries_of,
    name_of,
    shown_name,
)
from autograder.submissions.shapes import COURSE_FOLDERS
from autograder.submissions.students import Student

#: Paths in the archive, by the path inside the submission.
_Files = dict[PurePosixPath, PurePosixPath]


def take_packed_folders(
    path: Path, units: frozenset[str], top: PurePosixPath = TOP, *, asked: bool = False
) -> Intake | None:
    """Take an archive that holds a folder, an archive or a file for each student; None if it looks like one student's work.

    Args:
        path: the path of the archive.
        units: names of the course's units.
        top: folder of the archive that is taken, in place of all of it.
        asked: True if the instructor says that it is a class.
    """
    names = [name for name in archive_paths(path) if not is_junk(name) and top in name.parents]
    flat = _take_flat_archive(path, names, units)
    if flat is not None:
        return flat
    inner_top = _students_folder([name.relative_to(top) for name in names], units, asked=asked)
    by_student, loose = _sort_by_student(names, top / inner_top)
    working = [who for who, files in by_student.items() if _kinds_of_work(files, units)]
    if len(working) < (1 if asked else 2) or not (asked or _are_students(by_student, loose, units)):
        return None
    students = [who for who in working if _has_students_name(who, units)]
    of_course = [who for who in by_student if who in COURSE_FOLDERS and len(students) > 1]
    hand_ins = {who: HandIn((Student(who),), path, files) for who, files in by_student.items() if who not in of_course}
    intake = Intake(_form_of(path), hand_ins)
    _add_loose_files(intake, path, loose, top / inner_top, units)
    intake.left_out += [LeftOut(who, "", COMMON) for who in of_course]
    # A student's own folder may hold a read-me beside folders; a class, a list of students.
    return intake if asked or not (inner_top.parts and loose) or is_class(intake, units) else None


def _form_of(path: Path) -> str:
    return "a zip of submissions" if path.name.lower().endswith(".zip") else "an archive of submissions"


def _sort_by_student(
    names: Iterable[PurePosixPath], top: PurePosixPath
) -> tuple[dict[str, _Files], list[PurePosixPath]]:
    """Return the files of each folder and archive in the folder `top`, by path in the submission, and the rest."""
    by_name: dict[str, _Files] = {}
    loose = []
    for name in names:
        who, *inner = name.relative_to(top).parts if top in name.parents else ("",)
        if inner or is_archive(who):
            by_name.setdefault(who if inner else name_of(Path(who)), {})[PurePosixPath(*(inner or (who,)))] = name
        else:
            loose.append(name)
    by_student: dict[str, _Files] = {}
    for who, files in by_name.items():
        endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        # Two folders may show the same name, such as one that a Mac has written with its accents apart.
        places = (by_student.setdefault(f"{shown_name(who)}{ending}", {}) for ending in endings)
        next(found for found in places if found.keys().isdisjoint(files)).update(files)
    return by_student, loose


def _add_loose_files(
    intake: Intake, path: Path, loose: Iterable[PurePosixPath], folder: PurePosixPath, units: frozenset[str]
) -> None:
    """Add the files beside the students' folders that are a student's, by the same rules as in a folder of submissions."""
    beside = [name for name in loose if name.parent == folder]
    foreign = [name for name in beside if name.name.lower().endswith(FOREIGN_ARCHIVES)]
    for name in foreign:
        intake.add(name_of(Path(name.name)), HandIn((), path, {}, problem=FOREIGN.format(legible(name.name))))
    by_author, left = sort_by_author([name for name in beside if name not in foreign], intake.hand_ins, units)
    for who, files in by_author.items():
        intake.add(who, HandIn((), path, files))
    intake.left_out += [left_beside(name, units) for name in loose if name not in beside or name in left]


def _are_students(by_student: Mapping[str, _Files], loose: Iterable[PurePosixPath], units: frozenset[str]) -> bool:
    """Return True unless folders and archives, with what lies beside them, look like one student's work."""
    working = {who: found for who, files in by_student.items() if (found := _kinds_of_work(files, units))}
    if all(unit_of(f"{who}.py", units) or VERSIONS.fullmatch(who) for who in working):
        return False  # a folder or an archive for each unit or version, as in `_is_single`
    # Folders `a` and `b` beside a unit's file are parts of one student's work.
    beside = set(by_student) & WORK_FOLDERS or any(unit_of(name.name, units) for name in loose)
    students = [found for who, found in working.items() if _has_students_name(who, units)]
    return 2 * len(working) >= len(by_student) and (not beside or share_unit(students))


def _has_students_name(who: str, units: frozenset[str]) -> bool:
    return may_be_student(who, units) and len(who) > 1


def take_archive_beside(path: Path, units: frozenset[str], taken: frozenset[Path | PurePosixPath]) -> Intake:
    """Take what lies in an archive beside places that are taken as a class each: hand-ins of single students, and the rest."""
    names = [name for name in archive_paths(path) if not is_junk(name)]
    top = _folder_of_all_work(_outside_course_folders(names))
    names = [name for name in names if path / name not in taken and taken.isdisjoint(name.parents)]
    by_student, loose = _sort_by_student(names, top)
    intake = Intake(_form_of(path))
    for who, files in by_student.items():
        if any(is_archive(file.name) or file.suffix.lower() in SOURCES for file in files):
            intake.hand_ins[who] = HandIn((Student(who),), path, files)
        else:
            intake.left_out.append(LeftOut(legible(str(top / who)), "", NO_WORK))
    _add_loose_files(intake, path, loose, top, units)
    return intake


def _take_flat_archive(path: Path, names: Iterable[PurePosixPath], units: frozenset[str]) -> Intake | None:
    """Take an archive that holds each student's file in one and the same folder; None if the files' names tell no authors."""
    in_course = {folder for name in names for folder in name.parents if folder.name in COURSE_FOLDERS}
    sources = [name for name in names if is_source(name.name) and in_course.isdisjoint(name.parents)]
    if len({name.parent for name in sources}) != 1 or not have_several_authors(map(Path, sources), units):
        return None
    by_author, loose = sort_by_author(sources, (), units)
    hand_ins = {who: HandIn((Student(who),), path, files) for who, files in by_author.items()}
    left = [left_beside(name, units) for name in names if name in loose or name not in sources]
    return Intake(_form_of(path), hand_ins, left_out=left)


def _kinds_of_work(files: Iterable[PurePosixPath], units: frozenset[str]) -> set[str]:
    """Return the units that some files are named as, and `an archive` if any file is one."""
    return {kind for file in files if (kind := "an archive" if is_archive(file.name) else unit_of(file.name, units))}


def list_archive_places(path: Path) -> tuple[dict[str, Path | PurePosixPath], list[PurePosixPath]]:
    """Return the folders and archives in an archive that may hold a class each, by name, and what lies beside them."""
    names = [name for name in archive_paths(path) if not is_junk(name)]
    top = _folder_of_all_work(_outside_course_folders(names))
    depth = len(top.parts)
    folders = {
        name.parts[depth] for name in names if top in name.parents and len(name.parts) > depth + 1
    } - WORK_FOLDERS
    archives = {each.name: each for each in archives_inside(path, [name for name in names if name.parent == top])}
    inside = {folder: top / folder for folder in sorted(folders)}
    beside = [
        name
        for name in names
        if path / name not in archives.values() and not any(folder in name.parents for folder in inside.values())
    ]
    named = {name_of(each) if name_of(each) not in folders else each.name: each for each in archives.values()}
    return inside | named, beside


def archives_inside(path: Path, names: Iterable[PurePosixPath]) -> list[Path]:
    """Return the paths of the archives among these files of an archive, such as `term.zip/week1.zip`; no deeper than that."""
    if not path.is_file():
        return []
    return [path / name for name in names if is_archive(name.name) and not leads_out(name)]


def archive_paths(path: Path) -> list[PurePosixPath]:
    """Return the paths of all files in an archive; nothing if it cannot be opened or is another file."""
    try:
        return list(entries_of(path)) if is_archive(path.name) else []
    except UnreadableError:
        return []


def _outside_course_folders(names: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the paths that do not lie in a folder that is the course's own."""
    return [name for name in names if len(name.parts) == 1 or name.parts[0] not in COURSE_FOLDERS]


def _students_folder(names: Collection[PurePosixPath], units: frozenset[str], *, asked: bool) -> PurePosixPath:
    """Return the folder of the students as `_folder_of_all_work` finds it.

    If the instructor says that the archive is a class, it may also be an only folder deeper inside in which students share a
    unit.
    """
    names = _outside_course_folders(names)
    top = place = _folder_of_all_work(names)
    while asked:
        inside = {name.relative_to(place).parts[0] for name in names if len(name.relative_to(place).parts) > 1}
        if len(inside) != 1:
            break
        place /= inside.pop()
        names = [name for name in names if place in name.parents]
        by_student, _ = _sort_by_student(names, place)
        if share_unit(
            _kinds_of_work(files, units) for who, files in by_student.items() if _has_students_name(who, units)
        ):
            top = place
    return top


def _folder_of_all_work(names: Collection[PurePosixPath]) -> PurePosixPath:
    """Return the only top folder if all work lies inside it, and not all of it directly; `.` if there is none."""
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    work = [name for name in names if is_archive(name.name) or name.suffix.lower() in SOURCES]
    deep = any(is_archive(name.name) or len(name.parts) > 2 for name in work)
    alone = len(tops) == 1 and deep and all(len(name.parts) > 1 for name in work)
    return PurePosixPath(*tops) if alone else PurePosixPath()
