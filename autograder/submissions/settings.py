"""Tell what a statement of a notebook sets for what comes later: the seeds of libraries, and how all functions run."""

import ast
from collections.abc import Collection, Iterator, Mapping, Set

from autograder.submissions.effects import functions_in, local_names, parameters_of
from autograder.submissions.statements import base_names, called_name, name_of_call, shows_or_trains

#: Functions that change how all functions run.
_SETTINGS = {"setrecursionlimit", "set_default_dtype"}
_SEEDS = {"seed", "manual_seed", "manual_seed_all"}
#: Functions of other libraries, and of files beside the notebook, that seed several libraries.
_SEED_ALL = {"seed_everything", "seed_all", "set_seed", "set_seeds", "set_random_seed", "fix_seed"}
#: Libraries that draw random numbers; a name that begins with one of these belongs to it, such as `torchvision`.
DRAWING = ("random", "numpy", "torch", "keras", "tensorflow", "jax", "sklearn", "scipy")
#: Stands for all names of these libraries.
ALL_DRAWN = "?"
#: Statements in which a seed may stand deeper.
_MAY_HOLD_SEEDS = (ast.Expr, ast.If, ast.Try, ast.With, ast.Match, ast.Assert, ast.For)


def names_a_setting_changes(node: ast.stmt, own: Mapping[str, Set[str]]) -> set[str]:
    """Return what a statement at the top of a notebook sets: the library of a seed; `*` for a setting of all functions.

    `ALL_DRAWN` stands for the libraries of a `seed_everything` that the notebook has not written itself.

    A call may stand in a tuple of several, and what it gives back may get a name. It may also stand deeper, as under a
    condition or in `print(...)`, if the statement does little else. One inside a function does not count.

    Args:
        node: the statement.
        own: what each of the notebook's own functions sets; see `settings_of`.
    """
    found = _names_set_inside(node, own) if isinstance(node, _MAY_HOLD_SEEDS) else set()
    if isinstance(node, ast.Expr | ast.Assign):
        known = own if isinstance(node, ast.Expr) else {}
        for part in (node, *(node.value.elts if isinstance(node.value, ast.Tuple) else [node.value])):
            found |= {*_names_a_part_sets(part, known)}
    return found


def settings_of(statements: Collection[ast.stmt]) -> dict[str, set[str]]:
    """Return what each of the notebook's own functions sets, such as `set_seed`; nothing for one that does more."""
    functions = [pair for node in statements for pair in functions_in(node)]
    found: dict[str, set[str]] = {name: set() for name, _ in functions}
    while (
        grown := {
            name: _names_set_inside(function, found) - parameters_of(function) - local_names(function)
            for name, function in functions
        }
    ) != found:
        found = grown
    return found


def _names_set_inside(node: ast.AST, own: Mapping[str, Set[str]]) -> set[str]:
    """Return what the calls inside a statement or function set, if it does little else.

    It loops over nothing but seeds, calls none of the notebook's own functions but those that set something, and trains and
    shows nothing, as far as names tell: it may stand for a training. It may print.
    """
    parts = [*ast.walk(node)]
    # The last name of each call alone: `torch.cuda.manual_seed(seed)` shows nothing.
    calls = {name_of_call(part) for part in parts if isinstance(part, ast.Call)} - {"print"}
    others = {name.removeprefix(".") for name in own if not own[name]} | {"input"}
    loops = [part for part in parts if isinstance(part, ast.For | ast.While)]
    if not all(map(_is_over_seeds, loops)) or not calls.isdisjoint(others) or any(map(shows_or_trains, calls)):
        return set()
    return {name for part in parts for name in _names_a_part_sets(part, own)}


def _names_a_part_sets(node: ast.AST, own: Mapping[str, Set[str]]) -> Iterator[str]:
    """Yield what one part of a statement sets: a call, a loop over seeds, or a value of the environment."""
    for function in _functions_called_by(node):
        name = _last_name(function)
        own_name = f".{name}" if isinstance(function, ast.Attribute) else name
        if own_name in own:
            yield from own[own_name]
        elif name in _SEEDS and isinstance(function, ast.Attribute):
            yield from base_names(function.value)
        elif name in _SEED_ALL:
            yield ALL_DRAWN
        elif name in _SETTINGS | _SEEDS:
            yield "*"
    if isinstance(node, ast.Assign) and any(map(_is_of_environment, node.targets)):
        yield "*"


def _functions_called_by(node: ast.AST) -> list[ast.expr]:
    """Return the function of a call, or those that `for seed in (random.seed, np.random.seed): seed(42)` calls."""
    match node:
        case ast.Call(func=function):
            return [function]
        case ast.For(target=ast.Name(id=name), iter=ast.Tuple(elts=functions) | ast.List(elts=functions)):
            return functions if any(called_name(child) == name for child in ast.walk(node)) else []
    return []


def _is_over_seeds(loop: ast.AST) -> bool:
    return any(_last_name(function) in _SEEDS for function in _functions_called_by(loop))


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else str(getattr(function, "id", ""))


def _is_of_environment(node: ast.expr) -> bool:
    """Return True for `os.environ["..."]`: any library may read it."""
    inner = node.value if isinstance(node, ast.Subscript) else None
    return (inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")) == "environ"
