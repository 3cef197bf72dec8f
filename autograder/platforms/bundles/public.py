"""The checks that students get: without hidden ones, without those that need a solution, without what only they use."""

import ast
from collections.abc import Iterable


def public_checks(source: str) -> str:
    """The source of a unit's checks as students have it.

    Args:
        source: of all its checks.

    Returns:
        The same text without hidden checks, without checks that take the `reference`, and without the helpers, fixtures
        and constants that nothing is left to use.
    """
    body = ast.parse(source).body
    kept = [node for node in body if not (_is_check(node) and (_is_hidden(node) or _takes_reference(node)))]
    used = _used(kept)
    kept = [node for node in kept if not isinstance(node, _Definition) or _is_check(node) or _names(node) & used]
    return _without(source, [node for node in body if node not in kept])


_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def _is_check(node: ast.stmt) -> bool:
    return isinstance(node, _Function) and node.name.startswith("test")


def _is_hidden(node: ast.stmt) -> bool:
    marks = node.decorator_list if isinstance(node, _Function) else []
    return any(ast.unparse(mark).startswith("pytest.mark.hidden") for mark in marks)


def _takes_reference(node: ast.stmt) -> bool:
    return isinstance(node, _Function) and any(argument.arg == "reference" for argument in node.args.args)


def _used(nodes: list[ast.stmt]) -> set[str]:
    """The names that checks and the module's own statements use, directly or by way of others."""
    by_name = {
        name: node for node in nodes if isinstance(node, _Definition) and not _is_check(node) for name in _names(node)
    }
    roots = [node for node in nodes if _is_check(node) or not isinstance(node, _Definition)]
    used: set[str] = set()
    waiting = {name for node in roots for name in _mentioned(node)} | _automatic(by_name.values())
    while waiting:
        used |= waiting
        waiting = {name for each in waiting if each in by_name for name in _mentioned(by_name[each])} - used
    return used


def _automatic(nodes: Iterable[ast.stmt]) -> set[str]:
    """Fixtures that every check uses without a mention."""
    functions = [node for node in nodes if isinstance(node, _Function)]
    return {node.name for node in functions if any("autouse" in ast.unparse(mark) for mark in node.decorator_list)}


def _mentioned(node: ast.stmt) -> set[str]:
    """Names, and what is asked for by the names of arguments and of fixtures in strings."""
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
    """The source without some statements, their decorators, and the comments right above them."""
    lines: list[str | None] = list(source.splitlines())
    for node in nodes:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(mark.lineno for mark in decorators)]) - 1
        while first and (lines[first - 1] or "").startswith("#") and not (lines[first - 1] or "").startswith("# ---"):
            first -= 1
        lines[first : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - first)
    kept: list[str] = []
    for line in (line for line in lines if line is not None):
        if line or kept[-2:] != ["", ""]:  # where something was left out no more than two empty lines stay
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
