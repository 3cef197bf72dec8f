"""A class of students who hand in notebooks of the small course: right, wrong, careless and hostile."""

import ast
import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.autograder.shades_course import FILES, UNIT

Answers = dict[str, str]
Change = Callable[[NotebookNode], NotebookNode | str]


class Class:
    """Writes `submitted/<student>/<unit>/<unit>.ipynb` of a course that has been released."""

    def __init__(self, course: Path) -> None:
        self.course = course
        self.released = nbformat.read(course / "release" / UNIT / f"{UNIT}.ipynb", 4)
        self.solved = nbformat.read(course / "source" / UNIT / f"{UNIT}.ipynb", 4)

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
        for node in ast.parse(FILES[f"solutions/mistakes/{UNIT}.py"]).body:
            if isinstance(node, ast.FunctionDef):
                name, function = node.name, ast.literal_eval(node.decorator_list[0].args[0])
                node.name, node.decorator_list = function, []
                yield name, {**self.right(), function: ast.unparse(node)}

    def hand_in(self, student: str, notebook: NotebookNode | str, timestamp: str = "2026-01-02 10:00:00 UTC") -> Path:
        """Puts a notebook where nbgrader looks for it."""
        folder = self.course / "submitted" / student / UNIT
        folder.mkdir(parents=True)
        text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
        (folder / f"{UNIT}.ipynb").write_text(text, encoding="utf-8")
        (folder / "timestamp.txt").write_text(timestamp)
        return folder


def own_cells() -> list[NotebookNode]:
    """Cells of an instructor's: an answer, a locked cell that tests use, and tests, of which the last needs a kernel."""
    return [
        _own_cell(
            "double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION", answer=True
        ),
        _own_cell("tools", "import torch\ntwo = torch.full((2,), 2.0)"),
        _own_cell(
            "test-double",
            "assert double(2) == 4, 'no double'\n### BEGIN HIDDEN TESTS\nassert double(5) == 10\n### END HIDDEN TESTS",
            points=2,
        ),
        _own_cell("test-part", "right = [double(x) == 2 * x for x in (0, 1)]\nsum(right) / 2", points=1),
        _own_cell(
            "test-tensors",
            "try:\n    double(None)\nexcept TypeError:\n    pass\nelse:\n    raise AssertionError('no TypeError')\n"
            "torch.testing.assert_close(double(two), two + two)",
            points=3,
        ),
        _own_cell("test-source", "import inspect\nassert 'return' in inspect.getsource(double)", points=4),
    ]


def _own_cell(name: str, source: str, *, points: float = 0, answer: bool = False) -> NotebookNode:
    facts = {"schema_version": 3, "grade_id": name, "grade": points > 0, "locked": not answer, "solution": answer}
    extra = {"points": points} if points else {}
    return new_code_cell(source, metadata={"nbgrader": {**facts, "task": False, **extra}})


