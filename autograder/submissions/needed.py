"""Tell which statements of a notebook its functions need: those that define, and those that give values to what is read."""

import ast
import builtins
import contextlib
import re
import symtable
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from autograder.course.skeletons import bare_lines
from autograder.submissions.effects import (
    computes_little,
    costly_functions,
    effects_of,
    may_train,
    moving_names,
    only_computes,
    remembered_by,
    returns_of,
    training_functions,
)
from autograder.submissions.magics import is_script_import
from autograder.submissions.module import is_of_a_library
from autograder.submissions.reaches import (
    names_objects_change,
    names_of_settings,
    names_own_functions_change,
    names_reached,
    names_taken_apart,
    names_without_parts,
    sources_of,
)
from autograder.submissions.settings import ALL_DRAWN, DRAWING, names_a_setting_changes, settings_of
from autograder.submissions.statements import (
    DEFINITIONS,
    bound_names,
    files_named,
    imported_names,
    may_read_any_name,
    name_made_to_train,
    name_of_call,
    names_a_method_may_change,
    names_bound_anew,
    names_evaluated,
    names_fitted,
    names_read_by_text,
    shared_with,
)

#: Functions and methods that make folders or files.
_MAKING = {"makedirs", "mkdir", "touch", "open", "write_text", "write_bytes", "save", "savez", "savetxt"}
#: A mode in which `open` makes a file.
_WRITING = re.compile(r"(?=.*[wax+])[rwaxbt+]{1,3}")
_LOOPS = (ast.For, ast.While, ast.With)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class Cell:
    """A cell that is Python: its number, its source, and what that says."""

    number: int
    text: str
    tree: ast.Module


def needed_statements(cells: Sequence[Cell], graded: Collection[str]) -> set[ast.stmt]:
    """Return the definitions, and the statements that give values to what they need.

    A loop, a training, and a call of a function that changes what it is given, is kept only for what the graded functions
    need, if there are any: other functions may show a training that it runs. So is a call of any method that may change
    something, and what reads a value that only such statements give. Where a name is computed, as in `globals()[name]`, each
    assignment that computes little is kept, for any of them may be meant.
    """
    statements = [node for cell in cells for node in cell.tree.body]
    binders = _Binders(statements, graded)
    always = {*filter(defines, statements), *_statements_that_make_files(statements)}
    inside = [*graded, *(name for cell in cells for name in _needed_by_functions(cell)), "*"]
    at_once = [name for node in always for name in _names(node, inside=False)]
    read = [*inside, *at_once]
    roots = [name for name in graded if name in binders.by_name]
    needed_by_graded = always | (binders.closure([*roots, "*"]) if roots else set())
    kept = needed_by_graded | binders.closure(at_once, without=binders.runs if roots else ())
    kept |= binders.closure(inside, without=binders.runs | binders.trainings if roots else ())
    if any(map(may_read_any_name, kept)):
        costly = costly_functions(statements, graded)
        little = {node for node in statements if computes_little(node, costly)}
        kept |= little | binders.closure([name for node in little for name in _names(node, inside=True)], binders.runs)
    kept = binders.with_values([node for node in statements if node in kept], needed_by_graded)
    needed = {*read, *(name for node in kept for name in _names(node, inside=False))}
    given = {*binders.by_name, *dir(builtins), "*"}
    # A script of `%run` that gives no name may be a training.
    return kept if needed - given else kept - _script_imports(cells)


