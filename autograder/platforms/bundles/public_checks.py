"""Make the checks that students get of a unit: its source without hidden checks, and without what only those use."""

import ast
from collections.abc import Collection, Iterable

from autograder.course.skeletons import bare_lines, first_line, imported_names, source_lines

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Import = ast.ImportFrom | ast.Import
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def public_checks(source: str, private: Collection[str], shared: Collection[str] = ()) -> str:
    """Return the source of a unit's checks without those that are not for students.

    Args:
        source: the source of all its checks.
        private: names of the test functions that are not for students, `TestB.test_a` for a method.
        shared: names of modules beside the checks.

    Returns:
        The source without the private checks, and without the helpers, fixtures, constants and shared modules that no other
        check uses.
    """
    tree = ast.parse(source)
    imported = {name.partition(".")[0] for name in private}  # the import of a class is dropped if one method is private
    dropped = [part for node in tree.body for part in _private_parts(node, private, imported)]
    kept = [_without_parts(node, dropped) for node in tree.body if node not in dropped]
    used = _used_names(kept)
    unused = [node for node in kept if _is_helper(node) and not _defined_names(node) & used]
    unneeded = [
        node
        for node in kept
        if isinstance(node, _Import)
        and imported_names(ast.unparse(node)) & set(shared)
        and not {_bound_name(alias) for alias in node.names} & used
    ]
    return _without_imports(_without(source, [*dropped, *unused, *unneeded]), imported)


def _private_parts(node: ast.stmt, private: Collection[str], imported: Collection[str]) -> list[ast.stmt]:
    """Return what is private of a top-level statement: nothing, some methods of a class, or the statement itself."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [node] if node.name in private else []
        case ast.ClassDef():
            tests = _tests_in(node)
            hidden = [each for each in tests if f"{node.name}.{each.name}" in private]
            return [node] if tests and len(hidden) == len(tests) else [*hidden]
        case ast.ImportFrom() | ast.Import():
            return [node] if all(_bound_name(alias) in imported for alias in node.names) else []
    return []


def _without_parts(node: ast.stmt, dropped: Collection[ast.stmt]) -> ast.stmt:
    """Return a statement; if it is a class, without the methods that are dropped."""
    if isinstance(node, ast.ClassDef):
        node.body = [each for each in node.body if each not in dropped]
    return node


def _bound_name(alias: ast.alias) -> str:
    """Return the name that an import gives to what it imports."""
    return alias.asname or alias.name.partition(".")[0]


def _without_imports(source: str, private: Collection[str]) -> str:
    """Return the source without private names in its imports, which import other names too."""
    lines = source_lines(source)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and any(_bound_name(alias) in private for alias in node.names):
            node.names = [alias for alias in node.names if _bound_name(alias) not in private]
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node) + "\n"]
    return "".join(lines)


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef):
        return bool(_tests_in(node))
    return isinstance(node, _Function) and node.name.startswith("test")


def _is_helper(node: ast.stmt) -> bool:
    """Return True for a definition that tests may use: a function, a class, a constant."""
    return isinstance(node, _Definition) and not _is_test(node)


def _tests_in(node: ast.ClassDef) -> list[_Function]:
    return [each for each in node.body if isinstance(each, _Function) and each.name.startswith("test")]


def _used_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that checks and the module's own statements use, directly or through helpers."""
    by_name = {name: node for node in nodes if _is_helper(node) for name in _defined_names(node)}
    roots = [node for node in nodes if not _is_helper(node)]
    used: set[str] = set()
    waiting = {name for node in roots for name in _mentioned_names(node)} | _automatic(by_name.values())
    while waiting:
        used |= waiting
        waiting = {name for each in waiting if each in by_name for name in _mentioned_names(by_name[each])} - used
    return used


def _automatic(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return the names of fixtures that every check uses without naming them."""
    functions = [node for node in nodes if isinstance(node, _Function)]
    return {node.name for node in functions if any("autouse" in ast.unparse(mark) for mark in node.decorator_list)}


def _mentioned_names(node: ast.stmt) -> set[str]:
    """Return the names in a statement: also of arguments, and in strings, which may name fixtures."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return names | arguments | texts


def _defined_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _without(source: str, nodes: list[ast.stmt]) -> str:
    """Return the source without some statements, their decorators, and the comments right above them."""
    lines: list[str | None] = [*bare_lines(source)]
    for node in nodes:
        first = first_line(node) - 1
        indent = (lines[first] or "")[: node.col_offset]
        while first and (above := lines[first - 1] or "").startswith(f"{indent}#") and not above.startswith("# ---"):
            first -= 1
        lines[first : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - first)
    kept: list[str] = []
    for line in (line for line in lines if line is not None):
        if line or kept[-2:] != ["", ""]:  # keep at most two empty lines where something was left out
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
