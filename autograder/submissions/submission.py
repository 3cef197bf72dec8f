"""Read a submission, in whatever form it came, into clean sources of the units that the catalog names.

Nothing is unpacked and nothing of the student's is executed here: bytes are read within limits, decoded, parsed. Files that
are neither a unit of the catalog nor imported by one are listed and left behind. Whatever is wrong with a student's file
becomes a sentence in `Module.problem` or `Submission.problem`; these functions do not raise for it.

All of this happens in the trusted process, which it can cost no more than the limits say: for archives see `archives`; of
source text a quarter of a megabyte, for which the parser of CPython takes seconds and megabytes, and has its own guards
against nesting.

Modules that a student has written beside the units are taken along if those import them. They are for the worker alone. None
may stand in for a library, for a part of the course or for the engine, because what a check or a library imports there must be
the real one.
"""

import ast
import difflib
import hashlib
import stat
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path, PurePath, PurePosixPath

from autograder.course.catalog import Catalog
from autograder.course.skeletons import untouched_texts
from autograder.errors import GraderError
from autograder.results.types import legible
from autograder.submissions.answers import answers_in
from autograder.submissions.archives import Entry, UnreadableError
from autograder.submissions.choosing import choose, unit_of
from autograder.submissions.entries import entries_in, is_archive, printable
from autograder.submissions.files import File, module_from, read_file
from autograder.submissions.intake import HandIn, name_of
from autograder.submissions.module import Module, parse_quietly

_RESERVED = {"autograder", "conftest", "data", "exercises", "solutions", "tests"}


def take_along(modules: Iterable[Module], neighbours: Mapping[str, File]) -> tuple[dict[str, Module], list[str]]:
    """Return the neighbours that modules import, directly or by way of others, and sentences about them.

    Args:
        modules: the units.
        neighbours: files beside them, by module name.
    """
    taken: dict[str, Module] = {}
    refused: list[str] = []
    waiting = [name for module in modules for name in _imported_names(module.text)]
    while waiting:
        name = waiting.pop(0)
        if name not in neighbours or name in taken or name in refused:
            continue
        if _stands_for_another(name):
            refused.append(name)
            continue
        file = neighbours[name]
        empty = not file.data.strip() and not file.fault and not file.size
        taken[name] = Module(name, file.path.name) if empty else module_from(name, file)
        waiting += _imported_names(taken[name].text)
    notes = [f"taken along: {', '.join(f'{name}.py' for name in sorted(taken))}"] if taken else []
    notes += [f"{name}.py was left: `import {name}` means another module here; rename it" for name in sorted(refused)]
    return taken, notes + [module.problem for module in taken.values() if module.problem]


def _stands_for_another(name: str) -> bool:
    """Return True for the name of a module that the grader's environment has."""
    installed = [path for path in sys.path if PurePath(path).name in ("site-packages", "dist-packages")]
    return name in _RESERVED or name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None


