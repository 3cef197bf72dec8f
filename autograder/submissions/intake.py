"""Take in a class: a folder or archive in any form, to one hand-in for each student, and a reason for whatever is none.

A platform's download is recognized by its names (`downloads`, `attempts`); anything else is a folder, an archive or a file
for each student (in an archive: `class_zip`), or one submission alone. Nothing is unpacked.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from autograder.errors import UsageError
from autograder.results.types import first_and_more, legible
from autograder.submissions.assignments import join_assignments
from autograder.submissions.attempts import take_download
from autograder.submissions.authors import (
    author_before_unit,
    have_several_authors,
    may_be_student,
    share_unit,
    sort_by_author,
)
from autograder.submissions.choosing import unit_of
from autograder.submissions.class_zip import (
    archive_paths,
    take_archive_beside,
    take_packed_folders,
)
from autograder.submissions.contents import (
    COMMON,
    COPY_OF,
    NO_WORK,
    children_of,
    clone_marks,
    holds_results,
    holds_same_files,
    holds_work,
    is_class,
    is_relevant,
    left_beside,
    list_packed_copies,
    units_inside,
)
from autograder.submissions.downloads import SHAPES, VERSIONS, WORK_FOLDERS
from autograder.submissions.entries import is_archive, reason
from autograder.submissions.hand_in import (
    ASSIGNMENTS,
    DOWNLOAD_OF,
    FOREIGN,
    FOREIGN_ARCHIVES,
    ONE_SUBMISSION,
    SECTIONS,
    SOURCES,
    HandIn,
    Intake,
    LeftOut,
    free_name,
    name_of,
)
from autograder.submissions.places import (
    Place,
    course_folders,
    is_packed,
    list_beside,
    list_children,
    list_class_folders,
    list_places,
    split_containers,
)
from autograder.submissions.remarks import hand_in_paths, remarks, repeated
from autograder.submissions.shapes import COURSE_FOLDERS
from autograder.submissions.students import nfc

#: Forms that `--from` takes: a platform's, a folder or file for each student, or one submission.
FORMS = ("one", "folders", *SHAPES)
_LINK = "it is a link; put the files themselves there"
#: Forms in which several students are sure.
_CLASSES = (ASSIGNMENTS, SECTIONS)


def take_in(paths: Iterable[Path], units: Collection[str], form: str = "") -> Intake:
    """Find the submissions under some paths, each under its student's name.

    Args:
        paths: submissions, or folders and archives of a class.
        units: names of the course's units.
        form: one of `FORMS`; recognized from what is there by default.

    Raises:
        UsageError: a path does not exist, or is not of the form that was asked for.
    """
    given = list(paths)
    parts = []
    for path in given:
        _refuse_unreachable(path)
        if path.is_symlink() and len(given) > 1:  # `CLASS/*` names what students have put there
            parts.append(Intake("", left_out=[LeftOut(legible(path.name), "", _LINK)]))
        else:
            part = _take_path(path, frozenset(units), form)
            if form != "one":
                part.remarks += [*remarks(part, frozenset(units)), *_unopened_classes(part, frozenset(units))]
            parts.append(part)
    whole = _merge_intakes(parts)
    whole.remarks += _repetitions(parts)
    return whole


def _refuse_unreachable(path: Path) -> None:
    """Raise `UsageError` if a path does not exist, or lies in a folder that may not be opened."""
    try:
        path.stat()
    except PermissionError as error:
        raise UsageError(
            f"{path} cannot be opened ({reason(error)}); ask its owner for the right to read it"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} does not exist; give a submission or a folder of submissions") from error


def _repetitions(parts: Iterable[Intake]) -> Iterator[str]:
    """Yield a sentence if the same names stand in several of the given paths."""
    places = Counter((name, hand_in.path) for part in parts for name, hand_in in part.hand_ins.items())
    again = [name for name, count in Counter(name for name, _ in places).items() if count > 1]
    if again:
        yield (
            f"in several of these paths, with a row for each: {first_and_more(again)};"
            " if these are assignments of one class, put them into one folder and give that"
        )


def _repeated_in_sections(parts: Iterable[Intake]) -> Iterator[str]:
    """Yield a sentence if a student stands in several sections, which gives a row for each."""
    everyone = Counter(
        (name, hand_in.student_named(name).key) for part in parts for name, hand_in in part.hand_ins.items()
    )
    again = [name for (name, _), count in everyone.items() if count > 1]
    if again:
        yield repeated(again)


def _merge_intakes(parts: Iterable[Intake]) -> Intake:
    """Merge several intakes into one class, in the order of its students' names."""
    whole = Intake("")
    for part in parts:
        part.form = part.form or whole.form
        whole.form = part.form if whole.form in ("", part.form) else "several folders"
        whole.left_out += part.left_out
        whole.remarks += part.remarks
        whole.platforms |= part.platforms
        for name, hand_in in part.hand_ins.items():
            if hand_in.files is None and any(each.path == hand_in.path for each in whole.hand_ins.values()):
                continue  # given twice
            told_apart = name if hand_in.files is None else f"{name}-{name_of(hand_in.path)}"
            free = free_name(name if name not in whole.hand_ins else told_apart, hand_in, whole.hand_ins)
            whole.hand_ins[free] = hand_in
            if name in part.earlier:
                whole.earlier[free] = part.earlier[name]
    whole.hand_ins = dict(sorted(whole.hand_ins.items(), key=lambda item: (nfc(item[0]).casefold(), item[0])))
    return whole


