"""Tell what a statement of a notebook changes through calls, loops and second names, as far as its text says.

`kernel.view(-1)[1] = 1` changes `kernel`, a loop that sets `p.requires_grad` for `p in net.parameters()` changes `net`, and
after `flat = kernel.numpy()` whatever changes `flat` changes `kernel`.
"""

import ast
import builtins
from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from autograder.submissions.statements import (
    CHANGING_FIRST,
    Returns,
    called_name,
    changes_in_place,
    is_in_place,
    name_of_call,
    shared_with,
)

#: What a function changes: names of the notebook, and True if it changes an argument too.
Effects = tuple[Set[str], bool]
_NONE: Effects = (frozenset(), False)
#: Functions and methods that move on in what they read: the next call gives something else.
_CONSUMING = {"next", "__next__", "read", "readline", "readlines", "popleft"}


def names_reached(node: ast.stmt, effects: Mapping[str, Effects], returns: Returns) -> set[str]:
    """Return the names whose values a statement changes, through whatever calls, loops and second names inside it.

    Args:
        node: a statement, of a notebook or of a function.
        effects: what the notebook's functions change.
        returns: what the notebook's functions give back.
    """
    changed = {name for child in ast.walk(node) for name in _names_changed_by(child, returns)}
    changed |= {*names_own_functions_change(node, effects, returns), *names_objects_change(node, effects, returns)}
    changed |= {*_names_mapped(node, effects, returns)}
    sources: dict[str, set[str]] = {}
    for child in ast.walk(node):
        for name, olds in sources_of(child, returns).items():
            sources.setdefault(name, set()).update(olds)
    while more := {old for name in changed for old in sources.get(name, ())} - changed:
        changed |= more
    return changed - vars(builtins).keys()


def names_own_functions_change(node: ast.stmt, effects: Mapping[str, Effects], returns: Returns) -> Iterator[str]:
    """Yield the names that a statement changes by calls of the notebook's own functions.

    A function that is handed over, as in `map(register, names)`, is taken for called.
    """
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        given = (*call.args, *(keyword.value for keyword in call.keywords))
        for value in given:
            yield from effects.get(getattr(value, "id", ""), _NONE)[0]
        called = f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else called_name(call)
        names, arguments = effects.get(called, _NONE)
        yield from names
        if arguments:
            for value in (call.func, *given) if isinstance(call.func, ast.Attribute) else given:
                yield from shared_with(value, returns)


def _names_mapped(node: ast.stmt, effects: Mapping[str, Effects], returns: Returns) -> Iterator[str]:
    """Yield `net` for `map(freeze, net.parameters())`, if `freeze` changes an argument."""
    for call in ast.walk(node):
        match call:
            case ast.Call(args=[ast.Name(id=function), *given]) if name_of_call(call).endswith("map"):
                for value in given if effects.get(function, _NONE)[1] else ():
                    yield from shared_with(value, returns)


def names_objects_change(node: ast.stmt, effects: Mapping[str, Effects], returns: Returns) -> Iterator[str]:
    """Yield the names that a statement changes by making objects of the notebook's own classes, or by `with` such objects."""
    for child in ast.walk(node):
        if isinstance(child, ast.Call):
            given = [*child.args, *(keyword.value for keyword in child.keywords)]
            functions = [f"new {getattr(each, 'id', '')}" for each in (child.func, *given)]
        elif isinstance(child, ast.withitem):
            given, called = [child.context_expr], called_name(child.context_expr)
            is_made = isinstance(child.context_expr, ast.Call)
            functions = [f"with {called}"] if is_made else [".__enter__", ".__exit__"]
        else:
            continue
        for names, arguments in (effects.get(function, _NONE) for function in functions):
            yield from names
            for value in given if arguments else ():
                yield from shared_with(value, returns)


