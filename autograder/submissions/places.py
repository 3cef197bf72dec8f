"""List the folders, archives and files in the folder or archive of a class."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath

from autograder.submissions.authors import authors_beside
from autograder.submissions.class_zip import archive_paths, archives_inside, list_archive_places
from autograder.submissions.contents import children_of, is_container, is_relevant, left_beside
from autograder.submissions.downloads import WORK_FOLDERS, is_junk
from autograder.submissions.entries import is_archive
from autograder.submissions.hand_in import LeftOut, name_of
from autograder.submissions.shapes import COURSE_FOLDERS
from autograder.submissions.students import nfc

#: A folder or archive, or a folder in the archive that is taken.
Place = Path | PurePosixPath


def split_containers(path: Path) -> tuple[list[Path], Sequence[PurePath]]:
    """Return what may hold a class: folders and archives in a folder, archives in an archive; and what lies beside them."""
    if not path.is_dir():
        names = [name for name in archive_paths(path) if not is_junk(name)]
        archives = archives_inside(path, names)
        return archives, [name for name in names if path / name not in archives]
    children = [child for child in children_of(path) if is_relevant(child)]
    inside = [child for child in children if is_container(child)]
    if len(inside) > 1:
        inside = [child for child in inside if child.name not in WORK_FOLDERS]
    return inside, [child for child in children if child not in inside]


def list_places(path: Path) -> tuple[Mapping[str, Place], Sequence[PurePath]]:
    """Return the folders and archives in a folder or archive, by name, without common folders, and what lies beside them."""
    if not path.is_dir():
        return list_archive_places(path)
    children = list_children(path)
    readable = (child for child in children if child.is_dir() or is_archive(child.name))
    inside = [child for child in readable if is_container(child) and child.name not in WORK_FOLDERS]
    count = Counter(map(name_of, inside))
    named = {name_of(child) if count[name_of(child)] == 1 else child.name: child for child in inside}
    return named, [child for child in children if child not in inside]


def list_children(folder: Path) -> list[Path]:
    """Return what may count in a folder, in order."""
    return sorted(filter(is_relevant, children_of(folder)), key=lambda each: nfc(each.name))


def list_class_folders(path: Path, units: frozenset[str]) -> tuple[Mapping[str, Place], list[LeftOut]]:
    """Return the folders and archives that may hold a class each, by name, and what lies beside them.

    There are none if an archive of another kind lies beside: it may be a student's.
    """
    inside, beside = list_places(path)
    if any(is_archive(each.name) for each in beside):
        return {}, []
    return inside, [left_beside(each, units) for each in beside]


def is_packed(place: Place) -> bool:
    """Return True for an archive; a folder in an archive has no path on the disk."""
    return isinstance(place, Path) and not place.is_dir()


def list_beside(given: Path, folder: Path, units: frozenset[str]) -> Iterator[LeftOut]:
    """Yield what lies beside the folder of the students, and beside each folder above it, up to the given one."""
    for inner in (folder, *folder.parents):
        if given in inner.parents:
            for child in children_of(inner.parent):
                if child != inner and is_relevant(child):
                    yield left_beside(child, units)


def course_folders(children: Collection[Path], units: frozenset[str]) -> set[Path]:
    """Return the folders that are the course's own, as far as the work of several students lies beside them."""
    others = [child for child in children if child.name not in COURSE_FOLDERS]
    authors = {who for who, _ in authors_beside(others, units).values()}
    several = len(authors) + sum(map(is_container, others)) > 1
    return {child for child in children if several and child.is_dir() and child.name in COURSE_FOLDERS}
