"""Who is in the class: a table of students, or the gradebook that a platform exports, matched with what was handed in.

A match is by the platform's number, then by login, then by name, and never by guess: a name that two students have matches
neither. Whoever handed in nothing has a row, and a hand-in that matches nobody is told.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import UsageError
from autograder.results.tables import Table
from autograder.submissions.hand_in import HandIn, Intake, LeftOut
from autograder.submissions.students import Student, first_last, nfc

_IDS = ("ID", "Identifier", "OrgDefinedId", "Student ID", "ID number", "Student number", "SID", "SIS User ID")
_LOGINS = (
    *("SIS Login ID", "Login", "Login ID", "Username", "User name", "GitHub username", "GitHub"),
    *("Email address", "Email", "E-mail"),
)
_NAMES = ("Student", "Full name", "Name", "Student name")
_FIRST = ("First Name", "Given name", "Forename")
_LAST = ("Last Name", "Surname", "Family name")
#: Number behind Brightspace's `#`, and in the `12.0` that a spreadsheet makes of 12.
_NUMBERED = re.compile(r"#?(?P<number>\d+)(?:\.0)?|#(?P<text>.+)")
#: Number behind the word that Moodle has for a participant in the language of the export, with or without a space.
_PARTICIPANT = re.compile(r"\D+(?P<number>\d+)")
_NOTHING = "nothing was handed in"


@dataclass(frozen=True)
class Enrolled:
    """One student of the class.

    Attributes:
        student: name, logins and number.
        ids: every number and login of the row, by which a hand-in may name the student.
        section: empty if the table has none.
        group: empty if the table has none.
        row: place in the table.
    """

    student: Student
    ids: frozenset[str]
    section: str = ""
    group: str = ""
    row: int = 0


def read_roster(path: Path) -> list[Enrolled]:
    """Read a table of students: any of the columns of Canvas, Moodle, Brightspace and Blackboard, or one's own.

    Whoever stands there in two sections is one.

    Raises:
        UsageError: it cannot be read, or no column tells who the students are.
    """
    return _once(students_in(Table.read(path), str(path)))


def students_in(table: Table, name: str) -> list[Enrolled]:
    """Return the students in a table; see `read_roster`."""
    who = [column for title in (*_IDS, *_LOGINS, *_NAMES) if (column := table.column(title)) is not None]
    if not who and table.column(*_LAST) is None:
        has = ", ".join(filter(None, table.heading))[:200]
        raise UsageError(f"{name} has no column of students; call one of its columns ID, Login or Name, not {has}")
    return [each for place in range(1, len(table.rows)) if (each := _read_row(table, place)) is not None]


def _once(everyone: Iterable[Enrolled]) -> list[Enrolled]:
    """Return a class in which a student who stands there in two sections is one."""
    found: dict[tuple[object, ...], Enrolled] = {}
    for each in everyone:
        found.setdefault((each.student, each.ids) if each.ids else (each.row,), each)
    return list(found.values())


def rows_of(students: Mapping[str, Student], table: Table, title: str) -> tuple[dict[str, int], list[str]]:
    """Find the row of each submission in a gradebook, by the same rules as `match`.

    Args:
        students: by the names of their submissions.
        table: the gradebook.
        title: its name, for a sentence.

    Returns:
        The rows by the names of submissions, without those that have no row of their own; and the students of the gradebook
        who have no submission.

    Raises:
        UsageError: no column of it tells who the students are.
    """
    everyone = students_in(table, title)
    keys, names = _Keys(everyone), titles(everyone)
    places = {name: keys.places(student, name) for name, student in students.items()}
    places |= {name: [names.index(name)] for name, found in places.items() if not found and name in names}
    count = Counter(place for found in places.values() for place in found)
    rows = {name: everyone[found[0]].row for name, found in places.items() if len(found) == 1 and count[found[0]] == 1}
    return rows, [name for place, name in enumerate(names) if not count[place]]


def titles(everyone: list[Enrolled]) -> list[str]:
    """Return the name of each student's row: the full name, with what tells two apart behind it if they have the same.

    That is the number or login, or else the line of the table.
    """
    names = [each.student.name for each in everyone]
    for key in (lambda each: each.student.key, lambda each: f"line {each.row + 1}"):
        count = Counter(names)
        names = [
            name if count[name] == 1 else f"{each.student.name}-{key(each)}"
            for name, each in zip(names, everyone, strict=True)
        ]
    return names


def of_one_class(
    known: Mapping[str, Student], everyone: list[Enrolled], folder: str, *, own_numbers: bool
) -> dict[str, str]:
    """Return the title in the roster of each graded submission; those of nobody are left out.

    Args:
        known: students by the names of their submissions.
        everyone: the roster.
        folder: where they were graded, for a sentence.
        own_numbers: True if numbers and logins in `known` come from a roster too, so that they must be the same here.

    Raises:
        UsageError: the submissions are another class's: a student has other numbers and logins here, or most of the
            students are not in the roster. Or two submissions are one student's.
    """
    keys, names = _Keys(everyone), titles(everyone)
    found: dict[str, str] = {}
    for name, student in known.items():
        places = [names.index(name)] if name in names else keys.places(student, name)
        if len(places) != 1:
            continue
        (place,) = places
        theirs = {key.casefold() for key in (student.id, student.login) if key}
        ours = {key.casefold() for key in everyone[place].ids}
        if own_numbers and theirs and ours and not theirs & ours:
            raise UsageError(
                f"{name} is {student.id or student.login} in {folder} and {everyone[place].student.key} in the roster:"
                " two classes, or two rosters; give the folders of one class with its own roster"
            )
        other = next((each for each, title in found.items() if title == names[place]), None)
        if other is not None:
            raise UsageError(
                f"{other} and {name} in {folder} are both {names[place]} of the roster; take one of the hand-ins away, or"
                " grade the class with --roster, which counts the later one"
            )
        found[name] = names[place]
    if 2 * len(found) < len(known):
        raise UsageError(
            f"{len(known) - len(found)} of {len(known)} students in {folder} are not in the roster: it is another"
            " class; give the folders of one class with its own roster"
        )
    return found


def match(intake: Intake, roster: Iterable[Enrolled]) -> Intake:
    """Return the class with the names of the roster: a row for everyone in it, then a row for each stranger.

    A hand-in of a group, by the roster's own group column or by the platform's, is credited to all its members.
    """
    everyone = list(roster)
    keys = _Keys(everyone)
    found: dict[int, list[str]] = {}
    strangers: list[str] = []
    for name, hand_in in intake.hand_ins.items():
        places = keys.places(hand_in.of(name), name)
        for place in places:
            found.setdefault(place, []).append(name)
        if not places:
            strangers.append(name)
    matched = Intake(intake.form, left_out=list(intake.left_out), remarks=intake.remarks)
    for place, (title, each) in enumerate(zip(titles(everyone), everyone, strict=True)):
        names = found.get(place, [])
        if not names:
            matched.hand_ins[title] = HandIn((each.student,), Path(title), problem=_NOTHING)
            continue
        first, *others = sorted(names, key=lambda name: intake.hand_ins[name].at, reverse=True)
        matched.hand_ins[title] = replace(intake.hand_ins[first], students=(each.student,))
        if first in intake.earlier:
            matched.earlier[title] = intake.earlier[first]
        for other in others:
            matched.left_out.append(LeftOut(other, title, f"a second hand-in of {title}, beside {first}"))
    for name in strangers:
        # A row of the roster may have the same name.
        longer = (f"{name}-{number}" for number in itertools.count(2))
        free = next(each for each in itertools.chain([name], longer) if each not in matched.hand_ins)
        matched.hand_ins[free] = intake.hand_ins[name]
        matched.earlier |= {free: intake.earlier[name]} if name in intake.earlier else {}
        several = keys.are_several(intake.hand_ins[name].of(name), name)
        reason = (
            "several in the roster have this number, login or name; call it by what only one of them has"
            if several
            else "nobody in the roster has this number, login or name"
        )
        matched.left_out.append(LeftOut(free, "", f"it is graded, and {reason}"))
    return matched


class _Keys:
    """Places in a roster by number, login and name; a key of two students finds neither."""

    def __init__(self, everyone: list[Enrolled]) -> None:
        by_id = [(key.casefold(), place) for place, each in enumerate(everyone) for key in each.ids]
        by_name = [(form, place) for place, each in enumerate(everyone) for form in _forms(each.student.name)]
        # Where a class works in groups, Moodle writes the group before the name.
        by_name += [
            (_plain(each.group) + _plain(each.student.name), place) for place, each in enumerate(everyone) if each.group
        ]
        self._by_id, self._by_name = _unique(by_id), _unique(by_name)
        self._all = {key for key, _ in by_id + by_name}
        self._by_group: dict[str, list[int]] = {}
        for place, each in enumerate(everyone):
            if each.group:
                self._by_group.setdefault(_plain(each.group), []).append(place)

    def are_several(self, student: Student, name: str) -> bool:
        """Return True if a number, login or name is somebody's: of two, if `places` finds none."""
        keys = (*student.logins, student.id, student.login, name, name.partition("@")[0])
        return any(key and key.casefold() in self._all for key in keys) or _plain(student.name or name) in self._all

    def places(self, student: Student, name: str) -> list[int]:
        """Return the places of a student, or of the members of the group of this name.

        The number that a platform gives a group's hand-in is that of the member who handed it in.
        """
        plain = _plain(student.name or name)
        if plain in self._by_group and plain not in self._by_name:
            return self._by_group[plain]
        found = {self._by_id[key.casefold()] for key in student.logins if key.casefold() in self._by_id}
        if found:
            return list(found) if len(found) == 1 else []
        for key in (student.id, student.login, name, name.partition("@")[0]):
            if key and key.casefold() in self._by_id:
                return [self._by_id[key.casefold()]]
        return [self._by_name[plain]] if plain in self._by_name else []


