"""Take in a class with the rules that decide its marks, and find both again when it is regraded.

`class.toml` counts in the folder of the results and beside the submissions. It never counts in a folder that a student has
handed in: a student could write rules there.
"""

import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from autograder.course.catalog import Catalog, course_here
from autograder.errors import UsageError
from autograder.grading.spec import GradingSpec, course_secret
from autograder.results.class_file import FILENAME, find_rules, first_class_file, read_policy
from autograder.results.foreign_tables import FILLERS, Table
from autograder.results.mark import Numbers
from autograder.results.policy import Policy, TermRule
from autograder.results.store import GRADED, broken_grading, read_grading, write_atomically
from autograder.results.types import SubmissionResult, first_and_more, legible
from autograder.submissions import Submission, read_for
from autograder.submissions.class_zip import archive_paths
from autograder.submissions.contents import folder_paths, holds_results
from autograder.submissions.hand_in import HandIn, Intake
from autograder.submissions.intake import take_in
from autograder.submissions.matching import match
from autograder.submissions.roster import read_roster


@dataclass(frozen=True)
class Source:
    """Source of submissions: paths, or an assignment in a course of nbgrader's."""

    paths: tuple[str, ...] = ()
    nbgrader: str = ""
    assignment: str = ""
    form: str = ""
    roster: str = ""

    def absolute(self) -> "Source":
        """Return the same source with paths that mean the same from any folder."""
        paths = tuple(str(Path(path).resolve()) for path in self.paths)
        nbgrader, roster = (path and str(Path(path).resolve()) for path in (self.nbgrader, self.roster))
        return replace(self, paths=paths, nbgrader=nbgrader, roster=roster)

    def take_in(self, catalog: Catalog) -> Intake:
        """Return what was handed in, under the names of the roster if there is one.

        Raises:
            UsageError: a path, the roster or the assignment cannot be read.
        """
        if self.assignment:
            raise ValueError("an assignment of nbgrader's is taken in by its gradebook")
        intake = take_in(self._submissions(), tuple(catalog.modules), self.form)
        return match(intake, read_roster(Path(self.roster))) if self.roster else intake

    def _submissions(self) -> list[Path]:
        """Return the paths of submissions: without `class.toml`, which `CLASS/*` names too."""
        paths = [Path(path) for path in self.paths]
        return [path for path in paths if path.name != FILENAME] or paths


@dataclass(frozen=True)
class Class:
    """A class that has been taken in.

    Attributes:
        intake: the hand-ins.
        rules: what `class.toml` decides; None without one.
        folders: where `class.toml` counts besides the folder of the results.
        numbers: whose numbers the students have.
        remarks: sentences on each `class.toml` that is not read, and on one that is read in an inner folder.
    """

    intake: Intake
    rules: Policy | None = None
    folders: tuple[Path, ...] = ()
    numbers: Numbers = Numbers.OTHER
    remarks: tuple[str, ...] = ()

    @property
    def names_with_attempts(self) -> frozenset[str]:
        """Return the names of the students whose attempts are all graded."""
        return frozenset(self.intake.earlier) if self.rules is not None and self.rules.best else frozenset()

    @property
    def moments(self) -> dict[str, str]:
        """Return the moment of each hand-in, by name."""
        return {name: hand_in.at for name, hand_in in self.intake.hand_ins.items()}


def take_in_class(source: Source, catalog: Catalog, out: Path) -> Class:
    """Take in a class that is graded into a folder.

    Raises:
        UsageError: a path, the roster or `class.toml` cannot be read.
    """
    intake = source.take_in(catalog)
    paths = [Path(path).resolve() for path in source.paths]
    folders = _rule_folders(paths, intake)
    remarks = tuple(_rules_remarks(paths, [out.resolve(), *folders]))
    return Class(intake, find_rules([out, *folders]), folders, _numbers(source, intake), remarks)


def _numbers(source: Source, intake: Intake) -> Numbers:
    """Return whose numbers the students have: those of the roster, or of a platform's download without one."""
    if source.roster:
        return roster_numbers(Path(source.roster))
    return Numbers.CANVAS if intake.platforms == {"Canvas"} else Numbers.OTHER


def roster_numbers(path: Path) -> Numbers:
    """Return whose numbers a roster has: Canvas's own if it is a gradebook of Canvas's.

    Raises:
        UsageError: it cannot be read.
    """
    table = Table.read(path)
    of_canvas = table.column("SIS User ID", "SIS Login ID") is not None or any(
        row[0].strip() == FILLERS["canvas"].maximum_row for row in table.rows
    )
    return Numbers.CANVAS if of_canvas and table.column("ID") is not None else Numbers.ROSTER


def _rule_folders(paths: Iterable[Path], intake: Intake) -> tuple[Path, ...]:
    """Return the folders beside the submissions: the folders that were given, and the folder that holds all the work."""
    hand_ins = [each for each in intake.hand_ins.values() if each.path.is_absolute()]
    alone = {each.path for each in hand_ins if each.files is None}
    given = [path.parent if path in alone or not path.is_dir() else path for path in paths]
    places = {frozenset(_files_of(each)) for each in hand_ins}
    if len(places) > 1:  # the folder of one hand-in is the student's own
        common = Path(os.path.commonpath([file.parent for files in places for file in files]))
        given += [common] if any(folder in (common, *common.parents) for folder in given) else []
    return tuple(dict.fromkeys(given))