def id_of(cell: NotebookNode) -> str:
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_answer(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_graded(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


#: Markdown and HTML by which a student's text would run in the browser that shows it, or send something from there.
LIVE = [
    "<script>live()</script>",
    "<img src=x onerror=live()>",
    "text <svg><script>live()</script></svg>",
    "<svg onload=live()><circle/></svg>",
    "[a link](javascript:live())",
    '<a href="javascript:live()">a link</a>',
    '<a href="java\nscript:live()">a link</a>',
    '<a href="&#106;avascript:live()">a link</a>',
    '<a href="data:text/html,<script>live()</script>">a link</a>',
    '<iframe srcdoc="<script>live()</script>"></iframe>',
    "<object data=live.swf></object><embed src=live.swf>",
    '<form action="/api"><input name=score><button formaction="javascript:live()">b</button></form>',
    '<meta http-equiv=refresh content="0;url=/logout"><base href="//live">',
    '<img src="/logout">',
    "# checks-invert",
    '<div style="background:url(/logout)" id="checks-invert">x</div>',
    "<!--><script>live()</script>-->",
    "<math><mtext><table><mglyph><style><img src onerror=live()>",
    '<noscript><p title="</noscript><img src=x onerror=live()>">',
    "```html\n<script>live()</script>\n\n\n<img src=x onerror=live()>\n```\n<img src=x onerror=live()>",
    "$\\href{javascript:live()}{x}$",
    "$$\n\\require{html}\\href{javascript:live()}{x}\n$$",
]

#: Answers to `invert`, beside a right `brightness`, which may cost their own points and nothing else.
CARELESS = {
    "endless": "def invert(images):\n    while True:\n        pass",
    "no_python": "def invert(images:\n    return images",
    "renamed": "def inverted(images):\n    return 1 - images",
    "one_number": "def invert(images):\n    return 1",
    "crash": "import os\n\n\ndef invert(images):\n    os._exit(3)",
}

#: Code that a hostile notebook puts into its first answer, and nothing into the other. None of it may earn a point more than
#: it would without the cheat.
CHEATS = {
    "patches_torch": """import torch
torch.isclose = lambda value, *_, **__: torch.ones_like(value, dtype=torch.bool)
def invert(images):
    return images * 0 + 0.5""",
    "forges_check": "import autograder.notebook\nautograder.notebook.check = lambda *_, **__: None",
    "exits": "import os\n\n\ndef invert(images):\n    os._exit(0)",
}
#: One that must never run in a kernel: it would find every gradebook of the machine.
EMPTIES_GRADEBOOKS = """import glob
def invert(images):
    for path in glob.glob("/**/gradebook.db", recursive=True):
        open(path, "w").close()
    return images
"""

#: What happens to a right notebook on its way.
ACCIDENTS: dict[str, Change] = {}


def accident(change: Change) -> Change:
    ACCIDENTS[change.__name__] = change
    return change


@accident
def checks_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if not is_graded(cell)]
    return notebook


@accident
def answer_deleted(notebook: NotebookNode) -> NotebookNode:
    notebook.cells = [cell for cell in notebook.cells if id_of(cell) != "answer-brightness"]
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
    """The imports first, the rest backwards, so that each check comes before its answer."""
    first, rest = notebook.cells[:3], notebook.cells[3:]
    notebook.cells = first + rest[::-1]
    return notebook


@accident
def imports_at_the_end(notebook: NotebookNode) -> NotebookNode:
    notebook.cells.sort(key=lambda cell: id_of(cell) == "imports")
    return notebook


@accident
def answer_retyped(notebook: NotebookNode) -> NotebookNode:
    return _retyped(notebook, "answer-invert")


@accident
def checks_retyped(notebook: NotebookNode) -> NotebookNode:
    return _retyped(notebook, "checks-invert")


def _retyped(notebook: NotebookNode, name: str) -> NotebookNode:
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
def imports_added(notebook: NotebookNode) -> NotebookNode:
    """A student needs `math`, and writes so where the other imports are: in a cell that is locked."""
    for cell in notebook.cells:
        if id_of(cell) == "imports":
            cell.source += "\nimport math"
        if id_of(cell) == "answer-invert":
            cell.source = cell.source.replace("return 1 -", "return math.cos(0) -")
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
        new_code_cell("%config InlineBackend.figure_format = 'svg'\n!echo hello\nprint?\nfiles = !ls"),
        new_code_cell("%%bash\necho hello"),
        new_code_cell("from autograder.notebook import check\ncheck('brightness')"),
    ]
    return notebook


@accident
def scratch_cells(notebook: NotebookNode) -> NotebookNode:
    """A cell in which a student tries something out: it fails, or would take long."""
    notebook.cells += [
        new_code_cell("pictures = []\nfor name in []:\n    pictures.append(name)\nbatch = torch.stack(pictures)"),
        new_code_cell("result = invert(no_such_images)\nresult.shape"),
        new_code_cell("this is what I do not understand"),
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
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": [1, {"cell_type": "code"}]})
