"""Read a submission, in whatever form it came, into clean sources of the units that the catalog names.

Nothing is unpacked and nothing of the student's is executed here: bytes are read within limits, decoded, parsed. Files that
are neither a unit of the catalog nor imported by one are listed and left behind. Whatever is wrong with a student's file
becomes a sentence in `Module.problem` or `Submission.problem`; these functions do not raise for it.

All of this happens in the trusted process, within limits. Those of archives stand in `archives`. A source has at most a
quarter of a megabyte: CPython's parser then needs seconds and megabytes at most, and guards itself against nesting.

Modules that a student has written beside the units are taken along if those import them: see `helpers`.
"""

import difflib
import hashlib
import re
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from autograder.course.catalog import Catalog
from autograder.course.skeletons import untouched_texts
from autograder.errors import GraderError
from autograder.results.types import legible
from autograder.submissions.archives import Entry, UnreadableError
from autograder.submissions.choosing import choose, read_unit, unit_of
from autograder.submissions.entries import entries_in, is_archive, printable
from autograder.submissions.files import File, answers_in, module_from, read_file
from autograder.submissions.hand_in import FOREIGN, FOREIGN_ARCHIVES, SOURCES, HandIn, name_of
from autograder.submissions.helpers import (
    also_on_path,
    file_entry,
    names_from_above,
    neighbours,
    take_along,
    without_other_notebooks,
    written_in,
)
from autograder.submissions.module import Module

_LISTED = 100
_NOTED = 5
#: Endings of files that may hold a unit under a wrong name.
_NOTEBOOKS = (".ipynb", ".json")
_CODE = (".py", ".pyw", ".txt", *_NOTEBOOKS)
#: Endings of archives of several files that are not read here.
_FOREIGN_FOLDERS = (".rar", ".7z", ".tar.zst", ".cab")
#: Name of the module with a student's own examples, beside the units.
EXAMPLES = "my_checks"
#: How a source imports a module whose name it puts together.
_COMPUTED_IMPORT = re.compile(rb"importlib|__import__|runpy|pkgutil|\bexec\b|(?<![.\w])eval\s*\(")


@dataclass(frozen=True)
class RawSubmission:
    """Files of a submission before any is parsed, and sentences about them: everything on which its result can depend.

    Attributes:
        name: the name of the submission.
        files: by unit.
        neighbours: Python files beside or below them that they may import, and that notebooks write, by module name.
        problem: a sentence, if nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
        reserved: names of modules that none of the neighbours may stand in for, besides libraries.
    """

    name: str
    files: dict[str, File] = field(default_factory=dict)
    neighbours: dict[str, File] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the sha256 of all of it on which a result depends: all but the name and what is reserved."""
        digest = hashlib.sha256()
        files = [(name, file) for each in (self.files, self.neighbours) for name, file in sorted(each.items())]
        facts = [(name, str(file.path), file.size, file.fault, file.data) for name, file in files]
        for each in (self.problem, self.notes, self.not_taken, facts):
            digest.update(repr(each).encode("utf-8", "backslashreplace") + b"\0")
        return digest.hexdigest()

    def digest_of(self, modules: Iterable[str]) -> str:
        """Return the sha256 of what the checks of some modules can depend on: their files, and those that they can import.

        A file can import what it names anywhere, also in a string; a file that may put names together can import every file.
        """
        files = self.neighbours | self.files
        counted: dict[str, File] = {}
        waiting = [*modules, EXAMPLES]
        while waiting:
            name = waiting.pop()
            if name in files and name not in counted:
                counted[name] = files[name]
                data = files[name].data
                everything = _COMPUTED_IMPORT.search(data) is not None
                waiting += [other for other in files.keys() - counted if everything or _names(data, other)]
        facts = [(name, file.path.name, file.size, file.fault, file.data) for name, file in sorted(counted.items())]
        return hashlib.sha256(repr((self.problem, facts)).encode("utf-8", "backslashreplace")).hexdigest()


def _names(data: bytes, module: str) -> bool:
    """Return True if a source may name a module; a notebook can spell letters beyond ASCII in several ways."""
    top = module.partition(".")[0]
    return not top.isascii() or top.encode() in data


@dataclass(frozen=True)
class Submission:
    """A whole submission.

    Attributes:
        name: the name of the submission.
        modules: what was taken, by unit.
        helpers: modules of the student's own that those import, by name.
        problem: a sentence, if nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
        digest: sha256 of what was taken.
        answers: to questions that people grade, by name.
        examples: the student's own, of `my_checks.py`; None if there are none.
    """

    name: str
    modules: dict[str, Module] = field(default_factory=dict)
    helpers: dict[str, Module] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    digest: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    examples: Module | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return what is to be said about it before any of it runs."""
        return (self.problem, *self.notes) if self.problem else self.notes

    @property
    def sources(self) -> dict[str, Module]:
        """Return every module that the student's code can import, by name."""
        return self.helpers | self.modules


