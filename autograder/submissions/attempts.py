"""Take a platform's download: the last attempt of each student or group is the hand-in, and earlier ones are kept."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

from autograder.results.types import first_and_more, legible
from autograder.submissions.archives import NO_FILE, Entry, UnreadableError
from autograder.submissions.commits import commit_date
from autograder.submissions.contents import TOP, children_of, clone_marks, holds_results, is_packed_copy
from autograder.submissions.downloads import below, recognize
from autograder.submissions.hand_in import DOWNLOAD_OF, SECTIONS, HandIn, Intake, LeftOut, entries_of, free_name
from autograder.submissions.remarks import repeated
from autograder.submissions.shapes import Attempt, Download
from autograder.submissions.students import Student, moment_of, nfc

_UNDATED = "another hand-in of the same student; the platform tells no moments, so which is later is not known"
_NUMBERED = "an earlier hand-in of the same student, by the platform's number of the upload"
#: Bytes that are read of a platform's own file of facts.
_FACTS_BYTES = 50 * 2**20


def take_download(path: Path, units: frozenset[str], form: str = "", top: PurePosixPath = TOP) -> Intake | None:
    """Take a platform's download in a folder or zip, or in the folder `top` of it; None if no platform is recognized."""
    try:
        held = entries_of(path)
    except UnreadableError:
        return None  # one submission, whose result says why
    children = children_of(path) if path.is_dir() else ()
    beside = {child.name for child in children if holds_results(child) or is_packed_copy(child)}
    names = [name for name in (*held, *clone_marks(path)) if name.parts[:1] and name.parts[0] not in beside]
    names = [name.relative_to(top) for name in names if top in name.parents]
    download = recognize(names, lambda name: _read_facts(held.get(top / name)), form, units)
    if download is None:
        return None
    download = below(top, download)
    of_sections = download.platform == "sections"
    intake = Intake(SECTIONS if of_sections else DOWNLOAD_OF + download.platform)
    intake.platforms = download.inner if of_sections else frozenset({download.platform})
    by_student: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in download.attempts:
        by_student.setdefault(tuple(student.key for student in attempt.students), []).append(attempt)
    everyone = {student.key: student for attempt in download.attempts for student in attempt.students}
    namesakes = Counter(legible(student.name) for student in everyone.values())
    undated = []
    for attempts in by_student.values():
        if _is_order_unknown(attempts):
            undated.append(legible(attempts[0].students[0].name))
        *before, last = (_make_hand_in(path, attempt, intake.platforms) for attempt in _revisions(attempts))
        for student in last.students:
            shown = legible(student.name)
            told_apart = f"{shown}-{student.id or student.login}" if namesakes[shown] > 1 else shown
            name = free_name(told_apart, last, intake.hand_ins)
            intake.hand_ins[name] = last
            if before:
                intake.earlier[name] = before
        told = {*download.strays, *(last.files or {}).values()}
        why = _NUMBERED if all(attempt.order for attempt in attempts) else _UNDATED
        intake.left_out += [left for earlier in before for left in _left_earlier(earlier, last.students[0], told, why)]
    reasons = download.strays | {path: NO_FILE for path in download.strays if path in held and held[path].refusal}
    intake.left_out += (LeftOut(legible(str(stray)), "", reason) for stray, reason in reasons.items())
    intake.remarks += [*_unknown_order(undated), *_renumbered(download)]
    return intake


def _unknown_order(names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence if it is not known which of a student's hand-ins is the latest."""
    if names:
        yield (
            "of several hand-ins of a student, of which it is not known which is later, the last by the name of its folder"
            f" counts: {first_and_more(names)}; take away those that do not count"
        )


def _renumbered(download: Download) -> Iterator[str]:
    """Yield a sentence if a name stands in several sections under several numbers: for one student, or for several."""
    names = [legible(name) for name in download.renumbered]
    if names and "Brightspace" in download.inner:
        yield (
            f"in several sections under other numbers of Brightspace, and taken for one student by the name:"
            f" {first_and_more(names)}; if these are several students, grade each section by itself"
        )
    elif names:
        yield repeated(names)


def _is_order_unknown(attempts: Sequence[Attempt]) -> bool:
    """Return True if neither moments nor the platform's numbers tell which attempt of a student is the last."""
    *before, last = _in_order(attempts)
    if not before:
        return False
    dated = before[-1].at and last.at and moment_of(before[-1].at) != moment_of(last.at)
    return not dated and before[-1].order in (0, last.order)


def _in_order(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Return a student's attempts from the first to the last, without those that have no file unless all lack one."""

    def age(attempt: Attempt) -> tuple[object, ...]:
        return moment_of(attempt.at), attempt.order, nfc(str(next(iter(attempt.files.values()), "")))

    in_order = sorted(attempts, key=age)
    return [attempt for attempt in in_order if attempt.files] or in_order[-1:]


def _revisions(attempts: Sequence[Attempt]) -> Iterator[Attempt]:
    """Yield a student's attempts from the first to the last, each after what it was before its revisions."""
    for attempt in _in_order(attempts):
        yield from attempt.before
        yield attempt


def _left_earlier(earlier: HandIn, student: Student, told: Collection[PurePosixPath], undated: str) -> list[LeftOut]:
    """Return the files of an earlier attempt, which do not count, without those that count or are told of already.

    Args:
        earlier: the attempt.
        student: whose it is.
        told: files that count or are told of.
        undated: the reason if the attempt has no moment.
    """
    reason = f"an earlier attempt, of {earlier.at}" if earlier.at else undated
    return [
        LeftOut(legible(str(each)), student.name, reason) for each in (earlier.files or {}).values() if each not in told
    ]


def _read_facts(entry: Entry | None) -> bytes:
    """Read a file in which a platform tells facts; return nothing if it cannot be read."""
    try:
        return entry.read(_FACTS_BYTES) if entry is not None else b""
    except Exception:  # whatever a broken container makes the libraries say
        return b""


def _make_hand_in(path: Path, attempt: Attempt, platforms: Collection[str]) -> HandIn:
    """Make a hand-in of a platform's attempt; on GitHub, its moment is that of the commit."""
    at = attempt.at or (_commit_date(path, attempt) if "GitHub" in platforms else "")
    return HandIn(attempt.students, path, attempt.files, at, attempt.late)


def _commit_date(path: Path, attempt: Attempt) -> str:
    """Return the date of the commit that is checked out if an attempt's files lie in a clone; else nothing."""
    first = next(iter(attempt.files.values()), None)
    folders = [path / folder for folder in first.parents] if first is not None and path.is_dir() else []
    clone = next((folder for folder in folders if (folder / ".git").is_dir()), None)
    return "" if clone is None else commit_date(clone)
