"""Take in a term: the folders of its graded assignments, and the students of its roster."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.grading.source import roster_numbers
from autograder.results.class_file import FILENAME, read_policy
from autograder.results.mark import Mark, with_numbers
from autograder.results.publish import graded_folder, read_assignment, read_results, roster_of, unheeded_decisions
from autograder.results.term import folder_names, term_marks
from autograder.submissions.hand_in import read_students
from autograder.submissions.matching import Finder, of_one_class
from autograder.submissions.roster import read_roster
from autograder.submissions.students import Student


@dataclass(frozen=True)
class Term:
    """Marks of the students of a roster for several assignments together.

    Attributes:
        marks: the mark of each student for all assignments together, in the order of the roster.
        enrolled: the students, by the names that their marks have.
        remarks: sentences for the instructor: who is left out, and which decisions have no effect.
    """

    marks: list[Mark]
    enrolled: dict[str, Student]
    remarks: list[str]


def take_in_term(paths: Sequence[Path], roster: Path, catalog: Catalog) -> Term:
    """Return the term whose assignments were graded into some folders.

    Args:
        paths: a folder of results for each assignment.
        roster: table of the students; the table `term` of the `class.toml` beside it says how assignments are summed up.
        catalog: the course.

    Raises:
        UsageError: a folder holds no results, or a table cannot be read.
    """
    finder = Finder(read_roster(roster), roster.name)
    remarks = [*finder.remarks]
    folders = folder_names(
        [str(graded_folder(path)) for path in paths],
        lambda folder: Path(folder).name,
        lambda folder: "-".join(Path(folder).parts[-2:]),
    )
    assignments = []
    for folder, name in folders.items():
        known = _known(Path(folder))
        found = of_one_class(known, finder, name, own_numbers=bool(roster_of(Path(folder))))
        remarks += [
            f"{name}: {stranger} is left out: {finder.why_not(student, stranger)}"
            for stranger, student in known.items()
            if stranger not in found.values()
        ]
        assignment = read_assignment(Path(folder), name, catalog, found)
        remarks += [
            f"{name}: {each}" for each in unheeded_decisions([Path(folder)], assignment.marks.values(), catalog)
        ]
        assignments.append(assignment)
    enrolled = dict(zip(finder.titles, (each.student for each in finder.everyone), strict=True))
    numbers = roster_numbers(roster)
    marks = [
        with_numbers(made, enrolled[made.name].id, enrolled[made.name].login, numbers)
        for made in term_marks(assignments, enrolled, read_policy(roster.parent / FILENAME).term)
    ]
    return Term(marks, enrolled, remarks)


def _known(folder: Path) -> dict[str, Student]:
    """Return what is known of the students whose results lie in a folder, by the names of the results."""
    students = read_students(folder)
    return {result.name: students.get(result.name, Student(result.name)) for result in read_results([folder]).values()}
