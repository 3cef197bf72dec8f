"""Take in a class: a folder or zip in any form, to one hand-in for each student, and a reason for whatever is none.

A platform's download is recognized by its names (`downloads`); anything else is a folder, an archive or a file for each
student, or one submission alone. Nothing is unpacked.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from autograder.errors import UsageError
from autograder.results.types import legible
from autograder.submissions.archives import NO_FILE, Entry, UnreadableError
from autograder.submissions.assignments import join_assignments, units_named
from autograder.submissions.choosing import COPY, bears, unit_of
from autograder.submissions.commits import commit_date
from autograder.submissions.downloads import (
    COURSE_FOLDERS,
    JUNK,
    SHAPES,
    VERSIONS,
    WORK_FOLDERS,
    Attempt,
    below,
    is_junk,
    recognize,
)
from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import (
    FOREIGN,
    FOREIGN_ARCHIVES,
    SOURCES,
    HandIn,
    Intake,
    LeftOut,
    entries_of,
    name_of,
)
from autograder.submissions.students import Student, nfc

#: Forms that `--from` takes: a platform's, a folder or file for each student, or one submission.
FORMS = ("one", "folders", *SHAPES)
_COPY = COPY.replace("_", "[-_ ]")
#: Words before a unit that name a file of one student's, if no other author is beside it: `my_quiz.py`, `test_quiz.py`.
_OWN_WORDS = re.compile(rf"my|tests?|checks?|{_COPY}", re.IGNORECASE)
_LINK = "it is a link; put the files themselves there"
_COMMON = "it has the name of a common folder and no student's; if it is a student's, give it another name"
_UNDATED = "another hand-in of the same student; the platform tells no moments, so which is later is not known"
_TOP = PurePosixPath()
#: Forms in which several students are sure.
_CLASSES = ("folders of assignments", "folders of sections")
#: Bytes that are read of a platform's own file of facts.
_FACTS_BYTES = 50 * 2**20


def take_in(paths: Iterable[Path], units: Collection[str], form: str = "") -> Intake:
    """Find the submissions under some paths, each under its student's name.

    Args:
        paths: submissions, or folders and zips of a class.
        units: names of the course's units.
        form: one of `FORMS`; recognized from what is there by default.

    Raises:
        UsageError: a path does not exist, or is not of the form that was asked for.
    """
    given = list(paths)
    parts = []
    for path in given:
        if not path.exists():
            raise UsageError(f"{path} does not exist; give a submission or a folder of submissions")
        if path.is_symlink() and len(given) > 1:  # `CLASS/*` names what students have put there
            parts.append(Intake("", left_out=[LeftOut(legible(path.name), "", _LINK)]))
        else:
            part = _take_in(path, frozenset(units), form)
            part.remarks += _remarks(part, frozenset(units)) if form != "one" else ()
            parts.append(part)
    return _together(parts)


def _together(parts: Iterable[Intake]) -> Intake:
    """Return several intakes as one class."""
    whole = Intake("")
    for part in parts:
        part.form = part.form or whole.form
        whole.form = part.form if whole.form in ("", part.form) else "several folders"
        whole.left_out += part.left_out
        whole.remarks += part.remarks
        for name, hand_in in part.hand_ins.items():
            if hand_in.files is None and any(each.path == hand_in.path for each in whole.hand_ins.values()):
                continue  # given twice
            free = _free_name(name, hand_in, whole.hand_ins)
            whole.hand_ins[free] = hand_in
            if name in part.earlier:
                whole.earlier[free] = part.earlier[name]
    whole.hand_ins = dict(sorted(whole.hand_ins.items(), key=lambda item: (nfc(item[0]).casefold(), item[0])))
    return whole


def _take_in(path: Path, units: frozenset[str], form: str) -> Intake:
    path = path.resolve() if not path.is_symlink() else path
    if form == "one":
        return _one(path)
    if form == "folders" and path.is_dir():
        return _folders(path, units)
    class_found = _find_class(path, units) if not form else None
    if class_found is None and form in ("", "sections"):
        class_found = _assignments(path, units)
    if class_found is not None:
        return class_found
    if path.is_dir() and not form and _is_one(path, units):
        return _one(path)
    if path.is_dir() or path.name.lower().endswith(".zip"):
        download = _download(path, units, form)
        if download is not None:
            return download
    if form in ("", "folders") and not path.is_dir():
        zipped = _zipped_folders(path, units, asked=bool(form))
        if zipped is not None:
            return zipped
    if form in ("", "sections") and path.is_dir():
        together = _sections(path, units, asked=bool(form))
        if together is not None:
            return together
    if form:
        raise UsageError(f"{path} is no download of {form}; leave --from out, or give another of {', '.join(FORMS)}")
    return _folders(path, units) if path.is_dir() else _one(path)


def _one(path: Path) -> Intake:
    return Intake("one submission", {name_of(path): HandIn.alone(path)})


def _is_download(part: Intake) -> bool:
    return part.form.startswith("a download of ")


def _find_class(folder: Path, units: frozenset[str]) -> Intake | None:
    """Take a platform's download of several students, or a class in the only folder or zip; None if it is neither.

    Files of the instructor's may lie beside it.
    """
    if not folder.is_dir():
        return None
    download = _download(folder, units)
    if download is not None and _is_download(download) and len(download.hand_ins) > 1:
        return download
    inside = [child for child in folder.iterdir() if _is_container(child)]
    if len(inside) > 1:
        inside = [child for child in inside if child.name not in WORK_FOLDERS]
    if len(inside) != 1:
        return None
    part = _take_in(inside[0], units, "")
    several = len(part.hand_ins) > 1 and (part.form in _CLASSES or _is_download(part) or _is_class(part, units))
    beside = [child for child in folder.iterdir() if child not in inside and _is_told(child)]
    if not several or any(child.suffix.lower() in (*SOURCES, *FOREIGN_ARCHIVES) for child in beside):
        return None
    part.left_out += [LeftOut(legible(child.name), "", _why_left(child, units)) for child in beside]
    return part


def _is_container(child: Path) -> bool:
    """Return True for a folder or archive that may hold a student's work or a class's."""
    return _is_told(child) and not child.is_symlink() and (child.is_dir() or is_archive(child.name))


def _is_told(child: Path) -> bool:
    """Return True for whatever is somebody's, and is told if it is left out."""
    hidden = child.name.startswith((".", "__MACOSX")) or child.name.casefold() in JUNK
    return not hidden and not _holds_results(child)


