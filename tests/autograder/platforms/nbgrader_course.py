"""nbgrader's commands, and the autograder's, in a course's folder, as an instructor types them."""

import csv
import os
import subprocess
import sys
from pathlib import Path

from autograder.course.catalog import read_catalog
from autograder.platforms.nbgrader.assignment import write_notebooks
from tests.autograder.shades_course import UNIT, write_shades_course

_COMMANDS = str(Path(sys.executable).parent)


def released_course(root, settings=""):
    """nbgrader's folder inside a small course, with that course's unit released."""
    catalog = read_catalog(write_shades_course(root))
    course = root / "class"
    write_notebooks(catalog, catalog.select(None), course)
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(settings)
    nbgrader(course, "generate_assignment", UNIT)
    return course


def environment(**variables):
    """The variables of a shell in which the virtual environment is active."""
    path = os.pathsep.join((_COMMANDS, os.environ["PATH"]))
    return {**os.environ, "IDEALCAT_SECRET": "of the tests", "PATH": path, "PYTHONWARNINGS": "ignore", **variables}


def command(course, *args):
    """A command, as it is typed in the course's folder: its exit code and what it printed."""
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, args)],
        cwd=course,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    return ended.returncode, ended.stdout + ended.stderr


def nbgrader(course, *args):
    """Run a command of nbgrader, which must succeed, and return what it prints."""
    code, text = command(course, "nbgrader", *args)
    assert code == 0, text
    return text


def grade_without_nbgrader(course):
    """The exit code of the autograder's own command, and what it printed."""
    return command(course, "autograder", "grade", "--nbgrader", course, "--assignment", UNIT, "-o", course / "out")


def exported(course):
    """The rows of `nbgrader export`."""
    nbgrader(course, "export", "--to", "marks.csv")
    return list(csv.DictReader((course / "marks.csv").read_text().splitlines()))


def marks(course):
    """Return the score of each student, after any penalty, as `nbgrader export` writes it."""
    return {row["student_id"]: float(row["score"]) for row in exported(course) if row["score"]}


def page(course, student):
    """A student's feedback."""
    return (course / "feedback" / student / UNIT / f"{UNIT}.html").read_text()