def _take_path(path: Path, units: frozenset[str], form: str) -> Intake:
    """Take one path, in the form that is asked for or in the first that fits."""
    path = path.resolve() if not path.is_symlink() else path
    if form == "one":
        return _take_single(path)
    intake = _take_class(path, units, form)
    intake.left_out += list_packed_copies(path) if path.is_dir() else ()
    return intake


def _take_class(path: Path, units: frozenset[str], form: str) -> Intake:
    """Take one path that may hold a class, in the form that is asked for or in the first that fits."""
    if form == "folders" and path.is_dir():
        return _take_folders(path, units)
    class_found = _take_nested_class(path, units) if not form else None
    if class_found is None and form in ("", "sections"):
        class_found = _take_assignments(path, units)
        class_found = class_found or (_take_mixed_sections(path, units) if form else None)
        class_found = class_found or _take_downloads_inside(path, units)
    if class_found is not None:
        return class_found
    if path.is_dir() and not form and _is_single(path, units):
        return _take_single(path)
    if form != "folders" and (path.is_dir() or is_archive(path.name)):
        download = take_download(path, units, form)
        if download is not None:
            return download
    if form in ("", "sections"):
        together = _take_sections(path, units, asked=bool(form))
        if together is not None:
            return together
    if form in ("", "folders") and not path.is_dir():
        zipped = take_packed_folders(path, units, asked=bool(form))
        if zipped is not None:
            return zipped
    if form:
        lacks = f"holds no {form} of students" if form in ("folders", "sections") else f"is no download of {form}"
        raise UsageError(f"{path} {lacks}; leave --from out, or give another of {', '.join(FORMS)}")
    return _take_folders(path, units) if path.is_dir() else _take_single(path)


def _take_single(path: Path) -> Intake:
    """Take a path as one submission."""
    return Intake(ONE_SUBMISSION, {name_of(path): HandIn.alone(path)})


def _take_nested_class(path: Path, units: frozenset[str]) -> Intake | None:
    """Take a platform's download of several students, or the class in a path's only folder or archive; None if it is neither.

    The instructor's own files, such as a list of students, may lie beside the class.
    """
    if path.is_dir():
        download = take_download(path, units)
        if download is not None and download.is_download and len(download.hand_ins) > 1:
            return download
    inside, beside = split_containers(path)
    if len(inside) != 1 or any(child.suffix.lower() in (*SOURCES, *FOREIGN_ARCHIVES) for child in beside):
        return None
    part = _take_path(inside[0], units, "")
    several = len(part.hand_ins) > 1 and (part.form in _CLASSES or part.is_download or is_class(part, units))
    if not several:
        return None
    part.left_out += [left_beside(child, units) for child in beside]
    return part


def _take_assignments(path: Path, units: frozenset[str]) -> Intake | None:
    """Take folders or archives of several assignments, each of the same class in any form; None if there are no such."""
    inside, left = list_class_folders(path, units)
    if len(inside) < 2:
        return None
    parts: dict[str, Intake] = {}
    for folder, place in inside.items():
        part = _take_path(place, units, "") if isinstance(place, Path) else _take_packed_folder(path, units, place)
        if part is None or part.form == ONE_SUBMISSION:
            return None
        parts[legible(folder)] = part
    classes = [part for part in parts.values() if part.is_download or is_class(part, units)]
    known = {student.name for part in classes for hand_in in part.hand_ins.values() for student in hand_in.students}
    if not classes or any(part not in classes and not part.hand_ins.keys() <= known for part in parts.values()):
        return None
    joined = join_assignments(path, parts, units)
    if joined is None:
        return None
    joined.left_out += left
    return _merge_intakes([joined])


def _take_packed_folder(path: Path, units: frozenset[str], top: PurePosixPath) -> Intake | None:
    """Take one folder of an archive as a class: a platform's download, or a folder or file for each student."""
    return take_download(path, units, top=top) or take_packed_folders(path, units, top=top, asked=True)