def _assignments(path: Path, units: frozenset[str]) -> Intake | None:
    """Take folders or zips of several assignments, each of the same class in any form; None if they are something else."""
    inside, left = _list_folder(path, units) if path.is_dir() else _list_zip(path, units)
    if len(inside) < 2:
        return None
    parts: dict[str, Intake] = {}
    for folder, place in inside.items():
        part = _take_in(place, units, "") if isinstance(place, Path) else _take_in_zip(path, units, place)
        if part is None or part.form == "one submission":
            return None
        parts[legible(folder)] = part
    classes = [part for part in parts.values() if _is_download(part) or _is_class(part, units)]
    known = {student.name for part in classes for hand_in in part.hand_ins.values() for student in hand_in.students}
    if not classes or any(part not in classes and not part.hand_ins.keys() <= known for part in parts.values()):
        return None
    joined = join_assignments(path, parts, units)
    if joined is None:
        return None
    joined.left_out += left
    return _together([joined])


def _list_folder(folder: Path, units: frozenset[str]) -> tuple[Mapping[str, Path | PurePosixPath], list[LeftOut]]:
    """Return the folders and zips in a folder that may hold a class each, by name, and what lies beside them."""
    children = sorted(filter(_is_told, folder.iterdir()), key=lambda each: nfc(each.name))
    inside = [child for child in children if _is_container(child) and child.name not in WORK_FOLDERS]
    if any(not child.is_dir() and not child.name.lower().endswith(".zip") for child in inside):
        return {}, []
    left = [LeftOut(legible(child.name), "", _why_left(child, units)) for child in children if child not in inside]
    count = Counter(map(name_of, inside))
    return {name_of(child) if count[name_of(child)] == 1 else child.name: child for child in inside}, left


