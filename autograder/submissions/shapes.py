"""Recognize the download of one platform by the names in it.

A shape is a function from the names in a folder or zip to a `Download`, or None if the names are not of its kind. It reads
names, and at most a small file of facts beside them; it opens no student's work. Forms of names: docs/classes.md.
"""

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from autograder.submissions.choosing import unit_of
from autograder.submissions.students import (
    NAME_LENGTH,
    Student,
    blackboard_students,
    common_prefix,
    first_last,
    gradescope_facts,
    iso_moment,
    moment_of,
    nfc,
    student_in_facts,
    timestamp,
    worded_moment,
)

Names = Sequence[PurePosixPath]
#: Give the first bytes of a file of the download.
Read = Callable[[PurePosixPath], bytes]
#: Names of the course's units, for the forms whose names of files depend on them.
Units = Collection[str]

#: Folders of the course, which may lie beside the students' folders.
COURSE_FOLDERS = {"exercises", "lessons", "skeletons", "solutions"}
BESIDE = "it lies beside the {}; if a student handed it in, put it into the student's folder"
#: What stands in place of a file for a text or a link that was typed into Canvas, which has no number of its own.
_CANVAS_ENTRY = r"(?:text|link)\.html"
_CANVAS = re.compile(
    # A late word stands before a hidden name. A group's name may hold underscores; then both numbers tell where it ends.
    rf"(?P<first>LATE_(?=anon_))?"
    rf"(?P<who>anon_[A-Za-z0-9]{{5}}|[^_/]+?|[^/]+?(?=(?:_LATE)?_\d+_(?:\d+_|{_CANVAS_ENTRY}$)))(?P<late>_LATE)?"
    rf"(?:(?<=anon_.{{5}})|(?<=anon_.{{5}}_LATE)|_(?P<id>\d+))"
    rf"_(?:(?P<attachment>\d+)_(?P<file>[^/]+)|(?P<entry>{_CANVAS_ENTRY}))"
)
_CANVAS_QUESTION = re.compile(
    r"(?P<who>[^_/]+?)(?P<id>\d+)(?P<late>_LATE)?_question_\d+_(?P<attachment>\d+)_(?P<file>[^/]+)"
)
_MOODLE = re.compile(
    r"(?P<who>[^/]+?)_(?P<id>\d+)_assign(?P<kind>submission|feedback)_[a-z]+(?:_(?P<flat>[^/]+)|_?/(?P<file>.+))"
)
_MOMENT = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d"
_BLACKBOARD = re.compile(rf"(?P<stem>[^/]+?)_attempt_(?P<at>{_MOMENT})(?:_(?P<file>[^/]+)|\.txt)")
_BRIGHTSPACE = re.compile(
    r"(?P<id>\d+)-(?P<folder>\d+) - (?P<who>[^/]+?) ?- "
    r"(?P<at>(?:[^\W\d_]+\.? \d{1,2}|\d{1,2}\.? [^\W\d_]+\.?),? \d{4},? \d{1,2}[:. ]?\d{2}"
    r"(?: ?[AaPp]\.?[Mm]\.?)?)(?:/(?P<file>.+)| - (?P<flat>[^/]+))"
)
_GRADESCOPE = re.compile(r"(?P<folder>submission_\d+)/(?P<file>.+)")
_COURSE = {"source", "release", "gradebook.db", "nbgrader_config.py"}
_SAKAI = re.compile(
    r"(?P<who>[^/]+?) ?\((?P<login>[^()/]+)\)/(?:Submission attachment\(s\)/(?P<file>.+)|[^/]+|Feedback Attachment\(s\)/.+)"
)
#: The folder of a download of Teams in which all is that was handed in.
TEAMS_FOLDER = "Submitted files"
_TEAMS = re.compile(rf"{TEAMS_FOLDER}/(?P<who>[^/]+)/(?P<task>[^/]+)/(?:Version (?P<number>\d{{1,4}})/)?(?P<file>.+)")
_VPL = re.compile(rf"(?P<who>[^/]+?) (?P<id>\d+) (?P<login>[^/ ]+)/(?P<at>{_MOMENT})(?:/(?P<file>.+)|\.ceg/.+)")
_SCHOOLOGY = re.compile(r"(?P<who>[^/]+?) - (?P<id>\d+)/Revision (?P<number>\d{1,4}) - (?P<state>[^/]+)/(?P<file>.+)")
_ILIAS = re.compile(r"(?P<who>(?P<last>[^_/]+)_(?P<first>[^_/]+)_(?P<login>[^/]+)_\d+)/(?P<at>\d{14})_(?P<file>[^/]+)")
_NBGRADER = re.compile(r"(?P<who>[^/]+)/(?P<task>[^/]+)/(?P<file>.+)")
_NBGRADER_SUBMITTED = re.compile(f"submitted/{_NBGRADER.pattern}")
#: A folder in `inbound` of nbgrader's exchange, which may end in random signs.
_EXCHANGE = re.compile(
    r"(?P<who>[^/]+?)\+(?P<task>[^/+]+)\+(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [^/+]+)(?:\+[^/]*)?/(?P<file>.+)"
)
#: Name that Canvas gives to a file that was uploaded before.
_AGAIN = re.compile(r"(?P<stem>.+?)-(?P<number>\d{1,3})(?P<ending>\.[A-Za-z0-9.]+)")


