"""Recognise the download of a class by the names in it.

A shape is a function from the names in a folder or zip to a `Download`, or None if the names are not of its kind. It reads
names, and at most a small file of facts beside them; it opens no student's work. Forms of names: docs/classes.md.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Names = Sequence[PurePosixPath]
#: Give the first bytes of a file of the download.
Read = Callable[[PurePosixPath], bytes]

#: Files that platforms, file systems and instructors add and that nobody hands in.
JUNK = {"thumbs.db", "desktop.ini", "index.html", "timestamp.txt", "class.toml"}
_FACTS_BYTES = 2 * 2**20
#: No platform gives longer names, and an archive may hold some of 64 KB.
_NAME_LENGTH = 1000


@dataclass(frozen=True)
class Student:
    """One student, as a platform names them; what it does not tell is empty.

    Attributes:
        name: full name, or the nearest to it that the platform tells; in NFC.
        login: login name, email address or handle.
        id: the platform's own number.
        logins: every login that the name of the file may hold, if it does not tell where the login begins.
    """

    name: str
    login: str = ""
    id: str = ""
    logins: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> str:
        """Key that tells this student from the others of the download."""
        return self.id or self.login.casefold() or self.name


@dataclass(frozen=True)
class Attempt:
    """One hand-in of a student or a group.

    Attributes:
        students: one, or the members of a group.
        files: path in the download by path inside the submission.
        at: moment of the hand-in, ISO 8601 without a zone; empty if the platform does not tell it.
        late: True if the platform says so.
    """

    students: tuple[Student, ...]
    files: dict[PurePosixPath, PurePosixPath] = field(default_factory=dict)
    at: str = ""
    late: bool = False


@dataclass(frozen=True)
class Download:
    """A class as a platform hands it out.

    Attributes:
        platform: its name, for a sentence.
        attempts: all of them.
        strays: paths that belong to no attempt, each with the reason.
    """

    platform: str
    attempts: tuple[Attempt, ...]
    strays: dict[PurePosixPath, str] = field(default_factory=dict)


def recognize(names: Iterable[PurePosixPath], read: Read, shape: str = "") -> Download | None:
    """Return the download that these names are of; None if they are of no platform.

    Args:
        names: of all files, relative to the folder or zip.
        read: gives the first bytes of one.
        shape: a key of `SHAPES`, to take that shape and no other.
    """
    kept = [path for path in names if not _is_junk(path)]
    top = _common_folder(kept)
    inner = [path.relative_to(top) for path in kept]
    wanted = [SHAPES[shape]] if shape else SHAPES.values()
    found = (make(inner, lambda path: read(top / path)) for make in wanted)
    download = next((download for download in found if download is not None), None)
    return _below(top, download) if download is not None else None


@dataclass(frozen=True)
class _File:
    """One file of a download, and what its name tells."""

    path: PurePosixPath
    students: tuple[Student, ...]
    #: Path inside the submission; None for a file of facts, which only tells that there is an attempt.
    inside: PurePosixPath | None
    at: str = ""
    number: int = 0
    late: bool = False


def canvas(names: Names, _: Read) -> Download | None:
    """Canvas: flat files `<lastfirst>[_LATE]_<user id>_<submission id>_<file>[-N].<ending>`."""

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        again = _AGAIN.fullmatch(match["file"])
        name = f"{again['stem']}{again['ending']}" if again else match["file"]
        student = Student(nfc(match["who"]), id=match["id"] or "")
        number = int(again["number"]) if again else 0
        return _File(path, (student,), PurePosixPath(name), number=number, late=match["late"] is not None)

    return _match_names("Canvas", names, _CANVAS, read_name)


def moodle(names: Names, _: Read) -> Download | None:
    """Moodle: a folder or a flat file for each, with `_<participant>_assignsubmission_file_` in its name."""

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        student = Student(nfc(match["who"]), id=match["id"])
        return _File(path, (student,), PurePosixPath(match["flat"] or match["file"]))

    return _match_names("Moodle", names, _MOODLE, read_name)


def blackboard(names: Names, read: Read) -> Download | None:
    """Blackboard: flat files `<assignment>_<login>_attempt_<moment>[_<file>]`, and a `.txt` of facts for each attempt.

    Assignments and logins may hold underscores: the file of facts tells which are which.
    """
    matches = {path: match for path in names if (match := _BLACKBOARD.fullmatch(str(path)[:_NAME_LENGTH]))}
    facts: dict[str, Student] = {}
    for path, match in matches.items():
        if match["file"] is None and (student := _student_in_facts(read(path), match["stem"])):
            facts[match["stem"]] = student
    students = _blackboard_students(sorted({match["stem"] for match in matches.values()}), facts)

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        at = datetime.strptime(match["at"], "%Y-%m-%d-%H-%M-%S").isoformat()
        inside = PurePosixPath(match["file"]) if match["file"] else None
        return _File(path, (students[match["stem"]],), inside, at)

    return _match_names("Blackboard", names, _BLACKBOARD, read_name)


def brightspace(names: Names, _: Read) -> Download | None:
    """Brightspace: a folder `<n>-<n> - <First Last> - <Mon D, YYYY HMM AM>` for each attempt."""

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        moment = f"{match['date']} {int(match['hour'])}:{match['minute']} {match['half']}"
        at = datetime.strptime(moment, "%b %d, %Y %I:%M %p").isoformat()
        return _File(path, (Student(nfc(match["who"])),), PurePosixPath(match["file"]), at)

    return _match_names("Brightspace", names, _BRIGHTSPACE, read_name)


def gradescope(names: Names, read: Read) -> Download | None:
    """Gradescope's export: folders `submission_<id>`, and `submission_metadata.yml`, which names the students of each."""
    # At the top: deeper it is some student's.
    table = next((path for path in names if path.parts == ("submission_metadata.yml",)), None)
    if table is None:
        return None
    facts = _gradescope_facts(read(table))

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        students, at = facts.get(match["folder"], ((Student(match["folder"], id=match["id"]),), ""))
        return _File(path, students, PurePosixPath(match["file"]), at)

    return _match_names("Gradescope", [path for path in names if path != table], _GRADESCOPE, read_name)


