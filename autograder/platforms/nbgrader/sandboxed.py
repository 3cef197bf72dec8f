"""Replace nbgrader's execution by the sandboxed grader: it grades the file as a module, and the cells show the marks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool, Integer, Unicode

from autograder.errors import AutograderError
from autograder.platforms.nbgrader.ahead import Ahead, notebook_spec
from autograder.platforms.nbgrader.cells import GradedCell, graded_cells, is_check_id
from autograder.platforms.nbgrader.intake import handed_in, submitted_folder, submitted_work, timestamp
from autograder.results.types import SubmissionResult, storable

_BY_HAND = "This test is no check of the course and was not run: it is graded by hand.\n"
#: Results graded ahead in each run of nbgrader's, by the name of the notebook.
_RUNS: WeakKeyDictionary[Any, dict[str, Ahead]] = WeakKeyDictionary()


class GradeInSandbox(NbGraderPreprocessor):
    """Write the marks of the submitted file into the cells' outputs, instead of nbgrader's `Execute`.

    nbgrader reads marks from outputs and gives full points to a cell without any, so every graded cell first gets an error.
    """

    course = Unicode(help="The folder with exercises/catalog.toml.").tag(config=True)
    trusted = Bool(False, help="Grade even on a machine without isolation.").tag(config=True)
    jobs = Integer(0, help="How many notebooks are graded at once; 0 for as many as there are cores.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with an output in each graded cell."""
        cells = list(_test_cells(nb))
        for cell in cells:
            cell.outputs = [_error("this cell has not been graded")]
        facts = resources["nbgrader"]
        try:
            write_outputs(self._result(facts["student"], facts["assignment"], facts["notebook"]), cells)
            for cell in filter(is_own_test, cells):
                name = cell.metadata.nbgrader.grade_id
                self.log.warning(
                    "%s: %s is no check of the course and was not run; grade it by hand", facts["student"], name
                )
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
            begun[notebook] = self._grade_ahead(run.coursedir, assignment, notebook)
        return begun[notebook].result(student, submitted_work(run.coursedir, student, assignment, notebook))

    def _grade_ahead(self, course: Any, assignment: str, notebook: str) -> Ahead:
        """Grade the notebooks of all students of a run, when it comes to the first."""
        folder = Path(course.root, ".idealcat", assignment, notebook)
        ahead = Ahead(notebook_spec(self.course, notebook, trusted=self.trusted), folder, self.jobs)
        students = handed_in(course, assignment, course.student_id)
        ahead.grade({student: submitted_work(course, student, assignment, notebook) for student in students})
        return ahead


def write_outputs(result: SubmissionResult, cells: list[NotebookNode]) -> None:
    """Write the marks of each function and the sentences of its checks into the outputs of its cell."""
    graded = {cell.id: cell for cell in graded_cells(result.checks)}
    notes = "".join(f"{note}\n" for note in result.notes)
    for number, cell in enumerate(cells):
        name = cell.metadata.nbgrader.grade_id
        if name in graded:
            limit = float(cell.metadata.nbgrader.points)
            cell.outputs = [*_outputs(graded[name], notes if number == 0 else "", limit)]
            cell.execution_count = 1
        elif is_own_test(cell):
            cell.outputs = [new_output("stream", name="stdout", text=_BY_HAND)]
        else:
            cell.outputs = [_error(f"the course has no checks for the cell {name}; release the assignment again")]


class LeaveOwnTests(NbGraderPreprocessor):
    """Leave the instructor's own tests to be graded by hand: nbgrader would give full points for a cell without an error."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Take back the automatic score of each such cell; a manual score stays."""
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            for cell in filter(is_own_test, _test_cells(nb)):
                name = cell.metadata.nbgrader.grade_id
                grade = gradebook.find_grade(name, facts["notebook"], facts["assignment"], facts["student"])
                grade.auto_score, grade.needs_manual_grade = None, True
            gradebook.db.commit()
        return nb, resources


def is_own_test(cell: NotebookNode) -> bool:
    """Return True if an autograded test cell is the instructor's own, and so unknown to the course."""
    return not is_check_id(cell.metadata.nbgrader.grade_id)


def _outputs(graded: GradedCell, notes: str, limit: float) -> Iterator[NotebookNode]:
    text = storable(notes) + graded.text + "\n"
    yield new_output("stream", name="stdout", text=text)
    for title, picture in graded.pictures:
        yield new_output("stream", name="stdout", text=f"{title}:\n")
        yield new_output("display_data", data={"image/png": picture, "text/plain": title})
    # nbgrader refuses more points than the cell is worth; the course may have changed since the release.
    points = {"text/plain": repr(min(graded.points, limit))}
    yield new_output("execute_result", data=points, execution_count=1)


def _test_cells(nb: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the autograded test cells; graded answers are graded by hand."""
    for cell in nb.cells:
        facts = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and facts.get("grade") and not facts.get("solution"):
            yield cell


def _error(sentence: str) -> NotebookNode:
    return new_output("error", ename="NotGraded", evalue=sentence, traceback=[sentence])
