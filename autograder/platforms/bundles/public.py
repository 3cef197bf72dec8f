"""Write the checks that students get: without hidden ones, without those that need a solution, without what only they use."""

import ast
from collections.abc import Collection, Iterable

from autograder.course.skeletons import first_line

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def public_checks(source: str, private: Collection[str]) -> str:
    """Return the source of a unit's checks as students have it.

    Args:
        source: of all its checks.
        private: names of the test functions that are not for students, `TestB.test_a` for a method.

    Returns:
        The same text without those, and without the helpers, fixtures and constants that nothing is left to use.
    """
    tree = ast.parse(source)
    dropped: list[ast.stmt] = []
    imported = {name.partition(".")[0] for name in private}  # a class that is imported goes as a whole
    for node in tree.body:
        tests = [f"{node.name}.{each.name}" for each in _tests_in(node)] if isinstance(node, ast.ClassDef) else []
        if (isinstance(node, _Function) and node.name in private) or (tests and set(tests) <= set(private)):
            dropped.append(node)
        elif isinstance(node, ast.ClassDef):
            gone = [each for each in _tests_in(node) if f"{node.name}.{each.name}" in private]
            node.body = [each for each in node.body if each not in gone]
            dropped += gone
        elif isinstance(node, ast.ImportFrom | ast.Import) and all(
            _bound_name(alias) in imported for alias in node.names
        ):
            dropped.append(node)
    kept = [node for node in tree.body if node not in dropped]
    used = _used_names(kept)
    unused = [node for node in kept if isinstance(node, _Definition) and not _is_test(node) and not _names(node) & used]
    return _without_imports(_without(source, [*dropped, *unused]), imported)


def _bound_name(alias: ast.alias) -> str:
    """Return the name that an import gives to what it imports."""
    return alias.asname or alias.name.partition(".")[0]


def _without_imports(source: str, private: Collection[str]) -> str:
    """Return the source with the private names left out of imports that name others too."""
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and any(_bound_name(alias) in private for alias in node.names):
            node.names = [alias for alias in node.names if _bound_name(alias) not in private]
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node) + "\n"]
    return "".join(lines)


def _is_check(node: ast.stmt) -> bool:
    return isinstance(node, _Function) and node.name.startswith("test")


def _is_test(node: ast.stmt) -> bool:
    return _is_check(node) or (isinstance(node, ast.ClassDef) and bool(_tests_in(node)))


def _tests_in(node: ast.ClassDef) -> list[_Function]:
    return [each for each in node.body if isinstance(each, _Function) and each.name.startswith("test")]


def _used_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that checks and the module's own statements use, directly or by way of others."""
    by_name = {
        name: node for node in nodes if isinstance(node, _Definition) and not _is_test(node) for name in _names(node)
    }
    roots = [node for node in nodes if _is_test(node) or not isinstance(node, _Definition)]
    used: set[str] = set()
    waiting = {name for node in roots for name in _mentioned_names(node)} | _automatic(by_name.values())
    while waiting:
        used |= waiting
        waiting = {name for each in waiting if each in by_name for name in _mentioned_names(by_name[each])} - used
    return used


def _automatic(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return the fixtures that every check uses without a mention."""
    functions = [node for node in nodes if isinstance(node, _Function)]
    return {node.name for node in functions if any("autouse" in ast.unparse(mark) for mark in node.decorator_list)}


def _mentioned_names(node: ast.stmt) -> set[str]:
    """Return names, those of arguments and of fixtures in strings among them."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return names | arguments | texts


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _without(source: str, nodes: list[ast.stmt]) -> str:
    """Return the source without some statements, their decorators, and the comments right above them."""
    lines: list[str | None] = list(source.splitlines())
    for node in nodes:
        first = first_line(node) - 1
        while first and (lines[first - 1] or "").startswith("#") and not (lines[first - 1] or "").startswith("# ---"):
            first -= 1
        lines[first : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - first)
    kept: list[str] = []
    for line in (line for line in lines if line is not None):
        if line or kept[-2:] != ["", ""]:  # where something was left out no more than two empty lines stay
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