class _Binders:
    """The statements that give a name its value or change it, in the order of the notebook.

    Attributes:
        by_name: these statements, by name or by file.
        runs: those that may run a training: loops, and calls of what changes a value.
        trainings: assignments that may train, or ask.
        effects: what each function of the notebook changes.
    """

    def __init__(self, statements: Sequence[ast.stmt], graded: Collection[str]) -> None:
        self.by_name: dict[str, list[ast.stmt]] = {}
        self.runs: set[ast.stmt] = {node for node in statements if isinstance(node, (*_LOOPS, ast.Delete))}
        self._imported = dict(pair for node in statements for pair in imported_names(node))
        libraries = _libraries_only_read(statements, self._imported)
        self.effects = {name: (names - libraries, given) for name, (names, given) in effects_of(statements).items()}
        self._returns = returns_of(statements)
        self._settings = settings_of(statements)
        self._training = training_functions(statements, graded)
        costly = {*self._training, "input"}
        self.trainings = {node for node in statements if isinstance(node, _ASSIGNMENTS) and may_train(node, costly)}
        self._networks = names_evaluated(statements) if ".train" not in self.effects else set()
        self._remembered = remembered_by(statements, self.effects)
        self._moving = moving_names(statements, self._imported)
        self._without_parts, self._of_settings = names_without_parts(statements), names_of_settings(statements)
        self._classes = {node.name for node in statements if isinstance(node, ast.ClassDef)}
        self._defined = {node.name for node in statements if isinstance(node, DEFINITIONS)}
        self._aliases: dict[str, tuple[set[str], ast.stmt]] = {}
        for node in statements:
            # A `del` of a name that functions may still need, or that no cell makes, binds nothing.
            if not isinstance(node, ast.Delete) or all(_is_seen_later(each, self.by_name) for each in node.targets):
                self._add(node)

    def closure(self, names: Collection[str], without: Collection[ast.stmt] = ()) -> set[ast.stmt]:
        """Return the statements that bind these names, and those that bind what they read, and so on; none of `without`."""
        found: set[ast.stmt] = set()
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for node in self.by_name.get(name, ()):
                if node not in found and node not in without:
                    found.add(node)
                    waiting += _names(node, inside=True)
        return found

    def with_values(self, kept: Sequence[ast.stmt], firm: Set[ast.stmt]) -> set[ast.stmt]:
        """Return statements without those that read a name to which only statements that are left out give a value.

        Args:
            kept: statements in their order.
            firm: those of them that stay.
        """
        read = {node: _names_read_first(node) for node in {*kept}.union(*self.by_name.values())}
        givers = {name: {node for node in nodes if name not in read[node]} for name, nodes in self.by_name.items()}
        found, more = {*kept}, True
        while more:
            more = False
            for node in kept:
                needed = [givers[name] for name in read[node] if givers.get(name)]
                if node in found and node not in firm and any(map(found.isdisjoint, needed)):
                    found.remove(node)
                    more = True
        return found

    def _add(self, node: ast.stmt) -> None:
        bound = [*bound_names(node), *self._names_of_libraries(names_a_setting_changes(node, self._settings))]
        if name_made_to_train(node) in self._networks:
            bound.append(name_made_to_train(node))
        if isinstance(node, DEFINITIONS):
            self._bind_with_aliases(bound, node)
            self._bind({*self._names_a_definition_changes(node)} - {*bound}, node)
            return
        changed = {
            *names_a_method_may_change(node, self._imported, self.effects),
            *names_fitted(node),
            *self._names_reached(node),
        }
        moved = self._names_moved_on(node) if only_computes(node, self._training) else set()
        self._bind_with_aliases([*bound, *changed, *moved], node)
        by_functions = [*names_own_functions_change(node, self.effects, self._returns)]
        files = set(files_named(node))
        self._bind([*by_functions, *files], node)
        if by_functions or not changed <= set(bound) or ((files or moved) and isinstance(node, ast.Expr)):
            self.runs.add(node)

    def _names_of_libraries(self, names: Set[str]) -> set[str]:
        """Return these names, and all that come from their libraries: a seed of `torch` counts for what `nn` draws."""
        drawing = DRAWING if ALL_DRAWN in names else ()
        libraries = (*drawing, *(self._imported[name] for name in names if self._imported.get(name)))
        # `torchvision` begins with `torch`, from which it draws.
        return {*names, *(name for name, library in self._imported.items() if library.startswith(libraries))}

    def _names_a_definition_changes(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
        """Yield `TABLE` for `@register("name")` or `@TABLE.add`: what reads it may call the function that was entered.

        A class may also be entered by `__init_subclass__` of its base, or by `__set_name__` of a value in it.
        """
        for decorator in node.decorator_list:
            for name in shared_with(decorator.func if isinstance(decorator, ast.Call) else decorator, self._returns):
                yield from self.effects.get(name, (set(), False))[0]
                if name not in self._imported and name not in self._defined:
                    yield name
        if isinstance(node, ast.ClassDef):
            made = [each.value for each in node.body if isinstance(each, ast.Assign | ast.AnnAssign) and each.value]
            for value, method in (
                *((base, ".__init_subclass__") for base in node.bases),
                *((each.func, ".__set_name__") for each in made if isinstance(each, ast.Call)),
            ):
                if self._classes.intersection(shared_with(value, self._returns)):
                    yield from self.effects.get(method, (set(), False))[0]

    def _names_reached(self, node: ast.stmt) -> set[str]:
        """Return the names of values that a statement changes through calls, without libraries and functions.

        A class counts that changes when an object of it is made.
        There are none if it may be a training, which is left out.
        """
        if may_train(node, self._training):
            return set()
        of_classes = self._classes.intersection(names_objects_change(node, self.effects, self._returns))
        others = (self._defined - of_classes) | self._without_parts
        return names_reached(node, self.effects, self._returns) - self._imported.keys() - others

    def _names_moved_on(self, node: ast.stmt) -> set[str]:
        """Return the iterators that a statement reads, and what defaults keep of the functions that it uses."""
        read = {*_names(node, inside=False)}
        return (read & self._moving).union(*(self._remembered.get(name, ()) for name in read))

    def _bind(self, names: Collection[str], *nodes: ast.stmt) -> None:
        for name in names:
            self.by_name.setdefault(name, []).extend(nodes)

    def _bind_with_aliases(self, names: Collection[str], node: ast.stmt) -> None:
        """Bind names, and the names for which they stand: a statement that changes `y` after `y = x` changes `x`."""
        rebound = names_bound_anew(node)
        waiting, seen = [name for name in names if name not in rebound], set[str]()
        while waiting:
            name = waiting.pop()
            if name in self._aliases and name not in seen:
                olds, source = self._aliases[name]
                self._bind(olds, source, node)
                waiting += olds
            seen.add(name)
        self._aliases = {name: alias for name, alias in self._aliases.items() if name not in rebound}
        if isinstance(node, ast.Assign | ast.AnnAssign) and not may_train(node, self._training):
            for name, olds in sources_of(node, self._returns).items():
                others = olds - self._imported.keys() - self._defined - self._without_parts - {*dir(builtins)}
                others -= names_taken_apart(node) & self._of_settings
                if others:
                    self._aliases[name] = others, node
        self._bind(names, node)


def _libraries_only_read(statements: Sequence[ast.stmt], imported: Mapping[str, str]) -> set[str]:
    """Return the libraries that no function changes: `image = torch.rand(3)` shares nothing with `torch`.

    Args:
        statements: those at the top of a notebook.
        imported: the library of each name that the notebook imports.
    """
    inside = (child for node in statements if isinstance(node, DEFINITIONS) for child in ast.walk(node))
    plain = (child for child in inside if isinstance(child, ast.stmt) and not hasattr(child, "body"))
    changed = {name for child in plain if not _sets_backends(child) for name in bound_names(child)}
    return {name for name, library in imported.items() if is_of_a_library(library)} - changed


def _sets_backends(node: ast.stmt) -> bool:
    """Return True for `torch.backends.cudnn.deterministic = True`: it is about how fast something is computed, not what."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(
        isinstance(child, ast.Attribute) and child.attr == "backends" for each in targets for child in ast.walk(each)
    )


def _is_seen_later(target: ast.expr, binders: Collection[str]) -> bool:
    """Return True for a `del` of a part of a value, or of a name that hides a builtin one."""
    if isinstance(target, ast.Name):
        return target.id in binders and hasattr(builtins, target.id)
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_seen_later(part, binders) for part in target.elts)
    return {each.id for each in ast.walk(target) if isinstance(each, ast.Name)} <= {*binders, *dir(builtins)}


def _script_imports(cells: Sequence[Cell]) -> set[ast.stmt]:
    """Return the imports that stand in the place of `%run`."""
    return {
        node
        for cell in cells
        for node in cell.tree.body
        if isinstance(node, ast.ImportFrom) and is_script_import(bare_lines(cell.text)[node.lineno - 1])
    }


def _statements_that_make_files(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements that make folders or files and need nothing that the notebook's functions or loops compute."""
    plain, making = set(dir(builtins)), list[ast.stmt]()
    for node in statements:
        bound, names = set(bound_names(node)), set(filter(str.isidentifier, _names(node, inside=True)))
        # `features = sorted(features)` is as plain as it was.
        own = names_bound_anew(node) if isinstance(node, ast.Assign) else set[str]()
        of_plain = names - (bound - own) <= plain
        if of_plain and isinstance(node, ast.Import | ast.ImportFrom | ast.Assign):
            plain |= bound
        else:
            plain -= bound
            calls = [child for child in ast.walk(node) if isinstance(child, ast.Call)]
            if of_plain and isinstance(node, ast.Expr | ast.With | ast.For) and any(map(_makes_file, calls)):
                making.append(node)
    return making


def _makes_file(call: ast.Call) -> bool:
    """Return True for a call that makes a folder or a file, as its name and its mode tell: `open("a.txt")` reads."""
    if name_of_call(call) != "open":
        return name_of_call(call) in _MAKING
    given = call.args if isinstance(call.func, ast.Attribute) else call.args[1:]
    modes = [*given, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [str(mode.value) for mode in modes if isinstance(mode, ast.Constant)]
    return any(_WRITING.fullmatch(text) for text in texts)


def defines(node: ast.stmt) -> bool:
    """Return True if a statement defines functions or classes, itself or under a condition."""
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    return isinstance(node, DEFINITIONS) or any(isinstance(child, DEFINITIONS) for child in inner)


def _needed_by_functions(cell: Cell) -> Iterator[str]:
    """Yield the global names that the bodies of functions and classes refer to, also by `globals()["NAME"]`."""
    yield from _globals_inside(cell.text)
    yield from names_read_by_text(cell.tree)


def _globals_inside(text: str) -> Iterator[str]:
    """Yield the global names to which functions, classes and lambdas in a text refer, without parameters and local names."""
    try:
        waiting = symtable.symtable(text, "cell", "exec").get_children()
    except (SyntaxError, RecursionError, ValueError):  # what only the compiler finds; it will say so again
        return
    while waiting:
        table = waiting.pop()
        # In a class `side = side` reads the name outside before it binds its own.
        of_class = table.get_type() == "class"
        for symbol in table.get_symbols():
            if symbol.is_global() or (of_class and symbol.is_referenced()):
                yield symbol.get_name()
        waiting += table.get_children()


def _names(node: ast.AST, *, inside: bool) -> Iterator[str]:
    """Yield the names that a statement reads; with `inside`, also the global ones in the bodies of functions and classes."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.Name) and not isinstance(current.ctx, ast.Store):
            yield current.id
        elif isinstance(current, ast.Constant):
            yield from files_named(current)
        if not isinstance(current, DEFINITIONS):
            waiting += ast.iter_child_nodes(current)
            continue
        waiting += _head(current)
        if isinstance(current, ast.ClassDef) and not inside:
            waiting += current.body
        if inside:
            with contextlib.suppress(RecursionError, ValueError):  # an expression of many terms
                yield from _globals_inside(ast.unparse(current))
            yield from files_named(current)
            yield from names_read_by_text(current)


def _names_read_first(node: ast.stmt) -> set[str]:
    """Return the names that a statement reads before it gives them a value, without builtin ones."""
    own = {child.arg for child in ast.walk(node) if isinstance(child, ast.arg)}
    parts: list[ast.AST] = [node]
    if isinstance(node, _ASSIGNMENTS):
        parts = [child.target for child in ast.walk(node) if isinstance(child, ast.comprehension | ast.NamedExpr)]
    inside = (child for part in parts for child in ast.walk(part))
    own |= {child.id for child in inside if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store)}
    read = {*_names(node, inside=False)} - own
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        read.add(node.target.id)
    return read - vars(builtins).keys()


def _head(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a definition that are evaluated in its place: decorators, defaults, annotations, bases."""
    for name, value in ast.iter_fields(node):
        if name != "body":
            yield from (
                child for child in (value if isinstance(value, list) else [value]) if isinstance(child, ast.AST)
            )