def _read_row(table: Table, place: int) -> Enrolled | None:
    row = table.rows[place]

    def cell(*titles: str) -> str:
        for title in titles:
            column = table.column(title)
            if column is not None and column < len(row) and row[column].strip():
                return " ".join(nfc(row[column]).split())  # a cell may hold a line break
        return ""

    ids = frozenset(
        key
        for title in (*_IDS, *_LOGINS)
        for value in [cell(title)]
        if value
        for key in (value, _number(title, value), value.removeprefix("#").partition("@")[0])
    )
    login = cell(*_LOGINS).removeprefix("#")
    name = first_last(cell(*_NAMES) or f"{cell(*_FIRST)} {cell(*_LAST)}".strip())
    number = next((_number(title, cell(title)) for title in _IDS if cell(title)), "")
    if (not name and not ids) or name in ("Points Possible", "Student, Test", "Test Student"):
        return None
    student = Student(name or login or cell(*_IDS), login, number)
    return Enrolled(student, ids, cell("Section"), cell("Group", "Group name", "Groups"), place)


def _number(title: str, text: str) -> str:
    """Return the number in a cell: of `Participant 12` in Moodle's column, of `12.0` and `#12` in any; else the text."""
    moodles = _PARTICIPANT.fullmatch(text) if title == "Identifier" else None
    found = moodles or _NUMBERED.fullmatch(text)
    return (found["number"] or found["text"]) if found else text


def _unique(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, set[int]] = {}
    for key, place in pairs:
        found.setdefault(key, set()).add(place)
    return {key: next(iter(places)) for key, places in found.items() if len(places) == 1}


def _forms(name: str) -> Iterator[str]:
    """Yield the ways in which platforms write a full name: `Jane Doe`, `doejane`."""
    words = name.split()
    yield _plain(name)
    for number in range(1, len(words)):
        yield _plain("".join((*words[number:], *words[:number])))


def _plain(name: str) -> str:
    """Return a name without capital letters, spaces and punctuation; letters keep their accents."""
    folded = unicodedata.normalize("NFC", name).casefold()
    return "".join(sign for sign in folded if sign.isalnum())