def _take_mixed_sections(path: Path, units: frozenset[str]) -> Intake | None:
    """Take sections that the instructor asks for, of which some are downloads and others are not; None if all are alike."""
    inside, _ = list_places(path)
    count = sum(_take_download_at(path, units, place) is not None for place in inside.values())
    return _take_sections(path, units, asked=True) if 0 < count < len(inside) else None


def _take_downloads_inside(path: Path, units: frozenset[str]) -> Intake | None:
    """Take the downloads of a class in a path, and the hand-ins beside them; None if no download is of a class."""
    marks = [*clone_marks(path), *archive_paths(path)]
    clones = take_download(path, units, "sections") if any(name.parts[2:3] == (".git",) for name in marks) else None
    if clones is not None and "GitHub" in clones.platforms:
        return clones
    inside, _ = list_places(path)
    taken = {place: _take_download_at(path, units, place) for place in inside.values()}
    downloads = {place: part for place, part in taken.items() if part is not None and part.is_download}
    if not any(is_class(part, units) for part in downloads.values()):
        return None
    for place, part in downloads.items():
        above = f"{legible(place.name)}/" if isinstance(place, Path) else ""
        part.left_out = [replace(left, path=above + left.path) for left in part.left_out]
    copies = [_leave_copy_out(place, downloads) for place in downloads]
    parts = [part for part, copy in zip(downloads.values(), copies, strict=True) if copy is None]
    rest = _take_beside(path, units, frozenset(downloads))
    if not rest.hand_ins and len(inside) == len(downloads) and _are_one_download(downloads):
        return None
    whole = _merge_intakes([*parts, *([rest] if rest.hand_ins else [])])
    whole.form = SECTIONS if len(parts) > 1 else whole.form
    whole.remarks += _repeated_in_sections(parts)
    whole.left_out += [*filter(None, copies), *([] if rest.hand_ins else rest.left_out)]
    return whole


def _are_one_download(downloads: Mapping[Place, Intake]) -> bool:
    """Return True if the folders of sections are one download, so that a student in two of them is one.

    Numbers of different platforms tell nothing of each other, and clones begin with other words in each assignment.
    """
    forms = {part.form for part in downloads.values()}
    return (
        len(downloads) > 1
        and not any(map(is_packed, downloads))
        and len(forms) == 1
        and forms != {f"{DOWNLOAD_OF}GitHub"}
    )


def _leave_copy_out(place: Place, downloads: Collection[Place]) -> LeftOut | None:
    """Return that a download is the archive of another one that lies there unpacked; None if it is not."""
    if not is_packed(place):
        return None
    folders = (each for each in downloads if isinstance(each, Path) and each.is_dir())
    folder = next((each for each in folders if holds_same_files(each, Path(place))), None)
    return LeftOut(legible(place.name), "", COPY_OF.format(legible(folder.name))) if folder is not None else None


def _take_beside(path: Path, units: frozenset[str], downloads: frozenset[Place]) -> Intake:
    """Take what lies in a folder or archive beside the downloads in it: hand-ins of single students, and the rest."""
    if not path.is_dir():
        return take_archive_beside(path, units, downloads)
    children = [child for child in list_children(path) if child not in downloads]
    idle = [child for child in children if child.is_dir() and not holds_work(child)]
    rest = _take_children(path, units, [child for child in children if child not in idle])
    rest.left_out += [LeftOut(legible(child.name), "", NO_WORK) for child in idle]
    return rest


def _is_single(folder: Path, units: frozenset[str]) -> bool:
    """Return True if a folder is one submission: a unit's file or `exercises` lies directly in it.

    No students' work may lie beside that. If all folders and archives in it are named as units and are no classes, it is
    one submission too.
    """
    inside = [child for child in children_of(folder) if not child.is_symlink() and not holds_results(child)]
    containers = {name_of(child) for child in inside if child.is_dir() or is_archive(child.name)}
    if containers and containers <= units:
        return _take_sections(folder, units, asked=False) is None
    of_course = any(child.name == "exercises" and child.is_dir() for child in inside)
    if not of_course and not any(unit_of(child.name, units) for child in inside):
        return False
    students = [
        found for child in inside if may_be_student(name_of(child), units) and (found := units_inside(child, units))
    ]
    # A clone of the course has other folders beside `exercises`; folders of students share a unit.
    several = share_unit(students) if of_course else len(students) > 1
    return not several and not have_several_authors(inside, units)


def _take_folders(folder: Path, units: frozenset[str]) -> Intake:
    """Take a folder, an archive or a file for each student."""
    given, folder = folder, _students_folder(folder, units)
    children, beside = list_children(folder), list(list_beside(given, folder, units))
    intake = _take_children(folder, units, children)
    if not intake.hand_ins and not beside and all(child.is_file() and not child.is_symlink() for child in children):
        return _take_single(folder)  # files under wrong names, or none: one submission that says so
    intake.left_out += [*beside, *(list_packed_copies(folder) if folder != given else ())]
    return intake


