"""nbgrader's autograding with the sandboxed grader: the notebook is graded as a module, and its cells only show the marks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.errors import AutograderError
from autograder.platforms.nbgrader.ahead import Ahead, notebook_spec
from autograder.platforms.nbgrader.cells import GradedCell, graded_cells
from autograder.platforms.nbgrader.installed import Bool, Integer, NbGraderPreprocessor, Unicode
from autograder.platforms.nbgrader.intake import handed_in, submitted_folder, submitted_work, timestamp
from autograder.results.types import SubmissionResult

#: What each run of nbgrader's has graded ahead, by the name of the notebook.
_RUNS: WeakKeyDictionary[Any, dict[str, Ahead]] = WeakKeyDictionary()


class GradeInSandbox(NbGraderPreprocessor):
    """In place of nbgrader's `Execute`: marks from the submitted file, graded as a module, go into the cells' outputs.

    nbgrader reads marks from outputs, and takes a cell without any for right. So every graded cell fails first.
    """

    course = Unicode(help="The folder with exercises/catalog.toml.").tag(config=True)
    trusted = Bool(False, help="Grade even where no isolation is to be had.").tag(config=True)
    jobs = Integer(0, help="How many notebooks are graded at once; 0 for as many as there are cores.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The notebook with an output in each graded cell."""
        cells = list(_graded_by_us(nb))
        for cell in cells:
            cell.outputs = [_error("this cell has not been graded")]
        facts = resources["nbgrader"]
        try:
            show(self._result(facts["student"], facts["assignment"], facts["notebook"]), cells)
        except AutograderError as error:
            self.log.error("%s", error)
            raise
        return nb, resources

    def _result(self, student: str, assignment: str, notebook: str) -> SubmissionResult:
        run = self.parent.parent  # nbgrader's `Autograde`: our parent is its exporter
        _, doubt = timestamp(run.coursedir, submitted_folder(run.coursedir, student, assignment))
        if doubt:
            self.log.warning("%s", doubt)
        begun = _RUNS.setdefault(run, {})
        if notebook not in begun:
            begun[notebook] = self._graded_ahead(run.coursedir, assignment, notebook)
        return begun[notebook].result(student, submitted_work(run.coursedir, student, assignment, notebook))

    def _graded_ahead(self, course: Any, assignment: str, notebook: str) -> Ahead:
        """The first notebook of a run grades those of all its students."""
        folder = Path(course.root, ".idealcat", assignment, notebook)
        ahead = Ahead(notebook_spec(self.course, notebook, trusted=self.trusted), folder, self.jobs)
        students = handed_in(course, assignment, course.student_id)
        ahead.grade({student: submitted_work(course, student, assignment, notebook) for student in students})
        return ahead


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