def _list_zip(path: Path, units: frozenset[str]) -> tuple[Mapping[str, Path | PurePosixPath], list[LeftOut]]:
    """Return the folders in a zip that may hold a class each, by name, and what lies beside them."""
    names = [name for name in _names_in_zip(path) if not is_junk(name)]
    top = _only_folder(_without_course(names))
    depth = len(top.parts)
    folders = {
        name.parts[depth] for name in names if top in name.parents and len(name.parts) > depth + 1
    } - WORK_FOLDERS
    inside = {folder: top / folder for folder in sorted(folders)}
    beside = [name for name in names if not any(folder in name.parents for folder in inside.values())]
    return inside, [LeftOut(legible(str(name)), "", _why_left(Path(name), units)) for name in beside]


def _take_in_zip(path: Path, units: frozenset[str], top: PurePosixPath) -> Intake | None:
    return _download(path, units, top=top) or _zipped_folders(path, units, top=top, asked=True)


def _names_in_zip(path: Path) -> list[PurePosixPath]:
    """Return the paths of all files in a zip; nothing if it cannot be opened or is another file."""
    try:
        return list(entries_of(path)) if path.name.lower().endswith(".zip") else []
    except UnreadableError:
        return []


def _without_course(names: Collection[PurePosixPath]) -> list[PurePosixPath]:
    """Return the paths that do not lie in a folder of the course's."""
    return [name for name in names if len(name.parts) == 1 or name.parts[0] not in COURSE_FOLDERS]


def _only_folder(names: Collection[PurePosixPath]) -> PurePosixPath:
    """Return the one folder that all work lies in, in whose folders lies more; `.` if there is none."""
    tops = {name.parts[0] for name in names if len(name.parts) > 1}
    archives = [name for name in names if is_archive(name.name)]
    deep = all(len(name.parts) > 2 for name in names if name.suffix.lower() in SOURCES)
    alone = len(tops) == 1 and deep and all(len(name.parts) > 1 for name in archives)
    return PurePosixPath(*tops) if alone else PurePosixPath()


def _is_one(folder: Path, units: frozenset[str]) -> bool:
    """Return True if a unit's file or `exercises` lies directly in the folder, and no students' work beside it.

    So it is if each folder or archive is named as a unit, and is no class.
    """
    inside = [child for child in folder.iterdir() if not child.is_symlink() and not _holds_results(child)]
    containers = {name_of(child) for child in inside if child.is_dir() or is_archive(child.name)}
    if containers and containers <= units:
        return _sections(folder, units, asked=False) is None
    of_course = any(child.name == "exercises" and child.is_dir() for child in inside)
    if not of_course and not any(unit_of(child.name, units) for child in inside):
        return False
    students = [found for child in inside if _is_own_name(name_of(child), units) and (found := _units_in(child, units))]
    # A clone of the course holds folders besides `exercises`: students have handed in the same.
    several = _have_same(students) if of_course else len(students) > 1
    return not several and not _has_authors(inside, units)


def _is_own_name(name: str, units: frozenset[str]) -> bool:
    """Return True for the name of a folder or archive that may be a student's: no version, unit or common folder."""
    return not VERSIONS.fullmatch(name) and name not in WORK_FOLDERS and unit_of(f"{name}.py", units) is None


def _have_same(students: Iterable[Collection[str]]) -> bool:
    """Return True if one of the units that these students have handed in comes twice."""
    return any(count > 1 for count in Counter(unit for found in students for unit in found).values())


