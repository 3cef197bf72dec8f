"""Recognize the download of a class by the names in it: that of a platform, or folders of sections with such downloads."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import FOREIGN_ARCHIVES, SOURCES
from autograder.submissions.shapes import (
    BESIDE,
    COURSE_FOLDERS,
    PLATFORMS,
    TEAMS_FOLDER,
    Attempt,
    Download,
    FoundFile,
    Names,
    Read,
    Units,
    brightspace_numbers,
    make_download,
)
from autograder.submissions.students import Student, common_prefix, nfc

#: Reason for a file that is nobody's work.
NO_FILE_OF_COURSE = "it is neither a folder, an archive nor a file of this course"

#: Files that platforms, file systems and instructors add and that nobody hands in.
JUNK = {"thumbs.db", "desktop.ini", "index.html", "timestamp.txt", "class.toml"}
#: Names of folders that are nobody's name.
WORK_FOLDERS = {
    *("my_work", "src", "work", "notebooks", "tests", "data", "old", "backup"),
    *COURSE_FOLDERS,
}
#: Names of a student's own folders and files that tell a version, and nobody's name.
VERSIONS = re.compile(
    r"(?:v|ver|version|rev|try|draft|attempt|submission)[\W_]*\d{0,3}"
    r"|(?:the )?(?:final|new|old|last|first|copy|backup|fixed|done|draft)(?:[\W_].*|\d*)",
    re.IGNORECASE,
)


def recognize(names: Iterable[PurePosixPath], read: Read, shape: str = "", units: Units = ()) -> Download | None:
    """Return the download of a platform that has these names; None if no platform is recognized.

    Args:
        names: the names of all files, relative to the folder or zip.
        read: returns the first bytes of a file.
        shape: a key of `SHAPES`, to take that shape and no other.
        units: names of the course's units.
    """
    kept = [path for path in names if not is_junk(path)]
    top = _folder_of_everything(kept)
    inner = [path.relative_to(top) for path in kept]
    wanted = [SHAPES[shape]] if shape else SHAPES.values()
    found = (make(inner, lambda path: read(top / path), units) for make in wanted)
    download = next((download for download in found if download is not None), None)
    if download is not None:
        return below(top, download)
    lists = [path for path in kept if len(path.parts) == 1 and not _may_be_work(path)]
    if not lists or len(lists) == len(kept):
        return None
    # Files of the instructor's, such as a read-me, lie beside the one folder that holds the class.
    download = recognize([path for path in kept if path not in lists], read, shape, units)
    known = download is not None and download.platform != "sections"
    return (
        replace(download, strays=download.strays | dict.fromkeys(lists, NO_FILE_OF_COURSE))
        if download and known
        else None
    )


def _see_sections(names: Names, read: Read, units: Units = ()) -> Download | None:
    """Recognize folders of sections, with a folder for each student in each.

    Students who hand in several folders look alike. They are told by the inner names: each student has a name of their own,
    and `exercises` or `my_work` comes again and again.
    """
    download = _downloads_of_sections(names, read, units) or _clones_of_sections(names, read, units)
    if download is not None:
        return download
    inner: dict[str, set[str]] = {}
    # A list of the class may lie beside the folders.
    inside = [path for path in names if len(path.parts) > 1 or _may_be_work(path)]
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
        or any(map(VERSIONS.fullmatch, everyone))
    ):
        return None
    files = [FoundFile(path, (Student(nfc(path.parts[1])),), PurePosixPath(*path.parts[2:])) for path in inside]
    return make_download("sections", names, files, BESIDE.format("folders of the sections"))


def _downloads_of_sections(names: Names, read: Read, units: Units) -> Download | None:
    """Return the class of sections, each the download of a platform; None if a folder is no such or work lies beside."""
    by_section: dict[str, list[PurePosixPath]] = {}
    loose = [path for path in names if len(path.parts) == 1]
    if any(map(_may_be_work, loose)):
        return None
    for path in names:
        if len(path.parts) > 1:
            by_section.setdefault(path.parts[0], []).append(path)
    parts: list[Download] = []
    numbers: list[dict[str, set[str]]] = []
    for section, paths in by_section.items():
        inner = [path.relative_to(section) for path in paths]

        def read_inner(path: PurePosixPath, top: str = section) -> bytes:
            return read(top / path)

        make = (shape(inner, read_inner, units) for shape in _OF_SECTIONS)
        download = next((each for each in make if each is not None), None)
        if download is None or len(by_section) < 2:
            return None
        parts.append(below(PurePosixPath(section), download))
        numbers.append(_numbers_of(download, inner))
    platforms = frozenset(part.platform for part in parts)
    if len(platforms) != 1:  # a number of one platform is another student's on another
        return None
    attempts = tuple(attempt for part in parts for attempt in part.attempts)
    strays = dict.fromkeys(loose, NO_FILE_OF_COURSE) | {
        path: why for part in parts for path, why in part.strays.items()
    }
    return Download("sections", attempts, strays, platforms, _names_under_several_numbers(numbers))


def _clones_of_sections(names: Names, read: Read, units: Units) -> Download | None:
    """Return the class of clones in folders of sections; None if they are no class, or two clones have one name."""
    inside = {path: path.relative_to(path.parts[0]) for path in names if len(path.parts) > 2}
    outside = {inner: path for path, inner in inside.items()}
    if len({path.parts[0] for path in inside}) < 2 or len(outside) < len(inside):
        return None
    download = PLATFORMS["github"](list(outside), read, units)
    if download is None:
        return None
    attempts = tuple(
        replace(attempt, files={name: outside[path] for name, path in attempt.files.items()})
        for attempt in download.attempts
    )
    strays = {outside[path]: why for path, why in download.strays.items()}
    strays |= {path: NO_FILE_OF_COURSE for path in names if path not in inside}
    return Download("sections", attempts, strays, frozenset({download.platform}))


def _numbers_of(download: Download, names: Names) -> dict[str, set[str]]:
    """Return the numbers of each name in a download whose platform gives students new numbers in each section."""
    if download.platform == "Brightspace":
        return brightspace_numbers(names, "id")
    numbers: dict[str, set[str]] = {}
    if download.platform == "Moodle":
        for student in (student for attempt in download.attempts for student in attempt.students):
            numbers.setdefault(student.name, set()).add(student.id)
    return numbers


def _names_under_several_numbers(sections: Iterable[Mapping[str, set[str]]]) -> tuple[str, ...]:
    """Return the names that stand in several sections, and not under the same numbers."""
    found: dict[str, list[set[str]]] = {}
    for numbers in sections:
        for name, own in numbers.items():
            found.setdefault(name, []).append(own)
    return tuple(name for name, each in found.items() if any(own != each[0] for own in each))


#: Clones, and folders of a whole course, are no section of one.
_OF_SECTIONS = [shape for name, shape in PLATFORMS.items() if name not in ("nbgrader", "github", "teams")]
#: In the order in which they are tried: the stricter first.
SHAPES: dict[str, Callable[[Names, Read, Units], Download | None]] = {**PLATFORMS, "sections": _see_sections}


def below(top: PurePosixPath, download: Download) -> Download:
    """Return the same download with paths that begin at the folder above."""
    strays = {top / path: reason for path, reason in download.strays.items()}
    return replace(download, attempts=_attempts_below(top, download.attempts), strays=strays)


def _attempts_below(top: PurePosixPath, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(
        replace(
            attempt,
            files={name: top / path for name, path in attempt.files.items()},
            before=_attempts_below(top, attempt.before),
        )
        for attempt in attempts
    )


#: Folders by whose names the downloads of nbgrader and Teams are recognized.
_OF_FORMS = {"submitted", TEAMS_FOLDER}


def _folder_of_everything(names: Names) -> PurePosixPath:
    """Return the one folder that holds everything, as a zip often has it; `.` if there is none."""
    tops = {path.parts[0] for path in names}
    inner = {path.parts[1] for path in names if len(path.parts) > 1}
    alone = len(tops) == 1 and (len(inner) > 1 or inner <= _OF_FORMS) and all(len(path.parts) > 1 for path in names)
    if ".git" in inner and common_prefix(sorted(tops)):  # the clone of a class of one
        return PurePosixPath()
    return PurePosixPath(*tops) if alone and not tops <= _OF_FORMS else PurePosixPath()


def _may_be_work(path: PurePosixPath) -> bool:
    """Return True for a script, a notebook or an archive, also of a kind that is not read here."""
    return path.suffix.lower() in SOURCES or is_archive(path.name) or path.name.lower().endswith(FOREIGN_ARCHIVES)


def is_junk(path: PurePosixPath) -> bool:
    """Return True for a file that a platform, a file system or an instructor adds."""
    return path.name.casefold() in JUNK or "__MACOSX" in path.parts or path.name.startswith((".DS_Store", "._"))
