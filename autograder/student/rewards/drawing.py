"""Makes the picture of a unit, in a trusted process, of plain values that came back from a worker."""

import io
import os
import runpy
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from autograder.checks.remote import StudentModule, Transport
from autograder.course.catalog import Catalog
from autograder.errors import CheckError, StudentFault
from autograder.student.rewards import CAPTION, picture_path
from autograder.submissions import Module

#: What a picture asks for in one call may take longer than what a check does.
_PATIENCE = 6
_SEED = 0


@dataclass(frozen=True)
class Reward:
    """A picture as PNG, which bears its caption inside too, and what is to be seen on it."""

    png: bytes
    caption: str


def reward(catalog: Catalog, unit: str, modules: dict[str, Module], worker: Transport) -> Reward | None:
    """The picture of a unit.

    Args:
        catalog: the course.
        unit: one that passes: of another the picture may show nothing, or fail.
        modules: what was handed in, by unit.
        worker: where the student's functions are called.

    Returns:
        The picture, or nothing where the course has none for this unit.

    Raises:
        StudentFault: a function did not give what the picture needs.
        CheckError: the drawing itself failed.
    """
    path = catalog.picture(unit)
    if not path.is_file():
        return None
    student = StudentModule(modules[unit], modules, worker, _PATIENCE * catalog.units[unit].seconds, _SEED)
    try:
        image, caption = runpy.run_path(str(path))["draw"](student)
        return Reward(_png(image, caption), caption)
    except StudentFault:
        raise
    except Exception as error:  # whatever the drawing makes of values that are not what it expects
        raise CheckError(f"the picture of {unit} could not be drawn ({type(error).__name__}: {error})") from error


def keep_picture(catalog: Catalog, unit: str, modules: dict[str, Module], worker: Transport) -> Path | None:
    """Draws the picture of a unit into the student's own folder; the path, where the course has one for it.

    Raises:
        StudentFault, CheckError: as `reward` does.
        OSError: it cannot be written.
    """
    drawn = reward(catalog, unit, modules, worker)
    if drawn is None:
        return None
    path = picture_path(catalog.root, unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(drawn.png)
    part.replace(path)
    return path


def _png(image: Image.Image, caption: str) -> bytes:
    file, facts = io.BytesIO(), PngInfo()
    facts.add_itxt(CAPTION, caption)
    image.save(file, "PNG", optimize=True, pnginfo=facts)
    return file.getvalue()