def _has_authors(files: Iterable[Path], units: frozenset[str]) -> bool:
    """Return True if files that lie side by side are one unit, handed in by several authors; one at least has a name."""
    found = (author for file in files if (author := _author_before(file, units) or _author_behind(file, units)))
    authors = set(found)
    named = {name for who, name in authors if not VERSIONS.fullmatch(who) and not _OWN_WORDS.fullmatch(who)}
    handed_in = Counter(name for _, name in authors)
    return any(handed_in[name] > 1 for name in named)


def _holds_results(folder: Path) -> bool:
    """Return True for a folder that `autograder grade` writes, which may lie beside the submissions."""
    return any((folder / name).is_file() for name in (".grading", "graded.json")) and (folder / "results").is_dir()


def _units_in(child: Path, units: frozenset[str]) -> set[str]:
    """Return the units of which files lie in a folder or an archive; `an archive` if others lie in that."""
    if not child.is_dir() and not is_archive(child.name):
        return set()
    try:
        paths = _names_in(child) if child.is_dir() else entries_of(child)
        names = [path.name for path in paths]
    except UnreadableError:
        return set()
    if not child.is_dir() and any(map(is_archive, names)):
        return {"an archive"}
    return units_named(names, units)


def _download(path: Path, units: frozenset[str], form: str = "", top: PurePosixPath = _TOP) -> Intake | None:
    """Take a platform's download in a folder or zip, or in one folder of that; None if it is none."""
    try:
        held = entries_of(path)
    except UnreadableError:
        return None  # one submission, whose result says why
    results = {child.name for child in path.iterdir() if _holds_results(child)} if path.is_dir() else set()
    names = [name for name in (*held, *_clones(path)) if name.parts[:1] and name.parts[0] not in results]
    names = [name.relative_to(top) for name in names if top in name.parents]
    download = recognize(names, lambda name: _read_facts(held.get(top / name)), form, units)
    if download is None:
        return None
    download = below(top, download)
    intake = Intake("folders of sections" if download.platform == "sections" else f"a download of {download.platform}")
    by_student: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in download.attempts:
        by_student.setdefault(tuple(student.key for student in attempt.students), []).append(attempt)
    namesakes = Counter(
        legible(student.name) for student in {s.key: s for a in download.attempts for s in a.students}.values()
    )
    for attempts in by_student.values():
        # An attempt without a file, a comment alone say, takes nothing back.
        in_order = sorted(attempts, key=lambda each: (each.at, nfc(str(next(iter(each.files.values()), "")))))
        filled = [attempt for attempt in in_order if attempt.files] or in_order[-1:]
        *before, last = (_hand_in(path, attempt, download.platform) for attempt in filled)
        for student in last.students:
            shown = legible(student.name)
            told_apart = f"{shown}-{student.id or student.login}" if namesakes[shown] > 1 else shown
            name = _free_name(told_apart, last, intake.hand_ins)
            intake.hand_ins[name] = last
            if before:
                intake.earlier[name] = before
        for earlier in before:
            reason = f"an earlier attempt, of {earlier.at}" if earlier.at else _UNDATED
            inner = (earlier.files or {}).values()
            intake.left_out += [LeftOut(legible(str(each)), last.students[0].name, reason) for each in inner]
    reasons = download.strays | {path: NO_FILE for path in download.strays if path in held and held[path].refusal}
    intake.left_out += (LeftOut(legible(str(stray)), "", reason) for stray, reason in reasons.items())
    return intake


def _read_facts(entry: Entry | None) -> bytes:
    """Return what a platform's own file says; nothing if it cannot be read."""
    try:
        return entry.read(_FACTS_BYTES) if entry is not None else b""
    except Exception:  # whatever a broken container makes the libraries say
        return b""


def _hand_in(path: Path, attempt: Attempt, platform: str) -> HandIn:
    at = attempt.at or (_commit_date(path, attempt) if platform == "GitHub" else "")
    return HandIn(attempt.students, path, attempt.files, at, attempt.late)


