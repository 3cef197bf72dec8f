"""Tell which names a statement of a notebook gives values to, or changes the value of, as far as its text says.

A file is a name too: what one statement writes another may read.
"""

import ast
import builtins
import re
from collections.abc import Collection, Iterator, Mapping, Set
from typing import TypeGuard

from autograder.submissions.module import is_of_a_library, tree_or_none

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: Methods that change what they are called on, besides those whose name ends in `_`, as PyTorch has them.
_CHANGING = {
    *("append", "extend", "insert", "update", "add", "setdefault", "remove", "discard", "pop", "popitem", "clear"),
    *("sort", "reverse", "appendleft", "extendleft", "rotate", "subtract", "put", "fill", "resize"),
    *("difference_update", "intersection_update", "symmetric_difference_update"),
    *("register", "add_argument", "set_defaults", "read_string", "read_dict", "move_to_end"),
    *("register_forward_hook", "register_forward_pre_hook"),
    *("write", "seek", "execute", "executemany", "executescript"),
    *("load_state_dict", "eval", "apply", "double", "half", "add_module", "register_buffer", "register_parameter"),
    *("__setitem__", "__delitem__", "__setattr__", "__delattr__", "__iadd__", "__ior__"),
}
#: Functions that change their first argument, besides those whose name ends in `_`.
CHANGING_FIRST = {
    *("setattr", "delattr", "heappush", "heapify", "shuffle", "insort", "copyto", "fill_diagonal", "put"),
    *("putmask", "place", "put_along_axis", "setitem", "delitem"),
}
#: Libraries whose functions compute: one whose value is not used must change its first argument.
_COMPUTING = {"bisect", "heapq", "numpy", "operator", "random", "torch"}
#: First words in the names of methods that change what they are called on, whatever follows.
_SETTING_UP = {"add", "configure", "disable", "enable", "load", "read", "register", "remove", "set", "update", "with"}
#: Methods that give an estimator of scikit-learn and its kin what it later predicts by.
_FITTING = {"fit", "partial_fit", "fit_transform", "fit_predict", "fit_resample"}
#: Words in the names of functions and methods that train.
_TRAINING = {
    *("train", "fit", "finetune", "learn", "optimize", "minimize", "backward", "step", "epoch", "epochs", "tune"),
}
#: Words in the names of methods that train, show, save or end something. Any other method whose value a notebook does not use
#: at its top may change the object.
_NOT_CHANGING = _TRAINING | {
    *(
        "search",
        "partial",
        "run",
        "loop",
        "mainloop",
        "main",
        "demo",
        "launch",
        "serve",
        "start",
        "play",
        "simulate",
        "forward",
    ),
    *("evaluate", "predict", "transform", "score", "test", "testing", "validate", "benchmark", "timeit"),
    *("sleep", "wait"),
    *("show", "plot", "draw", "imshow", "hist", "scatter", "bar", "render", "display", "animate", "view", "visualize"),
    *("print", "pprint", "head", "tail", "sample", "describe", "info", "summary", "log", "watch", "report"),
    *("save", "savefig", "savetxt", "savez", "dump", "export", "download", "upload", "push", "publish"),
    *("close", "stop", "shutdown", "terminate", "kill", "join", "quit", "exit", "finish", "cuda", "assert", "check"),
}
#: Libraries whose functions of the same names change nothing of the library: `np.resize`, `torch.subtract`.
_LIBRARIES = {"np", "numpy", "torch"}
#: Functions and methods whose value shares nothing with what they are given.
_COPYING = {"clone", "copy", "deepcopy", "item", "tolist", "len", "str", "int", "float"}
#: The names of the notebook that its functions give back, by the name of the function.
Returns = Mapping[str, Set[str]]
#: Functions that run a text.
_OF_TEXT = {"eval", "exec"}
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
        elif isinstance(child, ast.MatchAs | ast.MatchStar | ast.MatchMapping):
            name = child.rest if isinstance(child, ast.MatchMapping) else child.name
            yield from [name] if name else []
        elif isinstance(child, ast.Name | ast.Subscript | ast.Attribute) and isinstance(child.ctx, ast.Store | ast.Del):
            yield from base_names(child)
        elif isinstance(child, ast.Attribute) and changes_in_place(child.attr) and not _is_library(child.value):
            yield from base_names(child.value)  # called, or given to a function that calls it, such as `map`
        elif isinstance(child, ast.Call):
            yield from _names_a_call_changes(child)
            yield from _names_given_by_text(child)
        elif isinstance(child, ast.Expr):
            yield from _names_changed_by_option(child.value)
    if isinstance(node, ast.For):  # a loop inside may be the step of a training
        yield from _names_looped_over(node)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and names_bound_anew(node):
        yield node.value.id  # a second name: what changes the one changes the other


