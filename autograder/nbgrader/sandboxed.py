"""nbgrader's autograding with the sandboxed grader: the notebook is graded as a module, and its cells only show the marks."""

import atexit
import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.catalog import Catalog, read_catalog
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.grade import Grader
from autograder.nbgrader.cells import GradedCell, graded_cells
from autograder.nbgrader.installed import Bool, NbGraderPreprocessor, Unicode
from autograder.nbgrader.intake import submitted_folder, submitted_work, timestamp
from autograder.results import SubmissionResult
from autograder.sandbox import REQUIRED, Sandbox
from autograder.terms import course_secret


class GradeInSandbox(NbGraderPreprocessor):
    """In place of nbgrader's `Execute`: marks from the submitted file, graded as a module, go into the cells' outputs.

    nbgrader reads marks from outputs, and takes a cell without any for right. So every graded cell fails first.
    """

    course = Unicode(help="The folder with exercises/catalog.toml.").tag(config=True)
    trusted = Bool(False, help="Grade even where no isolation is to be had.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook with an output in each graded cell."""
        cells = list(_graded_by_us(nb))
        for cell in cells:
            cell.outputs = [_error("this cell has not been graded")]
        facts = resources["nbgrader"]
        try:
            course = self.parent.parent.coursedir
            work = submitted_work(course, facts["student"], facts["assignment"], facts["notebook"])
            _, doubt = timestamp(course, submitted_folder(course, facts["student"], facts["assignment"]))
            if doubt:
                self.log.warning("%s", doubt)
            result = grade_notebook(self.course, work, facts["notebook"], facts["student"], trusted=self.trusted)
            show(result, cells)
        except AutograderError as error:
            self.log.error("%s", error)
            raise
        return nb, resources


def grade_notebook(course: str, path: Path, unit: str, student: str, *, trusted: bool = False) -> SubmissionResult:
    """The result of one submitted notebook, by a grader that stays warm for the next.

    Raises:
        GraderError: there is no grade, by the grader's own fault.
    """
    result = _grader(course, unit, trusted).grade(path, student)
    for check in result.errors:
        raise GraderError(f"{student} has no grade: {check.id}: {check.message}")
    return result


def show(result: SubmissionResult, cells: list[NotebookNode]) -> None:
    """Puts the marks of each function, and what its checks say, into the outputs of its cell."""
    graded = {cell.id: cell for cell in graded_cells(result.checks)}
    notes = "".join(f"{note}\n" for note in result.notes)
    for number, cell in enumerate(cells):
        name = cell.metadata.nbgrader.grade_id
        if name in graded:
            limit = float(cell.metadata.nbgrader.points)
            cell.outputs = [*_shown(graded[name], notes if number == 0 else "", limit)]
            cell.execution_count = 1
        else:
            cell.outputs = [_error(f"the course has no checks for the cell {name}; release the assignment again")]


def _shown(graded: GradedCell, notes: str, limit: float) -> Iterator[NotebookNode]:
    text = notes.encode("utf-8", "replace").decode("utf-8") + graded.text + "\n"
    yield new_output("stream", name="stdout", text=text)
    for title, picture in graded.pictures:
        yield new_output("stream", name="stdout", text=f"{title}:\n")
        yield new_output("display_data", data={"image/png": picture, "text/plain": title})
    # More than the cell is worth would be an error to nbgrader: the course may have changed since the release.
    points = {"text/plain": repr(min(graded.points, limit))}
    yield new_output("execute_result", data=points, execution_count=1)


def _graded_by_us(nb: NotebookNode) -> Iterator[NotebookNode]:
    """Cells with checks. A graded answer is a person's to grade."""
    for cell in nb.cells:
        facts = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and facts.get("grade") and not facts.get("solution"):
            yield cell


def _error(sentence: str) -> NotebookNode:
    return new_output("error", ename="NotGraded", evalue=sentence, traceback=[sentence])


@functools.cache
def _grader(course: str, unit: str, trusted: bool) -> Grader:
    catalog = read_catalog(Path(course))
    if unit not in catalog.units:
        raise UsageError(f"no unit is called {unit!r}; a notebook is graded in the sandbox under the name of its unit")
    return Grader(catalog, _sandbox(catalog), course_secret(), units=[unit], require=() if trusted else REQUIRED)


_open = contextlib.ExitStack()
atexit.register(_open.close)


@functools.cache
def _warm(preload: tuple[str, ...]) -> Sandbox:
    return _open.enter_context(Sandbox(preload))


def _sandbox(catalog: Catalog) -> Sandbox:
    return _warm(catalog.preload)
