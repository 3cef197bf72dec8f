"""Write a unit as nbgrader's source notebook: lesson, imports, and for each function its answer and its checks.

Cells that an instructor has added to an earlier one stay: a cell is ours if its id says so.
"""

import ast
import base64
import mimetypes
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.catalog import Catalog, Question, Unit
from autograder.course.skeletons import (
    BEGIN,
    END,
    first_line,
    join_files,
    read_source,
    replace_keeping_backup,
    split_at_start,
    translated_solution,
)
from autograder.errors import CatalogError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.messages import ENGLISH
from autograder.platforms.nbgrader.cells import GradedCell, answer_id, graded_cells
from autograder.platforms.nbgrader.config import FILENAME, config_text
from autograder.results.mark import Hidden
from autograder.results.types import CheckResult
from autograder.submissions import Submission

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
#: Ids of the cells written here, in each release of a unit: such a cell is written anew, or is gone.
_OURS = re.compile(r"(lesson|introduction|imports)|(about|answer|checks|hidden)-\w+")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s:]+)\)")
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

    Returns:
        The files written, each with its backup, if there was something to keep. Files in step are left alone, and so is an
        existing configuration.
    """
    spec = GradingSpec(catalog, units=tuple(unit.name for unit in units), require=())
    checks = Grader(spec, InThisProcess()).grade(Submission("")).checks
    texts = {}
    for unit in units:
        own = [check for check in checks if check.unit == unit.name]
        path = course / "source" / unit.name / f"{unit.name}.ipynb"
        solution = join_files({name: translated_solution(catalog, name, language) for name in unit.modules})
        notebook = source_notebook(unit, solution, catalog.lesson(unit.name, language), own)
        notebook.cells = _with_added_cells(notebook.cells, _cells_in(path))
        texts[path] = str(nbformat.writes(notebook)) + "\n"
        _copy_data(catalog, unit, path.parent)
    if not (course / FILENAME).exists():
        texts[course / FILENAME] = config_text(catalog.root, hidden)
    # Not beside the notebook: nbgrader releases all files there, and a backup holds solutions.
    files = [replace_keeping_backup(path, text, course / "replaced") for path, text in texts.items()]
    return [file for file in files if file is not None]


def _copy_data(catalog: Catalog, unit: Unit, folder: Path) -> None:
    """Put the files that the unit's code reads beside its notebook, where nbgrader releases them."""
    for name, path in catalog.data(unit.name).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def source_notebook(unit: Unit, solution: str, lesson: Path, checks: Iterable[CheckResult]) -> NotebookNode:
    """Return the notebook for `nbgrader generate_assignment`.

    Args:
        unit: of the catalog.
        solution: the source of its reference, with regions.
        lesson: a file of Markdown, beside which its pictures are looked for.
        checks: of the unit, as they are before any run.

    Raises:
        CatalogError: the lesson or a picture of it cannot be read, the solution lacks a function, or has regions that do not
            pair up.
    """
    cells = [*_introduction(lesson, solution), *_exercises(unit, solution, graded_cells(checks))]
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def _cells_in(path: Path) -> list[NotebookNode]:
    """Return the cells of a notebook that is there already; none if it cannot be read, and then its backup has them."""
    try:
        return list(nbformat.read(path, as_version=4).cells)
    except Exception:  # nbformat raises whatever its schema and migrations raise
        return []


def _with_added_cells(written: list[NotebookNode], before: list[NotebookNode]) -> list[NotebookNode]:
    """Return the cells written now, and each that an instructor has added after the one that it followed before."""
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
    return str(cell.metadata.get("nbgrader", {}).get("grade_id") or cell.get("id", ""))


def _introduction(lesson: Path, solution: str) -> Iterator[NotebookNode]:
    text = read_source(lesson).strip()
    if text:
        yield _with_pictures(text, lesson)
    docstring = ast.get_docstring(ast.parse(solution))
    if docstring:
        yield _markdown_cell("introduction", docstring)