def _files_of(hand_in: HandIn) -> list[Path]:
    """Return where a hand-in lies: its folder, archive or file, or its files in a download."""
    return [hand_in.path / file for file in (hand_in.files or {}).values()] or [hand_in.path]


def _rules_remarks(paths: list[Path], folders: list[Path]) -> Iterator[str]:
    """Yield a sentence on the `class.toml` that counts, if it lies where few would look, and on those that do not count."""
    counts = first_class_file(folders)
    _, *given = folders
    if counts is not None and counts.parent not in folders[:2]:
        yield f"the rules are those of {counts}"
    others = [path for path in _class_files(paths, folders) if path != counts]
    if not others or not given:
        return
    advice = f"{counts} counts" if counts is not None else f"put it into {given[0]}, beside the submissions"
    yield f"not read: {first_and_more([legible(str(path)) for path in others])}; {advice}"


def _class_files(paths: Iterable[Path], folders: Iterable[Path]) -> list[Path]:
    """Return each `class.toml` beside, below and in some paths, without one that decides a term alone."""
    beside = [path.parent / FILENAME for path in paths if path.is_dir() and _decides_marks(path.parent / FILENAME)]
    below = [path / inner for path in paths for inner in _paths_inside(path) if inner.name == FILENAME]
    own = [folder / FILENAME for folder in folders if (folder / FILENAME).is_file()]
    return list(dict.fromkeys(path for path in [*own, *beside, *below] if not holds_results(path.parent)))


def _paths_inside(path: Path) -> Iterable[PurePosixPath]:
    return folder_paths(path) if path.is_dir() else archive_paths(path)


def _decides_marks(path: Path) -> bool:
    """Return True if a `class.toml` decides more than how a term is summed up, or cannot be read."""
    try:
        return path.is_file() and replace(read_policy(path), term=TermRule()) != Policy()
    except UsageError:
        return True


def save_source(out: Path, source: Source, spec: GradingSpec, taken: Class) -> None:
    """Keep what `regrade` and `report` need: what was graded and how, where `class.toml` counts, and whose numbers there are.

    The secret and the course are not kept: they are read anew.
    """
    kept = {
        **asdict(source.absolute()),
        **{"units": spec.units, "seed": spec.seed, "device": spec.device, "require": spec.require},
        **{"rules": list(map(str, taken.folders)), "numbers": taken.numbers},
    }
    write_atomically(out / GRADED, json.dumps(kept, indent=1) + "\n")


def load_source(out: Path) -> tuple[Source, GradingSpec]:
    """Return what was graded into a folder, and by what.

    Raises:
        UsageError: no class was graded into it, or what is kept of it cannot be read.
    """
    if not holds_class(out):
        raise UsageError(f"{out} holds no graded class; grade one with -o {out} first")
    kept: dict[str, Any] = read_grading(out)
    try:
        source = Source(*(tuple(kept["paths"]), *(kept[name] for name in ("nbgrader", "assignment", "form", "roster"))))
        units, require = tuple(kept["units"]), tuple(kept["require"])
        seed, device = kept["seed"], kept["device"]
    except KeyError as error:
        raise broken_grading(out, f"it has no {error}") from error
    except TypeError as error:
        raise broken_grading(out, str(error)) from error
    return source, GradingSpec(course_here(), course_secret(), units, seed=seed, device=device, require=require)


def holds_class(out: Path) -> bool:
    """Return True if a class was graded into a folder."""
    return (out / GRADED).exists()


def holds_other_class(out: Path, source: Source) -> bool:
    """Return True if a folder holds the results of a class that was graded from other paths."""
    return holds_class(out) and load_source(out)[0].paths != source.absolute().paths


class GradedWork:
    """Hand-ins under some paths, to find the one that a result was made from.

    A roster gives students other names, and any of several attempts may be the best, so the content decides.
    """

    def __init__(self, paths: Iterable[Path], catalog: Catalog) -> None:
        """Take in what lies there.

        Raises:
            UsageError: a path does not exist.
        """
        self._intake = take_in(paths, tuple(catalog.modules))
        self._catalog = catalog

    def find(self, result: SubmissionResult) -> Submission | None:
        """Return the submission that a result was made from; None if it does not lie under the paths."""
        digest = result.hashes.get("submission", "")
        hand_in = self._intake.hand_ins.get(result.name)
        if hand_in is not None and (submission := read_for(self._catalog, hand_in, result.name)).digest == digest:
            return submission
        hand_in = self._by_digest.get(digest)
        return None if hand_in is None else read_for(self._catalog, hand_in, result.name)

    @functools.cached_property
    def _by_digest(self) -> dict[str, HandIn]:
        everyone = [*self._intake.hand_ins.values(), *itertools.chain.from_iterable(self._intake.earlier.values())]
        return {read_for(self._catalog, hand_in).digest: hand_in for hand_in in everyone}
