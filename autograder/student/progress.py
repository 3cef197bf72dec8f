"""Store a student's progress in `.autograder/progress.json` of the course; in their home if they may not write there.

The file is the student's own. git ignores it, and its keys are the names of units and functions, so that it outlives every
update and merge of the course. Names that the course no longer has are kept, in case they come back.

A student who passes a unit gets a picture of what their own functions return. The file `exercises/pictures/draw_<unit>.py` of
the course has a function `draw(student)`, which calls the student's functions as a check does and returns a Pillow image and
a caption. A unit without such a file has no picture.
"""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from autograder.course.catalog import Catalog
from autograder.course.units import Function, Unit
from autograder.errors import GraderError, UsageError
from autograder.libraries import Image
from autograder.messages import tr
from autograder.results.formats.pages import gallery_page
from autograder.results.store import hold, write_atomically
from autograder.results.types import CheckResult, Outcome, Picture

SCHEMA = 1
#: Folder of this one student's files: progress, pictures.
FOLDER = ".autograder"
#: Seconds for which a process waits for another that writes the progress.
_PATIENCE = 5.0
#: Outcomes that say nothing about the function: the check was not run, or failed by itself.
_SILENT = {Outcome.NOT_RUN, Outcome.ERROR}
#: Points that are given later are written with two decimals, so a smaller difference is a rounding error.
_LEAST_POINTS = 0.01 - 1e-9


@dataclass
class FunctionProgress:
    """Progress with one function.

    Attributes:
        passed: the moment when all its checks passed, as ISO 8601 in local time; empty while it is open.
        file: sha256 of the unit's file at its last run.
        hints: how many of its hints have been read.
    """

    passed: str = ""
    file: str = ""
    hints: int = 0


@dataclass
class Progress:
    """Progress with the whole course.

    Attributes:
        units: progress with each function, by the names of unit and function.
        note: a sentence if the file on disk could not be read and was renamed.
    """

    units: dict[str, dict[str, FunctionProgress]] = field(default_factory=dict)
    note: str = ""

    def of(self, unit: str, function: str) -> FunctionProgress:
        """Return the progress with a function, to be read or changed."""
        return self.units.setdefault(unit, {}).setdefault(function, FunctionProgress())

    def open_functions(self, catalog: Catalog, unit: Unit) -> list[str]:
        """Return the functions of a unit that have checks here and have not passed, in teaching order."""
        return [name for name in checked_functions(catalog, unit) if not self.of(unit.name, name).passed]

    def next_unit(self, catalog: Catalog) -> Unit | None:
        """Return the first unit in teaching order that is not done."""
        return next((unit for unit in catalog.units.values() if self.open_functions(catalog, unit)), None)

    def points(self, unit: Unit) -> float:
        """Return the points that a unit's functions have earned by the checks that are here."""
        passed = (function for name, function in unit.functions.items() if self.of(unit.name, name).passed)
        return sum(function.points - function.later for function in passed)

    def record(self, checks: Iterable[CheckResult], file: str) -> None:
        """Record how all checks of some functions have ended.

        Args:
            checks: the checks of functions of one unit.
            file: the `fingerprint` of the unit's files.
        """
        ended: dict[tuple[str, str], set[Outcome]] = {}
        for check in checks:
            ended.setdefault((check.unit, check.function), set()).add(check.outcome)
        for (unit, function), outcomes in ended.items():
            if outcomes & _SILENT:
                continue
            standing = self.of(unit, function)
            standing.file = file
            if outcomes != {Outcome.PASSED}:
                standing.passed = ""
            elif not standing.passed:
                standing.passed = datetime.now().isoformat(timespec="seconds")


def checked_functions(catalog: Catalog, unit: Unit) -> list[str]:
    """Return the functions of a unit that have checks here, in teaching order; a students' release has no hidden checks."""
    return [
        name for name, function in unit.functions.items() if _gives_points(function) or _is_named(catalog, unit, name)
    ]


def _gives_points(function: Function) -> bool:
    return function.points - function.later > _LEAST_POINTS


def _is_named(catalog: Catalog, unit: Unit, function: str) -> bool:
    """Return True if the unit's checks name a function: it may have checks that earn no points."""
    path = catalog.checks(unit.name)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return re.search(rf"""(["']){function}\1""", text) is not None


def fingerprint(catalog: Catalog, unit: str) -> str:
    """Return the sha256 of a student's files of a unit together; empty if none can be read, as while an editor saves."""
    contents = []
    for path in map(catalog.exercise, catalog.units[unit].modules):
        with contextlib.suppress(OSError):
            contents.append(path.read_bytes())
    return hashlib.sha256(b"".join(contents)).hexdigest() if contents else ""