@dataclass(frozen=True)
class Attempt:
    """One hand-in of a student or a group.

    Attributes:
        students: one, or the members of a group.
        files: path in the download by path inside the submission.
        at: moment of the hand-in, ISO 8601 without a zone; empty if the platform does not tell it.
        late: True if the platform says so.
        before: what it was before each revision of it, the first one first.
        order: a number of the platform's that grows with time; 0 if it tells none.
    """

    students: tuple[Student, ...]
    files: dict[PurePosixPath, PurePosixPath] = field(default_factory=dict)
    at: str = ""
    late: bool = False
    before: tuple["Attempt", ...] = ()
    order: int = 0


@dataclass(frozen=True)
class Download:
    """A class as a platform hands it out.

    Attributes:
        platform: its name, for a sentence.
        attempts: all of them.
        strays: paths that belong to no attempt, each with the reason.
        inner: platforms of the sections, if each is a download of its own.
        renumbered: names that stand in several sections under several numbers, which the platform gives anew in each.
    """

    platform: str
    attempts: tuple[Attempt, ...]
    strays: dict[PurePosixPath, str] = field(default_factory=dict)
    inner: frozenset[str] = frozenset()
    renumbered: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundFile:
    """One file of a download, and what its name tells.

    Attributes:
        path: in the download.
        students: whose it is.
        inside: the path inside the submission; None for a file of facts, which only tells that there is an attempt.
        at: moment of the hand-in; empty if the platform does not tell it.
        attempt: what tells this attempt from the student's others where its moment cannot be read; else empty.
        number: which upload of the file it is: the one with the highest number counts.
        late: True if the platform says so.
        order: a number of the platform's that grows with time; 0 if it tells none.
    """

    path: PurePosixPath
    students: tuple[Student, ...]
    inside: PurePosixPath | None
    at: str = ""
    number: int = 0
    late: bool = False
    attempt: str = ""
    order: int = 0


def _see_canvas(names: Names, _: Read, units: Units = ()) -> Download | None:
    """Recognize a download of Canvas: flat files `<lastfirst>[_LATE]_<user id>_<submission id>_<file>[-N].<ending>`.

    The `-N` counts the uploads of one file, unless it belongs to the name of a unit. Files of a quiz are called
    `<lastfirst><user id>_question_<question>_<submission id>_<file>`. A text or a link has no submission's number, which grows
    with time in the others.
    """
    of_questions = (
        2 * sum(_CANVAS_QUESTION.fullmatch(str(path)[:NAME_LENGTH]) is not None for path in names) >= len(names) > 0
    )

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        facts = match.groupdict()
        written = facts["file"] or facts["entry"]
        again = _AGAIN.fullmatch(written)
        name, number = (f"{again['stem']}{again['ending']}", int(again["number"])) if again else (written, 0)
        if unit_of(written, units) and not unit_of(name, units):
            name, number = written, 0
        student = Student(nfc(facts["who"]), id=facts["id"] or "")
        late, order = bool(facts["late"] or facts.get("first")), int(facts["attachment"] or 0)
        return FoundFile(path, (student,), PurePosixPath(name), number=number, late=late, order=order)

    return _match_names("Canvas", names, _CANVAS_QUESTION if of_questions else _CANVAS, read_name)


