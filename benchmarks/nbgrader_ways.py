"""How long a class of notebooks takes: by stock nbgrader, in the sandbox inside nbgrader, and without nbgrader's command.

    python -m benchmarks.nbgrader_ways --notebooks 12 --rounds 3

The ways take turns, so that whatever else the machine does weighs on all of them alike. Every run is of a fresh copy of the
course, in which nothing has been graded before.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nbformat

from autograder.course.catalog import read_catalog
from autograder.platforms.nbgrader.assignment import write_notebooks

ROOT = Path(__file__).parents[1]
UNIT = "variation_loss"
CONFIG = "nbgrader_config.py"


def autograde_stock(course: Path) -> None:
    """`nbgrader autograde` with nbgrader's own execution, in kernels."""
    config = course / CONFIG
    config.write_text(config.read_text().replace("sandbox=True", "sandbox=False"))
    run(course, "nbgrader", "autograde", UNIT)


def autograde_in_the_sandbox(course: Path) -> None:
    """`nbgrader autograde` with this project's preprocessor."""
    run(course, "nbgrader", "autograde", UNIT)


def grade_without_nbgrader(course: Path) -> None:
    """`autograder grade --nbgrader`."""
    run(course, "autograder", "grade", "--nbgrader", ".", "--assignment", UNIT, "-o", "out")


WAYS: dict[str, Callable[[Path], None]] = {
    "nbgrader autograde, stock": autograde_stock,
    "nbgrader autograde, in the sandbox": autograde_in_the_sandbox,
    "autograder grade --nbgrader": grade_without_nbgrader,
}


def run(course: Path, *command: str) -> None:
    """Run a command in the course's folder; it must succeed."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-m", *command], cwd=course, env=environment, capture_output=True, check=True)


def make_class(course: Path, notebooks: int) -> None:
    """Make a released assignment and a number of right notebooks, no two alike."""
    catalog = read_catalog(ROOT)
    write_notebooks(catalog, catalog.select([UNIT]), course)
    run(course, "nbgrader", "generate_assignment", UNIT)
    solved, released = (nbformat.read(course / place / UNIT / f"{UNIT}.ipynb", 4) for place in ("source", "release"))
    answers = {cell.id: cell.source for cell in solved.cells if cell.id.startswith("answer-")}
    for number in range(notebooks):
        for cell in released.cells:
            if cell.id in answers:
                cell.source = f"# {number}\n{answers[cell.id]}"
        folder = course / "submitted" / f"student{number}" / UNIT
        folder.mkdir(parents=True)
        nbformat.write(released, folder / f"{UNIT}.ipynb")


def timings(notebooks: int, rounds: int) -> dict[str, list[float]]:
    """Measure the seconds that each way takes for the class, one entry a round."""
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder, "course")
        make_class(course, notebooks)
        for number in range(rounds):
            for name, grade in WAYS.items():
                copy = shutil.copytree(course, Path(folder, f"{number}-{len(name)}"))
                started = time.perf_counter()
                grade(copy)
                taken[name].append(time.perf_counter() - started)
                shutil.rmtree(copy)
    return taken


def lines(taken: dict[str, list[float]], notebooks: int) -> list[str]:
    """Return the table: median seconds for the class and for a notebook, and how many times as fast as stock."""
    stock = statistics.median(taken["nbgrader autograde, stock"])
    rows = [f"{'':36}{'class':>9}{'notebook':>10}{'':>8}"]
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        rows.append(f"{name:36}{middle:8.1f}s{middle / notebooks:9.2f}s{stock / middle:7.1f}x")
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notebooks", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    print(f"{asked.notebooks} notebooks of {UNIT}, median of {asked.rounds} rounds, {os.cpu_count()} cores")
    print("\n".join(lines(timings(asked.notebooks, asked.rounds), asked.notebooks)))


if __name__ == "__main__":
    main()
