"""Hand-ins: the files of one student or group and where they lie, a class of them, and whatever is left out."""

import contextlib
import csv
import functools
import io
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from autograder.results.foreign_tables import harmless, unquote
from autograder.results.store import read_intake_rows
from autograder.results.types import legible, storable
from autograder.submissions.archives import MAX_CLASS_ENTRIES, Entry, InMemory, SameFile, archive_entries, refuse_crowd
from autograder.submissions.entries import ARCHIVES, files_below, read_archive, refuse_broken
from autograder.submissions.students import Student, moment_of, nfc

#: Begins the reason why one of several hand-ins of a student of the roster is not graded.
SECOND = "a second hand-in of {}, beside "
#: Words of `Intake.form`: what a class was understood as.
ONE_SUBMISSION = "one submission"
SECTIONS = "folders of sections"
ASSIGNMENTS = "folders of assignments"
DOWNLOAD_OF = "a download of "
SOURCES = (".py", ".ipynb")
FOREIGN_ARCHIVES = (".rar", ".7z", ".gz", ".xz", ".bz2", ".tar.zst", ".zst", ".lzma", ".lz4", ".cab")
FOREIGN = "{} is an archive of a kind that is not read here; hand in a .zip"


@dataclass(frozen=True)
class HandIn:
    """One student's or group's hand-in, and where its files are.

    Attributes:
        students: one, or the members of a group.
        path: a folder, archive or file of its own; or the folder or zip of the class that holds `files`.
        files: for files of a download, the path there by the path inside the submission; None if all of `path` is meant.
        at: moment of the hand-in as the platform tells it, ISO 8601; empty if it does not.
        late: True if the platform says so.
        problem: a sentence if nothing of it can be read.
        parts: hand-ins of several assignments that count together, by the name of the assignment's folder.
    """

    students: tuple[Student, ...]
    path: Path
    files: dict[PurePosixPath, PurePosixPath] | None = None
    at: str = ""
    late: bool = False
    problem: str = ""
    parts: dict[str, "HandIn"] = field(default_factory=dict, compare=False)

    @classmethod
    def alone(cls, path: Path) -> "HandIn":
        """Return a folder, archive or file as the hand-in of the student whose name it bears."""
        return cls((Student(name_of(path)),), path.resolve())  # a link that was named is followed once, here

    @classmethod
    def join(cls, student: Student, path: Path, parts: dict[str, "HandIn"]) -> "HandIn":
        """Return a student's hand-ins of several assignments in a class's folder or zip as one; the latest moment stands."""
        files: dict[PurePosixPath, PurePosixPath] = {}
        for folder, part in parts.items():
            name, above = PurePosixPath(part.path.name), PurePosixPath(folder if part.path != path else "")
            listed = {name: name} if part.files is None else part.files
            files |= {PurePosixPath(folder) / inside: above / file for inside, file in listed.items()}
        at, late = max((part.at for part in parts.values()), key=moment_of), any(part.late for part in parts.values())
        problem = next(iter(parts.values())).problem if len(parts) == 1 else ""
        return cls((student,), path, files, at, late, problem, parts)

    def student_named(self, name: str) -> Student:
        """Return the member of a group whose row has this name: the student's name, perhaps with a number or login."""
        found = [student for student in self.students if name.startswith(student.name)]
        told_apart = [student for student in found if name == f"{student.name}-{student.id or student.login}"]
        longest = max(found, key=lambda student: len(student.name), default=Student(name))
        return longest if longest.name == name else next(iter(told_apart), longest)

    def entries(self) -> list[Entry]:
        """Return the files of a download that are this hand-in.

        Raises:
            UnreadableError: the download cannot be opened, or this hand-in holds too many files.
        """
        held, files = entries_of(self.path), self.files or {}
        refuse_crowd("the hand-in", len(files))
        return [replace(held[path], path=name, modified=-1.0) for name, path in files.items() if path in held]


@dataclass(frozen=True)
class LeftOut:
    """Something in a class's folder that is not graded.

    Attributes:
        path: where it lies.
        student: whose it is, if that is known.
        reason: the end of a sentence that begins with the path.
        graded: True for an attempt that was graded and does not count.
    """

    path: str
    student: str
    reason: str
    graded: bool = False