def _commit_date(path: Path, attempt: Attempt) -> str:
    """Return the date of the commit that is checked out, if the files lie in a clone; else nothing."""
    first = next(iter(attempt.files.values()), None)
    folders = [path / folder for folder in first.parents] if first is not None and path.is_dir() else []
    clone = next((folder for folder in folders if (folder / ".git").is_dir()), None)
    return "" if clone is None else commit_date(clone)


def _folders(folder: Path, units: frozenset[str]) -> Intake:
    """Take a folder, an archive or a file for each student."""
    given, folder = folder, _class_inside(folder, units)
    intake = Intake("a folder of submissions")
    for inner in [each for each in (folder, *folder.parents) if given in each.parents]:
        beside = [child for child in inner.parent.iterdir() if child != inner and _is_told(child)]
        intake.left_out += [LeftOut(legible(child.name), "", _why_left(child, units)) for child in sorted(beside)]
    children = [child for child in folder.iterdir() if _is_told(child) and child.name not in COURSE_FOLDERS]
    authors = (_author_before(child, units) or _author_behind(child, units) for child in children)
    several = len({who for who, _ in filter(None, authors)}) + sum(map(_is_container, children)) > 1
    by_author: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    loose: list[Path] = []
    for child in sorted(folder.iterdir(), key=lambda each: nfc(each.name)):
        if not _is_told(child):
            continue
        shown = legible(child.name)
        if child.is_symlink():
            intake.left_out.append(LeftOut(shown, "", _LINK))
        elif child.is_dir() and child.name in COURSE_FOLDERS and several:
            intake.left_out.append(LeftOut(shown, "", _COMMON))
        elif child.is_dir() or (is_archive(child.name) and not _author_before(child, units)):
            name = _free_name(name_of(child), HandIn((), child), intake.hand_ins)
            intake.hand_ins[name] = HandIn((Student(name),), child)
        elif child.name.lower().endswith(FOREIGN_ARCHIVES):
            name = _free_name(name_of(child), HandIn((), child), intake.hand_ins)
            intake.hand_ins[name] = HandIn((Student(name),), child, problem=FOREIGN.format(shown))
        elif child.is_file() and (author := _author(child, units)):
            by_author.setdefault(author[0], {})[PurePosixPath(author[1])] = PurePosixPath(child.name)
        else:
            loose.append(child)
    behind = {child: author for child in loose if (author := _author_behind(child, units))}
    if len({*intake.hand_ins, *by_author, *(who for who, _ in behind.values())}) > 1:
        for child, (who, inside) in behind.items():
            by_author.setdefault(who, {})[PurePosixPath(inside)] = PurePosixPath(child.name)
            loose.remove(child)
    for who, files in by_author.items():
        name = _free_name(legible(who), HandIn((), folder), intake.hand_ins)
        intake.hand_ins[name] = HandIn((Student(name),), folder, files)
    if intake.hand_ins:
        for child in [child for child in loose if child.suffix.lower() in SOURCES and not unit_of(child.name, units)]:
            loose.remove(child)
            intake.hand_ins[_free_name(name_of(child), HandIn.alone(child), intake.hand_ins)] = HandIn.alone(child)
    if not intake.hand_ins and not intake.left_out:
        return _one(folder)  # files under wrong names, or none: one submission that says so
    for child in loose:
        intake.left_out.append(LeftOut(legible(child.name), "", _why_left(child, units)))
    return intake


