"""Take along the modules that a student has written beside the units, if those import them.

They are for the worker alone. None may stand in for a library, for a part of the course or for the engine, because what a
check or a library imports there must be the real one.
"""

import ast
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import PurePath

from autograder.submissions.files import File, module_from
from autograder.submissions.module import Module, parse_quietly

_RESERVED = {"autograder", "conftest", "data", "exercises", "solutions", "tests"}


def take_along(modules: Iterable[Module], neighbours: Mapping[str, File]) -> tuple[dict[str, Module], list[str]]:
    """Return the neighbours that modules import, directly or by way of others, and sentences about them.

    Args:
        modules: the units.
        neighbours: files beside them, by module name.
    """
    taken: dict[str, Module] = {}
    refused: list[str] = []
    waiting = [name for module in modules for name in _imported(module.text)]
    while waiting:
        name = waiting.pop(0)
        if name not in neighbours or name in taken or name in refused:
            continue
        if _stands_for_another(name):
            refused.append(name)
            continue
        file = neighbours[name]
        empty = not file.data.strip() and not file.fault and not file.size
        taken[name] = Module(name, file.path.name) if empty else module_from(name, file)
        waiting += _imported(taken[name].text)
    notes = [f"taken along: {', '.join(f'{name}.py' for name in sorted(taken))}"] if taken else []
    notes += [f"{name}.py was left: `import {name}` means another module here; rename it" for name in sorted(refused)]
    return taken, notes + [module.problem for module in taken.values() if module.problem]


def _stands_for_another(name: str) -> bool:
    """Return True for the name of a module that the grader's environment has."""
    installed = [path for path in sys.path if PurePath(path).name in ("site-packages", "dist-packages")]
    return name in _RESERVED or name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None


def _imported(text: str) -> list[str]:
    """Return the names of the modules that a source imports, anywhere in it; of `a.b` and `exercises.a` both parts."""
    try:
        nodes = list(ast.walk(parse_quietly(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names += [node.module] if node.module else [alias.name for alias in node.names]
    return [part for name in names for part in name.split(".")[:2]]
