"""Tell what the functions of a notebook change, and which of them may compute for long, as far as their text says."""

import ast
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set

from autograder.submissions.reaches import (
    Effects,
    names_own_functions_change,
    names_reached,
)
from autograder.submissions.statements import (
    DEFINITIONS,
    Returns,
    assignment,
    bound_names,
    call_chain,
    called_name,
    changes_in_place,
    name_of_call,
    names_bound_anew,
    shared_with,
    shows_or_trains,
    trains,
)

#: Words before the name of a class by which the effects of making an object stand, and those of `with`, with their methods.
_OBJECTS = {"new": ("__init__", "__new__", "__post_init__"), "with": ("__enter__", "__exit__")}

#: Functions and classes that make iterators and generators of random numbers.
_MOVING = {
    *("iter", "zip", "map", "filter", "enumerate", "reversed"),
    *("default_rng", "RandomState", "Random", "Generator"),
}


def computes_little(node: ast.stmt, costly: Collection[str]) -> bool:
    """Return True for an assignment that calls nothing that trains, shows something or asks, as far as names tell.

    Args:
        node: a statement at the top of a notebook.
        costly: what `costly_functions` returned.
    """
    return isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and not _calls_costly(node, costly)


def costly_functions(statements: Collection[ast.stmt], graded: Collection[str]) -> set[str]:
    """Return the notebook's own functions that may compute for long, by the names of `effects_of`.

    These are the graded ones, those that train, show something, ask or wait, as far as names tell, and those that call them.
    """
    return _with_callers(statements, graded, _calls_costly)


def training_functions(statements: Collection[ast.stmt], graded: Collection[str]) -> set[str]:
    """Return the notebook's own functions that may train: the graded ones, those that do by their calls, and their callers."""
    return _with_callers(statements, graded, may_train)


def _with_callers(
    statements: Collection[ast.stmt], first: Collection[str], calls: Callable[[ast.AST, Collection[str]], bool]
) -> set[str]:
    """Return some of the notebook's own functions, those that call what is looked for, and so on."""
    functions = [pair for node in statements for pair in functions_in(node)]
    found = set(first)
    while grown := {name for name, node in functions if calls(node, found)} - found:
        found |= grown
    return found


def only_computes(node: ast.AST, training: Collection[str]) -> bool:
    """Return True unless a statement calls something that trains or shows something; it may print."""
    calls = {name_of_call(child) for child in ast.walk(node) if isinstance(child, ast.Call)} - {"print"}
    return not may_train(node, training) and not any(map(shows_or_trains, calls))


def may_train(node: ast.AST, training: Collection[str]) -> bool:
    """Return True if a statement or function calls something that trains, or reads a gradient.

    Args:
        node: the statement or function.
        training: what `training_functions` returned, or as many as are known.
    """
    calls = [child for child in ast.walk(node) if isinstance(child, ast.Call)]
    names = map(name_of_call, calls)
    own = (f".{call.func.attr}" if isinstance(call.func, ast.Attribute) else called_name(call) for call in calls)
    slopes = any(isinstance(child, ast.Attribute) and child.attr == "grad" for child in ast.walk(node))
    return slopes or any(map(trains, names)) or not set(own).isdisjoint(training)


def _calls_costly(node: ast.AST, costly: Collection[str]) -> bool:
    children = list(ast.walk(node))
    chains = [call_chain(child) for child in children if isinstance(child, ast.Call)]
    names = {name for start, methods in chains for name in (start, *methods)}
    known = {*(start for start, _ in chains), *(f".{name}" for _, methods in chains for name in methods)}
    endless = any(isinstance(child, ast.While) for child in children)
    return endless or not known.isdisjoint({*costly, "input"}) or any(map(shows_or_trains, names))


def effects_of(statements: Collection[ast.stmt]) -> dict[str, Effects]:
    """Return what each function of a notebook changes, itself or by the functions that it calls.

    It stands by the function's name; that of a method by its name with a dot before it, joined with those of other classes. A
    value whose class has `__call__` is a function too, and so is a name for a method that changes something:
    `add = names.append`. What changes when an object is made stands by `new Class`, what its `with` changes by `with Class`.
    """
    functions = [pair for node in statements for pair in functions_in(node)]
    training = training_functions(statements, ())
    of_objects = [
        pair for node in statements for pair in _functions_of_objects(node) if not may_train(pair[1], training)
    ]
    inherited = [pair for node in statements for pair in _inherited(node)]
    returns = returns_of(statements)
    found: dict[str, Effects] = {}
    before: dict[str, Effects] | None = None
    while found != before:
        before = found
        # A training is left out also if it makes an object that is counted.
        calls = {name: effects for name, effects in found.items() if " " not in name}
        found = _joined(
            (
                *((name, _effects(node, calls if name in training else before, returns)) for name, node in functions),
                *((name, _effects_on_others(name, node, before, returns)) for name, node in of_objects),
                *((name, before[base]) for name, base in inherited if base in before),
            )
        )
    for name, value in filter(None, map(assignment, statements)):
        names, changes_itself = found.get(f"{called_name(value)}()", (set(), False))
        if names or changes_itself:
            found[name] = {*names, name}, False
        elif _is_function_of_others(value, found):
            found[name] = {*shared_with(value, returns), name}, False
    return found | _closures(statements)


