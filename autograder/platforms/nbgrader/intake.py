"""Find submitted work, and let nbgrader go on if there is no notebook or no valid date."""

import glob
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from autograder.results.types import legible

#: Formgrader puts a student's id into its pages as it is, and so these would be live in an instructor's browser.
_LIVE = re.compile(r'[<>&"]')


def submitted_folder(course: CourseDirectory, student: str, assignment: str) -> Path:
    """Return the folder of a student's work as it was handed in."""
    return Path(course.format_path(course.submitted_directory, student, assignment))


def handed_in(course: CourseDirectory, assignment: str, student: str = "*") -> list[str]:
    """Return the students who have handed something in, without those whom the course excludes or `refused` names.

    Args:
        course: settings of nbgrader's for the course.
        assignment: name of the assignment.
        student: a pattern for their ids, as nbgrader takes it.
    """
    return [name for name in _students(course, assignment, student) if not _LIVE.search(name)]


def refused_folders(course: CourseDirectory, assignment: str, student: str = "*") -> dict[str, str]:
    """Return a sentence for each folder of a student whose id would be HTML on formgrader's pages; arguments: `handed_in`."""
    why = "is not graded: its name has characters of HTML, which formgrader would show as such; rename the folder"
    names = [name for name in _students(course, assignment, student) if _LIVE.search(name)]
    return {str(submitted_folder(course, name, assignment)): f"submitted/{legible(name)} {why}" for name in names}


def _students(course: CourseDirectory, assignment: str, student: str) -> list[str]:
    shape = course.format_path(course.submitted_directory, "(?P<student>.*)", re.escape(assignment), escape=True)
    excluded = course.student_id_exclude.split(",")
    # The pattern is absolute, and nbgrader's own.
    pattern = str(submitted_folder(course, student, assignment))
    folders = filter(os.path.isdir, glob.glob(pattern))  # noqa: PTH207 - the pattern is absolute, and nbgrader's own
    found = [match["student"] for match in (re.fullmatch(shape, folder) for folder in folders) if match is not None]
    return sorted(name for name in found if name not in excluded)


def submitted_work(course: CourseDirectory, student: str, assignment: str, notebook: str) -> Path:
    """Return a student's notebook; if there is none the folder, in which it may have another name."""
    folder = submitted_folder(course, student, assignment)
    path = folder / f"{notebook}.ipynb"
    return path if path.exists() else folder


def timestamp(course: CourseDirectory, folder: Path) -> tuple[datetime | None, str]:
    """Return when a folder was handed in, or None, and a sentence if `timestamp.txt` holds no date."""
    try:
        # Called on the class, because `tolerate` replaces the method of the object.
        return CourseDirectory.get_existing_timestamp(course, str(folder)), ""
    except (
        ValueError,
        OverflowError,
        OSError,
        AttributeError,
    ):  # nbgrader raises AttributeError for a text without a date
        path = folder / "timestamp.txt"
        return None, f"{path} holds no date and time; the work counts as handed in on time"


def tolerate(autograde: Any) -> None:
    """Let a run of nbgrader's `Autograde` go on if somebody has handed in no notebook or no valid date.

    Call it after the run has listed the submissions and before it opens the first.
    """
    course = autograde.coursedir
    course.get_existing_timestamp = lambda folder: timestamp(course, Path(folder))[0]
    names = _notebooks(course)
    pattern = str(submitted_folder(course, course.student_id, course.assignment_id))
    for folder in map(Path, glob.glob(pattern)):  # noqa: PTH207 - the pattern is absolute, and nbgrader's own
        there = any((folder / f"{name}.ipynb").exists() for name in names)
        if names and not there and folder.is_dir():
            autograde.assignments[str(folder)] = [str(folder / f"{names[0]}.ipynb")]
    for name, sentence in refused_folders(course, course.assignment_id, course.student_id).items():
        autograde.assignments.pop(name, None)
        autograde.log.error("%s", sentence)


def _notebooks(course: CourseDirectory) -> list[str]:
    """Return the names of the assignment's notebooks that this run grades."""
    with Gradebook(course.db_url, course.course_id) as gradebook:
        try:
            names = [notebook.name for notebook in gradebook.find_assignment(course.assignment_id).notebooks]
        except MissingEntry:
            return []
    return [name for name in sorted(names) if course.notebook_id in ("*", name)]