def nbgrader(names: Names, read: Read) -> Download | None:
    """nbgrader: `submitted/<student>/<assignment>/...`, and beside the files `timestamp.txt`."""

    def read_name(path: PurePosixPath, match: re.Match[str]) -> _File:
        at = _timestamp(read(PurePosixPath(*path.parts[:3], "timestamp.txt")))
        return _File(path, (Student(nfc(match["who"])),), PurePosixPath(match["file"]), at)

    return _match_names("nbgrader", names, _NBGRADER, read_name)


def github(names: Names, _: Read) -> Download | None:
    """GitHub: a clone of each student's repository, `<assignment>-<login>` or `<classroom>-<assignment>-<login>`."""
    clones = {path.parts[0] for path in names if path.parts[1:2] == (".git",)}
    if not clones or any(path.parts[0] not in clones for path in names if len(path.parts) > 1):
        return None
    prefix = _common_prefix(sorted(clones))
    files = []
    for path in names:
        if path.parts[0] in clones:
            login = nfc(path.parts[0].removeprefix(prefix))
            inside = None if ".git" in path.parts else PurePosixPath(*path.parts[1:])
            files.append(_File(path, (Student(login, login),), inside))
    return _download("GitHub", names, files, _BESIDE.format("clones"))


def sections(names: Names, _: Read) -> Download | None:
    """Folders of sections, with a folder for each student in each.

    Students who hand in several folders look alike. They are told by the inner names: each student has a name of their own,
    and `exercises` or `my_work` comes again and again.
    """
    inner: dict[str, set[str]] = {}
    inside = [
        path for path in names if len(path.parts) > 1 or path.suffix in _WORK
    ]  # a list of the class is nobody's work
    for path in inside:
        if len(path.parts) < 3:
            return None
        inner.setdefault(path.parts[0], set()).add(path.parts[1])
    everyone = [name for folder in inner.values() for name in folder]
    if (
        len(inner) < 2
        or len(everyone) <= len(inner)
        or len(set(everyone)) < len(everyone)
        or set(everyone) & WORK_FOLDERS
    ):
        return None
    files = [_File(path, (Student(nfc(path.parts[1])),), PurePosixPath(*path.parts[2:])) for path in inside]
    return _download("sections", names, files, _BESIDE.format("folders of the sections"))


