"""A class of students who hand in notebooks of one unit: right, wrong, careless and hostile."""

import ast
import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

UNIT = "variation_loss"
Answers = dict[str, str]


class Class:
    """Writes `submitted/<student>/<unit>/<unit>.ipynb` of a course that has been released."""

    def __init__(self, course: Path, mistakes: Path) -> None:
        self.course = course
        self.released = nbformat.read(course / "release" / UNIT / f"{UNIT}.ipynb", 4)
        self.solved = nbformat.read(course / "source" / UNIT / f"{UNIT}.ipynb", 4)
        self._mistakes = ast.parse(mistakes.read_text())

    def right(self) -> Answers:
        """The answers of the solution, by function."""
        return {id_of(cell).removeprefix("answer-"): cell.source for cell in self.solved.cells if is_answer(cell)}

    def notebook(self, answers: Answers) -> NotebookNode:
        """The released notebook with these answers; where there is none, as it was released."""
        notebook = copy.deepcopy(self.released)
        for cell in notebook.cells:
            if is_answer(cell):
                cell.source = answers.get(id_of(cell).removeprefix("answer-"), cell.source)
        return notebook

    def mistaken(self) -> Iterator[tuple[str, Answers]]:
        """The right answers with one known mistake each, under the name of the mistake."""
        known = [node for node in self._mistakes.body if isinstance(node, ast.FunctionDef) and node.decorator_list]
        # Without the docstring and the import of the marker.
        rest = [node for node in self._mistakes.body[1:] if node not in known and "mistake" not in ast.unparse(node)]
        helpers = "\n\n".join(map(ast.unparse, rest))
        for node in known:
            variant = copy.deepcopy(node)
            variant.name = ast.literal_eval(node.decorator_list[0].args[0])
            variant.decorator_list = []
            yield node.name, {**self.right(), variant.name: f"{helpers}\n\n{ast.unparse(variant)}"}

    def hand_in(self, student: str, notebook: NotebookNode | str, timestamp: str = "2026-01-02 10:00:00 UTC") -> None:
        """Puts a notebook where nbgrader looks for it."""
        folder = self.course / "submitted" / student / UNIT
        folder.mkdir(parents=True)
        text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
        (folder / f"{UNIT}.ipynb").write_text(text, encoding="utf-8")
        (folder / "timestamp.txt").write_text(timestamp)


def id_of(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_graded(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


#: Code that a hostile notebook puts into its first answer. None of it may earn a point that the plain answer does not.
CHEATS = {
    "patches_torch": "import torch\ntorch.allclose = torch.equal = lambda *_, **__: True\ntorch.testing.assert_close = print",
    "forges_check": "import autograder.notebook\nautograder.notebook.check = lambda *_, **__: 100",
    "hides_errors": "import sys\nsys.excepthook = lambda *_: None\nget_ipython = lambda: None",
    "exits": "import os\ndef total_variation(images):\n    os._exit(0)",
    "empties_the_gradebook": """import glob
def total_variation(images):
    for path in glob.glob("/**/gradebook.db", recursive=True):
        open(path, "w").close()
    return 1
""",
}

#: What goes wrong with notebooks on their way: from the notebook to the text of the file.
ACCIDENTS: dict[str, Callable[[NotebookNode], NotebookNode | str]] = {}


def accident(change: Callable[[NotebookNode], NotebookNode | str]) -> Callable[[NotebookNode], NotebookNode | str]:
    ACCIDENTS[change.__name__] = change
    return change


@accident
def checks_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if not is_graded(cell)]
    return notebook


@accident
def answer_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if id_of(cell) != "answer-denoise"]
    return notebook


@accident
def answer_and_checks_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if not id_of(cell).endswith("-denoise")]
    return notebook


@accident
def everything_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = []
    return notebook


@accident
def cells_duplicated(notebook: NotebookNode) -> NotebookNode:
    twice = [copy.deepcopy(cell) for cell in notebook.cells]
    for number, cell in enumerate(twice):
        cell.id = f"again-{number}"
    notebook.cells += twice
    return notebook


@accident
def cells_reordered(notebook: NotebookNode) -> NotebookNode:
    notebook.cells.sort(key=lambda cell: id_of(cell) == "imports")
    notebook.cells.reverse()
    return notebook


@accident
def answer_retyped(notebook: NotebookNode) -> NotebookNode:
    return retyped(notebook, "answer-total_variation")


@accident
def checks_retyped(notebook: NotebookNode) -> NotebookNode:
    return retyped(notebook, "checks-total_variation")


def retyped(notebook: NotebookNode, name: str) -> NotebookNode:
    notebook.cells = [
        new_markdown_cell(cell.source, metadata=cell.metadata) if id_of(cell) == name else cell
        for cell in notebook.cells
    ]
    return notebook


@accident
def checks_rewritten(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if is_graded(cell):
            cell.source = "100.0"
            cell.metadata.nbgrader.points = 100
            cell.outputs = [new_output("execute_result", data={"text/plain": "100.0"}, execution_count=1)]
    return notebook


@accident
def metadata_lost(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = {}
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


@accident
def metadata_old(notebook: NotebookNode) -> NotebookNode:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.schema_version = 1
    return notebook


@accident
def metadata_mangled(notebook: NotebookNode) -> NotebookNode:
    for number, cell in enumerate(notebook.cells):
        cell.metadata["nbgrader"] = [7, "x", {"grade_id": ["y"], "grade": "yes"}, {"schema_version": 99}][number % 4]
    return notebook


@accident
def magics(notebook: NotebookNode) -> NotebookNode:
    notebook.cells[:0] = [
        new_code_cell("%matplotlib inline\n!pip install torch\n?print"),
        new_code_cell("%%bash\necho hello"),
        new_code_cell("from autograder.notebook import check\ncheck('denoise')"),
    ]
    return notebook


@accident
def much_output(notebook: NotebookNode) -> NotebookNode:
    """More than a notebook may have; what is said of it is that of any file that is too large."""
    notebook.cells.append(new_code_cell("print('x')", outputs=[new_output("stream", text="x" * 100_000_000)]))
    return notebook


@accident
def wrong_kernel(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata.kernelspec = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
    return notebook


@accident
def third_format(notebook: NotebookNode) -> str:
    return str(nbformat.writes(notebook, version=3))


@accident
def merge_markers(notebook: NotebookNode) -> str:
    text = str(nbformat.writes(notebook))
    return text.replace(' "cells"', '<<<<<<< HEAD\n "cells"', 1).replace(' "metadata"', ">>>>>>> mine\n metadata", 1)


@accident
def cut_short(notebook: NotebookNode) -> str:
    text = str(nbformat.writes(notebook))
    return text[: len(text) // 2]


@accident
def empty(_: NotebookNode) -> str:
    return ""


@accident
def no_notebook(_: NotebookNode) -> str:
    return '{"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": [1, {"cell_type": "code"}]}'
