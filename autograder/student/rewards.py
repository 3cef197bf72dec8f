"""The picture that passing a unit earns: drawn by the course from what the student's own functions return.

A course has `exercises/pictures/draw_<unit>.py` with a function `draw(student)`: it calls the student's functions as a check
does, and returns a Pillow image and a caption. A unit without such a file has no picture.
"""

import base64
from html import escape
from pathlib import Path

from PIL import Image

from autograder.course.catalog import Catalog, Unit
from autograder.student.progress import FOLDER, Progress

#: Where a PNG says what is to be seen on it.
CAPTION = "Description"


def picture_path(root: Path, unit: str) -> Path:
    """Where a student's picture of a unit is kept."""
    return root / FOLDER / "pictures" / f"{unit}.png"


def caption_of(path: Path) -> str:
    """What is to be seen on a kept picture."""
    with Image.open(path) as image:
        return str(image.info.get(CAPTION, ""))


_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}: what I have made</title>
<style>
  :root {{ color-scheme: light dark; font-family: system-ui, sans-serif; }}
  body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5; }}
  figure {{ margin: 1rem 0 3rem; }}
  img {{ max-width: 100%; height: auto; border: 1px solid #8886; background: white; }}
</style>
<h1>{title}: what I have made</h1>
<p>{headline}</p>
{figures}
</html>
"""
_FIGURE = """<figure>
<h2>{title}</h2>
<img src="data:image/png;base64,{data}" alt="{caption}">
<figcaption>{caption}</figcaption>
</figure>"""


def write_gallery(catalog: Catalog, progress: Progress, headline: str) -> tuple[Path, list[str]]:
    """Writes the page.

    Args:
        catalog: the course.
        progress: the student's, which says what pictures there could be.
        headline: how far the student is.

    Returns:
        Where the page is, and the units that are done and have no picture yet though the course has one for them.
    """
    made = [unit for unit in catalog.units.values() if picture_path(catalog.root, unit.name).is_file()]
    figures = "\n".join(_figure(catalog, unit) for unit in made)
    page = catalog.root / FOLDER / "gallery.html"
    page.parent.mkdir(exist_ok=True)
    empty = "<p>No picture yet: each unit that passes brings one.</p>"
    text = _PAGE.format(title=escape(catalog.title), headline=escape(headline), figures=figures or empty)
    page.write_text(text, encoding="utf-8", newline="\n")
    done = [unit for unit in catalog.units.values() if not progress.open_functions(unit)]
    return page, [unit.name for unit in done if unit not in made and catalog.picture(unit.name).is_file()]


def _figure(catalog: Catalog, unit: Unit) -> str:
    path = picture_path(catalog.root, unit.name)
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return _FIGURE.format(title=escape(unit.title), data=data, caption=escape(caption_of(path)))
