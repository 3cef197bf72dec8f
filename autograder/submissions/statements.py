"""Tell which names a statement of a notebook gives values to, or changes the value of, as far as its text says.

A file is a name too: what one statement writes another may read.
"""

import ast
import builtins
import re
from collections.abc import Iterator

from autograder.submissions.module import parse_quietly

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: Methods that change what they are called on, besides those whose name ends in `_`, as PyTorch has them.
_CHANGING = {
    *(
        "append",
        "extend",
        "insert",
        "update",
        "add",
        "setdefault",
        "remove",
        "discard",
        "pop",
        "popitem",
        "clear",
        "sort",
    ),
    *("reverse", "appendleft", "extendleft", "rotate", "subtract", "put", "fill", "resize"),
    *("difference_update", "intersection_update", "symmetric_difference_update"),
    *("write", "seek", "execute", "executemany", "executescript"),
    *("load_state_dict", "eval", "apply", "double", "half", "add_module", "register_buffer", "register_parameter"),
    *("__setitem__", "__delitem__", "__setattr__", "__delattr__", "__iadd__", "__ior__"),
}
#: Functions that change their first argument, besides those whose name ends in `_`.
_CHANGING_FIRST = {"setattr", "delattr", "heappush", "heapify", "shuffle", "insort", "copyto", "fill_diagonal", "put"}
#: Libraries whose functions of the same names change nothing of the library: `np.resize`, `torch.subtract`.
_LIBRARIES = {"np", "numpy", "torch"}
#: Functions that change how all functions run.
_SETTINGS = {"setrecursionlimit", "set_default_dtype"}
_SEEDS = {"seed", "manual_seed", "manual_seed_all"}
#: A text that may name a file: what one statement writes there another may read.
_FILE = re.compile(r"[\w./\\~ -]{0,200}\w\.\w{1,12}", re.ASCII)


def bound_names(node: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement gives a value, or whose value it changes; `*` for what is never left out."""
    if isinstance(node, DEFINITIONS):
        yield node.name
        return
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        yield "*"
    for child in ast.walk(node):
        if isinstance(child, ast.alias):
            yield child.asname or child.name.partition(".")[0]
        elif isinstance(child, DEFINITIONS):
            yield child.name
        elif isinstance(child, ast.Name | ast.Subscript | ast.Attribute) and isinstance(child.ctx, ast.Store | ast.Del):
            yield from _base(child)
        elif isinstance(child, ast.Attribute) and _changes_in_place(child.attr) and not _is_library(child.value):
            yield from _base(child.value)  # called, or given to a function that calls it, such as `map`
        elif isinstance(child, ast.Call):
            yield from _names_a_call_changes(child)
            yield from _names_given_by_text(child)
        elif isinstance(child, ast.Expr):
            yield from _names_changed_by_option(child.value)
    if isinstance(node, ast.For):  # a loop inside may be the step of a training
        yield from _names_looped_over(node)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
        yield node.value.id  # a second name: what changes the one changes the other


def _names_a_call_changes(call: ast.Call) -> Iterator[str]:
    """Yield the names of what a call changes, as the name of its method or function tells."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if call.args and (name in _CHANGING_FIRST or _is_in_place(name)):
        yield from _base(call.args[0])
    for keyword in call.keywords:
        if keyword.arg == "out":
            yield from _base(keyword.value)


def _names_changed_by_option(node: ast.expr) -> Iterator[str]:
    """Yield the name of the table that `table.drop(..., inplace=True)` changes."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if any(keyword.arg == "inplace" for keyword in node.keywords):
        yield from _base(node.func.value)


def _names_looped_over(loop: ast.For) -> Iterator[str]:
    """Yield `net` for `for p in net.parameters(): p.requires_grad = False`: a loop that changes its variable."""
    variables = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    changed = (
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript)
        and (isinstance(node.ctx, ast.Store | ast.Del) or _changes_in_place(getattr(node, "attr", "")))
    )
    if any(name in variables for node in changed for name in _base(node)):
        names = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
        yield from names - vars(builtins).keys()


def names_a_setting_changes(node: ast.stmt) -> Iterator[str]:
    """Yield what a call at the top of a notebook sets: the library of a seed; `*` for a setting of all functions.

    A call inside a loop or a function does not count: it may stand for a training.
    """
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in _SEEDS and isinstance(called, ast.Attribute):
            yield from _base(called.value)
        elif name in _SETTINGS | _SEEDS:
            yield "*"


def _changes_in_place(method: str) -> bool:
    """Return True if the name of a method says that it changes what it is called on."""
    return method in _CHANGING or _is_in_place(method)


def _is_library(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _LIBRARIES


def _is_in_place(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def _names_given_by_text(call: ast.Call) -> Iterator[str]:
    """Yield the names that `exec(...)` and `globals().update(...)` bind; `*` where these cannot be told."""
    if isinstance(call.func, ast.Name) and call.func.id == "exec":
        text = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        try:
            body = parse_quietly(text).body if isinstance(text, str) else None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            body = None
        yield from ("*",) if body is None else (name for node in body for name in bound_names(node))
    elif isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGING and _is_namespace(call.func.value):
        yield "*"


def _is_namespace(node: ast.expr) -> bool:
    """Return True for `globals()`, and for what means the same at the top of a module."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        return False
    return node.func.id in ("globals", "locals", "vars")


def effects_by_name(node: ast.stmt) -> Iterator[tuple[str, tuple[set[str], bool]]]:
    """Yield what a function changes by its name, or what the methods of a class do by theirs, with a dot before it."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, _effects(node)
    elif isinstance(node, ast.ClassDef):
        yield from ((f".{each.name}", _effects(each)) for each in node.body if isinstance(each, ast.FunctionDef))


def _effects(function: ast.FunctionDef) -> tuple[set[str], bool]:
    """Return the global names that a function changes, and True if it changes an argument too."""
    arguments = function.args
    given = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    stated = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    local = {
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    } - stated
    changed = {name for node in function.body for name in bound_names(node)}
    return stated | (changed - given - local), not changed.isdisjoint(given - local)


def names_own_functions_change(node: ast.stmt, effects: dict[str, tuple[set[str], bool]]) -> Iterator[str]:
    """Yield the global names that a statement changes by calls of the notebook's own functions."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call):
            method = isinstance(call.func, ast.Attribute)
            called = f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            names, arguments = effects.get(called, (set(), False))
            yield from names
            if arguments:
                given = (*call.args, *(keyword.value for keyword in call.keywords))
                for value in (call.func, *given) if method else given:
                    yield from _base(value)


def _base(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node, ast.Subscript) and _is_namespace(node.value):
            name = node.slice.value if isinstance(node.slice, ast.Constant) else "*"
            yield str(name)
            return
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id


def files_named(node: ast.AST) -> Iterator[str]:
    """Yield the names of files in the texts of a statement."""
    texts = (child.value for child in ast.walk(node) if isinstance(child, ast.Constant))
    yield from (text for text in texts if isinstance(text, str) and _FILE.fullmatch(text))
