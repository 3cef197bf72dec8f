"""Students and moments as platforms write them: in the names of files, and in small files of facts beside the hand-ins.

Nothing here opens a student's work. Whatever a platform writes otherwise than expected is left empty and stops nothing.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from autograder.results.types import read_moment

#: No platform gives longer names, and an archive may hold some of 64 KB.
NAME_LENGTH = 1000
_MOST_BYTES = 2 * 2**20
#: Signs that only steer the direction of writing, or mark the start of a text.
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
#: Beginnings of the names of months, in the languages of the platforms and of this course. None of them means two months.
_MONTHS = (
    *("jan ene gen oca sau ion јан", "feb fév fev şub vas peb chw феб", "mar mär mrz mrt mac kov maw мар"),
    *("apr avr abr nis bal ebr апр", "may mai mei mag maj geg maí мај", "jun juin giu haz bir hun meh јун"),
    *("jul juil lug tem lie hul gor јул", "aug aoû ago ağu avg rugp ogo aws авг", "sep set eyl rugs med сеп"),
    *("oct okt out ott eki spa hyd окт", "nov kas lap nob tac нов", "dec déc dez dic des ara gru dis rha дец"),
)


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
        """Return what tells this student from the others of the download."""
        return self.id or self.login.casefold() or self.name


def nfc(text: str) -> str:
    """Return a name without unseen marks in Unicode's normal form C: platforms and file systems write umlauts in several."""
    return unicodedata.normalize("NFC", text).translate(_UNSEEN).strip()


def first_last(name: str) -> str:
    """Return `Jane Doe` for `Doe, Jane`."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name


def iso_moment(year: str, month: str, day: str, hour: str = "0", minute: str = "0", second: str = "0") -> str:
    """Return a moment as ISO 8601; empty if there is no such day or hour."""
    try:
        return datetime(*map(int, (year, month, day, hour, minute, second))).isoformat()  # type: ignore[arg-type]
    except ValueError:
        return ""


def worded_moment(text: str) -> str:
    """Return the moment in `Nov 3, 2026 1159 PM` or `3. November 2026 2359` as ISO 8601; empty if it cannot be told."""
    found = re.fullmatch(r"\D*(\d{1,2})\D+(\d{4})\D+(\d{1,2})\D?(\d{2})\s*([AaPp]?)\D*", text)
    words = re.findall(r"[^\W\d_]+", nfc(text).casefold())
    month = next(
        (str(n) for n, names in enumerate(_MONTHS, 1) if words and words[0].startswith(tuple(names.split()))), "0"
    )
    if found is None:
        return ""
    day, year, hour, minute, half = found.groups()
    if half:
        hour = str(int(hour) % 12 + 12 * (half in "Pp"))
    return iso_moment(year, month, day, hour, minute)


def timestamp(text: bytes) -> str:
    """Return the moment in a `timestamp.txt` as ISO 8601; empty if it is none.

    nbgrader writes `2026-11-20 10:00:00.1 Europe/Vilnius`, or `EET` or `+03` in place of the zone; Sakai `20261120100000123`,
    or ISO 8601, both in UTC.
    """
    words = text[:NAME_LENGTH].decode("utf-8", "replace").strip()
    moment, _, zone = words.rpartition(" ")
    try:
        if re.fullmatch(r"\d{17}", words):
            return datetime.strptime(words[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).isoformat()
        if re.fullmatch(r"[A-Za-z][\w+/-]+", zone):
            return _in_named_zone(datetime.fromisoformat(moment), zone)
        return datetime.fromisoformat(f"{moment}{zone}" if zone[:1] in ("+", "-", "Z") else words).isoformat()
    except (ValueError, OSError):
        return ""


def _in_named_zone(moment: datetime, zone: str) -> str:
    """Return the moment in a zone or in one of its abbreviations; empty if zones of this abbreviation disagree."""
    try:
        return moment.replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ZoneInfoNotFoundError:
        offsets = {each.utcoffset(moment) for each in _zones() if each.tzname(moment) == zone}
        offset = next(iter(offsets), None)
        return moment.replace(tzinfo=timezone(offset)).isoformat() if offset is not None and len(offsets) == 1 else ""


@functools.cache
def _zones() -> tuple[ZoneInfo, ...]:
    return tuple(map(ZoneInfo, sorted(available_timezones())))


def moment_of(text: str) -> datetime:
    """Return a moment to compare with others, in UTC if it names no zone; the first of all times for an empty text."""
    moment = read_moment(text) if text else datetime.min
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def gradescope_facts(text: bytes) -> dict[str, tuple[tuple[Student, ...], str]]:
    """Return students and moment by folder, from `submission_metadata.yml`; a broken entry is left out.

    The keys are Ruby's symbols. Only plain data is loaded, and only who and when: the results of every attempt, which stand
    beside these, may have any size.
    """
    import yaml

    found = {}
    for folder, lines in _submissions_in(text.decode("utf-8", "replace")):
        try:
            facts = yaml.load("\n".join(lines), Loader=yaml.BaseLoader) or {}  # plain strings only
            told = [
                [_text(each.get(key)) for key in (":name", ":email", ":sid")] for each in facts.get(":submitters") or ()
            ]
            students = tuple(Student(nfc(name or email or sid) or folder, email, sid) for name, email, sid in told)
            found[folder] = (students or (Student(folder),), _moment(_text(facts.get(":created_at"))))
        except (yaml.YAMLError, AttributeError, TypeError):
            continue
    return found


def _text(value: object) -> str:
    """Return the value of a key that holds a text; nothing for one that holds a list or a table, or that is missing."""
    return value if isinstance(value, str) else ""


def _moment(text: str) -> str:
    """Return a text that is a moment; nothing for any other."""
    try:
        read_moment(text)
    except ValueError:
        return ""
    return text


def _submissions_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each submission's folder with the lines of its table that say who and when."""
    folder, wanted = "", False
    lines: list[str] = []
    for line in text.splitlines():
        if line[:1].strip():
            if folder:
                yield folder, lines
            folder, lines, wanted = (line.rstrip(" :") if line.startswith("submission_") else ""), [], False
        elif line[2:3] == ":" and not line[:2].strip():
            wanted = line.startswith(("  :submitters:", "  :created_at:"))
        if wanted:
            lines.append(line)
    if folder:
        yield folder, lines


