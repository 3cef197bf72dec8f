"""Marks into nbgrader's gradebook without its commands: scores, comments, timestamps and late penalties, as it has them."""

import sys
from pathlib import Path

from nbformat.v4 import new_notebook

from autograder.errors import UsageError
from autograder.platforms.nbgrader.cells import answer_id, graded_cells
from autograder.platforms.nbgrader.installed import AssignLatePenalties, Gradebook, MissingEntry, NbGrader
from autograder.platforms.nbgrader.intake import handed_in, submitted_folder, submitted_work, timestamp
from autograder.results.types import SubmissionResult


class Assignment:
    """An assignment of a course of nbgrader's, with one notebook of the same name.

    Args:
        course: the folder with `nbgrader_config.py`, or with the gradebook in its usual place.
        name: of the assignment, the notebook and the unit.

    Raises:
        UsageError: there is no such course, or its gradebook has no such assignment.
    """

    def __init__(self, course: Path, name: str) -> None:
        if not course.is_dir():
            raise UsageError(f"{course} does not exist; give the folder of nbgrader's course")
        self.name = name
        self._app = _app(course)
        self._course = self._app.coursedir
        with self._gradebook() as gradebook:
            try:
                gradebook.find_notebook(name, name)
            except MissingEntry as error:
                advice = f"run `nbgrader generate_assignment {name}` there first"
                raise UsageError(
                    f"the gradebook of {course} has no notebook {name} in an assignment {name}; {advice}"
                ) from error

    def submissions(self) -> dict[str, Path]:
        """The work of each student who has handed something in: the notebook, or the folder where there is none.

        Raises:
            UsageError: nobody has.
        """
        found = handed_in(self._course, self.name)
        if not found:
            raise UsageError(f"nobody has handed in {self.name}: {self._folder('*')} matches nothing")
        return {student: submitted_work(self._course, student, self.name, self.name) for student in found}

    def record(self, student: str, result: SubmissionResult) -> str:
        """Writes a result into the gradebook. Manual scores, extra credit and manual comments stay as they are.

        Returns:
            A sentence where nobody can tell when the work was handed in.
        """
        when, doubt = timestamp(self._course, self._folder(student))
        with self._gradebook() as gradebook:
            gradebook.update_or_create_student(student)
            gradebook.update_or_create_submission(self.name, student, **({"timestamp": when} if when else {}))
            self._score(gradebook, student, result)
            gradebook.db.commit()
        facts = {"student": student, "assignment": self.name, "notebook": self.name, "db_url": self._course.db_url}
        # Nothing in it is looked at: the penalty follows from the gradebook.
        AssignLatePenalties(parent=self._app).preprocess(new_notebook(), {"nbgrader": facts})
        return doubt

    def _score(self, gradebook: Gradebook, student: str, result: SubmissionResult) -> None:
        cells = {cell.id: cell for cell in graded_cells(result.checks)}
        notebook = gradebook.find_submission_notebook(self.name, self.name, student)
        for grade in notebook.grades:
            if grade.cell.name in cells:
                grade.auto_score = min(cells[grade.cell.name].points, grade.cell.max_score)
            # As nbgrader has it: a score by hand is to be looked at again, a missing one to be given.
            grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
        texts: dict[str, str] = {}
        for cell in cells.values():
            name = answer_id(cell.function)
            texts[name] = "\n".join(filter(None, (texts.get(name), cell.text)))
        for comment in notebook.comments:
            comment.auto_comment = texts.get(comment.cell.name, comment.auto_comment)

    def _folder(self, student: str) -> Path:
        return submitted_folder(self._course, student, self.name)

    def _gradebook(self) -> Gradebook:
        return Gradebook(self._course.db_url, self._course.course_id)


def _app(course: Path) -> NbGrader:
    """nbgrader's settings in a course, read as its commands read them."""
    path = list(sys.path)
    try:
        app = NbGrader(log_level="ERROR")
        app.initialize([], root=str(course.resolve()))
        return app
    finally:
        sys.path[:] = path  # it puts the working directory first