def refuse_course_inside(path: Path, catalog: Catalog) -> None:
    """Refuse a submission that holds the course: its checks would be the student's own, run in this process.

    Raises:
        GraderError: the course lies inside the submission.
    """
    root = catalog.root.resolve()
    if path.resolve() in (root, *root.parents):
        raise GraderError(f"the course lies inside the submission {path}; run this in the folder of your own course")


def read_for(catalog: Catalog, hand_in: HandIn, name: str = "") -> Submission:
    """Return everything that the units of a course find in what was handed in."""
    return parse_submission(collect_for(catalog, hand_in, name), catalog.functions, catalog.questions)


def collect_for(catalog: Catalog, hand_in: HandIn, name: str = "") -> RawSubmission:
    """Return the files that belong to the units of a course, under the student's name if it is given."""
    return collect_hand_in(hand_in, name, catalog.modules, untouched_texts(catalog), catalog.preload)


def collect_hand_in(
    hand_in: HandIn,
    given_name: str,
    units: Iterable[str],
    untouched: Mapping[str, str] | None = None,
    reserved: Collection[str] = (),
) -> RawSubmission:
    """Return the files of a hand-in that belong to some units, and sentences about others.

    Args:
        hand_in: a submission of its own, or the files in a class's folder or zip that are one.
        given_name: the given name of the student; by default the name of the path.
        units: the names of all units.
        untouched: text that a unit's file begins as, by unit.
        reserved: names of modules that no file of the submission may stand in for, besides libraries and units.
    """
    path, names = hand_in.path, tuple(units)
    name = given_name or name_of(path.resolve())
    if hand_in.problem:
        return RawSubmission(name, problem=hand_in.problem)
    try:
        entries, refused = entries_of_hand_in(hand_in, names)
    except UnreadableError as error:
        return RawSubmission(name, problem=str(error))
    chosen, left = choose(entries, names, untouched or {})
    taken = {entry.path for entry in chosen.values()}
    others = [entry for entry in entries if entry.path not in taken]
    rest = [printable(entry.path) for entry in others]
    strays = [printable(entry.path) for entry in others if unit_of(entry.path.name, names) is None]
    missing = [unit for unit in names if unit not in chosen]
    notes = [*refused, *left, *_notes_on_strays(strays, missing, nothing=not chosen)]
    if not chosen and not notes:
        what = legible(path.name) if hand_in.files is None else name
        notes = [f"{what} holds no file of this course; the course has {_listing(names)}"]
    more = [f"... and {len(rest) - _LISTED} more"] if len(rest) > _LISTED else []
    files = {unit: read_unit(entry) for unit, entry in chosen.items()}
    beside = _neighbours_of(files, {path.parent for path in taken}, others, names, reserved)
    return RawSubmission(name, files, beside, "", tuple(notes), tuple(rest[:_LISTED] + more), tuple(reserved))


def _neighbours_of(
    files: Mapping[str, File],
    folders: Collection[PurePosixPath],
    others: Collection[Entry],
    units: Collection[str],
    reserved: Collection[str],
) -> dict[str, File]:
    """Return the Python files that units can import, from the folders in which they lie and from cells that write files.

    Args:
        files: the files of the units.
        folders: in which they lie.
        others: the files of the submission that are no units.
        units: the names of all units.
        reserved: names of modules of the course.
    """
    # In a copy of the course files with reserved names are the course's own; right beside a unit they are the student's.
    own = [entry for entry in others if entry.path.stem in reserved and entry.path.parent in folders]
    beside = {name: file for file in files.values() for name in names_from_above(file.path.parent, file.path)}
    others = list(without_other_notebooks(others, [file.data for file in files.values()]))
    beside |= neighbours(others, folders, {*units, *reserved}) | neighbours(own, folders, units)
    return also_on_path(beside, files.values()) | written_in(files.values(), units)