#: In the order in which they are tried: the stricter first.
SHAPES: dict[str, Callable[[Names, Read], Download | None]] = {
    "gradescope": gradescope,
    "blackboard": blackboard,
    "moodle": moodle,
    "brightspace": brightspace,
    "nbgrader": nbgrader,
    "canvas": canvas,
    "github": github,
    "sections": sections,
}

_WORK = {".py", ".ipynb", ".zip", ".gz", ".tgz", ".tar"}
WORK_FOLDERS = {"exercises", "my_work", "src", "work", "notebooks", "tests", "data", "old", "backup"}
_CANVAS = re.compile(
    r"(?P<who>anon_[A-Za-z0-9]{5}|[^_/]+?)(?P<late>_LATE)?(?:_(?P<id>\d+))?_(?P<attachment>\d+)_(?P<file>[^/]+)"
)
_MOODLE = re.compile(
    r"(?P<who>[^/]+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<flat>[^/]+)|_?/(?P<file>.+))"
)
_MOMENT = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
_BLACKBOARD = re.compile(rf"(?P<stem>[^/]+?)_attempt_(?P<at>{_MOMENT})(?:_(?P<file>[^/]+)|\.txt)")
_BRIGHTSPACE = re.compile(
    r"\d+-\d+ - (?P<who>[^/]+?) - (?P<date>[A-Z][a-z]{2} \d{1,2}, \d{4}) (?P<hour>\d{1,2}):?(?P<minute>\d{2}) (?P<half>[AP]M)"
    r"/(?P<file>.+)"
)
_GRADESCOPE = re.compile(r"(?P<folder>submission_(?P<id>\d+))/(?P<file>.+)")
_NBGRADER = re.compile(r"submitted/(?P<who>[^/]+)/[^/]+/(?P<file>.+)")
_BESIDE = "it lies beside the {}; if a student handed it in, put it into the student's folder"
#: Name that Canvas gives to a file that was uploaded before.
_AGAIN = re.compile(r"(?P<stem>.+?)-(?P<number>\d{1,3})(?P<ending>\.[A-Za-z0-9.]+)")


def _match_names(
    platform: str, names: Names, pattern: re.Pattern[str], read_name: Callable[[PurePosixPath, re.Match[str]], _File]
) -> Download | None:
    """Return the download if at least half of the names are of this pattern."""
    matches = {path: pattern.fullmatch(str(path)) if len(str(path)) <= _NAME_LENGTH else None for path in names}
    files = [read_name(path, match) for path, match in matches.items() if match is not None]
    if not files or 2 * len(files) < len(names):
        return None
    return _download(platform, names, files)


def _download(platform: str, names: Names, files: Iterable[_File], misplaced: str = "") -> Download:
    """Put the files of each attempt together; of two uploads of one file the later stands.

    Args:
        platform: its name, for a sentence.
        names: of all files.
        files: those that belong to a student.
        misplaced: why the others belong to none; by default their names.
    """
    attempts: dict[tuple[tuple[str, ...], str], list[_File]] = {}
    for file in files:
        attempts.setdefault((tuple(student.key for student in file.students), file.at), []).append(file)
    strays: dict[PurePosixPath, str] = {}
    made = []
    for group in attempts.values():
        inside: dict[PurePosixPath, _File] = {}
        for file in sorted(group, key=lambda each: (each.number, str(each.path))):
            if file.inside is not None:
                before = inside.get(file.inside)
                if before is not None:
                    strays[before.path] = f"an earlier upload of {file.inside}"
                inside[file.inside] = file
        paths = {name: file.path for name, file in inside.items()}
        made.append(Attempt(group[0].students, paths, group[0].at, any(file.late for file in group)))
    known = {path for group in attempts.values() for path in (file.path for file in group)}
    reason = misplaced or f"{platform} names files otherwise; if a student handed it in, name it as the others"
    strays |= {path: reason for path in names if path not in known}
    return Download(platform, tuple(made), strays)


def _below(top: PurePosixPath, download: Download) -> Download:
    """Return the same download with paths that begin at the folder above."""
    attempts = (
        replace(attempt, files={name: top / path for name, path in attempt.files.items()})
        for attempt in download.attempts
    )
    strays = {top / path: reason for path, reason in download.strays.items()}
    return replace(download, attempts=tuple(attempts), strays=strays)