def read_progress(root: Path) -> Progress:
    """Read the progress in a course's folder. If the file is broken, rename it, so that it is never overwritten.

    Raises:
        GraderError: the file cannot be read now; it was left as it is.
    """
    path = _path(root)
    try:
        return Progress(_units(json.loads(path.read_text(encoding="utf-8"))))
    except (FileNotFoundError, NotADirectoryError):
        return Progress()
    except OSError as error:
        reason = error.strerror or str(error)
        raise GraderError(
            tr("{path} cannot be read now ({reason}); it was left as it is", path=path, reason=reason)
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        return Progress(note=_put_aside(path, error))


@contextlib.contextmanager
def update_progress(root: Path) -> Iterator[Progress]:
    """Yield the progress on disk, to be changed; it is written back whole or not at all.

    Another process, such as a watch beside a run of pytest, waits until it is written.

    Raises:
        GraderError: it cannot be read now, or cannot be written there.
    """
    with _alone(root):
        progress = read_progress(root)
        yield progress
        units = {
            unit: {name: vars(standing) for name, standing in functions.items() if standing != FunctionProgress()}
            for unit, functions in progress.units.items()
        }
        write_atomically(_path(root), json.dumps({"schema": SCHEMA, "units": units}, indent=1) + "\n")


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Keep other processes from the progress for as long; without a lock if there can be none, or one is held too long."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, UsageError):
            own_folder(root).mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold(own_folder(root) / ".progress", "", patience=_PATIENCE))
        yield


def own_folder(root: Path) -> Path:
    """Return the folder of this student's files: in the course, or in their home if they may not write into the course."""
    own = root / FOLDER
    if os.access(own if own.exists() else root, os.W_OK):
        return own
    return user_data_path("idealcat") / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]


def _path(root: Path) -> Path:
    return own_folder(root) / "progress.json"


def _units(document: dict[str, Any]) -> dict[str, dict[str, FunctionProgress]]:
    if document["schema"] != SCHEMA:
        raise ValueError(f"its schema is {document['schema']!r}, and this is version {SCHEMA}")
    return {
        unit: {name: _standing(values) for name, values in functions.items()}
        for unit, functions in document["units"].items()
    }


def _standing(values: dict[str, Any]) -> FunctionProgress:
    passed = values.get("passed", "")
    if passed != "":
        datetime.fromisoformat(passed)  # it raises ValueError if the text is no moment
    return FunctionProgress(passed, str(values.get("file", "")), max(int(values.get("hints", 0)), 0))


def _put_aside(path: Path, error: Exception) -> str:
    kept = path.with_name(f"progress.broken-{datetime.now():%Y%m%dT%H%M%S}.json")
    with contextlib.suppress(OSError):
        path.replace(kept)
    return tr(
        "{name} could not be read ({error}) and is now {folder}/{backup}; run your checks again to fill a new one",
        name=path.name,
        error=error,
        folder=kept.parent.name,
        backup=kept.name,
    )


#: Key of the caption in a PNG.
CAPTION = "Description"


def picture_path(root: Path, unit: str) -> Path:
    """Return the path of a student's picture of a unit."""
    return own_folder(root) / "pictures" / f"{unit}.png"


def caption_of(path: Path) -> str:
    """Return the caption of a stored picture."""
    with Image.open(path) as image:
        return str(image.info.get(CAPTION, ""))


def write_gallery(catalog: Catalog, progress: Progress, headline: str) -> tuple[Path, list[str]]:
    """Write the gallery page.

    Args:
        catalog: the course.
        progress: the student's, which says which pictures are earned.
        headline: the student's progress in words.

    Returns:
        Path of the page, and the units that are done and lack the picture that the course has for them.

    Raises:
        GraderError: the page cannot be written.
    """
    made: dict[str, tuple[str, Picture]] = {}
    for unit in catalog.units.values():
        path = picture_path(catalog.root, unit.name)
        with contextlib.suppress(OSError):  # there is none, or it is broken and to be drawn again
            made[unit.name] = tr(unit.title), Picture(path.read_bytes(), caption_of(path))
    page = own_folder(catalog.root) / "gallery.html"
    write_atomically(page, gallery_page(catalog.title, headline, list(made.values())))
    done = [unit for unit in catalog.units.values() if not progress.open_functions(catalog, unit)]
    return page, [unit.name for unit in done if unit.name not in made and catalog.picture(unit.name).is_file()]