def _class_inside(folder: Path, units: frozenset[str]) -> Path:
    """Return the folder of the students: the one given, or the only one in it if several in that have handed in one unit."""
    inner = [
        child
        for child in folder.iterdir()  # a list of the class or a read-me may lie beside
        if _is_told(child)
        and (child.is_dir() or child.suffix.lower() in (*SOURCES, *FOREIGN_ARCHIVES) or is_archive(child.name))
    ]
    if len(inner) > 1:
        inner = [child for child in inner if child.name not in COURSE_FOLDERS]
    if len(inner) != 1 or not inner[0].is_dir() or inner[0].is_symlink() or _is_one(inner[0], units):
        return folder
    deeper = _class_inside(inner[0], units)
    students = [each for each in deeper.iterdir() if each.is_dir() and each.name not in WORK_FOLDERS]
    handed_in = Counter(unit for each in students if not each.is_symlink() for unit in _units_in(each, units))
    return deeper if any(count > 1 for count in handed_in.values()) else folder


def _sections(folder: Path, units: frozenset[str], *, asked: bool) -> Intake | None:
    """Take folders or zips of sections, each a class of any form; None if they look like the work of one student each.

    Students have names of their own, and several have handed in the same; neither is asked for if the instructor says so.
    """
    parts: list[Intake] = []
    left: list[LeftOut] = []
    for child in sorted(folder.iterdir(), key=lambda each: nfc(each.name)):
        if not _is_told(child) or child.is_symlink():
            continue
        if child.name in COURSE_FOLDERS or not _is_container(child):
            left.append(LeftOut(legible(child.name), "", _why_left(child, units)))
        elif child.is_dir() or child.name.lower().endswith(".zip"):
            part = _download(child, units) or (
                _folders(child, units) if child.is_dir() else _zipped_folders(child, units)
            )
            if part is None or not (asked or _is_class(part, units)):
                return None
            parts.append(part)
    names = [name for part in parts for name in part.hand_ins]
    own = set(names)
    theirs = not own & (WORK_FOLDERS | units) and not any(map(VERSIONS.fullmatch, own))
    if len(parts) < 2 or not (asked or (theirs and 2 * len(own) > len(names))):
        return None
    together = _together(parts)
    together.form = "folders of sections"
    together.left_out += left
    return together


def _is_class(part: Intake, units: frozenset[str]) -> bool:
    """Return True if several students have handed in the same unit, or an archive each."""
    handed_in: Counter[str] = Counter()
    for who, each in part.hand_ins.items():
        if not _is_own_name(who, units):
            continue
        names = [name.name for name in each.files or ()] or (
            [path.name for path in _names_in(each.path)] if each.path.is_dir() else [each.path.name]
        )
        handed_in.update({"an archive" if is_archive(name) else unit_of(name, units) or "" for name in names})
    return any(count > 1 for name, count in handed_in.items() if name)


def _zipped_folders(
    path: Path, units: frozenset[str], top: PurePosixPath = _TOP, *, asked: bool = False
) -> Intake | None:
    """Take a zip that holds a folder, an archive or a file for each student; None if it looks like one student's work.

    Args:
        path: of the zip.
        units: names of the course's units.
        top: folder of the zip that is taken, in place of all of it.
        asked: True if the instructor says that it is a class.
    """
    names = [name for name in _names_in_zip(path) if not is_junk(name) and top in name.parents]
    flat = _flat_files(path, names, units)
    if flat is not None:
        return flat
    inner_top = _only_folder(_without_course([name.relative_to(top) for name in names]))
    depth = len(top.parts) + len(inner_top.parts)
    by_student: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    loose = []
    for name in names:
        inside = top / inner_top in name.parents
        who, inner = name.parts[depth] if inside else name.name, name.parts[depth + 1 :]
        if inside and (inner or is_archive(who)):
            student = who if inner else name_of(Path(who))
            by_student.setdefault(legible(nfc(student)), {})[PurePosixPath(*(inner or (who,)))] = name
        else:
            loose.append(name)
    working = {who: found for who, files in by_student.items() if (found := _kinds(files, units))}
    if len(working) < (1 if asked else 2):
        return None
    beside = set(by_student) & WORK_FOLDERS or any(unit_of(name.name, units) for name in loose)
    # Folders `a` and `b` beside a unit's file are parts of one student's work.
    students = [found for who, found in working.items() if _is_own_name(who, units) and len(who) > 1]
    if not asked and (2 * len(working) < len(by_student) or (beside and not _have_same(students))):
        return None
    if not asked and all(unit_of(f"{who}.py", units) or VERSIONS.fullmatch(who) for who in working):
        return None  # a folder or an archive for each unit or version, as in `_is_one`
    of_course = [who for who in by_student if who in COURSE_FOLDERS and len(students) > 1]
    for who in of_course:
        del by_student[who]
    hand_ins = {who: HandIn((Student(who),), path, files) for who, files in by_student.items()}
    left = [LeftOut(legible(str(name)), "", _why_left(Path(name), units)) for name in loose]
    left += [LeftOut(who, "", _COMMON) for who in of_course]
    intake = Intake("a zip of submissions", hand_ins, left)
    # A student's own folder may hold a read-me beside folders; a class, a list of students.
    return intake if asked or not (inner_top.parts and loose) or _is_class(intake, units) else None


