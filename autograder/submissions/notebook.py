"""A notebook as one module: its definitions, and of all else what they need.

Whatever stands in its cells besides (calls, plots, training, pictures that were loaded to be looked at) is left out: it would
run in every worker. A cell that is no Python costs the functions that it defines, and no others: in a kernel it does so too.
"""

import ast
import re
import symtable
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from autograder.submissions.module import Module, parsed

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: What IPython reads as no Python: magics, shell lines, requests for help; also `files = !ls`.
_MAGIC = re.compile(r"(\s*)(?:[%!?]|[\w.,\s]+=\s*[%!]|[\w.]+\?{1,2}\s*$)")
#: The magics of a whole cell that run it as Python, where it stands.
_PYTHON_MAGICS = ("%%time", "%%capture", "%%prun")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class _Cell:
    """A cell that is Python: its number, its source, and what that says."""

    number: int
    text: str
    tree: ast.Module


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """The code cells of a notebook with their numbers, but for those that hold nbgrader's checks.

    Raises:
        Exception: of any kind, where it is no notebook.
    """
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cells without an id, and other things that are no matter here
        # nbformat has no types.
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call]
    code = enumerate(filter(_is_code, notebook.cells), 1)
    return [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]


def joined(empty: Module, cells: list[tuple[int, str]], graded: Collection[str]) -> Module:
    """The definitions of all cells, and what they need, as one module that knows where each of its lines came from.

    Args:
        empty: the module without its source.
        cells: numbers and sources.
        graded: names that may also be defined by an assignment.
    """
    read = [_read(empty, number, text) for number, text in cells]
    valid = [cell for cell in read if isinstance(cell, _Cell)]
    problems = [cell for cell in read if isinstance(cell, Module)]
    kept = _kept(valid, graded)
    if problems and not kept:
        return replace(problems[0], text="", cells=())
    defined = {name for cell in valid for node in cell.tree.body if node in kept for name in _bound(node)}
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for (number, text), cell in zip(cells, read, strict=True):
        own = _lines(cell, kept) if isinstance(cell, _Cell) else _stubs(text, cell.problem, defined)
        lines += own
        places += [(number, line) for line in range(1, len(own) + 1)]
    futures = [number for number, line in enumerate(lines) if line.startswith("from __future__ ")]
    for number in reversed(futures):  # a kernel takes them anywhere, a module at its top
        lines.insert(0, lines[number])
        places.insert(0, places[number])
        lines[number + 1] = ""
    notes = tuple(problem.problem for problem in problems)
    return replace(empty, text="\n".join(lines) + "\n", cells=tuple(places), notes=notes)


def _is_code(cell: "NotebookNode") -> bool:
    """Whether a cell holds code, or did when nbgrader released it."""
    return cell.cell_type == "code" or _facts(cell).get("cell_type") == "code"


def _is_check(cell: "NotebookNode") -> bool:
    """Whether a cell holds checks that nbgrader has put there."""
    return _facts(cell).get("grade") is True and _facts(cell).get("solution") is not True


def _facts(cell: "NotebookNode") -> dict[str, object]:
    """nbgrader's metadata of a cell; what is none says nothing."""
    facts = cell.metadata.get("nbgrader") if isinstance(cell.metadata, dict) else None
    return facts if isinstance(facts, dict) else {}


def _read(empty: Module, number: int, text: str) -> _Cell | Module:
    """The cell, or a module with the sentence about what is wrong with it."""
    here = tuple((number, line) for line in range(1, text.count("\n") + 2))
    for source in (text, _without_magics(text)):
        # As it stands first: a line of Python may begin with an operator that looks like a magic.
        module, tree = parsed(replace(empty, text=source, cells=here))
        if tree is not None:
            return _Cell(number, source, tree)
    return module


def _without_magics(text: str) -> str:
    """The cell with `pass` in place of its magics and shell lines, so that line numbers stay."""
    lines = text.splitlines()
    start = text.lstrip().partition("\n")[0].split()
    if start and start[0].startswith("%%") and start[0] not in _PYTHON_MAGICS:
        return ""
    found = [_MAGIC.match(line) for line in lines]
    return "\n".join(f"{match[1]}pass" if match else line for match, line in zip(found, lines, strict=True))


def _kept(cells: list[_Cell], graded: Collection[str]) -> set[ast.stmt]:
    """The definitions, and the statements that bind what these need."""
    statements = [node for cell in cells for node in cell.tree.body]
    binders: dict[str, list[ast.stmt]] = {}
    for node in statements:
        for name in _bound(node):
            binders.setdefault(name, []).append(node)
    kept = {node for node in statements if _defines(node)}
    waiting = [*graded, *(name for cell in cells for name in _needed_by_functions(cell)), "*"]
    waiting += [name for node in kept for name in _names(node, inside=False)]
    while waiting:
        for node in binders.pop(waiting.pop(), ()):
            if node not in kept:
                kept.add(node)
                waiting += _names(node, inside=True)
    return kept


def _defines(node: ast.stmt) -> bool:
    """Whether a statement defines functions or classes, itself or under a condition."""
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return isinstance(node, _DEFINITIONS) or any(isinstance(child, _DEFINITIONS) for child in inner)


def _needed_by_functions(cell: _Cell) -> Iterator[str]:
    """The global names that the bodies of functions and classes refer to."""
    try:
        waiting = symtable.symtable(cell.text, "cell", "exec").get_children()
    except (SyntaxError, RecursionError, ValueError):  # what only the compiler finds; it will say so again
        return
    while waiting:
        table = waiting.pop()
        yield from (symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
        waiting += table.get_children()


def _names(node: ast.AST, *, inside: bool) -> Iterator[str]:
    """The names that a statement reads; without those inside the bodies of functions and classes, if so asked."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Name):
            yield current.id
        outer = isinstance(current, _DEFINITIONS) and not inside
        waiting += _head(current) if outer else ast.iter_child_nodes(current)


def _head(node: ast.AST) -> Iterator[ast.AST]:
    """What of a definition is evaluated where it stands: decorators, defaults, annotations, bases."""
    for name, value in ast.iter_fields(node):
        if name != "body":
            yield from (
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            )


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a value, or changes an entry or an attribute of; `*` for what is never left out."""
    if isinstance(node, _DEFINITIONS):
        yield node.name
        return
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        yield "*"
    for child in ast.walk(node):
        if isinstance(child, ast.alias):
            yield child.asname or child.name.partition(".")[0]
        elif isinstance(child, _DEFINITIONS):
            yield child.name
        elif isinstance(child, ast.Name | ast.Subscript | ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield from _base(child)


def _base(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def _lines(cell: _Cell, kept: set[ast.stmt]) -> list[str]:
    """The lines of a cell, blank but for the statements that are kept."""
    numbers: set[int] = set()
    for node in cell.tree.body:
        if node in kept:
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            numbers |= set(range(first, (node.end_lineno or first) + 1))
    return [line if number in numbers else "" for number, line in enumerate(cell.text.splitlines(), 1)]


def _stubs(text: str, problem: str, defined: set[str]) -> list[str]:
    """A cell that is no Python: in place of each of its functions, unless another cell has it, one that says so."""
    found = [re.match(r"def\s+(\w+)", line) for line in text.splitlines()]
    wanted = [match if match and match[1] not in defined else None for match in found]
    return [f"def {match[1]}(*_, **__): raise SyntaxError({problem!r})" if match else "" for match in wanted]