def _gradescope_facts(text: bytes) -> dict[str, tuple[tuple[Student, ...], str]]:
    """Students and moment by folder. The keys are Ruby's symbols; nothing but plain data is loaded."""
    import yaml

    try:
        table = yaml.load(text[:_FACTS_BYTES], Loader=yaml.BaseLoader)  # plain strings only
        return {
            folder: (
                tuple(
                    Student(nfc(each.get(":name", "")), each.get(":email", ""), each.get(":sid", ""))
                    for each in facts.get(":submitters", ())
                )
                or (Student(folder),),
                str(facts.get(":created_at", "")),
            )
            for folder, facts in table.items()
        }
    except (yaml.YAMLError, AttributeError, UnicodeDecodeError):
        return {}


def _timestamp(text: bytes) -> str:
    """Return the moment in nbgrader's file, `2026-11-20 10:00:00.1 Europe/Vilnius`, as ISO 8601; empty if it is none."""
    moment, _, zone = text.decode("utf-8", "replace").strip().rpartition(" ")
    try:
        return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return ""


def _student_in_facts(text: bytes, stem: str) -> Student | None:
    """Return the student in Blackboard's file of facts, `Name: First Last (login)`; None if it does not tell the login."""
    lines = text[:_FACTS_BYTES].decode("utf-8", "replace").splitlines()
    name = next((line.removeprefix("Name:").strip() for line in lines if line.startswith("Name:")), "")
    full, _, login = name.removesuffix(")").rpartition("(")
    known = name.endswith(")") and login and nfc(stem).casefold().endswith(f"_{nfc(login)}".casefold())
    if not name or len(name) > _NAME_LENGTH:
        return None
    return Student(nfc(full) or nfc(login), nfc(login)) if known else None


def _blackboard_students(stems: Sequence[str], facts: Mapping[str, Student]) -> dict[str, Student]:
    """Return the student of each `<assignment>_<login>`.

    A download is of one assignment: facts of one student tell where the logins of all begin. Without any, they begin where the
    stems differ, and the roster may know better.
    """
    assignments = {nfc(stem)[: -len(student.login)] for stem, student in facts.items()}
    start = assignments.pop() if len(assignments) == 1 else _common_prefix_at("_", stems)
    students = dict(facts)
    for stem in stems:
        if stem not in facts:
            whole = nfc(stem)
            login = whole.removeprefix(start) if start and whole.startswith(start) else whole.rpartition("_")[2]
            parts = whole.split("_")
            logins = () if start and facts else tuple("_".join(parts[place:]) for place in range(1, len(parts)))
            students[stem] = Student(login, login, logins=logins)
    return students


def _common_folder(names: Names) -> PurePosixPath:
    """Return the one folder that holds everything, as a zip often has it; `.` if there is none."""
    tops = {path.parts[0] for path in names}
    inner = {path.parts[1] for path in names if len(path.parts) > 1}
    alone = len(tops) == 1 and (len(inner) > 1 or inner == {"submitted"}) and all(len(path.parts) > 1 for path in names)
    return PurePosixPath(*tops) if alone and tops != {"submitted"} else PurePosixPath()


def _common_prefix(names: Sequence[str]) -> str:
    """Return what all names begin with, up to the last hyphen of it, or up to two hyphens, which no login has.

    For a single name that is nothing but for two hyphens.
    """
    beginnings = {name.rpartition("--")[0] for name in names}
    if len(beginnings) == 1 and "" not in beginnings:
        return f"{beginnings.pop()}--"
    return _common_prefix_at("-", names)


def _common_prefix_at(sign: str, names: Sequence[str]) -> str:
    """Return what all names begin with, up to the last such sign of it; nothing for a single name."""
    if len(names) < 2:
        return ""
    shortest, longest = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(shortest, longest, strict=False)) if a != b), len(shortest))
    return shortest[: shortest.rfind(sign, 0, length) + 1]


def nfc(text: str) -> str:
    """Return a name in Unicode's normal form C: platforms and file systems disagree on umlauts."""
    return unicodedata.normalize("NFC", text).strip()


def _is_junk(path: PurePosixPath) -> bool:
    return path.name.casefold() in JUNK or any(part == "__MACOSX" for part in path.parts) or path.name == ".DS_Store"
