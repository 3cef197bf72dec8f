"""Build a notebook for each unit, whose first cell installs the students' course from a zip beside it."""

import re
import textwrap
from collections.abc import Collection, Iterator

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.course.catalog import Catalog
from autograder.course.skeletons import question_block, skeleton, whole_translation
from autograder.course.units import Unit
from autograder.errors import CatalogError
from autograder.messages import ENGLISH, speaking, tr
from autograder.platforms.bundles.fingerprints import Files
from autograder.platforms.bundles.leaks import leaks
from autograder.platforms.bundles.writing import zip_of
from autograder.platforms.unit_notebook import as_notebook, introduction, markdown_cell, split_functions
from autograder.results.templates import render_file

#: Name of the course in the folder of the notebooks.
ARCHIVE = "course.zip"
_WIDTH = 100
_LINK = re.compile(r"\[([^\]]+)\]\((\w+)\.md(?:#[^)]*)?\)")
_CHECK = 'from autograder.notebook import check\n\ncheck("{function}");'


def notebooks_bundle(catalog: Catalog, units: Collection[str], language: str, course: Files) -> Files:
    """Return `<unit>.ipynb` for each unit, and `course.zip`.

    Args:
        catalog: the catalog of the course.
        units: names of the units to release; all if empty.
        language: the language of lessons and skeletons; by default the course's own.
        course: the files of a release of the same units for students.

    Raises:
        CatalogError: a notebook would hold something that is not for students, or its lesson or solution cannot be read.
    """
    language = language or catalog.language or ENGLISH
    released = catalog.only(units or catalog.units)
    notebooks = {unit.name: _unit_notebook(released, unit, language) for unit in released.units.values()}
    found = leaks({f"notebooks/{name}.py": _text(notebook) for name, notebook in notebooks.items()}, catalog)
    if found:
        raise CatalogError(f"nothing was released: {found[0]}")
    return {ARCHIVE: zip_of(course)} | {
        f"{name}.ipynb": (nbformat.writes(notebook) + "\n").encode() for name, notebook in notebooks.items()
    }


def setup_cell() -> str:
    """Return the cell that finds or installs the course, in the language in use."""
    not_found = tr(
        "There is no course here. In Colab, upload the zip of the course (the folder on the left, then the arrow); in Jupyter "
        "and VS Code, put it beside this notebook. Then run this cell again."
    )
    not_installed = tr("pip could not install the course. Its last line, and the command to try in a terminal:")
    return render_file(
        "autograder.platforms.bundles",
        "setup_cell.txt",
        not_found=textwrap.fill(not_found, _WIDTH),
        not_installed=textwrap.fill(not_installed, _WIDTH),
        found=tr("The course is here:"),
    ).strip()


def _unit_notebook(catalog: Catalog, unit: Unit, language: str) -> NotebookNode:
    source = skeleton(whole_translation(catalog, unit.name, language), f"{unit.name}.py")
    with speaking(language, catalog.translations):
        cells = list(introduction(catalog.lesson(unit.name, language), source, attach=False))
        for cell in cells:
            cell.source = _LINK.sub(lambda link: _link(link, catalog), cell.source)
        return as_notebook([_code("setup", setup_cell()), *cells, *_functions(unit, source)])


def _text(notebook: NotebookNode) -> bytes:
    """Return the lines of all cells, for the search for leaks."""
    return "\n".join(cell.source for cell in notebook.cells).encode()


def _link(found: re.Match[str], catalog: Catalog) -> str:
    """Return a link to another lesson as a link to that unit's notebook; its words alone if the unit is not released."""
    return f"[{found[1]}]({found[2]}.ipynb)" if found[2] in catalog.units else found[1]


def _functions(unit: Unit, source: str) -> Iterator[NotebookNode]:
    header, functions = split_functions(unit, source)
    if header:
        yield _code("imports", header)
    for function, text in functions.items():
        yield markdown_cell(f"about-{function}", f"## `{function}`")
        yield _code(f"answer-{function}", text)
        yield _code(f"checks-{function}", _CHECK.format(function=function))
    for question in unit.questions.values():
        yield _code(f"answer-{question.name}", question_block(question).strip())


def _code(name: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=name[:64])
