"""Submitted notebooks that nbgrader would stumble over: each becomes one that it can take.

Nothing here gives marks: those come from the submitted file itself. What is mended is what nbgrader shows and fills in: a
graded cell that is lost is put back, and metadata is what the gradebook says, not what the notebook says.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.platforms.nbgrader.installed import Gradebook, NbGraderPreprocessor, Notebook, NotebookExporter
from autograder.platforms.nbgrader.intake import tolerate

_UNREADABLE = "*The notebook that was handed in cannot be read ({reason}). What follows are the checks alone.*"


class TolerantExporter(NotebookExporter):
    """Reads a notebook, and where there is none that can be read, an empty one that says so.

    nbgrader makes one exporter for a run, when it has listed what was handed in: what must be mended before it opens the
    first notebook is mended then.
    """

    def __init__(self, config: Any = None, **options: Any) -> None:
        super().__init__(config=config, **options)
        tolerate(self.parent)

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """The notebook of a file, or one that says that there is no such file."""
        path = Path(filename)
        if path.is_file():
            return super().from_filename(filename, resources=resources, **options)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        notebook = _unreadable(f"there is no file {path.name}")
        return self.from_notebook_node(notebook, resources=resources, **options)

    def from_file(self, file_stream: Any, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """The notebook of a file, through nbgrader's preprocessors."""
        return self.from_notebook_node(_read(file_stream), resources=resources, **options)


def _read(stream: Any) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.reads(stream.read(), as_version=4)
        nbformat.validate(notebook, relax_add_props=True)
        return notebook
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        return _unreadable((str(error).strip() or type(error).__name__).partition("\n")[0][:200])


def _unreadable(reason: str) -> NotebookNode:
    text = _UNREADABLE.format(reason=reason).encode("utf-8", "replace").decode("utf-8")
    return new_notebook(cells=[new_markdown_cell(text)])


class RepairCells(NbGraderPreprocessor):
    """Gives each cell that the gradebook knows its metadata again, takes it from all others, and adds lost graded cells."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook, mended."""
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            known = _known_cells(gradebook.find_notebook(facts["notebook"], facts["assignment"]))
        nb.cells = _with_lost(_recognised(nb.cells, known), known)
        return nb, resources


def _known_cells(notebook: Notebook) -> dict[str, NotebookNode]:
    """The cells that were released, by their ids."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
    return {
        cell.name: _released(
            cell, points.get(cell.name, tasks.get(cell.name)), cell.name in solutions, cell.name in tasks
        )
        for cell in notebook.source_cells
    }


def _released(cell: Any, points: float | None, is_solution: bool, is_task: bool) -> NotebookNode:
    facts = {
        "schema_version": 3,
        "grade_id": cell.name,
        "grade": points is not None and not is_task,
        "solution": is_solution,
        "locked": bool(cell.locked),
        "task": is_task,
        "cell_type": cell.cell_type,
        "checksum": cell.checksum,
    }
    if points is not None:
        facts["points"] = float(points)
    return _cell(cell.cell_type, cell.source or "", facts)


def _cell(kind: str, source: str, facts: dict[str, Any]) -> NotebookNode:
    make: Any = new_code_cell if kind == "code" else new_markdown_cell
    return make(source, metadata={"nbgrader": facts})


def _recognised(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """The cells; the first of each id is that of the gradebook, and the others are nothing to nbgrader."""
    seen: set[str] = set()
    result = []
    for cell in cells:
        name = _id_of(cell)
        if name not in known or name in seen:
            cell.metadata.pop("nbgrader", None)
            result.append(cell)
            continue
        seen.add(name)
        released = known[name]
        source = released.source if released.metadata.nbgrader.locked else cell.source
        result.append(_cell(released.cell_type, source, dict(released.metadata.nbgrader)))
    return result


def _id_of(cell: NotebookNode) -> str:
    facts = cell.metadata.get("nbgrader")
    name = facts.get("grade_id") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else ""


def _with_lost(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """The cells, and each graded one that is missing after the one that comes before it in the release."""
    result = list(cells)
    places = {_id_of(cell): cell for cell in cells}
    before: NotebookNode | None = None
    for name, released in known.items():
        facts = released.metadata.nbgrader
        if name not in places and facts.grade and not facts.solution:
            position = result.index(before) + 1 if before is not None else len(result)
            result.insert(position, released)
            places[name] = released
        before = places.get(name, before)
    return result
