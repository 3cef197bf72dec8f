"""The picture that passing a unit earns: drawn by the course from what the student's own functions return.

A course has `exercises/pictures/draw_<unit>.py` with a function `draw(student)`: it calls the student's functions as a check
does, and returns a Pillow image and a caption. A unit without such a file has no picture.

drawing   makes the picture, for whoever has a worker
inline    shows it in a terminal
"""

from pathlib import Path

from PIL import Image

from autograder.student.progress import FOLDER

#: Where a PNG says what is to be seen on it.
CAPTION = "Description"


def picture_path(root: Path, unit: str) -> Path:
    """Where a student's picture of a unit is kept."""
    return root / FOLDER / "pictures" / f"{unit}.png"


def caption_of(path: Path) -> str:
    """What is to be seen on a kept picture."""
    with Image.open(path) as image:
        return str(image.info.get(CAPTION, ""))