def _see_moodle(names: Names, _: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of Moodle: a folder or a flat file for each.

    Its name holds `_<participant>_assignsubmission_file_`.
    """
    matches = [match for path in names if (match := _MOODLE.fullmatch(str(path)[:NAME_LENGTH]))]
    # A platform that hides names gives all the same word: `Participant_12`, or that in another language.
    words = {match["who"] for match in matches}
    hidden = len(words) == 1 and " " not in words.pop() and len({match["id"] for match in matches}) > 1

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        name = f"{match['who']} {match['id']}" if hidden or match["who"] == "Participant" else match["who"]
        # A file of feedback is the teacher's.
        inside = PurePosixPath(match["flat"] or match["file"]) if match["kind"] == "submission" else None
        return FoundFile(path, (Student(nfc(name), id=match["id"]),), inside)

    return _match_names("Moodle", names, _MOODLE, read_name)


def _see_blackboard(names: Names, read: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of Blackboard: flat files `<assignment>_<login>_attempt_<moment>[_<file>]`.

    A `.txt` of facts lies beside those of each attempt. Assignments and logins may hold underscores: the facts tell which are
    which.
    """
    matches = {path: match for path in names if (match := _BLACKBOARD.fullmatch(str(path)[:NAME_LENGTH]))}
    facts: dict[str, Student] = {}
    for path, match in matches.items():
        if match["file"] is None and (student := student_in_facts(read(path), match["stem"])):
            facts[match["stem"]] = student
    students = blackboard_students(sorted({match["stem"] for match in matches.values()}), facts)

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        inside = PurePosixPath(match["file"]) if match["file"] else None
        return FoundFile(path, (students[match["stem"]],), inside, iso_moment(*match["at"].split("-")))

    return _match_names("Blackboard", names, _BLACKBOARD, read_name)


def _see_brightspace(names: Names, _: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of Brightspace: a folder or a flat file for each attempt.

    It is called `<n>-<n> - <First Last> - <Mon D, YYYY HMM AM>`. The first number is a student's in Brightspace itself, which
    no table has: it only tells two students of one name apart, if the second one, the assignment's, is the same.
    """
    numbers, folders = brightspace_numbers(names, "id"), brightspace_numbers(names, "folder")

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        inside = PurePosixPath(match["file"] or match["flat"])
        who = nfc(match["who"])
        are_several = len(numbers[who]) > 1 and len(folders[who]) == 1
        student = Student(who, id=match["id"] if are_several else "")
        at = worded_moment(match["at"])
        return FoundFile(path, (student,), inside, at, attempt="" if at else match["at"])

    return _match_names("Brightspace", names, _BRIGHTSPACE, read_name)


def brightspace_numbers(names: Names, which: str) -> dict[str, set[str]]:
    """Return the numbers before each name in a download of Brightspace: a student's own, `id`, or the `folder`."""
    numbers: dict[str, set[str]] = {}
    for path in names:
        if match := _BRIGHTSPACE.fullmatch(str(path)[:NAME_LENGTH]):
            numbers.setdefault(nfc(match["who"]), set()).add(match[which])
    return numbers


def _see_gradescope(names: Names, read: Read, _units: Units = ()) -> Download | None:
    """Recognize an export of Gradescope: folders `submission_<id>`, and `submission_metadata.yml`.

    That file names the students of each folder. The number of a folder that it does not name is no student's.
    """
    # At the top: deeper it is some student's.
    table = next((path for path in names if path.parts == ("submission_metadata.yml",)), None)
    if table is None:
        return None
    facts = gradescope_facts(read(table))

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        students, at = facts.get(match["folder"], ((Student(match["folder"]),), ""))
        return FoundFile(path, students, PurePosixPath(match["file"]), at)

    return _match_names("Gradescope", [path for path in names if path != table], _GRADESCOPE, read_name)


def _see_sakai(names: Names, read: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of Sakai: a folder `<Last, First>(<login>)` for each.

    In it lie `Submission attachment(s)/` and files of facts.
    """

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        student = Student(first_last(nfc(match["who"])), nfc(match["login"]))
        at = timestamp(read(PurePosixPath(path.parts[0], "timestamp.txt")))
        return FoundFile(path, (student,), PurePosixPath(match["file"]) if match["file"] else None, at)

    matches = _match_names("Sakai", names, _SAKAI, read_name)
    return matches if matches is not None and any(attempt.files for attempt in matches.attempts) else None


def _see_ilias(names: Names, _: Read, units: Units = ()) -> Download | None:
    """Recognize a download of ILIAS: a folder `<Last>_<First>_<login>_<number>` for each.

    The files in it have the moment of their upload before the name; those of one minute were uploaded together.
    """
    matches = [match for path in names if (match := _ILIAS.fullmatch(str(path)[:NAME_LENGTH]))]
    latest: dict[str, str] = {}
    for match in matches:
        latest[match["who"]] = max(latest.get(match["who"], ""), timestamp(f"{match['at']}000".encode()))

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        student = Student(nfc(f"{match['first']} {match['last']}"), nfc(match["login"]))
        # The moment says no zone: it is the server's own.
        at = latest[match["who"]].partition("+")[0]
        return FoundFile(path, (student,), PurePosixPath(match["file"]), at, int(match["at"][:12]))

    return _match_names("ILIAS", names, _ILIAS, read_name, units)


def _see_teams(names: Names, _: Read, units: Units = ()) -> Download | None:
    """Recognize the files of a class in Teams: `Submitted files/<student>/<assignment>/Version <n>/...`.

    Beside them lie `Working files`, which nobody has handed in.
    """
    matches = {path: match for path in names if (match := _TEAMS.fullmatch(str(path)[:NAME_LENGTH]))}
    others = {path.parts[0] for path in names if path not in matches and len(path.parts) > 1}
    if not matches or others - {"Working files"}:
        return None
    by_task: dict[str, list[FoundFile]] = {}
    several = len({match["task"] for match in matches.values()}) > 1
    for path, match in matches.items():
        inside = PurePosixPath(match["task"] if several else "", match["file"])
        file = FoundFile(path, (Student(nfc(match["who"])),), inside, number=int(match["number"] or 0))
        by_task.setdefault(match["task"], []).append(file)
    files = [file for own in by_task.values() for file in _by_unit(own, units)]
    return make_download("Teams", names, files, "a working file, which was not handed in", revised=True)


def _see_vpl(names: Names, _: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of Moodle's VPL: a folder `<First Last> <number> <login>` for each, with a folder for each attempt.

    Beside an attempt lies a folder `.ceg` with what the server has said of it.
    """

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        student = Student(nfc(match["who"]), nfc(match["login"]), match["id"])
        inside = PurePosixPath(match["file"]) if match["file"] else None
        return FoundFile(path, (student,), inside, iso_moment(*match["at"].split("-")))

    return _match_names("VPL", names, _VPL, read_name)


def _see_schoology(names: Names, _: Read, units: Units = ()) -> Download | None:
    """Recognize a download of Schoology: `<Last, First> - <number>/Revision <n> - On Time/...`."""

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        student = Student(first_last(nfc(match["who"])), id=match["id"])
        late = "late" in match["state"].casefold()
        return FoundFile(path, (student,), PurePosixPath(match["file"]), number=int(match["number"]), late=late)

    return _match_names("Schoology", names, _SCHOOLOGY, read_name, units, revised=True)


def _see_nbgrader(names: Names, read: Read, _units: Units = ()) -> Download | None:
    """Recognize a download of nbgrader: `submitted/<student>/<assignment>/...`, and beside the files `timestamp.txt`.

    The folder `submitted` may be given itself, if half of the timestamps are there and several students have the same
    assignments; so may `inbound` of an exchange. Several assignments of a student are one hand-in: none replaces another.
    """
    exchange = _see_exchange(names)
    if exchange is not None:
        return exchange
    if any(path.parts[0] in _COURSE for path in names):  # the whole course, with the instructor's files
        names = [path for path in names if path.parts[0] == "submitted"]
    depth = 1 if any(path.parts[0] == "submitted" for path in names) else 0
    folders = {path.parts[: depth + 2] for path in names if len(path.parts) > depth + 2}
    dates = {folder: timestamp(read(PurePosixPath(*folder, "timestamp.txt"))) for folder in sorted(folders)}
    tasks = {folder[-1] for folder in folders}
    if depth == 0 and not _are_nbgraders(dates, tasks):
        return None
    moments: dict[str, str] = {}
    for folder, at in dates.items():
        moments[folder[depth]] = max(moments.get(folder[depth], ""), at, key=moment_of)

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        inside = PurePosixPath(match["task"] if len(tasks) > 1 else "", match["file"])
        return FoundFile(path, (Student(nfc(match["who"])),), inside, moments[match["who"]])

    return _match_names("nbgrader", names, _NBGRADER_SUBMITTED if depth else _NBGRADER, read_name)


def _are_nbgraders(dates: Mapping[tuple[str, ...], str], tasks: Collection[str]) -> bool:
    """Return True if half of some folders have dates, and students share assignments; sections of Sakai look like these."""
    dated = 2 * sum(map(bool, dates.values())) >= len(dates)
    return (
        dated and 2 * len(tasks) <= len(dates) and not any(_SAKAI.fullmatch(f"{task}/timestamp.txt") for task in tasks)
    )


def _see_exchange(names: Names) -> Download | None:
    """Recognize the attempts at one assignment in nbgrader's exchange: `<student>+<assignment>+<moment>[+<signs>]/...`."""
    matches = [match for path in names if (match := _EXCHANGE.fullmatch(str(path)[:NAME_LENGTH]))]
    if len({match["task"] for match in matches}) != 1:
        return None

    def read_name(path: PurePosixPath, match: re.Match[str]) -> FoundFile:
        at = timestamp(match["at"].encode())
        return FoundFile(
            path, (Student(nfc(match["who"])),), PurePosixPath(match["file"]), at, attempt="" if at else match["at"]
        )

    return _match_names("nbgrader", names, _EXCHANGE, read_name)


def _see_github(names: Names, _: Read, _units: Units = ()) -> Download | None:
    """Recognize a class of GitHub: a clone of each student's repository.

    A clone is called `<assignment>-<login>` or `<classroom>-<assignment>-<login>`. A folder named as the clones are may lack
    its `.git`; a clone called as the others begin is the assignment's own. A roster may know better where a login begins.
    """
    clones = {path.parts[0] for path in names if path.parts[1:2] == (".git",)}
    students = {name for name in clones if not all(other.startswith(f"{name}-") for other in clones - {name})} or clones
    prefix = common_prefix(sorted(students))
    folders = {path.parts[0] for path in names if len(path.parts) > 1} - (COURSE_FOLDERS - clones) - (clones - students)
    own = {name for name in folders if prefix and name.startswith(prefix)}
    if not students or not students <= own or 2 * len(students) < len(own) or 2 * len(own) <= len(folders):
        return None
    files = []
    for path in names:
        if path.parts[0] in own:
            parts = nfc(path.parts[0]).split("-")
            logins = () if prefix.endswith("--") else tuple("-".join(parts[place:]) for place in range(1, len(parts)))
            login = nfc(path.parts[0].removeprefix(prefix))
            inside = None if ".git" in path.parts else PurePosixPath(*path.parts[1:])
            files.append(FoundFile(path, (Student(login, login, logins=logins),), inside))
    shown = [path for path in names if ".git" not in path.parts]
    return make_download("GitHub", shown, files, BESIDE.format("clones"))


def _match_names(
    platform: str,
    names: Names,
    pattern: re.Pattern[str],
    read_name: Callable[[PurePosixPath, re.Match[str]], FoundFile],
    units: Units = (),
    *,
    revised: bool = False,
) -> Download | None:
    """Return the download if at least half of the names are of this pattern; with units, of each unit the newest file.

    Of several students' downloads it is enough if half of what lies at the top is: a folder beside them may hold many files.
    """
    matches = {path: pattern.fullmatch(str(path)) if len(str(path)) <= NAME_LENGTH else None for path in names}
    files = [read_name(path, match) for path, match in matches.items() if match is not None]
    tops = {file.path.parts[0] for file in files}
    several = len({student.key for file in files for student in file.students}) > 1
    half_of_tops = several and 2 * len(tops) >= len({path.parts[0] for path in names})
    if not files or (2 * len(files) < len(names) and not half_of_tops):
        return None
    return make_download(platform, names, _by_unit(files, units), revised=revised)


def _by_unit(files: Iterable[FoundFile], units: Units) -> list[FoundFile]:
    """Return the files; an older version of a unit's file, under whatever name, is an earlier upload of the newest."""
    ordered = sorted(files, key=lambda each: each.number)
    keys = [(each.students, each.inside and unit_of(each.inside.name, units)) for each in ordered]
    newest = dict(zip(keys, ordered, strict=True))
    return [
        replace(each, inside=newest[key].inside) if key[1] and each.number < newest[key].number else each
        for key, each in zip(keys, ordered, strict=True)
    ]


def make_download(
    platform: str, names: Names, files: Iterable[FoundFile], misplaced: str = "", *, revised: bool = False
) -> Download:
    """Put the files of each attempt together; of two uploads of one file the later stands.

    Args:
        platform: its name, for a sentence.
        names: the names of all files.
        files: those that belong to a student.
        misplaced: why the others belong to none; by default their names.
        revised: True if the number of a file is that of a revision of the whole attempt, in which some files may stay.
    """
    attempts: dict[tuple[tuple[str, ...], str, str], list[FoundFile]] = {}
    for file in files:
        key = (tuple(student.key for student in file.students), file.at, file.attempt)
        attempts.setdefault(key, []).append(file)
    strays: dict[PurePosixPath, str] = {}
    made = []
    for group in attempts.values():
        inside: dict[PurePosixPath, FoundFile] = {}
        states: list[Attempt] = []
        ordered = sorted(group, key=lambda each: (each.number, str(each.path)))
        for file, following in itertools.zip_longest(ordered, ordered[1:]):
            if file.inside is not None:
                replaced = inside.get(file.inside)
                if replaced is not None:
                    strays[replaced.path] = f"an earlier upload of {file.inside}"
                inside[file.inside] = file
            if following is None or (revised and inside and following.number > file.number):
                paths = {name: each.path for name, each in inside.items()}
                counting = list(inside.values()) or group
                late, order = any(each.late for each in counting), max(each.order for each in counting)
                states.append(Attempt(group[0].students, paths, group[0].at, late, order=order))
        made.append(replace(states[-1], before=tuple(states[:-1])))
    known = {file.path for group in attempts.values() for file in group}
    reason = misplaced or f"{platform} names files otherwise; if a student handed it in, name it as the others"
    strays |= {path: reason for path in names if path not in known}
    return Download(platform, tuple(made), strays)


#: In the order in which they are tried: the stricter first.
PLATFORMS: dict[str, Callable[[Names, Read, Units], Download | None]] = {
    "gradescope": _see_gradescope,
    "blackboard": _see_blackboard,
    "moodle": _see_moodle,
    "vpl": _see_vpl,
    "brightspace": _see_brightspace,
    "sakai": _see_sakai,
    "ilias": _see_ilias,
    "schoology": _see_schoology,
    "teams": _see_teams,
    "nbgrader": _see_nbgrader,
    "canvas": _see_canvas,
    "github": _see_github,
}
