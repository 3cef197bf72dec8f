"""Replace nbgrader's execution of notebooks by the sandboxed grader, whose marks the cells then show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from autograder.platforms.nbgrader.cells import (
    GradedCell,
    earned_points,
    graded_cells,
    is_check_id,
    release_again,
    released_points,
)
from autograder.platforms.nbgrader.intake import handed_in, submitted_folder, submitted_work, timestamp
from autograder.platforms.nbgrader.own import OwnScore, OwnTests, own_tests
from autograder.results.mark import Hidden
from autograder.results.types import SubmissionResult, storable

#: For each run of nbgrader's: the graders of its notebooks, by the notebook's name. They are made once in a run.
_RUNS: WeakKeyDictionary[Any, dict[str, "_Run"]] = WeakKeyDictionary()
#: Key among nbgrader's resources. Its value: the earlier automatic scores of cells that were not run, or None, by their ids.
_NOT_RUN = "idealcat_not_run"


@dataclass(frozen=True)
class _Run:
    """Graders of one notebook of an assignment: by the course's checks, and by the instructor's own tests if there are any."""

    ahead: Ahead
    own: OwnTests | None
    said: set[str] = field(default_factory=set)


class GradeInSandbox(NbGraderPreprocessor):
    """Preprocessor that writes the marks of the submitted file into the cells' outputs, in place of nbgrader's `Execute`.

    nbgrader reads marks from outputs, and gives full points to a cell without any. So every graded cell first gets an error.
    """

    course = Unicode(help="The folder with exercises/catalog.toml.").tag(config=True)
    trusted = Bool(False, help="Grade even on a machine without isolation.").tag(config=True)
    jobs = Integer(0, help="How many notebooks are graded at once; 0 for as many as there are cores.").tag(config=True)
    hidden = Unicode("points", help="What students see of hidden checks.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Return the notebook with an output in each graded cell."""
        cells = list(_test_cells(nb))
        for cell in cells:
            cell.outputs = [_error("this cell has not been graded")]
        facts = resources["nbgrader"]
        try:
            run = self._run(facts["assignment"], facts["notebook"])
            work = submitted_work(self._coursedir, facts["student"], facts["assignment"], facts["notebook"])
            result = self._result(run, facts, work)
            own = run.own.scores(work) if run.own else {}
        except AutograderError as error:
            self.log.error("%s", error)
            raise
        without = write_outputs(result, cells, Hidden(self.hidden))
        self._warn_of_changes(run, facts["assignment"], result, cells)
        write_own_outputs(own, cells)
        scores = _scores_so_far(facts, without) | {name: None for name, score in own.items() if score.points is None}
        for name in (name for name, score in scores.items() if score is None):
            self.log.warning("%s: %s was not run and has no automatic score; grade it by hand", facts["student"], name)
        resources[_NOT_RUN] = scores
        return nb, resources

    def _warn_of_changes(
        self, run: "_Run", assignment: str, result: SubmissionResult, cells: list[NotebookNode]
    ) -> None:
        """Log once in a run that the course has changed since the release, and what to do."""
        sentence = release_again(
            assignment, self._coursedir.root, earned_points(graded_cells(result.checks)), _limits(cells)
        )
        if sentence and sentence not in run.said:
            run.said.add(sentence)
            self.log.warning("%s", sentence)

    @property
    def _coursedir(self) -> Any:
        return self.parent.parent.coursedir  # the parent is an exporter, and its parent nbgrader's `Autograde`

    def _result(self, run: _Run, facts: dict[str, str], work: Path) -> SubmissionResult:
        _, doubt = timestamp(self._coursedir, submitted_folder(self._coursedir, facts["student"], facts["assignment"]))
        if doubt:
            self.log.warning("%s", doubt)
        return run.ahead.result(facts["student"], work)

    def _run(self, assignment: str, notebook: str) -> _Run:
        """Return the graders of a notebook in the current run of nbgrader's. Make them at the first student's notebook."""
        begun = _RUNS.setdefault(self.parent.parent, {})
        if notebook not in begun:
            ahead = self._grade_ahead(self._coursedir, assignment, notebook)
            own = own_tests(self._coursedir, assignment, notebook, ahead.spec, Hidden(self.hidden))
            for name, reason in own.reasons.items() if own else ():
                self.log.warning("the test %s cannot be run: %s", name, reason)
            begun[notebook] = _Run(ahead, own)
        return begun[notebook]

    def _grade_ahead(self, course: Any, assignment: str, notebook: str) -> Ahead:
        """Grade the notebooks of all students of a run at once."""
        folder = Path(course.root, ".idealcat", assignment, notebook)
        ahead = Ahead(notebook_spec(self.course, notebook, trusted=self.trusted), folder, self.jobs)
        students = handed_in(course, assignment, course.student_id)
        ahead.grade({student: submitted_work(course, student, assignment, notebook) for student in students})
        return ahead