def _names_a_call_changes(call: ast.Call) -> Iterator[str]:
    """Yield the names of what a call changes, as the name of its method or function tells."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if call.args and (name in CHANGING_FIRST or is_in_place(name)):
        yield from base_names(call.args[0])
    for keyword in call.keywords:
        if keyword.arg == "out":
            yield from base_names(keyword.value)
        elif keyword.arg == "inplace" and call.args:
            yield from base_names(call.args[0])


def _names_changed_by_option(node: ast.expr) -> Iterator[str]:
    """Yield the name of the table that `table.drop(..., inplace=True)` changes."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if any(keyword.arg == "inplace" for keyword in node.keywords):
        yield from base_names(node.func.value)


def _names_looped_over(loop: ast.For) -> Iterator[str]:
    """Yield `net` for `for p in net.parameters(): p.requires_grad = False`: a loop that changes its variable."""
    variables = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    changed = (
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute | ast.Subscript)
        and (isinstance(node.ctx, ast.Store | ast.Del) or changes_in_place(getattr(node, "attr", "")))
    )
    if any(name in variables for node in changed for name in base_names(node)):
        names = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)}
        yield from names - vars(builtins).keys()


def names_a_method_may_change(node: ast.stmt, imported: Mapping[str, str], own: Collection[str]) -> Iterator[str]:
    """Yield `parser` for `parser.add_argument(...)`: a call, whose value is not used, of a method that may change it.

    A call inside a loop or a function does not count: it may stand for a training.

    Args:
        node: a statement at the top of a notebook.
        imported: the library of each name that the notebook imports.
        own: names of the notebook's own functions, and of methods with a dot before them; what they change is known.
    """
    if isinstance(node, ast.If | ast.Try | ast.With):
        for child in ast.walk(node):
            if isinstance(child, ast.Expr):
                yield from names_a_method_may_change(child, imported, own)
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call):
        return
    if isinstance(call.func, ast.Attribute) and call.func.attr == "train" and call.args:
        yield from (name for name in base_names(call.func.value) if name not in imported)  # `dropout.train(False)`
    start, methods = call_chain(call)
    if not start or any(f".{name}" in own for name in methods) or any(map(shows_or_trains, {*methods, start})):
        return
    if imported.get(start) in _COMPUTING:
        given = (*call.args, *(keyword.value for keyword in call.keywords))
        yield from (name for value in given for name in shared_with(value, {}) if name not in imported)
    elif start not in imported and start not in own and methods:
        yield start
    else:
        yield from _names_of_the_same_file(start, imported, own)


def names_evaluated(statements: Collection[ast.stmt]) -> set[str]:
    """Return `net` for `net.eval()`, wherever it stands: networks, whose `train()` trains nothing."""
    children = (child for node in statements for child in ast.walk(node))
    evals = (child.value for child in children if isinstance(child, ast.Attribute) and child.attr == "eval")
    return {value.id for value in evals if isinstance(value, ast.Name)}


def name_made_to_train(node: ast.stmt) -> str:
    """Return `net` for a statement `net.train()`, which sets the mode of a network; empty for any other statement."""
    match node:
        case ast.Expr(ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="train"), args=[], keywords=[])):
            return name
    return ""


