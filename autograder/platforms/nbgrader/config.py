"""What a course's `nbgrader_config.py` says of the autograder."""

import os
from pathlib import Path
from typing import Any

from autograder.course.catalog import COURSE

FILENAME = "nbgrader_config.py"
_TEXT = '''"""nbgrader's settings for this course; what else nbgrader can be told may stand below."""

from autograder.nbgrader.config import configure

c = get_config()

# With sandbox=False nbgrader runs the notebooks themselves, as it does by default: a notebook can then cheat.
configure(c, course={course!r}, sandbox=True)
'''


def config_text(course: Path) -> str:
    """The text of `nbgrader_config.py` for notebooks of a course."""
    return _TEXT.format(course=str(course.resolve()))


def configure(c: Any, *, course: str, sandbox: bool = True, trusted: bool = False) -> None:
    """Sets nbgrader up for the notebooks of a course.

    Args:
        c: nbgrader's configuration.
        course: the folder with `exercises/catalog.toml`.
        sandbox: whether `nbgrader autograde` grades with the sandboxed grader, and not in the student's own kernel.
        trusted: whether it does so even where no isolation is to be had.
    """
    # For `check`, in kernels: they inherit it.
    os.environ.setdefault(COURSE, course)
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
    if not sandbox:
        c.Execute.timeout = 300
        return
    c.GradeInSandbox.course = course
    c.GradeInSandbox.trusted = trusted
    c.Autograde.exporter_class = "autograder.platforms.nbgrader.repair.TolerantExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        "autograder.platforms.nbgrader.repair.RepairCells",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.platforms.nbgrader.sandboxed.GradeInSandbox",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