def student_in_facts(text: bytes, stem: str) -> Student | None:
    """Return the student in Blackboard's file of facts, `Name: First Last (login)`; None if it does not tell the login."""
    lines = text[:_MOST_BYTES].decode("utf-8-sig", "replace").splitlines()
    name = next((line.removeprefix("Name:").strip() for line in lines if line.startswith("Name:")), "")
    full, _, login = name.removesuffix(")").rpartition("(")
    known = name.endswith(")") and login and nfc(stem).casefold().endswith(f"_{nfc(login)}".casefold())
    if not name or len(name) > NAME_LENGTH:
        return None
    return Student(nfc(full) or nfc(login), nfc(login)) if known else None


def blackboard_students(stems: Sequence[str], facts: Mapping[str, Student]) -> dict[str, Student]:
    """Return the student of each `<assignment>_<login>`.

    A download is of one assignment, so that facts of one student tell where the logins of all begin. Without facts they begin
    where the stems differ, unless the roster knows better.
    """
    assignments = {nfc(stem)[: -len(student.login)] for stem, student in facts.items()}
    start = assignments.pop() if len(assignments) == 1 else common_prefix_at("_", stems)
    students = dict(facts)
    for stem in stems:
        if stem not in facts:
            whole = nfc(stem)
            login = whole.removeprefix(start) if start and whole.startswith(start) else whole.rpartition("_")[2]
            parts = whole.split("_")
            logins = () if start and facts else tuple("_".join(parts[place:]) for place in range(1, len(parts)))
            students[stem] = Student(login, login, logins=logins)
    return students


def common_prefix(names: Sequence[str]) -> str:
    """Return what all names begin with, up to the last hyphen of it, or up to two hyphens, which no login has.

    A single name has no such beginning, unless there are two hyphens in it.
    """
    beginnings = {name.rpartition("--")[0] for name in names}
    if len(beginnings) == 1 and "" not in beginnings:
        return f"{beginnings.pop()}--"
    return common_prefix_at("-", names)


def common_prefix_at(sign: str, names: Sequence[str]) -> str:
    """Return what all names begin with, up to the last such sign of it; nothing for a single name."""
    if len(names) < 2:
        return ""
    shortest, longest = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(shortest, longest, strict=False)) if a != b), len(shortest))
    return shortest[: shortest.rfind(sign, 0, length) + 1]
