"""The outline of a test module: its tests with their names, titles, marks and cases, and empty bodies.

`pytest --collect-only` of a student's units, as an editor asks for after each change, shows the checks without running any.
An outline needs none of the libraries that only the bodies use, and these take seconds to import.
"""

import ast
import copy
import types
from pathlib import Path

import pytest

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Binding = _Function | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.Import | ast.ImportFrom
#: pytest makes more of a module with one of these names than the module shows.
_HOOKS = ("pytest_", "setup", "teardown", "load_tests", "__test__", "__getattr__", "__dir__")
_TESTS = ("test", "Test")


class _NotOutlinedError(Exception):
    """The module is written so that nothing of it can be left out."""


def outlined_module(path: Path, config: pytest.Config) -> types.ModuleType | None:
    """Return a module with the tests of a file and empty bodies; None if only the file itself shows what its tests are."""
    if (config.getini("python_functions"), config.getini("python_classes")) != (["test"], ["Test"]):
        return None
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    try:
        code = compile(_outline(ast.parse(path.read_bytes())), str(path), "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except Exception:  # pytest's own import tells what is wrong with the file, if anything is
        return None
    return module


def _outline(tree: ast.Module) -> ast.Module:
    """Return the tests and fixtures without bodies, and whatever stands at the top that their decorators use.

    Raises:
        _NotOutlinedError: they cannot be told from the rest.
    """
    statements = [_binding(node) for node in tree.body if not _is_text(node)]
    roots = {id(node): _without_body(node) for node in statements if _is_root(node)}
    wanted: set[str] = set().union(*map(_names_in, roots.values()))
    kept = set(roots)
    while more := [node for node in statements if id(node) not in kept and _bound(node) & wanted]:
        kept |= {id(node) for node in more}
        wanted = wanted.union(*map(_names_in, more))
    return ast.Module([roots.get(id(node), node) for node in statements if id(node) in kept], [])


def _binding(node: ast.stmt) -> _Binding:
    """Return a statement that does nothing but bind names, each of them seen here.

    Raises:
        _NotOutlinedError: it is another one.
    """
    if not isinstance(node, _Binding) or any(name == "*" or name.startswith(_HOOKS) for name in _bound(node)):
        raise _NotOutlinedError
    if isinstance(node, ast.ClassDef) and (node.bases or node.keywords):  # its tests may come from elsewhere
        raise _NotOutlinedError
    return node


def _is_root(node: _Binding) -> bool:
    """Return True if pytest looks at what a statement binds."""
    return (
        any(name == "pytestmark" or name.startswith(_TESTS) for name in _bound(node))
        or (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        or (isinstance(node, _Function) and any("fixture" in ast.unparse(each) for each in node.decorator_list))
    )


def _without_body(node: _Binding) -> _Binding:
    """Return a test, a class of tests or a fixture with its decorators, arguments and title alone."""
    if isinstance(node, ast.ClassDef):
        body = [each if _is_text(each) else _without_body(_binding(each)) for each in node.body]
        node = copy.copy(node)
        node.body = body
    elif isinstance(node, _Function) and all(_is_pytests(each) for each in node.decorator_list):
        node = copy.copy(node)
        title = [each for each in node.body[:1] if _is_text(each)]
        node.body = [*title, *([] if title else [ast.copy_location(ast.Pass(), node.body[0])])]
        node.args = _without_values(node.args)
        node.returns = None
    return node


def _without_values(arguments: ast.arguments) -> ast.arguments:
    """Return arguments without annotations, and with None in place of each default."""
    arguments = copy.deepcopy(arguments)
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    for argument in filter(None, every):
        argument.annotation = None
    arguments.defaults = [ast.copy_location(ast.Constant(None), each) for each in arguments.defaults]
    arguments.kw_defaults = [each and ast.copy_location(ast.Constant(None), each) for each in arguments.kw_defaults]
    return arguments


def _is_pytests(decorator: ast.expr) -> bool:
    """Return True for a decorator of pytest's, such as `pytest.mark.hidden`, which does not look at the function's body."""
    root = decorator
    while isinstance(root, ast.Attribute | ast.Call):
        root = root.func if isinstance(root, ast.Call) else root.value
    return isinstance(root, ast.Name) and root.id == "pytest"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bound(node: _Binding) -> set[str]:
    """Return the names that a statement binds."""
    if isinstance(node, _Function | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _names_in(node: ast.AST) -> set[str]:
    """Return all names in a statement, and those of arguments: an argument is a fixture, which may have been imported."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
