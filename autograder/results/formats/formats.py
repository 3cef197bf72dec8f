"""The table of all forms that marks can take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autograder.course.catalog import Catalog
from autograder.results.formats.classroom50 import classroom50, classroom50_body
from autograder.results.formats.exercism import exercism
from autograder.results.formats.forges import github, gitlab
from autograder.results.formats.gradebooks import canvas, grades_csv, moodle, result_json
from autograder.results.formats.gradescope import gradescope
from autograder.results.formats.junit import junit
from autograder.results.formats.markdown import markdown
from autograder.results.formats.pages import student_page
from autograder.results.mark import Mark


@dataclass(frozen=True)
class Format:
    """A form of marks: a file for each of them, or one table for a class.

    Attributes:
        suffix: the suffix of its files.
        of_one: the text for one mark and its course; None for a table.
        of_class: the text for the marks of a class and the title of the assignment; None if each mark has a file.
    """

    suffix: str
    of_one: Callable[[Mark, Catalog], str] | None = None
    of_class: Callable[[Sequence[Mark], str], str] | None = None


def _each(suffix: str, render: Callable[[Mark], str]) -> Format:
    return Format(suffix, of_one=lambda mark, _: render(mark))


FORMATS = {
    "html": Format(".html", of_one=student_page),
    "json": _each(".json", result_json),
    "markdown": _each(".md", markdown),
    "junit": _each(".xml", junit),
    "gradescope": _each(".json", gradescope),
    "classroom50": _each(".json", classroom50),
    "classroom50-body": _each(".md", classroom50_body),
    "github": _each(".txt", github),
    "gitlab": _each(".txt", gitlab),
    "exercism": _each(".json", exercism),
    "csv": Format(".csv", of_class=lambda marks, _: grades_csv(marks)),
    "canvas": Format(".csv", of_class=canvas),
    "moodle": Format(".csv", of_class=moodle),
}
