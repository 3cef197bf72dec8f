"""Tell from the name of a file or folder whose work it is: an author beside a unit's name, or a student's name."""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath, PurePosixPath
from typing import TypeVar

from autograder.submissions.choosing import COPY, VERSION_WORDS, unit_of
from autograder.submissions.downloads import VERSIONS, WORK_FOLDERS, recognize
from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import SOURCES, name_of, shown_name

AnyPath = TypeVar("AnyPath", bound=PurePath)

_COPY = COPY.replace("_", "[-_ ]")
#: What people and programs put behind a name for another version of a file: ` (1)`, `-v2`, `_final`, ` - Copy`.
#: Signs and versions in a row are bounded: without that, the time for a long name of them grows with its square.
_VERSION = rf"(?:[-_. ]{{0,9}}\(\d{{1,3}}\)|[-_. ]{{1,9}}(?:{VERSION_WORDS.replace('_', '[-_ ]')}|v\d{{1,3}}))"
#: Words before a unit that name a file of one student's, if no other author is beside it: `my_quiz.py`, `test_quiz.py`.
_OWN_WORDS = re.compile(rf"my|tests?|checks?|{_COPY}", re.IGNORECASE)
#: A day, perhaps with an hour, such as that of an export: without signs in it, it may be a student's number.
_DATE = r"20\d\d[-_. ][01]\d[-_. ][0-3]\d(?:[-_. T][\d:hms-]{1,12})?"
_DATE_BEHIND = rf"(?:[-_. ]{{1,9}}{_DATE})?"
#: Words beside a unit that name a part of one student's work.
_OWN_PARTS = re.compile(
    r"(?:parts?|tasks?|questions?|exercises?|steps?|main|helpers?|utils?|plots?|figures?)[\W_]*\d{0,3}", re.IGNORECASE
)
#: What stands behind a unit and is nobody's name: a short number, or a day.
_NO_NAME = re.compile(rf"[\W_]*\d{{0,3}}|{_DATE}")
#: A script or notebook behind whose ending a mail program, a browser or an editor has put another.
_LONGER_ENDING = re.compile(r"(?P<stem>.+)\.(?:py|ipynb)\.(?:txt|json|download)", re.IGNORECASE)


def is_source(filename: str) -> bool:
    """Return True for a script or notebook, also with another ending behind its own."""
    return PurePosixPath(filename).suffix.lower() in SOURCES or _LONGER_ENDING.fullmatch(filename) is not None