def _exercises(unit: Unit, solution: str, graded: tuple[GradedCell, ...]) -> Iterator[NotebookNode]:
    header, answers = _parts(unit, solution)
    if header:
        yield _code("imports", header, locked=True)
    for function, answer in answers.items():
        yield _markdown_cell(f"about-{function}", f"## `{function}`: {unit.functions[function].points:g} points")
        yield _code(answer_id(function), answer, solution=True)
        for cell in graded:
            if cell.function == function:
                text = (_HIDDEN if cell.hidden else _CHECKS).format(function=function)
                yield _code(cell.id, text, locked=True, grade=True, points=cell.max_points)
    for question in unit.questions.values():
        yield _markdown_cell(f"about-{question.name}", f"## Question: {question.points:g} points\n\n{question.text}")
        yield _answer(question)


def _answer(question: Question) -> NotebookNode:
    """Return the cell for an answer that people grade, in nbgrader's form grader."""
    facts = {
        **{"schema_version": 3, "grade_id": answer_id(question.name), "points": question.points},
        **{"grade": True, "solution": True, "locked": False, "task": False},
    }
    return new_markdown_cell("*Your answer*", id=answer_id(question.name), metadata={"nbgrader": facts})


def _parts(unit: Unit, solution: str) -> tuple[str, dict[str, str]]:
    """Return the lines before the first function, without the docstring, and each function with the lines after it."""
    solution, _ = split_at_start(solution)  # a cell must not run the program
    tree, lines = ast.parse(solution), solution.splitlines()
    kinds = ast.FunctionDef | ast.ClassDef
    functions = [node for node in tree.body if isinstance(node, kinds) and node.name in unit.functions]
    missing = unit.functions.keys() - {node.name for node in functions}
    if missing:
        raise CatalogError(f"solutions/{unit.name}.py has no function {min(missing)}")
    starts = [first_line(node) - 1 for node in functions]
    ends = [*starts[1:], len(lines)]
    top = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) is not None else 0
    answers = {
        node.name: _with_helpers_inside(lines[start:end], unit.name)
        for node, start, end in zip(functions, starts, ends, strict=True)
    }
    return "\n".join(lines[top : starts[0]]).strip(), answers


def _with_helpers_inside(lines: list[str], unit: str) -> str:
    """Return a function with the regions of the helpers after it moved into its own region.

    nbgrader replaces every region by `raise NotImplementedError()`, which at the top level would end the cell.
    """
    kept: list[str] = []
    helpers: list[str] = []
    inside = False
    for line in lines:
        if line in (BEGIN, END):
            inside = line == BEGIN
            helpers += ["", ""] if inside else []
        else:
            (helpers if inside else kept).append(line)
    if helpers:
        last = max((number for number, line in enumerate(kept) if line.strip() == END), default=None)
        if inside or last is None:
            raise CatalogError(
                f"solutions/{unit}.py: a region of helpers must be closed, and follow a function's region"
            )
        kept[last:last] = helpers
    return "\n".join(kept).strip()


def _with_pictures(text: str, lesson: Path) -> NotebookNode:
    """Return the cell of a lesson with its pictures attached: the files stay with the instructor."""
    attachments: dict[str, dict[str, str]] = {}

    def attach(found: re.Match[str]) -> str:
        path = lesson.parent / found[2]
        kind = mimetypes.guess_type(path.name)[0] or "image/png"
        try:
            attachments[path.name] = {kind: base64.b64encode(path.read_bytes()).decode()}
        except OSError as error:
            raise CatalogError(f"{lesson.name} shows {found[2]}, which cannot be read ({error.strerror})") from error
        return f"![{found[1]}](attachment:{path.name})"

    cell = _markdown_cell("lesson", _PICTURE.sub(attach, text))
    if attachments:
        cell.attachments = attachments
    return cell


def _markdown_cell(name: str, source: str) -> NotebookNode:
    return new_markdown_cell(source, id=name[:64])


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
