"""Tell the instructor which hand-ins of a class may have been misunderstood."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from autograder.results.types import first_and_more, legible
from autograder.submissions.authors import is_students_own, without_version
from autograder.submissions.choosing import bears, unit_of
from autograder.submissions.class_zip import archive_paths, archives_inside
from autograder.submissions.contents import folder_paths
from autograder.submissions.downloads import VERSIONS, WORK_FOLDERS
from autograder.submissions.hand_in import ONE_SUBMISSION, SOURCES, HandIn, Intake, entries_of


def remarks(intake: Intake, units: frozenset[str]) -> Iterator[str]:
    """Yield a sentence for the instructor if names were read wrong, or one hand-in may be the work of several students."""
    yield from _misread_names(intake)
    if intake.is_download:
        return
    versions = [(name, base) for name in intake.hand_ins if (base := without_version(name, intake.hand_ins))]
    if versions:
        more = f" (and {len(versions) - 1} more such)" if len(versions) > 1 else ""
        yield f"{versions[0][0]} may be another version of {versions[0][1]}'s work{more}; take away what does not count"
    found = ((name, _crowded_unit(hand_in_paths(hand_in), units)) for name, hand_in in intake.hand_ins.items())
    crowded = [(name, *several) for name, several in found if several is not None]
    if crowded:
        name, unit, count = crowded[0]
        more = f", and the like in {len(crowded) - 1} more" if len(crowded) > 1 else ""
        students = "if these are students, say `--from folders` or `--from sections`"
        yield f"{count} files named {unit} in {name}{more}; {students}"
    elif intake.form == ONE_SUBMISSION:
        ((name, hand_in),) = intake.hand_ins.items()
        scripts = [path for path in hand_in_paths(hand_in) if path.suffix.lower() in SOURCES]
        if len(scripts) > 1 and not any(unit_of(path.name, units) or _bears_any(path.name, units) for path in scripts):
            advice = f"if these are students, name them such as jane_{min(units)}.py"
            yield f"{len(scripts)} files in {name}, and none is named as a unit; {advice}"
        elif beside := _unit_of_several(scripts, units):
            unit, count = beside
            yield (
                f"{count} files side by side in {name} bear the name of {unit}, and are graded as one student's;"
                f" if these are students, name them such as jane_{unit}.py"
            )


def _misread_names(intake: Intake) -> Iterator[str]:
    """Yield a sentence for each zip of a class whose names may be read wrong."""
    paths = dict.fromkeys(each.path for each in intake.hand_ins.values() if each.files is not None)
    for path in paths:
        if path.is_file() and any(entry.misread for entry in entries_of(path).values()):
            yield (
                f"{legible(path.name)} does not tell the code page of its names, and letters with accents or of other"
                " scripts may be read wrong; unpack it where it was packed and grade the folder"
            )


def repeated(names: Sequence[str]) -> str:
    """Return the sentence on students who stand in several sections, with a row for each."""
    return (
        "in several of these folders or archives, with a row for each unless a roster says that they are one:"
        f" {first_and_more(names)}; take away the hand-ins that do not count, or give --roster"
    )


def _bears_any(filename: str, units: frozenset[str]) -> bool:
    """Return True if a file's name bears the name of a unit."""
    return any(bears(filename, unit) for unit in units)


def _unit_of_several(scripts: Iterable[PurePosixPath], units: frozenset[str]) -> tuple[str, int] | None:
    """Return a unit whose name several files of one folder bear, and the files' number; None without one.

    Files that name another's version, or a student's own, are not counted.
    """
    bearing = Counter(
        (unit, path.parent)
        for path in scripts
        for unit in units
        if bears(path.name, unit) and not unit_of(path.name, units) and not is_students_own(path.name)
    )
    return next(((unit, count) for (unit, _), count in sorted(bearing.items()) if count > 1), None)


def _crowded_unit(paths: Iterable[PurePosixPath], units: frozenset[str]) -> tuple[str, int] | None:
    """Return a unit whose files lie in several folders that may be students', and the folders' number; None without one."""
    places: dict[str, set[PurePosixPath]] = {}
    for path in paths:
        above = path.parts[:-1]
        common = not WORK_FOLDERS.isdisjoint(above) or any(part.startswith((".", "__")) for part in above)
        if above and not common and not any(map(VERSIONS.fullmatch, above)) and (unit := unit_of(path.name, units)):
            places.setdefault(unit, set()).add(path.parent)
    return next(((unit, len(each)) for unit, each in places.items() if len(each) > 1), None)


def hand_in_paths(hand_in: HandIn) -> Collection[PurePosixPath]:
    """Return the paths of the files in a hand-in; nothing if its archive cannot be opened."""
    if hand_in.files is not None:
        archives = archives_inside(hand_in.path, hand_in.files.values())
        return archive_paths(archives[0]) if archives and len(hand_in.files) == 1 else hand_in.files
    return list(folder_paths(hand_in.path)) if hand_in.path.is_dir() else archive_paths(hand_in.path)