def author_of(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return the author and the unit's file that a name such as `alice_variation_loss.py` tells; None if it tells none.

    A lone file in a folder of students, such as `lee_12348_67893_homework.docx`, may still bear a platform's name.
    """
    if author := author_before_unit(path, units):
        return author
    download = recognize([PurePosixPath(path.name)], lambda _: b"", units=units)
    if download is None:
        return None
    (attempt,) = download.attempts
    return attempt.students[0].name, str(next(iter(attempt.files), path.name))


def author_before_unit(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return the author and the unit's file that `alice_quiz.py` or `alice-quiz (1).zip` tells; None if it tells none."""
    stem = name_of(path) if path.suffix.lower() in SOURCES or is_archive(path.name) else ""
    if longer := _LONGER_ENDING.fullmatch(shown_name(path.name)):
        stem = longer["stem"]
    for unit in sorted(units, key=len, reverse=True):
        pattern = (
            rf"(?P<who>.+?)[-_ ]{{1,9}}(?:(?:{_COPY})[-_ ]{{1,9}})?{_spaced_pattern(unit)}"
            rf"(?P<again>[-_ ]?\(?\d*\)?{_VERSION}{{0,9}}){_DATE_BEHIND}"
        )
        found = re.fullmatch(pattern, stem, re.IGNORECASE)
        if found:
            return found["who"], f"{unit}{found['again']}{shown_name(path.name)[len(stem) :]}"
    return None


def author_behind_unit(path: Path, units: frozenset[str]) -> tuple[str, str] | None:
    """Return the author and the unit's file that `quiz (1) - alice.py` tells; None for `quiz_final.py` and for copies."""
    stem = name_of(path) if path.suffix.lower() in SOURCES and not unit_of(path.name, units) else ""
    for unit in sorted(units, key=len, reverse=True):
        copies = rf"(?:(?:{_COPY})[-_ ]{{1,9}}){{0,3}}"
        pattern = rf"{copies}{_spaced_pattern(unit)}(?P<again>{_VERSION}{{0,9}})[-_ ]+(?P<who>.+?){_DATE_BEHIND}"
        found = re.fullmatch(pattern, stem, re.IGNORECASE)
        if found and not VERSIONS.fullmatch(found["who"]) and not _NO_NAME.fullmatch(found["who"]):
            return found["who"], f"{unit}{found['again']}{path.suffix}"
    return None


def authors_around_units(files: Iterable[AnyPath], units: frozenset[str]) -> dict[AnyPath, tuple[str, str]]:
    """Return the authors and the units' files that names such as `s101_quiz_doe.py` tell, by file.

    What stands before or behind the unit in all files, as in `hw3_quiz_jane.py`, is no author's. One file of a unit, or files
    of one author, tell none.
    """
    by_unit: dict[str, dict[AnyPath, re.Match[str]]] = {}
    for file in files:
        if found := _match_around(file, units):
            unit, match = found
            by_unit.setdefault(unit, {})[file] = match
    authors: dict[AnyPath, tuple[str, str]] = {}
    for unit, matches in by_unit.items():
        differ = {side: len({match[side] for match in matches.values()}) > 1 for side in ("before", "behind")}
        if any(differ.values()):
            for file, match in matches.items():
                sides = [match[side] for side, differs in differ.items() if differs]
                authors[file] = match["sign"].join(sides), f"{unit}{match['again']}{file.suffix}"
    return authors


def _match_around(file: PurePath, units: frozenset[str]) -> tuple[str, re.Match[str]] | None:
    """Return the unit with words on both sides in the name of a script, and the match; None if they are a student's own."""
    stem = name_of(Path(file.name)) if file.suffix.lower() in SOURCES and not unit_of(file.name, units) else ""
    for unit in sorted(units, key=len, reverse=True):
        pattern = (
            rf"(?P<before>.+?)(?P<sign>[-_ ]{{1,9}}){_spaced_pattern(unit)}(?P<again>{_VERSION}{{0,9}})"
            rf"[-_ ]{{1,9}}(?P<behind>.+?){_DATE_BEHIND}"
        )
        found = re.fullmatch(pattern, stem, re.IGNORECASE)
        if found:
            words = [(VERSIONS, "behind"), (_NO_NAME, "behind")]
            words += [(own, side) for own in (_OWN_WORDS, _OWN_PARTS) for side in ("before", "behind")]
            return None if any(pattern.fullmatch(found[side]) for pattern, side in words) else (unit, found)
    return None


def is_students_own(filename: str) -> bool:
    """Return True if the first or last word of a name tells that the file is one of a student's own: `my_quiz_old.py`."""
    words = re.split(r"[-_ .]+", PurePosixPath(filename).stem)
    return any(map(_OWN_WORDS.fullmatch, (words[0], words[-1])))


def authors_beside(files: Iterable[Path], units: frozenset[str]) -> dict[Path, tuple[str, str]]:
    """Return the authors and the units' files that the names of files side by side tell, by file."""
    listed = list(files)
    found = {file: author_before_unit(file, units) or author_behind_unit(file, units) for file in listed}
    around = authors_around_units([file for file, author in found.items() if author is None], units)
    return {file: author for file in listed if (author := found[file] or around.get(file))}


def sort_by_author(
    files: Iterable[AnyPath], others: Collection[str], units: frozenset[str]
) -> tuple[dict[str, dict[PurePosixPath, AnyPath]], list[AnyPath]]:
    """Return the files of each author whom their names tell, by path in the submission, and the files of nobody.

    Beside other students, a name behind the unit's is an author's, and a script without a unit's name has its author's.

    Args:
        files: side by side, in the folder of a class.
        others: names of students who are known already.
        units: names of the course's units.
    """
    by_author: dict[str, dict[PurePosixPath, AnyPath]] = {}
    authors = {file: author_of(Path(file.name), units) for file in files}
    behind = {file: author_behind_unit(Path(file.name), units) for file, author in authors.items() if author is None}
    if len({*others, *(author[0] for author in (*authors.values(), *behind.values()) if author)}) > 1:
        authors |= behind
    authors |= authors_around_units([file for file in authors if not (authors[file] or behind[file])], units)
    known = {*others, *(author[0] for author in authors.values() if author)}
    loose = []
    for file, author in authors.items():
        if author is None:
            loose.append(file)
            continue
        who = without_version(author[0], known) or author[0]
        own, inside = by_author.setdefault(shown_name(who), {}), PurePosixPath(author[1])
        stem, dot, ending = inside.name.partition(".")
        inside = PurePosixPath(f"{stem}{author[0][len(who) :]}{dot}{ending}")  # `jane_v2_quiz.py` is `quiz_v2.py`
        # `jane_quiz.py` and `jane-quiz.py` are both a file of the unit.
        own[inside if inside not in own else PurePosixPath(file.stem, inside)] = file
    if not by_author and not others:
        return {}, loose
    named = [file for file in loose if file.suffix.lower() in SOURCES and not unit_of(file.name, units)]
    for file in named:
        by_author.setdefault(name_of(Path(file.name)), {})[PurePosixPath(file.name)] = file
    return by_author, [file for file in loose if file not in named]


def without_version(name: str, known: Collection[str]) -> str | None:
    """Return the known name whose version a name is, such as `jane` for `jane (1)`; None if it is no version."""
    found = re.fullmatch(rf"(?P<who>.+?){_VERSION}{{1,9}}", name, re.IGNORECASE)
    return found["who"] if found and found["who"] in known else None


def _spaced_pattern(unit: str) -> str:
    """Return the pattern of a unit's name as people write it: `variation loss` means `variation_loss` too."""
    return re.escape(unit).replace("_", r"[\W_]*")


def have_several_authors(files: Iterable[Path], units: frozenset[str]) -> bool:
    """Return True if files side by side are the same unit, handed in by several authors, one of whom has a name."""
    authors = set(authors_beside(files, units).values())
    handed_in = {(who, unit_of(name, units)) for who, name in authors}
    named = {unit for who, unit in handed_in if not VERSIONS.fullmatch(who) and not _OWN_WORDS.fullmatch(who)}
    return any(count > 1 for unit, count in Counter(unit for _, unit in handed_in).items() if unit in named)


def may_be_student(name: str, units: frozenset[str]) -> bool:
    """Return True if the name of a folder or archive may be a student's: it is no version, unit or common folder."""
    return not VERSIONS.fullmatch(name) and name not in WORK_FOLDERS and unit_of(f"{name}.py", units) is None


def share_unit(students: Iterable[Collection[str]]) -> bool:
    """Return True if two of these students have handed in the same unit; each is given by the units handed in."""
    return any(count > 1 for count in Counter(unit for found in students for unit in found).values())
