"""A submission, in whatever form it came, to clean sources of the units that the catalog names.

Nothing is unpacked and nothing of the student's is executed here: bytes are read within limits, decoded, parsed. What is
not a unit of the catalog is listed and left behind. Whatever is wrong with a student's file becomes a sentence in
`Module.problem` or `Submission.problem`; the functions of this module do not raise for it.

All of this happens in the trusted process, which it can cost no more than the limits say: of an archive see `archives`, and of
source text a quarter of a megabyte, for which the parser of CPython takes seconds and megabytes, and has its own guards
against nesting.
"""

import difflib
import hashlib
import re
import stat
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from autograder.results.types import legible
from autograder.submissions.archives import Entry, UnreadableError
from autograder.submissions.entries import ARCHIVES, entries_in, head, is_archive, printable
from autograder.submissions.files import File, module_from, read_file
from autograder.submissions.intake import HandIn
from autograder.submissions.module import Module

__all__ = [
    "Module",
    "RawSubmission",
    "Submission",
    "collect_hand_in",
    "collect_submission",
    "parse_submission",
    "read_module",
    "read_submission",
    "submission_name",
]

_LISTED = 100
_NOTED = 5


@dataclass(frozen=True)
class RawSubmission:
    """What is taken of a submission, before anything of it is looked at: all that its result can depend on.

    Attributes:
        name: whose it is.
        files: by unit.
        problem: a sentence, where nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
    """

    name: str
    files: dict[str, File] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 of all of it but the name."""
        digest = hashlib.sha256()
        facts = [(unit, str(file.path), file.size, file.fault, file.data) for unit, file in sorted(self.files.items())]
        for each in (self.problem, self.notes, self.not_taken, facts):
            digest.update(repr(each).encode("utf-8", "backslashreplace") + b"\0")
        return digest.hexdigest()


@dataclass(frozen=True)
class Submission:
    """A whole submission.

    Attributes:
        name: whose it is.
        modules: what was taken, by unit.
        problem: a sentence, where nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
        digest: sha256 of what was taken.
    """

    name: str
    modules: dict[str, Module] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    digest: str = ""


def read_submission(path: Path, units: Iterable[str], graded: Collection[str] = ()) -> Submission:
    """Everything that the catalog's units find in a submission: a folder, an archive, a `.py` or an `.ipynb`.

    Args:
        path: of the submission.
        units: the names of all units.
        graded: names of functions, which a notebook may also define by an assignment.
    """
    return parse_submission(collect_submission(path, units), graded)


def collect_submission(path: Path, units: Iterable[str]) -> RawSubmission:
    """The files of a submission that belong to units of these names, and what is to be said about the others."""
    return collect_hand_in(HandIn((), path), submission_name(path), units)


def collect_hand_in(hand_in: HandIn, name: str, units: Iterable[str]) -> RawSubmission:
    """Collect one hand-in of a class under a student's name; see `collect_submission`."""
    if hand_in.problem:
        return RawSubmission(name, problem=hand_in.problem)
    names = tuple(units)
    path = hand_in.path
    of_class = hand_in.entries if hand_in.files is not None else None
    try:
        entries, refused = entries_in(path, lambda filename: _unit_of(filename, names) is not None, of_class)
    except UnreadableError as error:
        return RawSubmission(name, problem=str(error))
    chosen = _choose(entries, names)
    taken = {entry.path for entry in chosen.values()}
    rest = [printable(entry.path) for entry in entries if entry.path not in taken]
    notes = [*refused, *_strays(rest, [unit for unit in names if unit not in chosen], nothing=not chosen)]
    if not chosen and not notes:
        what = legible(path.name) if hand_in.files is None else name
        notes = [f"{what} holds no file of this course; the course has {_listing(names)}"]
    more = [f"... and {len(rest) - _LISTED} more"] if len(rest) > _LISTED else []
    files = {unit: read_file(entry) for unit, entry in chosen.items()}
    return RawSubmission(name, files, "", tuple(notes), tuple(rest[:_LISTED] + more))


def parse_submission(raw: RawSubmission, graded: Collection[str] = ()) -> Submission:
    """What was taken, as sources that can be loaded."""
    if raw.problem:
        return Submission(raw.name, problem=raw.problem)
    modules = {unit: module_from(unit, file, graded) for unit, file in raw.files.items()}
    notes = (*raw.notes, *(note for module in modules.values() for note in module.notes[:_NOTED]))
    return Submission(raw.name, modules, "", notes, raw.not_taken, _digest(modules))


def read_module(path: Path, unit: str, graded: Collection[str] = ()) -> Module:
    """One unit from a file on disk, under its own path: a student's own run."""
    try:
        status = path.stat()
    except OSError as error:
        return Module(unit, str(path)).but(f"cannot be read ({error.strerror})")
    if not stat.S_ISREG(status.st_mode):
        return Module(unit, str(path)).but("is not a file")
    entry = Entry(PurePosixPath(path.absolute().as_posix()), status.st_size, lambda limit: head(path, limit))
    return module_from(unit, read_file(entry), graded)


def _choose(entries: list[Entry], units: tuple[str, ...]) -> dict[str, Entry]:
    """For each unit the file nearest to the top; at one depth that in `exercises`, and `.py` before `.ipynb`."""
    chosen = {}
    for unit in units:
        found = [entry for entry in entries if _unit_of(entry.path.name, {unit})]
        if not found and len(entries) == 1:  # a lone file may carry its author's name too
            found = [entry for entry in entries if re.search(rf"(^|[^a-z]){unit}$", entry.path.stem)]
        if found:
            chosen[unit] = min(found, key=_rank)
    return chosen


def _rank(entry: Entry) -> tuple[object, ...]:
    inside = "exercises" not in entry.path.parts
    return len(entry.path.parts) - (not inside), inside, entry.path.suffix != ".py", str(entry.path)


def _strays(rest: list[str], missing: list[str], *, nothing: bool) -> list[str]:
    """Sentences about Python files that may be a missing unit under a wrong name."""
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


def _unit_of(filename: str, units: Iterable[str]) -> str | None:
    stem, dot, suffix = filename.rpartition(".")
    return stem if dot and suffix in ("py", "ipynb") and stem in units else None


def submission_name(path: Path) -> str:
    """Whose submission a path is: its name as it may be shown, without the ending of an archive or a file."""
    name = legible(path.resolve().name)
    for suffix in (*ARCHIVES, ".py", ".ipynb"):
        if name.lower().endswith(suffix) and not path.is_dir():
            return name[: -len(suffix)]
    return name


def _digest(modules: dict[str, Module]) -> str:
    digest = hashlib.sha256()
    for unit in sorted(modules):
        digest.update(f"{unit}\0{modules[unit].text}\0{modules[unit].problem}\0".encode("utf-8", "replace"))
    return digest.hexdigest()