def _joined(effects: Iterable[tuple[str, Effects]]) -> dict[str, Effects]:
    """Return the effects by name, those of several functions of one name together."""
    found: dict[str, Effects] = {}
    for name, (names, arguments) in effects:
        before, any_before = found.get(name, (set(), False))
        found[name] = {*before, *names}, any_before or arguments
    return found


def _functions_of_objects(node: ast.stmt) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the methods of a class that run when an object is made, or entered by `with`, by the names of `effects_of`."""
    if isinstance(node, ast.ClassDef):
        for word, methods in _OBJECTS.items():
            for each in node.body:
                if isinstance(each, ast.FunctionDef) and each.name in methods:
                    yield f"{word} {node.name}", each


def _inherited(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield the names by which effects of a class stand, each with that of a class from which it has them."""
    if isinstance(node, ast.ClassDef):
        for base in node.bases:
            yield from ((f"{word} {node.name}", f"{word} {getattr(base, 'id', '')}") for word in _OBJECTS)


def _effects_on_others(
    name: str, function: ast.FunctionDef, others: Mapping[str, Effects], returns: Returns
) -> Effects:
    """Return what a method of `_functions_of_objects` changes; an object that it makes is new, and no argument."""
    new = {each.arg for each in function.args.args[:1]} if name.startswith("new ") else set[str]()
    names, arguments = _effects(function, others, returns, new)
    counts = (function.name == "__new__" and new & names) or any(map(_is_of_its_class, ast.walk(function)))
    return (names - new) | ({name.partition(" ")[2]} if counts else set()), arguments


def _is_of_its_class(node: ast.AST) -> bool:
    """Return True for `self.__class__.count` and `type(self).count`."""
    inner = node.value if isinstance(node, ast.Attribute) and not node.attr.startswith("__") else ast.Pass()
    return getattr(inner, "attr", "") == "__class__" or called_name(inner) == "type"


def _is_function_of_others(value: ast.expr, known: Collection[str]) -> bool:
    """Return True for `names.append` and `partial(setattr, config)`: functions that change what they were made of."""
    if isinstance(value, ast.Attribute):
        return changes_in_place(value.attr) or f".{value.attr}" in known
    return name_of_call(value) == "partial"


def _closures(statements: Collection[ast.stmt]) -> dict[str, Effects]:
    """Return that each name of `table, enter = make()` may change the others, if `make` defines a function inside.

    A function inside that changes what `make` holds changes itself: `count = make()` gives something else at each call.
    """
    makers = {
        name
        for node in statements
        for name, function in functions_in(node)
        if any(isinstance(child, ast.FunctionDef | ast.Lambda) for child in ast.walk(function) if child is not function)
    }
    counting = _makers_of_counters(statements)
    found: dict[str, Effects] = {}
    for node in statements:
        if isinstance(node, ast.Assign) and called_name(node.value) in makers:
            bound = {each.id for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)}
            if len(bound) > 1 or called_name(node.value) in counting:
                found |= dict.fromkeys(bound, (bound, False))
    return found


def _makers_of_counters(statements: Collection[ast.stmt]) -> set[str]:
    """Return the functions that define one which changes what they hold: `nonlocal n`, `cache[x] = y`, `inner.n += 1`."""
    found: set[str] = set()
    for name, function in (pair for node in statements for pair in functions_in(node)):
        inside = [child for child in ast.walk(function) if child is not function]
        held = parameters_of(function) | local_names(function)
        held |= {child.name for child in inside if isinstance(child, ast.FunctionDef)}
        changed = {
            each
            for child in inside
            if isinstance(child, ast.FunctionDef | ast.Lambda) and not may_train(child, ())
            for each in _effects(child, {}, {})[0]
        }
        if changed & held or any(isinstance(child, ast.Nonlocal) for child in inside):
            found.add(name)
    return found


