"""Merge two known mistakes of a function into one function: what a student writes who makes both at once.

Known mistakes are variants of one function, so two of them are merged as a version control merges two branches: against a
common base, on syntax trees instead of lines (the three-way merge of Tom Mens, 2002, "A state-of-the-art survey on software
merging"). The base is the solution. If that allows no merge, it is a third known mistake, whose own change neither side has,
or a helper in the file of mistakes, which does the right thing in the words that the mistakes use. Two changes of one place
are a conflict, and a pair with a conflict has no mixture.
"""

import ast
import builtins
import difflib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

#: A node as a tuple: its type, then its fields; `list` stands for a list, and `(type, value)` for anything else.
Tree = tuple[Any, ...]

#: So many known mistakes are tried as the base of two others, the nearest first.
_BASES = 8
_SCALARS = (ast.expr_context, ast.operator, ast.cmpop, ast.unaryop, ast.boolop)


class _Conflict(Exception):
    """Both sides change the same place."""


@lru_cache(maxsize=64)
def mixtures(solution: str, mistakes: str, function: str, variants: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Return the mixtures of the known mistakes of a function: for each pair that can be merged, a function's text.

    Args:
        solution: the unit's solution.
        mistakes: the unit's file of mistakes; a mixture may use what both define, the mistakes' definitions first.
        function: the name of the function.
        variants: the names of its known mistakes.

    Returns:
        By the names of both mistakes, a function of the name that `mixture_name` gives.
    """
    right, wrong = _functions(solution), _functions(mistakes)
    bodies = {name: _tree(_bare(wrong[name]).body) for name in variants if name in wrong}
    bases = [_tree(_bare(right[function]).body)] if function in right else []
    helpers = [_tree(_bare(node).body) for node in wrong.values() if not node.decorator_list]
    known = _top_level_names(solution) | _top_level_names(mistakes) | set(dir(builtins))
    called = _functions(solution) | wrong
    found = {}
    for first, second in itertools.combinations(bodies, 2):
        others = [tree for name, tree in bodies.items() if name not in (first, second)]
        begin = _common_beginning(bodies[first], bodies[second])
        others += [(*begin, *helper[1:]) for helper in helpers]
        body = _merge_on_a_base(bases, others, bodies[first], bodies[second])
        if body is None:
            continue
        mixed = _bare(wrong[first])
        mixed.name, mixed.body = mixture_name(first, second), body
        if not _unbound_names(mixed, known) and all(_can_be_called(node, called) for node in ast.walk(mixed)):
            found[first, second] = ast.unparse(ast.fix_missing_locations(mixed))
    return found


def _common_beginning(one: Tree, other: Tree) -> Tree:
    """Return the statements with which two bodies begin alike, such as a guard, behind `list`."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(each for each, _ in same)


def mixture_name(first: str, second: str) -> str:
    """Return the name of the function in which two mistakes are made."""
    return f"{first}__and__{second}"


def mixed_names(name: str) -> list[str]:
    """Return the names of the mistakes that are made in a function, by its name: of one mistake, or of a mixture."""
    return name.split("__and__")


def mixture_text(solution: str, mistakes: str, function: str, mixture: str) -> str:
    """Return the source of a solution in which a mixture, as `mixtures` gives it, takes the place of the right function."""
    name = mixture.partition("def ")[2].partition("(")[0]
    return f"{solution}\n{mistakes}\n{mixture}\n{function} = {name}\n"


def _merge_on_a_base(
    solution: Sequence[Tree], variants: Sequence[Tree], first: Tree, second: Tree
) -> list[ast.stmt] | None:
    """Return the body in which both changes are made, by the first base that allows it; None if there is none."""
    between = _distance(first, second)
    near = [(_distance(first, base), _distance(second, base), base) for base in variants]
    # A base that is further from both sides than they are from each other shares less with them than they do.
    near = [each for each in near if min(each[:2]) <= between]
    nearest = sorted(near, key=lambda each: each[0] + each[1])[:_BASES]
    for base in [*solution, *(base for *_, base in nearest)]:
        for one, other in ((first, second), (second, first)):
            try:
                merged = _merge(base, one, other)
            except _Conflict:
                continue
            if merged not in (base, first, second):
                body: list[ast.stmt] = _node(merged)
                return body
    return None


def _merge(base: Tree, one: Tree, other: Tree, *, whole: bool = True) -> Tree:
    """Return the tree with the changes of both sides.

    Args:
        base: what both have been made from.
        one: a side.
        other: the other side.
        whole: False if the base is a part of an expression already: it is not divided again.

    Raises:
        _Conflict: both change the same place.
    """
    if one in (base, other):
        return other
    if other == base:
        return one
    head = base[0]
    if head is list and one[0] is list and other[0] is list:
        return _merge_lists(base, one, other, whole=whole)
    if _is_node(base) and head is one[0] is other[0]:
        try:
            parts = zip(base[1:], one[1:], other[1:], strict=True)
            return (head, *(_merge(*part, whole=whole) for part in parts))
        except _Conflict:
            pass
    if whole and _is_node(base) and issubclass(head, ast.expr):
        for left, right in ((one, other), (other, one)):
            merged = _merge_nested(base, left, right)
            if merged is not None:
                return merged
    raise _Conflict


def _merge_nested(base: Tree, one: Tree, other: Tree) -> Tree | None:
    """Return the merge if the other side keeps only a part of the base; None if it does not."""
    parts = [pair for pair in _common_parts(base, one) if pair[0][0] is other[0]]
    if not parts:
        return None
    part, changed = min(parts, key=lambda pair: _distance(pair[0], other))
    if 2 * _distance(part, other) > _labels(part).total() + _labels(other).total():
        return None
    try:
        merged = _merge(part, changed, other, whole=False)
    except _Conflict:
        return None
    return None if merged == other else merged


def _merge_lists(base: Tree, one: Tree, other: Tree, *, whole: bool) -> Tree:
    if any(item[0] is ast.keyword for side in (one, other) for item in side[1:]):
        return _merge_keywords(base, one, other, whole=whole)
    if len(base) == len(one) == len(other):
        try:
            return (list, *(_merge(*items, whole=whole) for items in zip(base[1:], one[1:], other[1:], strict=True)))
        except _Conflict:
            pass
    if not all(issubclass(item[0], ast.stmt) for side in (base, one, other) for item in side[1:]):
        raise _Conflict  # an argument more or less makes another call
    return (list, *_merge_changes(base[1:], _changes(base[1:], one[1:]), _changes(base[1:], other[1:]), whole=whole))


def _merge_changes(
    base: Tree, one: dict[tuple[int, int], Tree], other: dict[tuple[int, int], Tree], *, whole: bool
) -> Iterator[Tree]:
    """Yield the statements of the base with the changes of both sides; see `_changes`."""
    place = 0
    for begin, end in sorted({**one, **other}):
        if begin < place:
            raise _Conflict
        yield from base[place:begin]
        sides = [side[begin, end] for side in (one, other) if (begin, end) in side]
        if len(sides) == 1 or sides[0] == sides[1]:
            yield from sides[0]
        elif len(sides[0]) == len(sides[1]) == end - begin:
            for items in zip(base[begin:end], *sides, strict=True):
                yield _merge(*items, whole=whole)
        else:
            raise _Conflict
        place = max(place, end)
    yield from base[place:]


def _changes(base: Tree, side: Tree) -> dict[tuple[int, int], Tree]:
    """Return what stands in a side in place of each stretch of the base, item by item where the numbers are equal."""
    found: dict[tuple[int, int], Tree] = {}
    for kind, a, b, c, d in difflib.SequenceMatcher(None, base, side, autojunk=False).get_opcodes():
        if kind == "replace" and b - a == d - c:
            found |= {(a + i, a + i + 1): (side[c + i],) for i in range(b - a)}
        elif kind != "equal":
            found[a, b] = side[c:d]
    return found


def _merge_keywords(base: Tree, one: Tree, other: Tree, *, whole: bool) -> Tree:
    """Merge keyword arguments by their names, as their order does not matter."""
    sides = [{item[1]: item for item in side[1:]} for side in (base, one, other)]
    missing = (type(None), None)
    merged = (
        _merge(*(side.get(name, missing) for side in sides), whole=whole)
        for name in dict.fromkeys(itertools.chain(*sides))
    )
    return (list, *(item for item in merged if item != missing))


def _parts(tree: Tree) -> Iterator[Tree]:
    """Yield every node inside a tree, itself left out."""
    for child in tree[1:]:
        if isinstance(child, tuple):
            if _is_node(child):
                yield child
            yield from _parts(child)


def _common_parts(base: Tree, one: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Yield each expression inside the base together with what stands at its place in a side."""
    if base[0] is not one[0] or len(base) != len(one):
        return
    for child, changed in zip(base[1:], one[1:], strict=True):
        if isinstance(child, tuple) and isinstance(changed, tuple):
            if _is_node(child) and issubclass(child[0], ast.expr):
                yield child, changed
            yield from _common_parts(child, changed)


def _distance(one: Tree, other: Tree) -> int:
    """Return the number of nodes that one of two trees has and the other has not, wherever they stand."""
    a, b = _labels(one), _labels(other)
    return (a - b).total() + (b - a).total()


@lru_cache(maxsize=4096)
def _labels(tree: Tree) -> Counter[Tree]:
    """Count the nodes of a tree, each as its type and what it holds besides other nodes."""
    return Counter(
        tuple(child for child in part if not isinstance(child, tuple) or (child[0] is not list and not _is_node(child)))
        for part in (tree, *_parts(tree))
    )


def _is_node(tree: Tree) -> bool:
    return isinstance(tree[0], type) and issubclass(tree[0], ast.AST) and not issubclass(tree[0], _SCALARS)


def _tree(value: object) -> Tree:
    """Return a node of a syntax tree, a list or a value as a tuple; `_node` makes the node of it again."""
    if isinstance(value, ast.AST):
        return (type(value), *(_tree(getattr(value, name, None)) for name in value._fields))
    if isinstance(value, list):
        return (list, *map(_tree, value))
    return (type(value), value)  # with its type, as True equals 1 and is another constant


def _node(tree: Tree) -> Any:
    head = tree[0]
    if head is list:
        return [_node(item) for item in tree[1:]]
    if issubclass(head, ast.AST):
        return head(**{name: _node(child) for name, child in zip(head._fields, tree[1:], strict=True)})
    return tree[1]


def _functions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def _bare(function: ast.FunctionDef) -> ast.FunctionDef:
    """Return a copy of a function without its decorators, its docstring and its annotations."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    arguments: ast.arguments = _node(_tree(function.args))
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return ast.FunctionDef(function.name, arguments, list(body), [])


def _top_level_names(text: str) -> set[str]:
    """Return the names that a module defines at its top level."""
    names = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        else:
            names |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return names


def _can_be_called(node: ast.AST, functions: Mapping[str, ast.FunctionDef]) -> bool:
    """Return False for a call of one of the functions with arguments that it does not take.

    A merge may give one function's arguments to another.
    """
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in functions:
        return True
    taken = functions[node.func.id].args
    positional = [*taken.posonlyargs, *taken.args]
    names = {argument.arg for argument in (*taken.args, *taken.kwonlyargs)}
    fits = taken.vararg is not None or len(node.args) <= len(positional)
    return fits and (taken.kwarg is not None or {keyword.arg for keyword in node.keywords} <= {*names, None})


def _unbound_names(function: ast.FunctionDef, known: set[str]) -> set[str]:
    """Return the names that a function uses and nothing defines: a merge may take a name's definition away."""
    nodes = list(ast.walk(function))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - bound - known
