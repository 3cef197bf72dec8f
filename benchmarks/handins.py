"""Submissions to grade: the solution of a unit, handed in by many, no two alike."""

from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.submissions import read_module


def hand_in(catalog: Catalog, unit: str, folder: Path, count: int) -> Path:
    """Write `folder/s<number>/<unit>.py` for `count` numbers. Return the folder."""
    text = catalog.solution(unit).read_text(encoding="utf-8")
    for number in range(count):
        path = folder / f"s{number:03}" / f"{unit}.py"
        path.parent.mkdir(parents=True)
        path.write_text(f"{text}\n# handed in by {number}\n", encoding="utf-8")
    assert not read_module(path, unit).problem
    return folder