def _imported_names(text: str) -> list[str]:
    """Return the names of the modules that a source imports, anywhere in it; of `a.b` and `exercises.a` both parts."""
    try:
        nodes = list(ast.walk(parse_quietly(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names += [node.module] if node.module else [alias.name for alias in node.names]
    return [part for name in names for part in name.split(".")[:2]]


_LISTED = 100
_NOTED = 5
#: Name of the module with a student's own examples, beside the units.
EXAMPLES = "my_checks"
#: So many files beside the units are read, in case that they are imported.
_NEIGHBOURS = 20


@dataclass(frozen=True)
class RawSubmission:
    """Files of a submission before any of them is parsed: all that its result can depend on.

    Attributes:
        name: of the submission.
        files: by unit.
        neighbours: Python files beside them that they may import, by module name.
        problem: a sentence, if nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
    """

    name: str
    files: dict[str, File] = field(default_factory=dict)
    neighbours: dict[str, File] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the sha256 of all of it but the name."""
        digest = hashlib.sha256()
        files = [(name, file) for each in (self.files, self.neighbours) for name, file in sorted(each.items())]
        facts = [(name, str(file.path), file.size, file.fault, file.data) for name, file in files]
        for each in (self.problem, self.notes, self.not_taken, facts):
            digest.update(repr(each).encode("utf-8", "backslashreplace") + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True)
class Submission:
    """A whole submission.

    Attributes:
        name: of the submission.
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


def read_submission(path: Path, units: Iterable[str], graded: Collection[str] = ()) -> Submission:
    """Return everything that these units find in a submission.

    Args:
        path: of the submission.
        units: the names of all units.
        graded: names of functions, which a notebook may also define by an assignment.
    """
    return parse_submission(collect_submission(path, units), graded)


def collect_submission(
    path: Path, units: Iterable[str], untouched: Mapping[str, str] | None = None, reserved: Collection[str] = ()
) -> RawSubmission:
    """Return the files of a submission that belong to some units; see `collect_hand_in`."""
    return collect_hand_in(HandIn.alone(path), "", units, untouched, reserved)


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
        given_name: of the student; by default the name of the path.
        units: the names of all units.
        untouched: text that a unit's file begins as, by unit.
        reserved: names of modules that no file of the submission may stand in for, besides libraries and units.
    """
    path, names = hand_in.path, tuple(units)
    name = given_name or name_of(path.resolve())
    if hand_in.problem:
        return RawSubmission(name, problem=hand_in.problem)
    of_class = hand_in.entries if hand_in.files is not None else None
    try:
        entries, refused = entries_in(path, lambda filename: unit_of(filename, names) is not None, of_class)
    except UnreadableError as error:
        return RawSubmission(name, problem=str(error))
    chosen, left = choose(entries, names, untouched or {})
    taken = {entry.path for entry in chosen.values()}
    others = [entry for entry in entries if entry.path not in taken]
    rest = [printable(entry.path) for entry in others]
    strays = [printable(entry.path) for entry in others if unit_of(entry.path.name, names) is None]
    missing = [unit for unit in names if unit not in chosen]
    notes = [*refused, *left, *_strays(strays, missing, nothing=not chosen)]
    if not chosen and not notes:
        what = legible(path.name) if hand_in.files is None else name
        notes = [f"{what} holds no file of this course; the course has {_listing(names)}"]
    more = [f"... and {len(rest) - _LISTED} more"] if len(rest) > _LISTED else []
    files = {unit: read_file(entry) for unit, entry in chosen.items()}
    neighbours = _neighbours(others, {path.parent for path in taken}, {*names, *reserved})
    return RawSubmission(name, files, neighbours, "", tuple(notes), tuple(rest[:_LISTED] + more))


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
    helpers, said = take_along(modules.values(), raw.neighbours)
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


def _neighbours(
    entries: Iterable[Entry], folders: Collection[PurePosixPath], units: Collection[str]
) -> dict[str, File]:
    """Return the Python files in these folders by module name; units are none of them."""
    found = (entry for entry in entries if entry.path.suffix == ".py" and entry.path.parent in folders)
    own = [entry for entry in found if entry.path.stem.isidentifier() and entry.path.stem not in units]
    return {entry.path.stem: read_file(entry) for entry in own[:_NEIGHBOURS]}


def read_module(path: Path, unit: str, graded: Collection[str] = ()) -> Module:
    """Return one unit from a file on disk, under its own path: a student's own run."""
    try:
        status = path.stat()
    except OSError as error:
        return Module(unit, str(path)).but(f"cannot be read ({error.strerror})")
    if not stat.S_ISREG(status.st_mode):
        return Module(unit, str(path)).but("is not a file")
    return module_from(unit, _file_at(path, status.st_size), graded)


def read_helpers(folder: Path, modules: Mapping[str, Module]) -> dict[str, Module]:
    """Return the modules in a student's own folder that the units there import, by name."""
    names = [path for path in sorted(folder.glob("*.py")) if path.stem.isidentifier() and path.stem not in modules]
    files = {path.stem: _file_at(path, path.stat().st_size) for path in names[:_NEIGHBOURS] if path.is_file()}
    return take_along(modules.values(), files)[0]


def _file_at(path: Path, size: int) -> File:
    def head(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit)

    return read_file(Entry(PurePosixPath(path.absolute().as_posix()), size, head))


def _strays(rest: list[str], missing: list[str], *, nothing: bool) -> list[str]:
    """Return sentences about Python files that may be a missing unit under a wrong name."""
    notes = [f"{path} was not opened; hand in the files themselves" for path in rest if is_archive(path) and nothing][
        :5
    ]
    for path in [path for path in rest if path.endswith((".py", ".ipynb"))][:5]:
        name = PurePosixPath(path)
        near = difflib.get_close_matches(name.stem, missing, n=1, cutoff=0.7)
        if near:
            notes.append(f"{path} is not a file of this course; rename it to {near[0]}{name.suffix}")
        elif nothing:
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
