"""Configure nbgrader for a course, whose `nbgrader_config.py` calls `configure`."""

import os
from pathlib import Path
from typing import Any

from autograder.course.catalog import COURSE
from autograder.results.mark import SHOWN, Hidden

FILENAME = "nbgrader_config.py"
_CLEAN = "autograder.platforms.nbgrader.clean.CleanNotebook"
_TEXT = '''"""nbgrader's settings for this course; add further settings of nbgrader's below."""

from autograder.nbgrader.config import configure

c = get_config()

# With sandbox=False nbgrader runs the notebooks themselves, as it does by default: a notebook can then cheat.
# `hidden` says what students see of hidden checks: nothing, points, sentence or everything.
configure(c, course={course!r}, sandbox=True, hidden={hidden!r})
'''


def config_text(course: Path, hidden: Hidden) -> str:
    """Return the text of `nbgrader_config.py` for notebooks of a course, with what students see of hidden checks."""
    return _TEXT.format(course=str(course.resolve()), hidden=hidden.value)


def configure(
    c: Any, *, course: str, sandbox: bool = True, trusted: bool = False, hidden: str = Hidden.POINTS.value
) -> None:
    """Set nbgrader up for the notebooks of a course.

    Args:
        c: nbgrader's configuration.
        course: the folder with `exercises/catalog.toml`.
        sandbox: True to grade with the sandboxed grader, False to run the notebook in a kernel as nbgrader does by default.
        trusted: True to grade even on a machine without isolation.
        hidden: what feedback shows of hidden checks: nothing, points, sentence or everything.

    Raises:
        ValueError: `hidden` is none of these.
    """
    # Kernels inherit both variables. In a notebook `check` reads where the course is, and what to show of hidden checks.
    os.environ.setdefault(COURSE, course)
    os.environ[SHOWN] = Hidden(hidden).value
    c.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
    if not sandbox:
        c.Execute.timeout = 300
        c.Autograde.autograde_preprocessors = [
            "nbgrader.preprocessors.Execute",
            "nbgrader.preprocessors.IgnorePattern",
            "nbconvert.preprocessors.ClearMetadataPreprocessor",
            "nbgrader.preprocessors.LimitOutput",
            "nbgrader.preprocessors.SaveAutoGrades",
            "nbgrader.preprocessors.AssignLatePenalties",
            _CLEAN,
            "nbgrader.preprocessors.CheckCellMetadata",
        ]
        return
    c.GradeInSandbox.course = course
    c.GradeInSandbox.trusted = trusted
    c.GradeInSandbox.hidden = hidden
    c.Autograde.exporter_class = "autograder.platforms.nbgrader.intake.TolerantExporter"
    c.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.ClearOutput",
        "autograder.platforms.nbgrader.intake.RepairCells",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.Autograde.autograde_preprocessors = [
        "autograder.platforms.nbgrader.sandboxed.GradeInSandbox",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "autograder.platforms.nbgrader.sandboxed.LeaveForHand",
        "nbgrader.preprocessors.AssignLatePenalties",
        _CLEAN,
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
