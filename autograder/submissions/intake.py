"""Take in a class: a folder or zip in any form, to one hand-in for each student, and a reason for whatever is none.

A platform's download is recognized by its names (`downloads`); anything else is a folder, an archive or a file for each
student, or one submission alone. Nothing is unpacked.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path, PurePosixPath

from autograder.errors import UsageError
from autograder.results.types import legible
from autograder.submissions.archives import NO_FILE, Entry, UnreadableError
from autograder.submissions.choosing import COPY, bears, unit_of
from autograder.submissions.commits import commit_date
from autograder.submissions.downloads import JUNK, SHAPES, VERSIONS, WORK_FOLDERS, Attempt, is_junk, recognize
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
            parts.append(_take_in(path, frozenset(units), form))
    return _together(parts)


def _together(parts: Iterable[Intake]) -> Intake:
    """Return several intakes as one class."""
    whole = Intake("")
    for part in parts:
        part.form = part.form or whole.form
        whole.form = part.form if whole.form in ("", part.form) else "several folders"
        whole.left_out += part.left_out
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
    if path.is_dir() and not form and _is_one(path, units):
        return _one(path)
    if path.is_dir() or path.name.lower().endswith(".zip"):
        download = _download(path, units, form)
        if download is not None:
            return download
    if form in ("", "folders") and not path.is_dir():
        zipped = _zipped_folders(path, units)
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


def _is_one(folder: Path, units: frozenset[str]) -> bool:
    """Return True if a unit's file or `exercises` lies directly in the folder, and no students' folders beside it.

    So it is if each folder or archive is named as a unit.
    """
    inside = [child for child in folder.iterdir() if not child.is_symlink() and not _holds_results(child)]
    if any(child.name == "exercises" and child.is_dir() for child in inside):
        return True
    containers = {name_of(child) for child in inside if child.is_dir() or is_archive(child.name)}
    if containers and containers <= units:
        return True
    if not any(unit_of(child.name, units) for child in inside):
        return False
    students = [
        child
        for child in inside
        if child.is_dir()
        and not VERSIONS.fullmatch(child.name)
        and child.name not in WORK_FOLDERS
        and _holds_work(child, units)
    ]
    return len(students) < 2 and not _has_authors(inside, units)


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


def _holds_work(folder: Path, units: frozenset[str]) -> bool:
    return bool(_units_in(folder, units))


def _units_in(folder: Path, units: frozenset[str]) -> set[str]:
    names = [path.name for path in _names_in(folder)]
    return {unit for unit in units for name in names if unit_of(name, units) == unit or bears(name, unit)}


def _download(path: Path, units: frozenset[str], form: str = "") -> Intake | None:
    try:
        held = entries_of(path)
    except UnreadableError:
        return None  # one submission, whose result says why
    results = {child.name for child in path.iterdir() if _holds_results(child)} if path.is_dir() else set()
    names = [name for name in (*held, *_clones(path)) if name.parts[:1] and name.parts[0] not in results]
    download = recognize(names, lambda name: _read_facts(held.get(name)), form, units)
    if download is None:
        return None
    intake = Intake("folders of sections" if download.platform == "sections" else f"a download of {download.platform}")
    by_student: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in download.attempts:
        by_student.setdefault(tuple(student.key for student in attempt.students), []).append(attempt)
    namesakes = Counter(
        legible(student.name) for student in {s.key: s for a in download.attempts for s in a.students}.values()
    )
    for attempts in by_student.values():
        # An attempt without a file, a comment alone say, takes nothing back.
        in_order = sorted(attempts, key=lambda each: each.at)
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
            reason = f"an earlier attempt, of {earlier.at}"
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
    folder = _class_inside(folder, units)
    intake = Intake("a folder of submissions")
    by_author: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    loose: list[Path] = []
    for child in sorted(folder.iterdir(), key=lambda each: nfc(each.name)):
        if child.name.startswith((".", "__MACOSX")) or child.name.casefold() in JUNK or _holds_results(child):
            continue
        shown = legible(child.name)
        if child.is_symlink():
            intake.left_out.append(LeftOut(shown, "", _LINK))
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
        child for child in folder.iterdir() if not child.name.startswith(".") and child.name.casefold() not in JUNK
    ]
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
    for child in sorted(folder.iterdir(), key=lambda each: nfc(each.name)):
        if child.name.startswith(".") or child.is_symlink() or _holds_results(child):
            continue
        if child.is_dir() or child.name.lower().endswith(".zip"):
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
    return together


def _is_class(part: Intake, units: frozenset[str]) -> bool:
    """Return True if several students have handed in the same unit, or an archive each."""
    handed_in: Counter[str] = Counter()
    for each in part.hand_ins.values():
        names = [name.name for name in each.files or ()] or (
            [path.name for path in _names_in(each.path)] if each.path.is_dir() else [each.path.name]
        )
        handed_in.update({"an archive" if is_archive(name) else unit_of(name, units) or "" for name in names})
    return any(count > 1 for name, count in handed_in.items() if name)


def _zipped_folders(path: Path, units: frozenset[str]) -> Intake | None:
    """Take a zip that holds a folder or an archive for each student; None if it looks like one student's work."""
    try:
        held = entries_of(path) if path.name.lower().endswith(".zip") else {}
    except UnreadableError:
        return None
    names = [name for name in held if not is_junk(name)]
    tops = {name.parts[0] for name in names}
    sources = [name for name in names if name.suffix.lower() in SOURCES]
    in_one_folder = len(tops) == 1 and all(len(name.parts) > 1 for name in names)
    depth = 1 if in_one_folder and all(len(name.parts) > 2 for name in sources) else 0
    by_student: dict[str, dict[PurePosixPath, PurePosixPath]] = {}
    loose = []
    for name in names:
        who, inner = name.parts[depth], name.parts[depth + 1 :]
        if inner or is_archive(who):
            student = who if inner else name_of(Path(who))
            by_student.setdefault(legible(nfc(student)), {})[PurePosixPath(*(inner or (who,)))] = name
        else:
            loose.append(name)
    working = [
        who
        for who, files in by_student.items()
        if any(unit_of(name.name, units) or is_archive(name.name) for name in files)
    ]
    work = set(by_student) & WORK_FOLDERS or any(unit_of(name.name, units) for name in loose)
    if len(working) < 2 or 2 * len(working) < len(by_student) or work:
        return None
    if all(unit_of(f"{who}.py", units) or VERSIONS.fullmatch(who) for who in working):
        return None  # a folder or an archive for each unit or version, as in `_is_one`
    hand_ins = {who: HandIn((Student(who),), path, files) for who, files in by_student.items()}
    left = [LeftOut(legible(str(name)), "", _why_left(Path(name), units)) for name in loose]
    intake = Intake("a zip of submissions", hand_ins, left)
    # A student's own folder may hold a read-me beside folders; a class, a list of students.
    return intake if not (depth and loose) or _is_class(intake, units) else None


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
    for _, _, files in os.walk(folder):
        yield from map(PurePosixPath, files)


def _free_name(name: str, hand_in: HandIn, taken: Collection[str]) -> str:
    """Return the name, made longer if another submission has it: by the file's ending, or by a count."""
    if name not in taken:
        return name
    longer = legible(hand_in.path.name)
    above = f"{legible(hand_in.path.parent.name)}-{longer}"
    names = (longer, above, *(f"{longer}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)
