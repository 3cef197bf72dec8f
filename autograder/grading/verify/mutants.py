"""Mutants: a solution with one small thing changed, as by a slip of the pen.

The mutation libraries there are change a project on disk and run its test suite as a command for each change. Here a mutant
is a submission, so all that is needed is the changed text; the operators below are the usual ones.
"""

import ast
import copy
import math
import tomllib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.errors import GraderError

_SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}

#: Functions for which the order of their first two arguments does not matter.
_COMMUTATIVE = {"min", "max", "minimum", "maximum", "transpose", "swapaxes"}


@dataclass(frozen=True)
class Mutant:
    """A changed module: the function with the change, its line, what was changed into what, and the whole text."""

    function: str
    line: int
    change: str
    text: str


def mutants_of(source: str, free: Collection[str] = ()) -> Iterator[Mutant]:
    """Yield every mutant of the functions of a module.

    Args:
        source: the module.
        free: functions judged by their outcome alone; their numbers, such as a learning rate, are not changed, because
            others are as right.
    """
    tree = ast.parse(source)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for path, node in _places(function, ()):
                if function.name in free and isinstance(node, ast.Constant) and type(node.value) in (int, float):
                    continue
                for changed in _changes(node):
                    yield _mutant(tree, function, path, node, changed)


def read_survivors(path: Path) -> dict[tuple[str, str, str], str]:
    """Read the reasons why mutants may survive.

    The file has a table for each function, and in it a line for each change: it says why no check can, or should, see it.

        [variation_loss.denoise]
        "steps -> steps + 1" = "One step more of descent is as right."

    Returns:
        The reasons, by unit, function and change; none if there is no file.

    Raises:
        GraderError: the file has another form.
    """
    if not path.is_file():
        return {}
    try:
        units = tomllib.loads(path.read_text(encoding="utf-8"))
        return {
            (unit, function, change): str(reason)
            for unit, functions in units.items()
            for function, changes in functions.items()
            for change, reason in changes.items()
        }
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise GraderError(f"{path} does not list changes and reasons by unit and function: {error}") from error


def _mutant(
    tree: ast.Module,
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
    path: tuple[object, ...],
    node: ast.AST,
    changed: ast.AST,
) -> Mutant:
    other = _with(tree, ("body", tree.body.index(function), *path), changed)
    text = ast.unparse(ast.fix_missing_locations(other)) + "\n"
    change = f"{_short(node)} -> {_short(changed)}"
    return Mutant(function.name, getattr(node, "lineno", function.lineno), change, text)


def _with(node: Any, path: tuple[object, ...], changed: ast.AST) -> Any:
    """Return a node, or a list of nodes, with another one at a path. All that is not on the path is shared, not copied."""
    if not path:
        return changed
    step, *rest = path
    other = copy.copy(node)
    if isinstance(step, int):
        other[step] = _with(node[step], tuple(rest), changed)
    else:
        setattr(other, str(step), _with(getattr(node, str(step)), tuple(rest), changed))
    return other


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 50 else text[:47] + "..."


def _places(node: ast.AST, path: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], ast.AST]]:
    """Yield every node of a function's body with the path to it, without signatures, docstrings and errors' messages."""
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name != "body":
            continue
        if isinstance(node, ast.keyword) and node.arg == "strict":
            continue  # a guard of zip's, which says what is known
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or _is_words(child):
                continue
            here = (*path, name) if index is None else (*path, name, index)
            if not _is_whole_statement(node, child):
                yield here, child
            yield from _places(child, here)


def _is_whole_statement(node: ast.AST, child: ast.AST) -> bool:
    """Return True for a call that is a whole statement, such as `x.clear()`: the statement as a whole has a mutant."""
    return isinstance(node, ast.Expr) and isinstance(child, ast.Call) and not child.args and not child.keywords


def _is_words(node: ast.AST) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.JoinedStr | ast.Raise)


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    for kind, change in _OPERATORS:
        if isinstance(node, kind):
            yield from change(node)


def _swapped_operator(node: ast.AST) -> Iterator[ast.AST]:
    field = "ops" if isinstance(node, ast.Compare) else "op"
    old = node.ops[0] if isinstance(node, ast.Compare) else node.op  # type: ignore[attr-defined]
    other = _SWAPPED.get(type(old))
    if other is not None:
        changed = copy.deepcopy(node)
        setattr(changed, field, [other(), *changed.ops[1:]] if isinstance(changed, ast.Compare) else other())
        yield changed


def _other_constant(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.Constant)
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, float) and math.isfinite(node.value):  # `1e999` twice is itself
        yield ast.Constant(node.value * 2 or 1.0)


def _without_sign(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.UnaryOp)
    yield node.operand


def _other_call(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the call without a method that takes no argument, and with its first two arguments swapped."""
    assert isinstance(node, ast.Call)
    if isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield node.func.value
    if _can_be_swapped(node):
        changed = copy.deepcopy(node)
        changed.args[:2] = reversed(changed.args[:2])
        yield changed


def _can_be_swapped(call: ast.Call) -> bool:
    first = call.args[:2]
    if len(first) < 2 or any(isinstance(argument, ast.Starred) for argument in first):
        return False
    return _name(call.func) not in _COMMUTATIVE and ast.dump(first[0]) != ast.dump(first[1])


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _drop(_: ast.AST) -> Iterator[ast.AST]:
    yield ast.Pass()


def _negate(node: ast.AST) -> Iterator[ast.AST]:
    assert isinstance(node, ast.If)
    changed = copy.deepcopy(node)
    changed.test = ast.UnaryOp(ast.Not(), changed.test)
    yield changed
    if not node.orelse:
        yield ast.Pass()


_OPERATORS: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], Callable[[ast.AST], Iterator[ast.AST]]], ...] = (
    ((ast.BinOp, ast.Compare, ast.BoolOp, ast.AugAssign), _swapped_operator),
    (ast.Constant, _other_constant),
    (ast.UnaryOp, _without_sign),
    (ast.Call, _other_call),
    ((ast.Expr, ast.AugAssign), _drop),
    (ast.If, _negate),
)
