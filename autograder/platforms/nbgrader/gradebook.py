"""Write marks into nbgrader's gradebook without its commands: scores, comments, timestamps and late penalties."""

import contextlib
import functools
import math
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.preprocessors import AssignLatePenalties

from autograder.errors import UsageError
from autograder.grading.spec import GradingSpec
from autograder.platforms.nbgrader.cells import answer_id, graded_cells, is_check_id, release_again, released_points
from autograder.platforms.nbgrader.config import FILENAME
from autograder.platforms.nbgrader.intake import (
    hand_in_of,
    handed_in,
    refused_folders,
    submitted_folder,
    submitted_work,
    timestamp,
)
from autograder.platforms.nbgrader.own import OwnScore, OwnTests, own_tests
from autograder.results.mark import Hidden, Mark
from autograder.results.types import legible, points_text
from autograder.results.wording import manual_line
from autograder.submissions.hand_in import HandIn

#: How the address of a gradebook in a file begins.
_SQLITE = "sqlite:///"


class GradebookAssignment:
    """GradebookAssignment in the gradebook of a course of nbgrader's, with one notebook of the same name.

    Args:
        course: the folder of the course, with `nbgrader_config.py` or with the gradebook in its usual place.
        name: the name of the assignment, the notebook and the unit.
        spec: how the unit is graded.

    Raises:
        UsageError: there is no such course, or its gradebook has no such assignment.
    """

    def __init__(self, course: Path, name: str, spec: GradingSpec) -> None:
        if not course.is_dir():
            raise UsageError(f"{course} does not exist; give the folder of nbgrader's course")
        self.name = name
        self._spec = spec
        self._app = _app(course)
        self._penalties = _late_penalties(course, self._app)
        self._course = self._app.coursedir
        self._hidden = Hidden(self._app.config.get("GradeInSandbox", {}).get("hidden", Hidden.POINTS))
        #: Sentences about the assignment and what was handed in; a dict, so that each stands there once and in order.
        self.remarks: dict[str, None] = {}
        if not self._has_notebook():
            advice = f"run `nbgrader generate_assignment {name}` there first"
            raise UsageError(f"the gradebook of {course} has no notebook {name} in an assignment {name}; {advice}")

    def _has_notebook(self) -> bool:
        """Return True if the gradebook has the notebook. Open no gradebook that does not exist: SQLite would create it."""
        file = self._course.db_url.removeprefix(_SQLITE)
        if file != self._course.db_url and not Path(file).exists():
            return False
        with self._gradebook() as gradebook, contextlib.suppress(MissingEntry):
            gradebook.find_notebook(self.name, self.name)
            return True
        return False

    def submissions(self) -> dict[str, HandIn]:
        """Return the work of each student who has handed something in: the notebook, or the folder if there is none.

        Raises:
            UsageError: nobody has handed in.
        """
        found = handed_in(self._course, self.name)
        self.remarks |= dict.fromkeys(refused_folders(self._course, self.name).values())
        if not found:
            raise UsageError(f"nobody has handed in {self.name}: {self._folder('*')} matches nothing")
        return {student: hand_in_of(submitted_work(self._course, student, self.name, self.name)) for student in found}

    def record(self, mark: Mark) -> None:
        """Write a mark into the gradebook. Scores, extra credit and comments by hand in it stay as they are."""
        student = mark.name
        when, doubt = timestamp(self._course, self._folder(student))
        scores = self._own.scores(submitted_work(self._course, student, self.name, self.name)) if self._own else {}
        with self._gradebook() as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(self.name, student, **({"timestamp": when} if when else {}))
            self._score(gradebook, mark, scores)
            gradebook.db.commit()
        facts = {"student": student, "assignment": self.name, "notebook": self.name, "db_url": self._course.db_url}
        # An empty notebook will do, as the penalty depends on the gradebook alone.
        self._penalties.preprocess(new_notebook(), {"nbgrader": facts})
        if doubt:
            self.remarks[f"{student}: {doubt}"] = None

    @functools.cached_property
    def _own(self) -> OwnTests | None:
        """Return the instructor's own tests in the notebook; None if there are none."""
        own = own_tests(self._course, self.name, self.name, self._spec, self._hidden)
        for name, reason in own.reasons.items() if own else ():
            self.remarks[f"the test {name} cannot be run, grade it by hand: {reason}"] = None
        return own

    def final(self, mark: Mark) -> Mark:
        """Return a mark with the gradebook's own numbers, as `nbgrader export` gives them: scores by hand, penalties."""
        if mark.score is None:
            return mark
        with self._gradebook() as gradebook:
            found = gradebook.find_submission(self.name, mark.name)
            penalty = found.late_submission_penalty or 0.0
            open_cells = sum(
                grade.auto_score is None and grade.manual_score is None
                for notebook in found.notebooks
                for grade in notebook.grades
            )
            score, most = max(0.0, found.score - penalty), found.max_score
            trail = [f"{points_text(mark.score)} by checks", f"{points_text(found.score)} in the gradebook"]
        trail += [f"{points_text(penalty)} off as late"] if penalty else []
        trail += [f"{open_cells} cells to be graded by hand"] if open_cells else []
        changed = len(trail) > 2 or (score, most) != (mark.score, mark.max_score)
        return replace(mark, score=score, max_score=most, trail=tuple(trail) if changed else ())

    def _score(self, gradebook: Gradebook, mark: Mark, own: Mapping[str, OwnScore]) -> None:
        notebook = gradebook.find_submission_notebook(self.name, self.name, mark.name)
        earned = _points_by_cell(mark)
        limits = {grade.cell.name: grade.cell.max_score for grade in notebook.grades if is_check_id(grade.cell.name)}
        scores: dict[str, float | None] = dict(released_points(earned, limits))
        first = next((name for name in earned if name in scores), "")
        if first:
            scores[first] = (scores[first] or 0.0) + math.fsum(line.points for line in mark.added)
        scores |= {name: score.points for name, score in own.items()}
        functions = (each for unit in mark.units.values() for each in unit.functions.values())
        scores |= {answer_id(each.name): each.points for each in functions if each.question and each.manual}
        sentence = release_again(self.name, str(self._course.root), earned, limits)
        if sentence:
            self.remarks[sentence] = None
        for grade in notebook.grades:
            if grade.cell.name in scores:
                grade.auto_score = scores[grade.cell.name]
            # Ask for a person, as nbgrader does, if a score was given by hand or there is no automatic one.
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        texts = _texts(mark, self._hidden)
        for comment in notebook.comments:
            comment.auto_comment = texts.get(comment.cell.name, comment.auto_comment)

    def _folder(self, student: str) -> Path:
        return submitted_folder(self._course, student, self.name)

    def _gradebook(self) -> Gradebook:
        return Gradebook(self._course.db_url, self._course.course_id)