def entries_of_hand_in(hand_in: HandIn, units: Collection[str]) -> tuple[list[Entry], list[str]]:
    """Return the files of a hand-in, and sentences about those that were refused; archives in it are opened.

    Raises:
        UnreadableError: it cannot be opened.
    """
    if not hand_in.parts:
        of_class = hand_in.entries if hand_in.files is not None else None
        return entries_in(hand_in.path, lambda filename: unit_of(filename, units) is not None, of_class)
    entries: list[Entry] = []
    refused: list[str] = []
    for folder, part in hand_in.parts.items():
        try:
            found, said = ([], [part.problem]) if part.problem else entries_of_hand_in(part, units)
        except UnreadableError as error:  # what was handed in for another assignment counts
            found, said = [], [str(error)]
        entries += [replace(entry, path=PurePosixPath(folder) / entry.path) for entry in found]
        refused += said
    return entries, refused


def parse_submission(raw: RawSubmission, graded: Collection[str] = (), questions: Collection[str] = ()) -> Submission:
    """Return what was taken, as sources that can be loaded.

    Args:
        raw: the files.
        graded: names of functions, which a notebook may also define by an assignment.
        questions: names of those that people grade.
    """
    if raw.problem:
        return Submission(raw.name, problem=raw.problem)
    modules = {unit: module_from(unit, file, graded) for unit, file in raw.files.items()}
    helpers, said = take_along(modules.values(), raw.neighbours, raw.reserved)
    notes = (*raw.notes, *said, *(note for module in modules.values() for note in module.notes[:_NOTED]))
    examples = raw.neighbours.get(EXAMPLES)
    along = {printable(raw.neighbours[name].path) for name in helpers | ({EXAMPLES: None} if examples else {})}
    not_taken = tuple(path for path in raw.not_taken if path not in along)
    return Submission(
        raw.name,
        modules,
        helpers,
        "",
        notes,
        not_taken,
        _digest(modules | helpers),
        answers_in(raw.files.values(), questions),
        module_from(EXAMPLES, examples) if examples is not None else None,
    )


def read_module(path: Path, unit: str, graded: Collection[str] = ()) -> Module:
    """Return one unit from a file on disk, under its own path: a student's own run."""
    try:
        status = path.stat()
    except OSError as error:
        return Module(unit, str(path)).with_problem(f"cannot be read ({error.strerror})")
    if not stat.S_ISREG(status.st_mode):
        return Module(unit, str(path)).with_problem("is not a file")
    return module_from(unit, read_file(file_entry(path, status.st_size)), graded)


def _notes_on_strays(rest: list[str], missing: list[str], *, nothing: bool) -> list[str]:
    """Return sentences about archives that were not opened, and Python files that may be a missing unit under a wrong name."""
    # Beside a unit, a file that is compressed alone, such as `labels.gz`, is data.
    foreign = FOREIGN_ARCHIVES if nothing else _FOREIGN_FOLDERS
    notes = [FOREIGN.format(path) for path in rest if missing and path.lower().endswith(foreign)][:5]
    unopened = [path for path in rest if missing and is_archive(path)]
    notes += [f"{path} was not opened; hand in the files themselves" for path in unopened[:5]]
    code = [PurePosixPath(path) for path in rest if path.lower().endswith(_CODE)]
    near = {path: difflib.get_close_matches(path.stem.lower(), missing, n=1, cutoff=0.7) for path in code}
    for path in [path for path in code if near[path] or (nothing and path.suffix in SOURCES)][:5]:
        if near[path]:
            suffix = ".ipynb" if path.suffix.lower() in _NOTEBOOKS else ".py"
            notes.append(f"{path} is not a file of this course; rename it to {near[path][0]}{suffix}")
        else:
            notes.append(f"{path} is not a file of this course; the course has {_listing(missing)}")
    return notes


def _listing(units: Sequence[str]) -> str:
    more = f" and {len(units) - 3} more" if len(units) > 3 else ""
    return ", ".join(f"{unit}.py" for unit in units[:3]) + more


def _digest(modules: dict[str, Module]) -> str:
    digest = hashlib.sha256()
    for unit in sorted(modules):
        digest.update(f"{unit}\0{modules[unit].text}\0{modules[unit].problem}\0".encode("utf-8", "replace"))
    return digest.hexdigest()