def call_chain(call: ast.Call) -> tuple[str, set[str]]:
    """Return `a` and the names `b`, `c` for a call such as `a.b[0].c()`; an empty text if the chain begins with no name."""
    methods, called = set[str](), call.func
    while isinstance(called, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(called, ast.Attribute):
            methods.add(called.attr)
        called = called.func if isinstance(called, ast.Call) else called.value
    return (called.id if isinstance(called, ast.Name) else ""), methods


def _names_of_the_same_file(name: str, imported: Mapping[str, str], own: Collection[str]) -> Iterator[str]:
    """Yield all names that come from the same file beside the notebook: what one function of it sets, another may read."""
    star = imported.get("*") if name not in own and not hasattr(builtins, name) else None
    file = imported.get(name, star)
    if file is not None and not is_of_a_library(file):
        yield from (each for each, of in imported.items() if of == file)


def names_fitted(node: ast.stmt) -> Iterator[str]:
    """Yield `model` for `model.fit(...)`, wherever it stands inside."""
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and child.func.attr in _FITTING:
            yield from base_names(child.func.value)


def shows_or_trains(name: str) -> bool:
    words = name.split("_")
    return words[0] not in _SETTING_UP and (name.startswith("to_") or not _NOT_CHANGING.isdisjoint(words))


def trains(name: str) -> bool:
    """Return True if the name of a function or method says that it trains, or computes a gradient."""
    words = name.split("_")
    return words[0] not in _SETTING_UP and (name in ("grad", "zero_grad") or not _TRAINING.isdisjoint(words))


def names_bound_anew(node: ast.stmt) -> set[str]:
    """Return the names that an assignment binds, without those whose value it changes in place, as `row += 1` may do."""
    if isinstance(node, ast.AugAssign):
        return set()
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name) and _stores(each)}


