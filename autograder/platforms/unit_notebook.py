"""Turn a unit into cells of a notebook: its lesson with the pictures inside, and its source, function by function."""

import ast
import base64
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from autograder.course.skeletons import BEGIN, END, first_line, read_source, split_at_start
from autograder.course.units import Unit
from autograder.errors import CatalogError

_KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)\s:]+)\)")


def as_notebook(cells: list[NotebookNode]) -> NotebookNode:
    """Return a notebook of these cells, for a kernel of Python."""
    return new_notebook(cells=cells, metadata={"kernelspec": _KERNEL, "language_info": {"name": "python"}})


def introduction(lesson: Path, source: str, *, attach: bool) -> Iterator[NotebookNode]:
    """Yield a cell with the lesson and one with the docstring of the unit's source; an empty text has no cell.

    Args:
        lesson: a file of Markdown; paths of its pictures are relative to its folder.
        source: the source of the unit.
        attach: True to attach the pictures to the cell, as Jupyter does; False to write them into the text, so that Colab
            shows them too.

    Raises:
        CatalogError: the lesson or a picture of it cannot be read.
    """
    text = read_source(lesson).strip()
    if text:
        yield _with_pictures(text, lesson, attach)
    docstring = ast.get_docstring(ast.parse(source))
    if docstring:
        yield markdown_cell("introduction", docstring)


def split_functions(unit: Unit, source: str) -> tuple[str, dict[str, str]]:
    """Return the lines before the first function, without the docstring, and each function with the lines after it.

    Raises:
        CatalogError: the source lacks a function of the unit, or its regions do not pair up.
    """
    source, _ = split_at_start(source)  # a cell must not run the program
    tree, lines = ast.parse(source), source.splitlines()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    functions = [node for node in tree.body if isinstance(node, kinds) and node.name in unit.functions]
    missing = unit.functions.keys() - {node.name for node in functions}
    if missing:
        raise CatalogError(f"solutions/{unit.name}.py has no function {min(missing)}")
    starts = [first_line(node) - 1 for node in functions]
    ends = [*starts[1:], len(lines)]
    top = tree.body[0].end_lineno or 0 if ast.get_docstring(tree) is not None else 0
    answers = {
        node.name: _with_helpers_inside(lines[start:end], unit.name)
        for node, start, end in zip(functions, starts, ends, strict=True)
    }
    return "\n".join(lines[top : starts[0]]).strip(), answers


def _with_helpers_inside(lines: list[str], unit: str) -> str:
    """Return a function with the regions of the helpers after it moved into its own region.

    nbgrader replaces every region by `raise NotImplementedError()`, which at the top level would end the cell.
    """
    kept: list[str] = []
    helpers: list[str] = []
    inside = False
    for line in lines:
        if line in (BEGIN, END):
            inside = line == BEGIN
            helpers += ["", ""] if inside else []
        else:
            (helpers if inside else kept).append(line)
    if helpers:
        last = max((number for number, line in enumerate(kept) if line.strip() == END), default=None)
        if inside or last is None:
            raise CatalogError(
                f"solutions/{unit}.py: a region of helpers must be closed, and follow a function's region"
            )
        kept[last:last] = helpers
    return "\n".join(kept).strip()


def _with_pictures(text: str, lesson: Path, attach: bool) -> NotebookNode:
    """Return the cell of a lesson with its pictures inside, as students do not get the files."""
    pictures: dict[str, tuple[str, str]] = {}

    def take_in(found: re.Match[str]) -> str:
        path = lesson.parent / found[2]
        kind = mimetypes.guess_type(path.name)[0] or "image/png"
        try:
            pictures[path.name] = (kind, base64.b64encode(path.read_bytes()).decode())
        except OSError as error:
            raise CatalogError(f"{lesson.name} shows {found[2]}, which cannot be read ({error.strerror})") from error
        return f"![{found[1]}](attachment:{path.name})" if attach else f"![{found[1]}][{path.name}]"

    text = _PICTURE.sub(take_in, text)
    if not attach and pictures:
        text += "\n\n" + "\n".join(f"[{name}]: data:{kind};base64,{data}" for name, (kind, data) in pictures.items())
    cell = markdown_cell("lesson", text)
    if attach and pictures:
        cell.attachments = {name: {kind: data} for name, (kind, data) in pictures.items()}
    return cell


def markdown_cell(name: str, source: str) -> NotebookNode:
    """Return a cell of Markdown with a name as its id."""
    return new_markdown_cell(source, id=name[:64])