def sources_of(node: ast.AST, returns: Returns) -> dict[str, set[str]]:
    """Return the names that an assignment or a loop binds, each with those whose values it may share.

    So do the parameters of a function without a name: `p` in `map(lambda p: p.zero_(), net.parameters())` is a part of `net`.
    """
    match node:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            targets = [target]
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            targets = [target]
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            targets = [target]
        case ast.Call(args=given):
            return _sources_of_lambdas(given, returns)
        case _:
            return {}
    bound = {
        each.id
        for target in targets
        for each in ast.walk(target)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }
    # In `root = node = {}` each name stands for the value of the other.
    sharing = [value, *targets] if len(targets) > 1 else [value]
    shared = {name for each in sharing for name in shared_with(each, returns)}
    return {name: shared - {name} for name in bound}


def names_without_parts(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that stand for numbers, texts, devices and the like, and for nothing else: no value shares a part."""
    return _names_bound_only_to(_has_no_parts, statements)


def names_of_settings(statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names that stand for collections of such values, as `CONFIG = {"rate": 0.1}`: their parts have no parts."""
    return _names_bound_only_to(_is_of_settings, statements)


def names_taken_apart(node: ast.AST) -> set[str]:
    """Return the names of which an expression uses parts alone, as of `CONFIG` in `CONFIG["rate"]`."""
    children = [*ast.walk(node)]
    names = [child for child in children if isinstance(child, ast.Name)]
    inner = {child.value for child in children if isinstance(child, ast.Subscript | ast.Attribute)}
    return {name.id for name in names} - {name.id for name in names if name not in inner}


def _names_bound_only_to(is_such: Callable[[ast.expr], bool], statements: Iterable[ast.stmt]) -> set[str]:
    """Return the names to which each statement that binds them assigns such a value."""
    found, others = set[str](), set[str]()
    for node in statements:
        match node:
            case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
                kind = found if is_such(value) else others
            case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value) | ast.AugAssign(value=value):
                kind = found if is_such(value) else others
            case _:
                kind = others
        stored = (child for child in ast.walk(node) if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store))
        kind.update(child.id for child in stored)
    return found - others


def _has_no_parts(value: ast.expr) -> bool:
    match value:
        case ast.Constant() | ast.JoinedStr() | ast.Compare():
            return True
        case ast.UnaryOp(operand=part):
            return _has_no_parts(part)
        case ast.BinOp(left=one, right=other) | ast.IfExp(body=one, orelse=other):
            return _has_no_parts(one) and _has_no_parts(other)
        case ast.Tuple(elts=parts):
            return all(map(_has_no_parts, parts))
    return name_of_call(value) == "device"


def _is_of_settings(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict):
        return all(map(_has_no_parts, value.values))
    return name_of_call(value) in ("Namespace", "SimpleNamespace", "parse_args")


def _sources_of_lambdas(given: list[ast.expr], returns: Returns) -> dict[str, set[str]]:
    """Return the parameters of the lambdas among some arguments, each with the names that stand in the other arguments."""
    lambdas = [value for value in given if isinstance(value, ast.Lambda)]
    shared = {name for value in given if lambdas for name in shared_with(value, returns)}
    return {each.arg: shared - {each.arg} for value in lambdas for each in value.args.args}


def _names_changed_by(node: ast.AST, returns: Returns) -> Iterator[str]:
    """Yield the names of what one part of a statement changes."""
    match node:
        case (
            ast.Subscript(value=inner, ctx=ast.Store() | ast.Del())
            | ast.Attribute(value=inner, ctx=ast.Store() | ast.Del())
        ):
            yield from shared_with(inner, returns)
        case ast.Attribute(value=inner, attr=method) if changes_in_place(method) or method in _CONSUMING:
            yield from shared_with(inner, returns)
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.Call(args=[first, *_]) if _changes_first(name_of_call(node)):
            yield from shared_with(first, returns)
        case ast.keyword(arg="out", value=value):
            yield from shared_with(value, returns)


def _changes_first(name: str) -> bool:
    return name in CHANGING_FIRST or name in _CONSUMING or is_in_place(name)
