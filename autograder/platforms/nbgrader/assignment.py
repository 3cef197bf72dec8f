"""Write a unit as nbgrader's source notebook: lesson, imports, and for each function its answer and its checks.

If the notebook exists already, cells that an instructor has added stay. The id of a cell tells if it was written here.
"""

import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from autograder.course.catalog import Catalog
from autograder.course.skeletons import (
    replace_keeping_backup,
    whole_translation,
)
from autograder.course.units import Question, Unit
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.messages import ENGLISH
from autograder.platforms.nbgrader.cells import GradedCell, answer_id, cell_id, graded_cells
from autograder.platforms.nbgrader.config import FILENAME, config_text
from autograder.platforms.unit_notebook import as_notebook, introduction, markdown_cell, split_functions
from autograder.results.mark import Hidden
from autograder.results.types import CheckResult, points_text
from autograder.submissions import Submission

#: Ids of cells that are written here: such a cell of an earlier notebook is replaced or dropped.
_OURS = re.compile(r"(lesson|introduction|imports)|(about|answer|checks|hidden)-\w+")
_CHECKS = 'from autograder.notebook import check\n\ncheck("{function}")'
_HIDDEN = """# The hidden checks of {function} run when this notebook is graded.
### BEGIN HIDDEN TESTS
from autograder.notebook import check

check("{function}", hidden=True)
### END HIDDEN TESTS"""


def write_notebooks(
    catalog: Catalog,
    units: tuple[Unit, ...],
    course: Path,
    hidden: Hidden = Hidden.POINTS,
    language: str = ENGLISH,
) -> list[tuple[Path, Path | None]]:
    """Write `source/<unit>/<unit>.ipynb` of nbgrader's course from each solution, and the course's configuration.

    Args:
        catalog: the course that the units are of.
        units: each becomes an assignment.
        course: nbgrader's folder. Cells that an instructor has added to its notebooks stay where they are.
        hidden: what students see of hidden checks, for a new configuration.
        language: the language of lessons and docstrings.

    Returns:
        The files that were written, each with its backup or None. A file that is the same already is not written, nor is a
        configuration that exists.
    """
    spec = GradingSpec(catalog, units=tuple(unit.name for unit in units), require=())
    checks = Grader(spec, InThisProcess()).grade(Submission("")).checks
    texts = {}
    for unit in units:
        own = [check for check in checks if check.unit == unit.name]
        path = course / "source" / unit.name / f"{unit.name}.ipynb"
        solution = whole_translation(catalog, unit.name, language)
        notebook = source_notebook(unit, solution, catalog.lesson(unit.name, language), own)
        notebook.cells = _with_added_cells(notebook.cells, _cells_in(path))
        texts[path] = str(nbformat.writes(notebook)) + "\n"
        _copy_data(catalog, unit, path.parent)
    if not (course / FILENAME).exists():
        texts[course / FILENAME] = config_text(catalog.root, hidden)
    # A backup holds solutions, and nbgrader releases all files beside a notebook: so it goes into another folder.
    files = [replace_keeping_backup(path, text, course / "replaced") for path, text in texts.items()]
    return [file for file in files if file is not None]


def _copy_data(catalog: Catalog, unit: Unit, folder: Path) -> None:
    """Copy the files that the unit's code reads into the notebook's folder, whose files nbgrader releases."""
    for name, path in catalog.data(unit.name).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def source_notebook(unit: Unit, solution: str, lesson: Path, checks: Iterable[CheckResult]) -> NotebookNode:
    """Return the notebook for `nbgrader generate_assignment`.

    Args:
        unit: a unit of the catalog.
        solution: the source of its reference, with regions.
        lesson: a file of Markdown; paths of its pictures are relative to its folder.
        checks: the checks of the unit, as they are before any run.

    Raises:
        CatalogError: the lesson or a picture of it cannot be read, the solution lacks a function, or has regions that do not
            pair up.
    """
    return as_notebook(
        [*introduction(lesson, solution, attach=True), *_exercises(unit, solution, graded_cells(checks))]
    )


def _cells_in(path: Path) -> list[NotebookNode]:
    """Return the cells of a notebook that exists already; none if it cannot be read, as its backup keeps them then."""
    try:
        return list(nbformat.read(path, as_version=4).cells)
    except Exception:  # nbformat raises whatever its schema and migrations raise
        return []


def _with_added_cells(written: list[NotebookNode], before: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells that are written now, and after each the cells that an instructor has added there before."""
    places = {_id_of(cell): number for number, cell in enumerate(written)}
    sources = {cell.source for cell in written}
    added: dict[int, list[NotebookNode]] = {}
    place = -1
    for cell in before:
        name = _id_of(cell)
        if name in places:
            place = places[name]
        elif not _OURS.fullmatch(name) and cell.source not in sources:
            added.setdefault(place, []).append(cell)
    result = added.get(-1, [])
    for number, cell in enumerate(written):
        result += [cell, *added.get(number, [])]
    return result


def _id_of(cell: NotebookNode) -> str:
    return cell_id(cell) or str(cell.get("id", ""))


def _exercises(unit: Unit, solution: str, graded: tuple[GradedCell, ...]) -> Iterator[NotebookNode]:
    """Yield the cells of imports, of each function with its checks, and of each question."""
    header, answers = split_functions(unit, solution)
    if header:
        yield _code("imports", header, locked=True)
    for function, answer in answers.items():
        yield markdown_cell(
            f"about-{function}", f"## `{function}`: {points_text(unit.functions[function].points)} points"
        )
        yield _code(answer_id(function), answer, solution=True)
        for cell in graded:
            if cell.function == function:
                text = (_HIDDEN if cell.hidden else _CHECKS).format(function=function)
                yield _code(cell.id, text, locked=True, grade=True, points=cell.max_points)
    for question in unit.questions.values():
        yield markdown_cell(
            f"about-{question.name}", f"## Question: {points_text(question.points)} points\n\n{question.text}"
        )
        yield _answer(question)


def _answer(question: Question) -> NotebookNode:
    """Return the cell for an answer that people grade, in nbgrader's form grader."""
    facts = {
        **{"schema_version": 3, "grade_id": answer_id(question.name), "points": question.points},
        **{"grade": True, "solution": True, "locked": False, "task": False},
    }
    return new_markdown_cell("*Your answer*", id=answer_id(question.name), metadata={"nbgrader": facts})


def _code(
    name: str, source: str, *, locked: bool = False, solution: bool = False, grade: bool = False, points: float = 0
) -> NotebookNode:
    facts = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "locked": locked,
        "solution": solution,
        "task": False,
    }
    if grade:
        facts["points"] = points
    return new_code_cell(source, id=name[:64], metadata={"nbgrader": facts})