def remembered_by(statements: Collection[ast.stmt], effects: Mapping[str, Effects]) -> dict[str, set[str]]:
    """Return what a call of each function changes that a default value keeps: the function, and the names in the value.

    After `def remember(x, seen=[])` each call of `remember` that appends to `seen` changes `remember`. So does each call of a
    function whose decorator keeps something, such as `@memo`.
    """
    returns = returns_of(statements)
    found: dict[str, set[str]] = {}
    for name, function in (pair for node in statements for pair in functions_in(node)):
        defaults = {each: value for each, value in _defaults(function).items() if not isinstance(value, ast.Constant)}
        changed = _effects(function, effects, returns, defaults.keys())[0]
        for value in (defaults[each] for each in defaults.keys() & changed):
            found.setdefault(name, {name}).update(shared_with(value, returns))
    counting = _makers_of_counters(statements)
    for node in statements:
        decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
        if isinstance(node, ast.FunctionDef) and any(_is_made_by(each, counting) for each in decorators):
            found.setdefault(node.name, {node.name})
    return found


def _is_made_by(decorator: ast.expr, makers: Collection[str]) -> bool:
    return (called_name(decorator) or getattr(decorator, "id", "")) in makers


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    """Return the default value of each parameter that has one."""
    arguments = function.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    by_place = zip(reversed(names), reversed(arguments.defaults), strict=False)
    by_name = zip((each.arg for each in arguments.kwonlyargs), arguments.kw_defaults, strict=True)
    return {name: value for name, value in (*by_place, *by_name) if value is not None}


def moving_names(statements: Collection[ast.stmt], imported: Mapping[str, str]) -> set[str]:
    """Return the names of iterators and generators of random numbers: what reads them moves them on.

    Args:
        statements: those at the top of a notebook.
        imported: the library of each name that the notebook imports.
    """
    own = {node.name for node in statements if isinstance(node, DEFINITIONS)}
    functions = [pair for node in statements for pair in functions_in(node)]
    generators = {name.removeprefix(".") for name, function in functions if any(map(_yields, ast.walk(function)))}
    of_itertools = {name for name, library in imported.items() if library == "itertools"}
    found: set[str] = set()
    for node in statements:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Call):
            start, chain = call_chain(value)
            makes = name_of_call(value) in (_MOVING - own) | generators or start in of_itertools
            makes = makes or (name_of_call(value) == "manual_seed" and "Generator" in chain)
        else:
            makes = isinstance(value, ast.GeneratorExp)
        found |= names_bound_anew(node) if makes else set()
    return found


def _yields(node: ast.AST) -> bool:
    return isinstance(node, ast.Yield | ast.YieldFrom)


def returns_of(statements: Collection[ast.stmt]) -> dict[str, set[str]]:
    """Return the names of the notebook that each of its functions gives back, by the name of the function."""
    found: dict[str, set[str]] = {}
    for node in statements:
        for name, function in functions_in(node):
            given = [
                child.value for child in ast.walk(function) if isinstance(child, ast.Return) and child.value is not None
            ]
            names = {each for value in given for each in shared_with(value, {})}
            found[name] = names - parameters_of(function) - local_names(function)
    return found


def functions_in(node: ast.stmt) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda]]:
    """Yield the functions that a statement defines, by the names of `effects_of`; `__call__` also as `Class()`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, node
    elif isinstance(node, ast.ClassDef):
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f".{each.name}", each
                if each.name == "__call__":
                    yield f"{node.name}()", each
    elif (assigned := assignment(node)) and isinstance(assigned[1], ast.Lambda):
        yield assigned[0], assigned[1]


def _effects(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda,
    others: Mapping[str, Effects],
    returns: Returns,
    new: Set[str] = frozenset(),
) -> Effects:
    """Return what a function changes.

    Args:
        function: a function of the notebook.
        others: what the functions that it may call change.
        returns: what these give back.
        new: parameters that are no arguments; they count among the names of the notebook.
    """
    body: list[ast.stmt] = [ast.Expr(function.body)] if isinstance(function, ast.Lambda) else function.body
    given, local = parameters_of(function) - new, local_names(function)
    stated = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    changed = {
        name for node in body for name in (*bound_names(node), *names_own_functions_change(node, others, returns))
    }
    if not may_train(function, ()):
        inner = ast.With(items=[], body=body)  # all of it at once: what one statement names another may change
        changed |= names_reached(inner, others, returns)
    return stated | (changed - given - local), not changed.isdisjoint(given - local)


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    arguments = function.args
    return {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Return the names that a function binds itself, without those that it says are the notebook's."""
    stated = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
    bound = (node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {*bound} - stated