def _stores(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def imported_names(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield each name that a statement imports, with the library from which it comes."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            for alias in child.names:
                library = alias.name if isinstance(child, ast.Import) else child.module or ""
                yield alias.asname or alias.name.partition(".")[0], library.partition(".")[0]


def changes_in_place(method: str) -> bool:
    """Return True if the name of a method says that it changes what it is called on."""
    return method in _CHANGING or is_in_place(method)


def _is_library(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in _LIBRARIES


def is_in_place(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def _names_given_by_text(call: ast.Call) -> Iterator[str]:
    """Yield the names that `exec(...)` and `globals().update(...)` bind; `*` where these cannot be told."""
    if isinstance(call.func, ast.Name) and call.func.id == "exec":
        tree = _tree_of_text(call)
        yield from ("*",) if tree is None else (name for node in tree.body for name in bound_names(node))
    elif isinstance(call.func, ast.Attribute) and call.func.attr in _CHANGING and _is_namespace(call.func.value):
        yield "*"


def _tree_of_text(call: ast.AST) -> ast.Module | None:
    """Return the syntax tree of the text that `exec("...")` or `eval("...")` is given; None if it is computed."""
    argument = call.args[0] if isinstance(call, ast.Call) and call.args else None
    text = argument.value if isinstance(argument, ast.Constant) else None
    return tree_or_none(text) if isinstance(text, str) else None


def _is_namespace(node: ast.expr) -> bool:
    """Return True for `globals()`, and for what means the same at the top of a module."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
        return False
    return node.func.id in ("globals", "locals", "vars")


def names_read_by_text(node: ast.AST) -> Iterator[str]:
    """Yield `SIZES` for `globals()["SIZES"]`, `globals().get("SIZES")` and `eval("SIZES")`, wherever it stands inside."""
    yield from (str(key.value) for _, key in _lookups(node) if isinstance(key, ast.Constant))
    for child in ast.walk(node):
        tree = _tree_of_text(child) if called_name(child) in _OF_TEXT else None
        names = (each for each in ast.walk(tree or ast.Pass()) if isinstance(each, ast.Name))
        yield from (name.id for name in names if not _stores(name))


def may_read_any_name(node: ast.stmt) -> bool:
    """Return True if a statement may read names that no text tells: `globals()[name]`, `eval(name)`, `sys.modules[...]`."""
    children = list(ast.walk(node))
    told: set[ast.AST] = {space for space, key in _lookups(node) if isinstance(key, ast.Constant)}
    changed = (
        child.value
        for child in children
        if (isinstance(child, ast.Attribute) and child.attr in _CHANGING)
        or (isinstance(child, ast.Subscript) and not isinstance(child.ctx, ast.Load))
    )
    return any(map(_gives_all_names, {*children} - told - {*changed}))


def _gives_all_names(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "modules" and getattr(node.value, "id", "") == "sys"
    if isinstance(node, ast.Import):
        return any(alias.name == "__main__" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.module == "__main__"
    called = called_name(node)
    return called == "globals" or (called in _OF_TEXT and _tree_of_text(node) is None)


def _lookups(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield each namespace that is asked for one name, such as `globals()`, with the expression of that name."""
    for child in ast.walk(node):
        if isinstance(child, ast.Subscript):
            space, key = child.value, child.slice
        elif isinstance(child, ast.Compare):
            space, key = child.comparators[0], child.left
        elif isinstance(child, ast.Call) and child.args and getattr(child.func, "attr", "") == "get":
            space, key = getattr(child.func, "value", child.func), child.args[0]
        else:
            continue
        if _is_namespace(space):
            yield space, key


def assignment(node: ast.stmt) -> tuple[str, ast.expr] | None:
    """Return the name and the value of an assignment to one name, None for any other statement."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value
    return None


def called_name(node: ast.AST) -> str:
    """Return the name of the function that an expression calls; empty for any other expression."""
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


def name_of_call(node: ast.AST) -> str:
    """Return the name of the function or method that an expression calls; empty for any other expression."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else called_name(node)


def shared_with(node: ast.expr, returns: Returns) -> Iterator[str]:
    """Yield the names of which the value of an expression may hold a part, or be one: `kernel` for `kernel.view(-1)[0]`."""
    match node:
        case ast.Name(id=name):
            yield name
        case ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Starred(value=inner):
            yield from shared_with(inner, returns)
        case ast.NamedExpr(value=inner):
            yield from shared_with(inner, returns)
        case ast.Call() if name_of_call(node) not in _COPYING:
            yield from returns.get(called_name(node), ())
            of_library = call_chain(node)[0] in _LIBRARIES  # `np.mean(x)` shares nothing with `np`
            inside = [node.func.value] if isinstance(node.func, ast.Attribute) and not of_library else []
            for each in (*inside, *node.args, *(keyword.value for keyword in node.keywords)):
                yield from shared_with(each, returns)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for each in parts:
                yield from shared_with(each, returns)
        case ast.Dict(values=parts):
            for each in parts:
                yield from shared_with(each, returns)
        case ast.IfExp(body=one, orelse=other):
            yield from (*shared_with(one, returns), *shared_with(other, returns))
        case (
            ast.ListComp(elt=part, generators=loops)
            | ast.SetComp(elt=part, generators=loops)
            | ast.DictComp(value=part, generators=loops)
        ):
            shared = {*shared_with(part, returns)}
            yield from shared
            # `[[] for n in sizes]` shares nothing with `sizes`.
            for loop in loops:
                if any(isinstance(each, ast.Name) and each.id in shared for each in ast.walk(loop.target)):
                    yield from shared_with(loop.iter, returns)
        case ast.GeneratorExp(generators=loops):  # which moves on in what it loops over, whatever it makes of it
            for loop in loops:
                yield from shared_with(loop.iter, returns)


def _is_attributes(node: ast.expr) -> TypeGuard[ast.Call]:
    """Return True for `vars(config)` and `getattr(config, "sizes")`: what changes them changes `config`."""
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    return called in ("vars", "getattr") and isinstance(node, ast.Call) and bool(node.args)


def base_names(node: ast.expr) -> Iterator[str]:
    """Yield `a` for `a.b[0].c`, the name with which an expression begins; `*` where it cannot be told."""
    while isinstance(node, ast.Subscript | ast.Attribute) or _is_attributes(node):
        if isinstance(node, ast.Subscript) and _is_namespace(node.value):
            name = node.slice.value if isinstance(node.slice, ast.Constant) else "*"
            yield str(name)
            return
        node = node.args[0] if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def files_named(node: ast.AST) -> Iterator[str]:
    """Yield the names of files in the texts of a statement."""
    texts = (child.value for child in ast.walk(node) if isinstance(child, ast.Constant))
    yield from (text for text in texts if isinstance(text, str) and _FILE.fullmatch(text))