def _points_by_cell(mark: Mark) -> dict[str, tuple[float, float]]:
    """Return the points of each graded cell, earned and possible. Points by hand for a function fill its cells in order."""
    earned: dict[str, tuple[float, float]] = {}
    for unit in mark.units.values():
        left = {name: function.points for name, function in unit.functions.items() if function.manual is not None}
        for cell in graded_cells(mark.checks_of(unit.name)):
            points = min(left[cell.function], cell.max_points) if cell.function in left else cell.points
            if cell.function in left:
                left[cell.function] -= points
            earned[cell.id] = points, cell.max_points
    return earned


def _texts(mark: Mark, hidden: Hidden) -> dict[str, str]:
    """Return the comment at each answer, by the id of its cell.

    nbgrader reads comments as Markdown. They are indented as code, so that no text of a student's becomes a tag on the page.
    """
    texts: dict[str, list[str]] = {}
    for cell in graded_cells(mark.result.checks):
        texts.setdefault(answer_id(cell.function), []).append(cell.text(hidden))
    first = next(iter(texts), "")
    for line in mark.manual:
        name = answer_id(line.function) if line.function else first
        texts.setdefault(name, []).append(f"Points by hand: {manual_line(line)}")
    return {name: textwrap.indent("\n".join(filter(None, lines)), "    ") for name, lines in texts.items()}


def _app(course: Path) -> NbGrader:
    """Read nbgrader's settings in a course as its commands do."""
    with _importing_from(course):
        app = NbGrader(log_level="ERROR")
        app.initialize([], root=str(course.resolve()))
        return app


def _late_penalties(course: Path, app: NbGrader) -> AssignLatePenalties:
    """Return nbgrader's late penalties, with the course's own plugin if its settings name one.

    Raises:
        UsageError: the plugin cannot be imported, or is no plugin.
    """
    try:
        with _importing_from(course):
            penalties = AssignLatePenalties(parent=app)
            penalties.init_plugin()
            return penalties
    except Exception as error:  # the plugin is the course's own code, and may raise anything
        reason = legible(str(error) or type(error).__name__)
        raise UsageError(
            f"the plugin for late penalties that {course / FILENAME} names cannot be used: {reason}"
        ) from error


@contextlib.contextmanager
def _importing_from(course: Path) -> Iterator[None]:
    """Search the course's folder first for imports, as nbgrader's commands do when they are run there."""
    path = list(sys.path)
    sys.path.insert(0, str(course.resolve()))
    try:
        yield
    finally:
        sys.path[:] = path  # nbgrader puts the working directory first