def write_outputs(result: SubmissionResult, cells: list[NotebookNode], hidden: Hidden) -> list[str]:
    """Write the marks of each function and the sentences of its checks into the outputs of its cell.

    Returns:
        The ids of released cells for which the course has no checks any more.
    """
    graded = {cell.id: cell for cell in graded_cells(result.checks)}
    points = released_points(earned_points(graded.values()), _limits(cells))
    released = {_name(cell): cell for cell in cells if is_check_id(_name(cell))}
    notes = "".join(f"{note}\n" for note in result.notes)
    for name, cell in released.items():
        if name in points:
            cell.outputs = [*_outputs(graded.get(name), notes, points[name], hidden)]
            cell.execution_count, notes = 1, ""
        else:
            cell.outputs = [_stream_output("The course has no checks for this cell any more.")]
    return [name for name in released if name not in points]


def write_own_outputs(scores: Mapping[str, OwnScore], cells: list[NotebookNode]) -> None:
    """Write the scores of the instructor's own tests into the outputs of their cells."""
    for cell in cells:
        score = scores.get(_name(cell))
        if score is not None:
            cell.outputs = [_stream_output(storable(score.text))]
            if score.points is not None:
                cell.outputs.append(_points(score.points))


class LeaveForHand(NbGraderPreprocessor):
    """Preprocessor that leaves cells that were not run to be graded by hand: nbgrader would give them full points."""

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """Restore the automatic score that each such cell had before, or none. A score by hand stays."""
        facts = resources["nbgrader"]
        with Gradebook(facts["db_url"]) as gradebook:
            for name, score in resources[_NOT_RUN].items():
                grade = gradebook.find_grade(name, facts["notebook"], facts["assignment"], facts["student"])
                grade.auto_score, grade.needs_manual_grade = score, score is None or grade.manual_score is not None
            gradebook.db.commit()
        return nb, resources


def _scores_so_far(facts: Mapping[str, str], names: list[str]) -> dict[str, float | None]:
    """Return the automatic scores that the gradebook has for some cells of a student's notebook."""
    with Gradebook(facts["db_url"]) as gradebook:
        where = facts["notebook"], facts["assignment"], facts["student"]
        return {name: gradebook.find_grade(name, *where).auto_score for name in names}


def _limits(cells: list[NotebookNode]) -> dict[str, float]:
    """Return the points of the released check cells by their ids."""
    return {_name(cell): float(cell.metadata.nbgrader.points) for cell in cells if is_check_id(_name(cell))}


def _outputs(graded: GradedCell | None, notes: str, points: float, hidden: Hidden) -> Iterator[NotebookNode]:
    text = graded.text(hidden) if graded else "Its checks are counted in another cell of the function now."
    yield _stream_output(storable(notes) + text)
    for title, picture in graded.pictures if graded else ():
        yield _stream_output(f"{title}:")
        yield new_output("display_data", data={"image/png": picture, "text/plain": title})
    yield _points(points)


def _stream_output(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text + "\n")


def _points(points: float) -> NotebookNode:
    return new_output("execute_result", data={"text/plain": repr(points)}, execution_count=1)


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.nbgrader.grade_id)


def _test_cells(nb: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the autograded test cells, and not the answers that a person grades."""
    for cell in nb.cells:
        facts = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and facts.get("grade") and not facts.get("solution"):
            yield cell


def _error(sentence: str) -> NotebookNode:
    return new_output("error", ename="NotGraded", evalue=sentence, traceback=[sentence])