def _kinds(files: Iterable[PurePosixPath], units: frozenset[str]) -> set[str]:
    """Return the units that some files are of; `an archive` for those that are archives."""
    return {kind for file in files if (kind := "an archive" if is_archive(file.name) else unit_of(file.name, units))}


def _flat_files(path: Path, names: Iterable[PurePosixPath], units: frozenset[str]) -> Intake | None:
    """Take a zip in which a file of each student lies, all in one folder; None if their names tell no authors."""
    in_course = {folder for name in names for folder in name.parents if folder.name in COURSE_FOLDERS}
    sources = [name for name in names if name.suffix.lower() in SOURCES and in_course.isdisjoint(name.parents)]
    if len({name.parent for name in sources}) != 1 or not _has_authors(map(Path, sources), units):
        return None
    by_author: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    intake = Intake("a zip of submissions")
    for name in names:
        file = Path(name.name)
        author = _author_before(file, units) or _author_behind(file, units)
        if author and name in sources:
            by_author.setdefault(legible(nfc(author[0])), {})[PurePosixPath(author[1])] = name
        elif name in sources and not unit_of(name.name, units):
            by_author.setdefault(name_of(file), {})[PurePosixPath(name.name)] = name
        else:
            intake.left_out.append(LeftOut(legible(str(name)), "", _why_left(file, units)))
    intake.hand_ins = {who: HandIn((Student(who),), path, files) for who, files in by_author.items()}
    return intake


def _remarks(intake: Intake, units: frozenset[str]) -> Iterator[str]:
    """Yield a sentence if one hand-in may be that of several students."""
    if _is_download(intake):
        return
    found = ((name, _several_places(_paths_of(hand_in), units)) for name, hand_in in intake.hand_ins.items())
    crowded = [(name, *several) for name, several in found if several is not None]
    if crowded:
        name, unit, count = crowded[0]
        more = f", and the like in {len(crowded) - 1} more" if len(crowded) > 1 else ""
        students = "if these are students, say `--from folders` or `--from sections`"
        yield f"{count} files named {unit} in {name}{more}; {students}"
    elif intake.form == "one submission":
        ((name, hand_in),) = intake.hand_ins.items()
        scripts = [path for path in _paths_of(hand_in) if path.suffix.lower() in SOURCES]
        if len(scripts) > 1 and not any(unit_of(path.name, units) or _bears_any(path.name, units) for path in scripts):
            advice = f"if these are students, name them such as jane_{min(units)}.py"
            yield f"{len(scripts)} files in {name}, and none is named as a unit; {advice}"


def _bears_any(filename: str, units: frozenset[str]) -> bool:
    return any(bears(filename, unit) for unit in units)


