"""Make one module of a notebook: its definitions, and the statements that they need.

Everything else in its cells (calls, plots, training, pictures that were loaded to be looked at) is left out, because it would
run in every worker; a note says so. A cell that is no Python costs the functions that it defines, and no others, as in a
kernel.
"""

import ast
import re
import warnings
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from autograder.course.skeletons import bare_lines, first_line
from autograder.submissions.magics import (
    is_left_out,
    runs_not_followed,
    with_run_as_magic,
    without_indent,
    without_magics,
)
from autograder.submissions.module import Module, parse_module, tree_or_none
from autograder.submissions.needed import Cell, defines, needed_statements
from autograder.submissions.statements import bound_names

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LISTED_CELLS = 8


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """Return the code cells of a notebook with their numbers, without those that hold nbgrader's checks.

    Raises:
        Exception: of any kind, if it is no notebook.
    """
    import nbformat

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cells without an id, and other things that are no matter here
        # nbformat has no types.
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call] # untyped there
    code = enumerate(filter(_is_code, notebook.cells), 1)
    return [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]


def join_cells(empty: Module, cells: list[tuple[int, str]], graded: Collection[str]) -> Module:
    """Return the definitions of all cells, and what they need, as one module that knows the place of each of its lines.

    Args:
        empty: the module without its source.
        cells: numbers and sources.
        graded: names that may also be defined by an assignment.
    """
    read = [_read_cell(empty, number, text) for number, text in cells]
    valid = [cell for cell in read if isinstance(cell, Cell)]
    problems = [cell for cell in read if isinstance(cell, Module)]
    kept = needed_statements(valid, graded)
    if problems and not kept:
        return replace(problems[0], text="", cells=())
    defined = {name for cell in valid for node in cell.tree.body if node in kept for name in bound_names(node)}
    # A kernel takes imports of the future anywhere, a module at its top.
    futures = [(cell.number, node) for cell in valid for node in cell.tree.body if node in kept and _is_future(node)]
    lines = [ast.unparse(node) for _, node in futures]
    places = [(number, node.lineno) for number, node in futures]
    for (number, text), cell in zip(cells, read, strict=True):
        own = _kept_lines(cell, kept) if isinstance(cell, Cell) else _stubs(text, cell.problem, defined)
        lines += own
        places += [(number, line) for line in range(1, len(own) + 1)]
    notes = (
        *(problem.problem for problem in problems),
        *_notes_on_magics(empty, cells),
        *_notes_on_statements(empty, valid, kept),
    )
    return replace(empty, text="\n".join(lines) + "\n", cells=tuple(places), notes=notes)


def _is_code(cell: "NotebookNode") -> bool:
    """Return True if a cell holds code, or did when nbgrader released it."""
    return cell.cell_type == "code" or _facts(cell).get("cell_type") == "code"


def _is_check(cell: "NotebookNode") -> bool:
    """Return True if a cell holds checks that nbgrader has put there."""
    return _facts(cell).get("grade") is True and _facts(cell).get("solution") is not True


def _facts(cell: "NotebookNode") -> dict[str, object]:
    """Return nbgrader's metadata of a cell; none if they are no mapping."""
    facts = cell.metadata.get("nbgrader") if isinstance(cell.metadata, dict) else None
    return facts if isinstance(facts, dict) else {}


def _read_cell(empty: Module, number: int, text: str) -> Cell | Module:
    """Return the cell, or a module with the sentence about what is wrong with it."""
    here = tuple((number, line) for line in range(1, text.count("\n") + 2))
    text = with_run_as_magic(text)
    plain = without_magics(text, empty.unit)
    for source in (text, plain, without_indent(plain)):
        # The cell as it stands comes first: a line of Python may begin with an operator that looks like a magic.
        module, tree = parse_module(replace(empty, text=source, cells=here))
        if tree is not None:
            return _as_main(Cell(number, source, tree))
    return module


def _as_main(cell: Cell) -> Cell:
    """Return a cell in which `__name__ == "__main__"` holds, as in a kernel: the module has the name of its unit.

    What stands under such a condition alone becomes statements of the cell itself, so that those which no function needs can
    be left out.
    """
    names = [
        each
        for node in ast.walk(cell.tree)
        if isinstance(node, ast.Compare)
        for each in (node.left, *node.comparators)
        if isinstance(each, ast.Name) and each.id == "__name__"
    ]
    if not names:
        return cell
    lines = bare_lines(cell.text)
    for name in sorted(names, key=lambda each: (each.lineno, each.col_offset), reverse=True):
        line = lines[name.lineno - 1].encode()  # columns count bytes
        start, end = name.col_offset, name.end_col_offset or name.col_offset
        if line[start:end] == b"__name__":  # in an f-string, Python tells other columns
            lines[name.lineno - 1] = (line[:start] + b"'__main__'" + line[end:]).decode()
    for text in (_without_guards(lines, cell.tree), "\n".join(lines)):
        tree = tree_or_none(text)
        if tree is not None:
            return Cell(cell.number, text, tree)
    return cell