@dataclass
class Intake:
    """A class that has been taken in.

    Attributes:
        form: what it was understood as, such as `ONE_SUBMISSION`.
        hand_ins: by the name of the student, or of each member of a group.
        left_out: whatever is not graded, earlier attempts among it.
        earlier: attempts before the one in `hand_ins`, by name, the first one first.
        remarks: sentences on what may have been understood otherwise than it is meant.
        platforms: those whose downloads are in it, also as sections or assignments.
    """

    form: str
    hand_ins: dict[str, HandIn] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    earlier: dict[str, list[HandIn]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    platforms: frozenset[str] = frozenset()

    def add(self, who: str, hand_in: HandIn) -> None:
        """Add the hand-in of a student of this name, or of the next free one."""
        name = free_name(who, hand_in, self.hand_ins)
        self.hand_ins[name] = replace(hand_in, students=(Student(name),))

    @property
    def is_download(self) -> bool:
        """Return True if the class is the download of one platform."""
        return self.form.startswith(DOWNLOAD_OF)

    def is_download_of(self, platform: str) -> bool:
        """Return True if the class is the download of this platform."""
        return self.form == DOWNLOAD_OF + platform

    @property
    def sentence(self) -> str:
        """Return one line that says what was understood."""
        earlier = sum(map(len, self.earlier.values()))
        late = sum(hand_in.late for hand_in in self.hand_ins.values())
        groups = len({id(hand_in) for hand_in in self.hand_ins.values() if len(hand_in.students) > 1})
        facts = [
            _count(len(self.hand_ins), "student"),
            *([_count(groups, "group")] if groups else []),
            *([_count(earlier, "earlier attempt")] if earlier else []),
            *([f"{late} late"] if late else []),
        ]
        return f"{self.form}: {', '.join(facts)}"


def intake_csv(intake: Intake) -> str:
    """Return a table of everything that lay in a class: each hand-in, then whatever was left out with its reason."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["student", "path", "submitted", "late", "reason", "id", "login"])
    for name, hand_in in intake.hand_ins.items():
        path = hand_in.path.name if hand_in.files is None else _first_files(hand_in)
        student = hand_in.student_named(name)
        who = (harmless(student.id), harmless(student.login))
        writer.writerow([harmless(name), harmless(legible(path)), hand_in.at, "yes" if hand_in.late else "", "", *who])
    for left in intake.left_out:
        writer.writerow([harmless(left.student), harmless(left.path), "", "", left.reason, "", ""])
    return storable(text.getvalue())


def _first_files(hand_in: HandIn) -> str:
    """Return the path of the first file; for several assignments, that of each."""
    firsts: dict[str, str] = {}
    for inside, path in (hand_in.files or {}).items():
        firsts.setdefault(inside.parts[0] if hand_in.parts else "", str(path))
    return ", ".join(firsts.values())


def read_students(out: Path) -> dict[str, Student]:
    """Read the students in a grading's table of intake, by the names of their submissions; there are none without it.

    Raises:
        UsageError: it cannot be read.
    """
    rows = read_intake_rows(out)
    return {
        name: Student(name, unquote(row.get("login") or ""), unquote(row.get("id") or "")) for name, row in rows.items()
    }


@functools.lru_cache(maxsize=4)
def entries_of(path: Path) -> dict[PurePosixPath, Entry]:
    """Return the files of a class's folder or zip, by path there; read once for all its students.

    Args:
        path: the path of the folder or zip; `term.zip/week1.zip` is the zip `week1.zip` in the zip `term.zip`.

    Raises:
        UnreadableError: it cannot be opened.
    """
    with refuse_broken(path.name):
        entries = files_below(path) if path.is_dir() else archive_entries(_archive_at(path), MAX_CLASS_ENTRIES)
    return {entry.path: entry for entry in entries}


def _archive_at(path: Path) -> SameFile | InMemory:
    """Return the archive at a path, which may lie in another archive."""
    outer = next((above for above in path.parents if above.is_file()), None)
    if outer is None:
        return SameFile.of(path.resolve())
    return read_archive(entries_of(outer)[PurePosixPath(path.relative_to(outer))])


def name_of(path: Path) -> str:
    """Return whose submission a path is: its name as it may be shown, without the ending of an archive or a file."""
    name = shown_name(path.name)
    with contextlib.suppress(OSError):  # a name in a zip may be too long for any disk
        if path.is_dir():
            return name
    return without_ending(name)


def shown_name(text: str) -> str:
    """Return a name as it may be shown; a word in its place if it has unseen marks alone."""
    return legible(nfc(text)) or "(no name)"


def without_ending(filename: str) -> str:
    """Return a file's name without the ending of an archive or a source file, unless it is nothing else."""
    for suffix in (*ARCHIVES, *FOREIGN_ARCHIVES, *SOURCES):
        if filename.lower().endswith(suffix) and len(filename) > len(suffix):
            return filename[: -len(suffix)]
    return filename


def free_name(name: str, hand_in: HandIn, taken: Collection[str]) -> str:
    """Return the name; if another submission has it, a longer one with the file's ending, the folder's name or a count.

    For files in the folder or zip of a class, whose name is no student's, that is a count.
    """
    if name not in taken:
        return name
    longer = legible(hand_in.path.name) if hand_in.files is None else name
    above = [longer, f"{legible(hand_in.path.parent.name)}-{longer}"] if hand_in.files is None else []
    names = (*above, *(f"{longer}-{number}" for number in range(2, len(taken) + 3)))
    return next(each for each in names if each not in taken)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
