"""What is made from the solutions for a platform: nbgrader's notebooks. Of skeletons see `skeletons`."""

from pathlib import Path

from autograder.course.catalog import Catalog, Unit
from autograder.course.skeletons import read_source, replace_keeping_backup
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.platforms.nbgrader.assignment import source_notebook
from autograder.platforms.nbgrader.config import FILENAME, config_text
from autograder.submissions import Submission


def write_notebooks(catalog: Catalog, units: tuple[Unit, ...], course: Path) -> list[tuple[Path, Path | None]]:
    """Writes `source/<unit>/<unit>.ipynb` of nbgrader's course from each solution, and the course's configuration.

    Returns:
        The files written, each with its backup, if there was something to keep. Files in step are left alone, and so is a
        configuration that is there.
    """
    spec = GradingSpec(catalog, units=tuple(unit.name for unit in units), require=())
    checks = Grader(spec, InThisProcess()).grade(Submission("")).checks
    texts = {}
    for unit in units:
        own = [check for check in checks if check.unit == unit.name]
        lesson = catalog.lesson(unit.name)
        text = source_notebook(unit, read_source(catalog.solution(unit.name)), read_source(lesson), own)
        texts[course / "source" / unit.name / f"{unit.name}.ipynb"] = text
    if not (course / FILENAME).exists():
        texts[course / FILENAME] = config_text(catalog.root)
    # Not beside the notebook: nbgrader releases whatever lies there, and this holds solutions.
    files = [replace_keeping_backup(path, text, course / "replaced") for path, text in texts.items()]
    return [file for file in files if file is not None]