def _several_places(paths: Iterable[PurePosixPath], units: frozenset[str]) -> tuple[str, int] | None:
    """Return a unit of which files lie in several folders that may be students', and in how many; None without one."""
    places: dict[str, set[PurePosixPath]] = {}
    for path in paths:
        above = path.parts[:-1]
        common = not WORK_FOLDERS.isdisjoint(above) or any(part.startswith((".", "__")) for part in above)
        if above and not common and not any(map(VERSIONS.fullmatch, above)) and (unit := unit_of(path.name, units)):
            places.setdefault(unit, set()).add(path.parent)
    return next(((unit, len(each)) for unit, each in places.items() if len(each) > 1), None)


def _paths_of(hand_in: HandIn) -> Collection[PurePosixPath]:
    """Return the paths of the files in a hand-in; nothing if they cannot be told."""
    if hand_in.files is not None:
        return hand_in.files
    return list(_names_in(hand_in.path)) if hand_in.path.is_dir() else _names_in_zip(hand_in.path)


def _author(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return who and which file a name such as `alice_variation_loss.py` means.

    A lone file in a folder of students, such as `lee_12348_67893_homework.docx`, may still bear a platform's name.
    """
    if author := _author_before(path, units):
        return author
    download = recognize([PurePosixPath(path.name)], lambda _: b"", units=units)
    if download is None:
        return None
    (attempt,) = download.attempts
    return attempt.students[0].name, str(next(iter(attempt.files), path.name))


def _author_before(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return who and which file `alice_variation_loss.py` or `alice-quiz (1).zip` means."""
    stem = name_of(path) if path.suffix.lower() in SOURCES or is_archive(path.name) else ""
    for unit in sorted(units, key=len, reverse=True):
        pattern = rf"(?P<who>.+?)[-_ ]+(?:(?:{_COPY})[-_ ]+)?{_spaced_pattern(unit)}(?P<again>[-_ ]?\(?\d*\)?)"
        found = re.fullmatch(pattern, stem, re.IGNORECASE)
        if found:
            return found["who"], f"{unit}{found['again']}{path.name[len(stem) :]}"
    return None


def _author_behind(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return who and which file `quiz_alice.py` means; nothing for `quiz_final.py` and for copies."""
    stem = name_of(path) if path.suffix.lower() in SOURCES and not unit_of(path.name, units) else ""
    for unit in sorted(units, key=len, reverse=True):
        found = re.fullmatch(rf"{_spaced_pattern(unit)}[-_ ]+(?P<who>.+)", stem, re.IGNORECASE)
        if found and not VERSIONS.fullmatch(found["who"]) and not re.fullmatch(r"[\W_]*\d{0,3}", found["who"]):
            return found["who"], f"{unit}{path.suffix}"
    return None


def _spaced_pattern(unit: str) -> str:
    """Return the pattern of a unit's name as people write it: `variation loss` means `variation_loss` too."""
    return re.escape(unit).replace("_", r"[\W_]*")


def _why_left(path: Path, units: frozenset[str]) -> str:
    if path.name in WORK_FOLDERS:
        return _COMMON
    if unit_of(path.name, units):
        return "it lies beside the students' folders and names no student; put it into its student's folder"
    return "it is neither a folder, an archive nor a file of this course"


def _clones(path: Path) -> Iterator[PurePosixPath]:
    """Return one name inside the `.git` of each folder that is a clone: what git keeps there is nobody's work."""
    if path.is_dir():
        for child in path.iterdir():
            if (child / ".git").is_dir() and not child.is_symlink():
                yield PurePosixPath(child.name, ".git", "HEAD")


def _names_in(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the path of each file below a folder."""
    for above, _, files in os.walk(folder):
        inner = PurePosixPath(os.path.relpath(above, folder))
        yield from (inner / name for name in files)


def _free_name(name: str, hand_in: HandIn, taken: Collection[str]) -> str:
    """Return the name, made longer if another submission has it: by the file's ending, or by a count."""
    if name not in taken:
        return name
    longer = legible(hand_in.path.name)
    above = f"{legible(hand_in.path.parent.name)}-{longer}"
    names = (longer, above, *(f"{longer}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)
