"""Find submitted work, and repair what would stop nbgrader: unreadable notebooks, lost cells, dates that are none.

Marks come from the submitted file itself. nbgrader shows and fills in the repaired copy: it has lost graded cells again, and
its metadata come from the gradebook.
"""

import glob
import os
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.api import Gradebook, MissingEntry, Notebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.platforms.nbgrader.cells import cell_id
from autograder.results.types import legible, storable
from autograder.submissions.archives import UnreadableError
from autograder.submissions.hand_in import HandIn, entries_of

#: Characters of HTML. Formgrader writes a student's id into its pages without escaping them.
_LIVE = re.compile(r'[<>&"]')


def submitted_folder(course: CourseDirectory, student: str, assignment: str) -> Path:
    """Return the folder of a student's work as it was handed in."""
    return Path(course.format_path(course.submitted_directory, student, assignment))


def handed_in(course: CourseDirectory, assignment: str, student: str = "*") -> list[str]:
    """Return the students who have handed something in, but for those whom the course excludes or `refused_folders` names.

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
    pattern = str(submitted_folder(course, student, assignment))
    folders = filter(os.path.isdir, glob.glob(pattern))  # noqa: PTH207 - the pattern is absolute, and nbgrader's own
    found = [match["student"] for match in (re.fullmatch(shape, folder) for folder in folders) if match is not None]
    return sorted(name for name in found if name not in excluded)


def submitted_work(course: CourseDirectory, student: str, assignment: str, notebook: str) -> Path:
    """Return a student's notebook. If there is none return the folder, as the notebook may have another name in it."""
    folder = submitted_folder(course, student, assignment)
    path = folder / f"{notebook}.ipynb"
    return path if path.exists() else folder


def hand_in_of(work: Path) -> HandIn:
    """Return a notebook with the Python files of its folder that it may import; anything else is a hand-in alone.

    A file that bears the notebook's name is none of them: it would be another version of the work.
    """
    alone = HandIn.alone(work)
    if work.suffix != ".ipynb" or not work.is_file():
        return alone
    entries_of.cache_clear()  # formgrader's process lives on while students hand in again
    whole = replace(alone, path=alone.path.parent, files={})
    try:
        held, own = entries_of(whole.path), PurePosixPath(alone.path.name)
        beside = [path for path in held if path.suffix == ".py" and _letters(work.stem) not in _letters(path.stem)]
        whole = replace(whole, files={path: path for path in (own, *beside)})
        whole.entries()
    except UnreadableError:  # too many files, for instance, which nobody has to open for the notebook
        return alone
    return whole if own in held and beside else alone


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def timestamp(course: CourseDirectory, folder: Path) -> tuple[datetime | None, str]:
    """Return the moment when a folder was handed in or None, and a sentence if `timestamp.txt` holds no date."""
    try:
        # Call the method of the class: `tolerate` replaces that of the object by this function.
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
    """Change a run of nbgrader's `Autograde` so that it goes on if somebody has handed in no notebook or no valid date.

    Call this function after the run has listed the submissions and before it opens the first.
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


_UNREADABLE = "*The notebook that was handed in cannot be read ({reason}). What follows are the checks alone.*"


class TolerantExporter(NotebookExporter):
    """Exporter that reads a notebook, or makes one that only says why it cannot be read.

    nbgrader makes one exporter for a run, after it has listed the submissions: `tolerate` is called then, before the first
    notebook is opened.
    """

    def __init__(self, config: Any = None, **options: Any) -> None:
        super().__init__(config=config, **options)
        tolerate(self.parent)

    def from_filename(self, filename: str, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """Return the notebook of a file, or one that says that there is no such file."""
        path = Path(filename)
        if path.is_file():
            return super().from_filename(filename, resources=resources, **options)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        notebook = _unreadable(f"there is no file {path.name}")
        return self.from_notebook_node(notebook, resources=resources, **options)

    def from_file(self, file_stream: Any, resources: Any = None, **options: Any) -> tuple[Any, Any]:
        """Return the notebook of a file, after nbgrader's preprocessors."""
        return self.from_notebook_node(_read(file_stream), resources=resources, **options)


def _read(stream: Any) -> NotebookNode:
    try:
        notebook: NotebookNode = nbformat.reads(stream.read(), as_version=4)
        nbformat.validate(notebook, relax_add_props=True)
        return notebook
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        return _unreadable((str(error).strip() or type(error).__name__).partition("\n")[0][:200])


def _unreadable(reason: str) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell(storable(_UNREADABLE.format(reason=reason)))])


class RepairCells(NbGraderPreprocessor):
    """Preprocessor that restores the metadata of cells from the gradebook, and adds graded cells that were lost."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the repaired notebook."""
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            known = _known_cells(gradebook.find_notebook(facts["notebook"], facts["assignment"]))
        nb.cells = _add_lost(_restore_known(nb.cells, known), known)
        return nb, resources


def _known_cells(notebook: Notebook) -> dict[str, NotebookNode]:
    """Return the released cells by their ids."""
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
    return {
        cell.name: _released_cell(
            cell, points.get(cell.name, tasks.get(cell.name)), cell.name in solutions, cell.name in tasks
        )
        for cell in notebook.source_cells
    }


def _released_cell(cell: Any, points: float | None, is_solution: bool, is_task: bool) -> NotebookNode:
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


def _restore_known(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """Return the cells: the first of each known id restored from the gradebook, all others without nbgrader's metadata."""
    seen: set[str] = set()
    result = []
    for cell in cells:
        name = cell_id(cell)
        if name not in known or name in seen:
            cell.metadata.pop("nbgrader", None)
            result.append(cell)
            continue
        seen.add(name)
        released = known[name]
        source = released.source if released.metadata.nbgrader.locked else cell.source
        restored = _cell(released.cell_type, source, dict(released.metadata.nbgrader))
        if restored.cell_type == "markdown" and "attachments" in cell:
            restored.attachments = cell.attachments  # pictures that were pasted into an answer
        result.append(restored)
    return result


def _add_lost(cells: list[NotebookNode], known: dict[str, NotebookNode]) -> list[NotebookNode]:
    """Return the cells and the graded ones that were lost, each after the cell that precedes it in the release."""
    result = list(cells)
    places = {cell_id(cell): cell for cell in cells}
    before: NotebookNode | None = None
    for name, released in known.items():
        facts = released.metadata.nbgrader
        if name not in places and facts.grade and not facts.solution:
            position = result.index(before) + 1 if before is not None else len(result)
            result.insert(position, released)
            places[name] = released
        before = places.get(name, before)
    return result