def _without_guards(lines: list[str], tree: ast.Module) -> str:
    """Return a text in which what stands under `if __name__ == "__main__":` begins at the margin, each line in its place."""
    lines = list(lines)
    for guard in tree.body:
        if not isinstance(guard, ast.If) or guard.orelse or not _asks_for_main(guard.test):
            continue
        first, last = first_line(guard.body[0]), guard.end_lineno or guard.lineno
        if first == guard.lineno:  # `if ...: main()`, with more of the line added by the new name
            lines[first - 1] = re.sub(r"^if\b[^:]*:\s*", "", lines[first - 1])
            continue
        indent = re.match(r"[ \t]*", lines[first - 1])
        inside = {
            number
            for node in ast.walk(guard)
            if isinstance(node, ast.Constant | ast.JoinedStr)
            for number in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
        }
        lines[guard.lineno - 1 : first - 1] = [""] * (first - guard.lineno)
        for number in range(first, last + 1):
            if indent and number not in inside:
                lines[number - 1] = lines[number - 1].removeprefix(indent[0])
    return "\n".join(lines)


def _asks_for_main(test: ast.expr) -> bool:
    """Return True for `__name__ == "__main__"`, in either order."""
    match test:
        case ast.Compare(left=one, ops=[ast.Eq()], comparators=[other]):
            sides = {getattr(each, "id", None) or getattr(each, "value", None) for each in (one, other)}
            return sides == {"__name__", "__main__"}
    return False


def _notes_on_statements(module: Module, cells: list[Cell], kept: set[ast.stmt]) -> Iterator[str]:
    """Yield a sentence about the cells from which something was left out, if there are any."""
    numbers = [
        cell.number for cell in cells if any(_does_something(node) for node in cell.tree.body if node not in kept)
    ]
    if numbers:
        more = ", ..." if len(numbers) > _LISTED_CELLS else ""
        listed = ", ".join(map(str, numbers[:_LISTED_CELLS])) + more
        yield f"{module.label}: statements that no function needs were left out ({_cells(numbers)} {listed})"


def _notes_on_magics(module: Module, cells: list[tuple[int, str]]) -> Iterator[str]:
    """Yield a sentence about each cell with functions whose magic does not run it in the kernel, and each script not run."""
    for number, text in cells:
        for line in runs_not_followed(text)[:1]:
            yield f"{module.label} cell {number} was read without {line!r}; give the script a name that can be imported"
        if not is_left_out(text):
            continue
        start, _, rest = text.lstrip().partition("\n")
        tree = parse_module(replace(module, text=without_magics(rest, module.unit)))[1]
        if tree is not None and any(map(defines, tree.body)):
            yield f"{module.label} cell {number} was left out: it begins with {start.split()[0]}"


def _cells(numbers: list[int]) -> str:
    return "cell" if len(numbers) == 1 else "cells"


def _does_something(node: ast.stmt) -> bool:
    """Return True unless it is an import, a docstring or a `pass` in place of a magic."""
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return not constant and not isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _kept_lines(cell: Cell, kept: set[ast.stmt]) -> list[str]:
    """Return the lines of a cell, blank but for the statements that are kept, and without imports of the future.

    A statement may share a line with others, by a semicolon.
    """
    numbers: set[int] = set()
    for node in cell.tree.body:
        if node in kept:
            first = first_line(node)
            numbers |= set(range(first, (node.end_lineno or first) + 1))
    lines = [line if number in numbers else "" for number, line in enumerate(bare_lines(cell.text), 1)]
    for node in reversed(cell.tree.body):  # from the end, so that the columns of earlier statements stay right
        if node not in kept or _is_future(node):
            _blank(lines, node)
    return lines


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _blank(lines: list[str], node: ast.stmt) -> None:
    """Put `pass` in the place of a statement in these lines, or nothing if it stands alone there; no other line moves."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[first].encode()[: node.col_offset].decode()  # columns count bytes
    behind = lines[last].encode()[node.end_col_offset :].decode()
    lines[first : last + 1] = [""] * (last + 1 - first)
    if first == last:
        lines[first] = f"{before}pass{behind}" if before.strip() or behind.strip() else ""
    else:
        lines[first] = f"{before}pass" if before.strip() else ""
        lines[last] = behind.lstrip().removeprefix(";").lstrip()


def _stubs(text: str, problem: str, defined: set[str]) -> list[str]:
    """Return a cell that is no Python with a stub for each of its functions that no other cell has; the stub says so."""
    found = [re.match(r"def\s+(\w+)", line) for line in bare_lines(text)]
    wanted = [match if match and match[1] not in defined else None for match in found]
    return [f"def {match[1]}(*_, **__): raise SyntaxError({problem!r})" if match else "" for match in wanted]
