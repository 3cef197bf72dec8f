"""Read who is in the class: a table of students, or the gradebook that a platform exports."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import UsageError
from autograder.results.foreign_tables import Table
from autograder.results.types import first_and_more
from autograder.submissions.students import Student, first_last, nfc

_IDS = ("ID", "Identifier", "OrgDefinedId", "Student ID", "ID number", "Student number", "SID", "SIS User ID")
_LOGINS = (
    *("SIS Login ID", "Login", "Login ID", "Username", "User name", "Email address", "Email", "E-mail"),
    *("GitHub username", "GitHub"),  # last, as it is the login of no other platform
)
_NAMES = ("Student", "Full name", "Name", "Student name")
_FIRST = ("First Name", "Given name", "Forename")
_LAST = ("Last Name", "Surname", "Family name")
#: What stands in place of a student in a row that sums a column up.
_SUMMARY = re.compile(r"(?:(?:grand|overall|class) )?(?:totals?|sum|average|mean|median|count)[:\s\d]*", re.IGNORECASE)
#: Number behind Brightspace's `#`, and in the `12.0` that a spreadsheet makes of 12.
_NUMBERED = re.compile(r"#?(?P<number>\d+)(?:\.0)?|#(?P<text>.+)")
#: What a spreadsheet makes of a long number: the last digits are lost.
_ROUNDED = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
#: Number behind the word that Moodle has for a participant in the language of the export, with or without a space.
_PARTICIPANT = re.compile(r"\D+(?P<number>\d+)")


@dataclass(frozen=True)
class Enrolled:
    """One student of the class.

    Attributes:
        student: name, logins and number.
        ids: every number and login of the row, by which a hand-in may name the student.
        section: empty if the table has none.
        groups: the text of the cell, and each group if there are several in it; none without such a column.
        row: place in the table.
        rounded: a number that a spreadsheet has rounded, which counts as none; empty if there is none.
        participant: the number that Moodle has for the student where it hides names; empty if the table has none.
    """

    student: Student
    ids: frozenset[str]
    section: str = ""
    groups: tuple[str, ...] = ()
    row: int = 0
    rounded: str = ""
    participant: str = ""


def read_roster(path: Path) -> list[Enrolled]:
    """Read a table of students: any of the columns of Canvas, Moodle, Brightspace and Blackboard, or one's own.

    A student in two sections is one student.

    Raises:
        UsageError: it cannot be read, or no column tells who the students are.
    """
    return _merge_sections(students_in(Table.read(path), str(path)))


def students_in(table: Table, name: str) -> list[Enrolled]:
    """Return the students in a table; see `read_roster`."""
    who = [column for title in (*_IDS, *_LOGINS, *_NAMES) if (column := table.column(title)) is not None]
    if not who and table.column(*_LAST) is None:
        has = ", ".join(filter(None, table.heading))[:200]
        raise UsageError(f"{name} has no column of students; call one of its columns ID, Login or Name, not {has}")
    table.refuse_shifted(name)
    return [each for place in range(1, len(table.rows)) if (each := _read_row(table, place)) is not None]


def _merge_sections(everyone: list[Enrolled]) -> list[Enrolled]:
    """Return a class without the further rows of students who are in several sections; their groups are kept."""
    found: dict[tuple[object, ...], Enrolled] = {}
    for each in everyone:
        key = (each.student, each.ids) if each.ids else (each.row,)
        first = found.setdefault(key, each)
        found[key] = replace(first, groups=tuple(dict.fromkeys((*first.groups, *each.groups))))
    return list(found.values())


def rounded_numbers(everyone: Iterable[Enrolled], where: str) -> list[str]:
    """Return a sentence if a spreadsheet has rounded numbers of students, so that several may have the same."""
    rounded = [each for each in everyone if each.rounded]
    if not rounded:
        return []
    names = first_and_more([each.student.name for each in rounded])
    return [
        f"a spreadsheet has rounded the number of {names} in {where} to {rounded[0].rounded}, and these count"
        " as none; export the table again, and save it in no spreadsheet"
    ]


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


def _read_row(table: Table, place: int) -> Enrolled | None:
    row = table.rows[place]

    def cell(*titles: str) -> str:
        for title in titles:
            column = table.column(title)
            # Brightspace writes a sign alone for a student who has no number.
            if column is not None and column < len(row) and any(map(str.isalnum, row[column])):
                return " ".join(nfc(row[column]).split())  # a cell may hold a line break
        return ""

    if _is_no_student(table, row):
        return None
    rounded = next((cell(title) for title in _IDS if _ROUNDED.fullmatch(cell(title))), "")
    numbered = [title for title in _IDS if cell(title) and not _ROUNDED.fullmatch(cell(title))]
    ids = frozenset(
        key
        for title in (*numbered, *_LOGINS)
        for value in [cell(title)]
        if value
        for key in (value, _number(title, value), _without_sign(value).partition("@")[0])
    )
    login = _without_sign(cell(*_LOGINS))
    name = _full_name(cell(*_NAMES), cell(*_FIRST), cell(*_LAST))
    number = next((_number(title, cell(title)) for title in numbered), "")
    if (not name and not ids) or name in ("Points Possible", "Student, Test", "Test Student"):
        return None
    student = Student(name or login or cell(*_IDS), login, number)
    groups = _groups(cell("Group", "Group name", "Groups"))
    participant = _number("Identifier", cell("Identifier"))
    return Enrolled(student, ids, cell("Section"), groups, place, rounded, participant)


def _is_no_student(table: Table, row: list[str]) -> bool:
    """Return True if a row repeats the headings of the columns that tell who a student is, or holds a total there."""
    columns = {
        column for title in (*_IDS, *_LOGINS, *_NAMES, *_FIRST, *_LAST) if (column := table.column(title)) is not None
    }
    cells = {column: row[column].strip() for column in columns if column < len(row) and row[column].strip()}
    repeats = all(text.casefold() == table.heading[column].casefold() for column, text in cells.items())
    return bool(cells) and (repeats or all(map(_SUMMARY.fullmatch, cells.values())))


def _without_sign(login: str) -> str:
    """Return a login without the sign that Brightspace (`#jane`) or people (`@jane`) write before it."""
    return login.lstrip("#@")


def _full_name(name: str, first: str, last: str) -> str:
    """Return the full name of a row; beside one of the columns for its halves, `Name` is the other half."""
    name, words = first_last(name), set(name.casefold().replace(",", " ").split())
    if not name or (first and last):
        return name or f"{first} {last}".strip()
    given, family = ("" if words & set(half.casefold().split()) else half for half in (first, last))
    return f"{given} {name} {family}".strip()


def _groups(cell: str) -> tuple[str, ...]:
    """Return the groups in a cell: Moodle writes all of a student's into one, and a group's name may hold a comma."""
    parts = (part.strip() for part in re.split("[,;]", cell))
    return tuple(dict.fromkeys(filter(None, (cell, *parts))))


def _number(title: str, text: str) -> str:
    """Return the number in a cell: of `Participant 12` in Moodle's column, of `12.0` and `#12` in any; else the text."""
    moodles = _PARTICIPANT.fullmatch(text) if title == "Identifier" else None
    found = moodles or _NUMBERED.fullmatch(text)
    return (found["number"] or found["text"]) if found else text
