"""Join folders of several assignments that one class has handed in: a student's hand-ins count together.

Without that, a hand-in of one assignment would stand for an earlier attempt of another.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autograder.submissions.archives import UnreadableError
from autograder.submissions.choosing import bears, unit_of
from autograder.submissions.hand_in import ASSIGNMENTS, HandIn, Intake
from autograder.submissions.students import Student
from autograder.submissions.submission import entries_of_hand_in


def join_assignments(path: Path, parts: Mapping[str, Intake], units: Collection[str]) -> Intake | None:
    """Return one class made of the folders of its assignments; None if they are sections, or the work of one student each.

    They are assignments if the same students have handed in other units in each folder.

    Args:
        path: folder or zip that holds all.
        parts: what is in each folder of it, by the folder's name.
        units: names of the course's units.
    """
    rows: dict[str, dict[str, str]] = {}
    for folder, part in parts.items():
        for name, key in _keys(part).items():
            rows.setdefault(key, {})[folder] = name
    in_several = [each for each in rows.values() if len(each) > 1]
    fewest = min((len(part.hand_ins) for part in parts.values()), default=0)
    if not in_several or (not _have_numbers(parts) and 2 * len(in_several) < fewest):
        return None
    other_units = sum(
        _hold_other_units([parts[folder].hand_ins[name] for folder, name in each.items()], units) for each in in_several
    )
    if 2 * other_units <= len(in_several):
        return None
    whole = Intake(ASSIGNMENTS)
    for key, each in rows.items():
        _add(whole, path, {folder: parts[folder] for folder in each}, each, key)
    for folder, part in parts.items():
        whole.platforms |= part.platforms
        whole.remarks += part.remarks
        above = f"{folder}/" if path.is_dir() else ""
        whole.left_out += [replace(left, path=above + left.path) for left in part.left_out]
    return whole


def _add(whole: Intake, path: Path, parts: Mapping[str, Intake], names: Mapping[str, str], key: str) -> None:
    """Add a student's row: the last attempts at all assignments, and before it each earlier attempt at one of them."""
    last = {folder: part.hand_ins[names[folder]] for folder, part in parts.items()}
    first = next(iter(names))
    student, shown = last[first].student_named(names[first]), names[first]
    if _is_moodles(parts[first]) and key == student.name:
        shown = shown.removesuffix(f"-{student.id}")
    row = shown if shown not in whole.hand_ins else f"{shown}-{key}"
    whole.hand_ins[row] = HandIn.join(student, path, last)
    earlier = [
        HandIn.join(student, path, last | {folder: attempt})
        for folder, part in parts.items()
        for attempt in part.earlier.get(names[folder], [])
    ]
    if earlier:
        whole.earlier[row] = earlier


def _keys(part: Intake) -> dict[str, str]:
    """Return the key by which each student is known in all folders, by the name of the row.

    The key in a download of Moodle, which numbers participants anew in each assignment, is a name that no other student has.
    """
    students: dict[str, Student] = {name: hand_in.student_named(name) for name, hand_in in part.hand_ins.items()}
    namesakes = Counter(student.name for student in students.values())
    by_name = _is_moodles(part)
    return {
        name: student.name if by_name and namesakes[student.name] == 1 else student.key
        for name, student in students.items()
    }


def _have_numbers(parts: Mapping[str, Intake]) -> bool:
    """Return True if all students have numbers or logins, which are the same in all folders."""
    return all(
        student.id or student.login
        for part in parts.values()
        for hand_in in part.hand_ins.values()
        for student in hand_in.students
    ) and not any(map(_is_moodles, parts.values()))


def _is_moodles(part: Intake) -> bool:
    return part.is_download_of("Moodle")


def _hold_other_units(hand_ins: Collection[HandIn], units: Collection[str]) -> bool:
    """Return True if some units are found, and none of them in two of the hand-ins."""
    found = [_units_of(hand_in, units) for hand_in in hand_ins]
    together = set().union(*found)
    return bool(together) and sum(map(len, found)) == len(together)


def _units_of(hand_in: HandIn, units: Collection[str]) -> set[str]:
    try:
        entries, _ = entries_of_hand_in(hand_in, units)
    except UnreadableError:
        return set()
    return units_named([entry.path.name for entry in entries], units)


def units_named(filenames: Iterable[str], units: Collection[str]) -> set[str]:
    """Return the units that some file names mean or bear."""
    names = set(filenames)
    meant = {unit for name in names if (unit := unit_of(name, units)) is not None}
    return meant | {unit for unit in units for name in names if bears(name, unit)}
