"""Store the picture that passing a unit earns, which the course draws from what the student's own functions return.

A course has `exercises/pictures/draw_<unit>.py` with a function `draw(student)`: it calls the student's functions as a check
does, and returns a Pillow image and a caption. A unit without such a file has no picture.
"""

from pathlib import Path

from PIL import Image

from autograder.course.catalog import Catalog
from autograder.results.formats.pages import Picture, gallery_page
from autograder.student.progress import FOLDER, Progress

#: Key of the caption in a PNG.
CAPTION = "Description"


def picture_path(root: Path, unit: str) -> Path:
    """Return the path of a student's picture of a unit."""
    return root / FOLDER / "pictures" / f"{unit}.png"


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
    """
    made = [unit for unit in catalog.units.values() if picture_path(catalog.root, unit.name).is_file()]
    paths = [(unit.title, picture_path(catalog.root, unit.name)) for unit in made]
    pictures = [(title, Picture(path.read_bytes(), caption_of(path))) for title, path in paths]
    page = catalog.root / FOLDER / "gallery.html"
    page.parent.mkdir(exist_ok=True)
    page.write_text(gallery_page(catalog.title, headline, pictures), encoding="utf-8", newline="\n")
    done = [unit for unit in catalog.units.values() if not progress.open_functions(unit)]
    return page, [unit.name for unit in done if unit not in made and catalog.picture(unit.name).is_file()]