def _take_children(folder: Path, units: frozenset[str], children: Collection[Path]) -> Intake:
    """Take some of the folders, archives and files in a folder as those of a student each."""
    intake = Intake("a folder of submissions")
    of_course = course_folders(children, units)
    files: list[Path] = []
    for child in children:
        shown = legible(child.name)
        if child.is_symlink():
            intake.left_out.append(LeftOut(shown, "", _LINK))
        elif child in of_course:
            intake.left_out.append(LeftOut(shown, "", COMMON))
        elif child.is_dir() or (is_archive(child.name) and not author_before_unit(child, units)):
            intake.add(name_of(child), HandIn((), child))
        elif child.name.lower().endswith(FOREIGN_ARCHIVES):
            intake.add(name_of(child), HandIn((), child, problem=FOREIGN.format(shown)))
        elif child.is_file():
            files.append(child)
        else:  # a pipe or a device
            intake.left_out.append(left_beside(child, units))
    by_author, loose = sort_by_author(files, intake.hand_ins, units)
    for who, own in by_author.items():
        names = {inside: PurePosixPath(child.name) for inside, child in own.items()}
        (inside, child), *more = own.items()
        as_it_is = not more and inside.name == child.name
        intake.add(who, HandIn.alone(child) if as_it_is else HandIn((), folder, names))
    intake.left_out += [left_beside(child, units) for child in loose]
    return intake


def _students_folder(folder: Path, units: frozenset[str]) -> Path:
    """Return the folder of the students: the only folder inside the given one if students there share a unit, else itself."""
    inner = [
        child
        for child in children_of(folder)  # a list of the class or a read-me may lie beside
        if is_relevant(child)
        and (child.is_dir() or child.suffix.lower() in (*SOURCES, *FOREIGN_ARCHIVES) or is_archive(child.name))
    ]
    if len(inner) > 1:
        inner = [child for child in inner if child.name not in COURSE_FOLDERS]
    if len(inner) != 1 or not inner[0].is_dir() or inner[0].is_symlink() or _is_single(inner[0], units):
        return folder
    deeper = _students_folder(inner[0], units)
    students = [each for each in children_of(deeper) if each.is_dir() and each.name not in WORK_FOLDERS]
    handed_in = Counter(unit for each in students if not each.is_symlink() for unit in units_inside(each, units))
    return deeper if any(count > 1 for count in handed_in.values()) else folder


def _take_sections(path: Path, units: frozenset[str], *, asked: bool) -> Intake | None:
    """Take folders or archives of sections, each a class of any form; None if they look like the work of one student each.

    Students must have names of their own, and several the same unit, unless the instructor asks for sections.
    """
    inside, left = list_class_folders(path, units)
    parts: list[Intake] = []
    for place in inside.values():
        part = _take_section(path, units, place)
        if part is None or not (asked or is_class(part, units)):
            return None
        parts.append(part)
    names = [name for part in parts for name in part.hand_ins]
    own = set(names)
    theirs = not own & (WORK_FOLDERS | units) and not any(map(VERSIONS.fullmatch, own))
    if len(parts) < 2 or not (asked or (theirs and 2 * len(own) > len(names))):
        return None
    together = _merge_intakes(parts)
    together.form = SECTIONS
    together.left_out += left
    together.remarks += _repeated_in_sections(parts)
    return together


def _take_section(path: Path, units: frozenset[str], place: Place) -> Intake | None:
    """Take one section: a folder or archive, or a folder in the archive `path`; None if it is no class."""
    download = _take_download_at(path, units, place)
    if download is not None:
        return download
    if not isinstance(place, Path):
        return take_packed_folders(path, units, place)
    return _take_folders(place, units) if place.is_dir() else take_packed_folders(place, units)


def _take_download_at(path: Path, units: frozenset[str], place: Place) -> Intake | None:
    """Take a platform's download: a folder or archive, or a folder in the archive `path`; None if it is none."""
    return take_download(place, units) if isinstance(place, Path) else take_download(path, units, top=place)


def _unopened_classes(intake: Intake, units: frozenset[str]) -> Iterator[str]:
    """Yield a sentence for each archive in one submission that holds a class and is not opened: a unit's file lies beside."""
    lone = next(iter(intake.hand_ins.values())) if intake.form == ONE_SUBMISSION else None
    if lone is None or not any(unit_of(each.name, units) for each in hand_in_paths(lone)):
        return
    inside, _ = list_places(lone.path)
    for place in filter(is_packed, inside.values()):
        part = _take_section(lone.path, units, place)
        if part is not None and is_class(part, units):
            count, shown = len(part.hand_ins), legible(place.name)
            yield f"{shown} in {name_of(lone.path)} holds the work of {count} students, and is not opened; grade it by itself"
