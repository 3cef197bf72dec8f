"""Draw the picture of a unit in a trusted process, from plain values that a worker returned."""

import io
import math
import runpy
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from autograder.checks.plugin.runs import HOME_SEED, StudentRun
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import Transport
from autograder.course.catalog import Catalog
from autograder.errors import AutograderError, CheckError, StudentFault
from autograder.libraries import Image, PngImagePlugin
from autograder.messages import tr
from autograder.results.store import write_atomically
from autograder.results.types import Picture, SubmissionResult
from autograder.student.progress import CAPTION, picture_path
from autograder.submissions import Module, Submission

#: Times the limit for a call of a check that a call for a picture may take.
_PATIENCE = 6
_SEED = 0


def reward(catalog: Catalog, unit: str, modules: dict[str, Module], worker: Transport) -> Picture | None:
    """Return the picture of a unit.

    Args:
        catalog: the course.
        unit: one that passes; for any other the picture may be empty or fail.
        modules: the submission's, by unit.
        worker: in which the student's functions are called.

    Returns:
        The picture, whose PNG holds the caption too, or None if the course has none for this unit.

    Raises:
        StudentFault: a function did not return the values that the picture needs.
        CheckError: the drawing itself failed.
    """
    path = catalog.picture(unit)
    if not path.is_file():
        return None
    seconds = _PATIENCE * catalog.units[unit].seconds
    student = StudentModule(ModuleUnderTest(modules[unit], modules, seconds, data=catalog.data(unit)), worker, _SEED)
    try:
        image, caption = runpy.run_path(str(path))["draw"](student)
        return Picture(_png(image, caption), caption)
    except StudentFault:
        raise
    except Exception as error:  # the drawing may raise anything on values that it does not expect
        raise CheckError(
            tr(
                "the picture of {unit} could not be drawn ({name}: {error})",
                unit=unit,
                name=type(error).__name__,
                error=error,
            )
        ) from error


def keep_picture(catalog: Catalog, unit: str, modules: dict[str, Module], worker: Transport) -> Path | None:
    """Draw the picture of a unit into the student's own folder. Return its path; None if the course has no picture for it.

    Raises:
        StudentFault, CheckError: the picture cannot be drawn; see `reward`.
        GraderError: the file cannot be written.
    """
    drawn = reward(catalog, unit, modules, worker)
    if drawn is None:
        return None
    path = picture_path(catalog.root, unit)
    write_atomically(path, drawn.png)
    return path


def _png(image: Image.Image, caption: str) -> bytes:
    file, facts = io.BytesIO(), PngImagePlugin.PngInfo()
    facts.add_itxt(CAPTION, caption)
    image.save(file, "PNG", optimize=True, pnginfo=facts)
    return file.getvalue()


#: Opens a fresh worker.
OpenWorker = Callable[[], AbstractContextManager[Transport]]

#: A page embeds its pictures; a larger one is left out.
_MAX_BYTES = 500_000


def pictures_of(
    result: SubmissionResult, submission: Submission, catalog: Catalog, open_worker: OpenWorker
) -> dict[str, Picture]:
    """Return the pictures of the units that a submission has passed, by unit.

    Args:
        result: the result of the submission.
        submission: what was graded.
        catalog: the catalog of the course.
        open_worker: opens the worker in which its functions are called.
    """
    pictures = {}
    for unit in _passed_units(result, catalog):
        try:
            with open_worker() as worker:
                drawn = reward(catalog, unit, submission.sources, worker)
        except (StudentFault, CheckError):
            continue  # drawing may need more than the checks do, and a picture earns no points
        if drawn is not None and len(drawn.png) <= _MAX_BYTES:
            pictures[unit] = drawn
    return pictures


def _passed_units(result: SubmissionResult, catalog: Catalog) -> list[str]:
    def open_points(unit: str) -> float:
        return math.fsum(check.max_points - check.points for check in result.checks if check.unit == unit)

    names = dict.fromkeys(check.unit for check in result.checks)
    return [unit for unit in names if unit in catalog.units and not open_points(unit)]


def draw(catalog: Catalog, unit: str) -> str:
    """Draw the picture of a unit. Return a sentence if it cannot be drawn, else an empty string."""
    run = StudentRun(catalog, HOME_SEED, "cpu")
    try:
        with run.worker() as worker:
            keep_picture(catalog, unit, run.modules(catalog.exercise(unit)), worker)
    except (AutograderError, OSError) as error:
        said = error.sentence if isinstance(error, StudentFault) else error
        return tr("{unit} has no picture: {error}", unit=unit, error=said)
    return ""
