"""Examples that a student writes of a function, `my_checks.py`, run on right and on wrong versions of it.

    def test_a_flat_image_does_not_vary():
        assert total_variation(torch.ones(1, 3, 4, 4)) == 0

An example must hold for every right version: the solution and the alternatives of the course. It is worth something if it
fails for a wrong one: a known mistake. The examples are the student's code, and run in a worker together with the version;
all that comes out is which of them hold, as a message of theirs could quote the version's source.
"""

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from autograder.checks.mistakes import Mistake, disguised_text, known_mistakes, named_variant_text
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import Transport
from autograder.course.catalog import Catalog
from autograder.course.skeletons import whole_solution
from autograder.errors import RefusedValue, StudentFault, Unusable, UsageError
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module, read_module
from autograder.submissions.module import parse_quietly
from autograder.submissions.submission import EXAMPLES

#: Lends a worker.
Lend = Callable[[], AbstractContextManager[Transport]]
#: So many examples of a function are run; each takes a worker for each version.
_EXAMPLES = 20
#: Seconds for one example, if the unit gives its functions no fewer.
_SECONDS = 2.0
#: The example made of the asserts that stand at the top level.
TOP_LEVEL = "test_top_level"
_SEED = 0
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class ExamplesReport:
    """Worth of a student's examples of one function.

    Attributes:
        function: its name.
        wrong: examples that fail for a right version, with the line of each.
        right: examples that hold for every right version.
        caught: known mistakes for which one of those fails.
        missed: known mistakes for which all of those hold.
        own: True if the course has no solutions, and the student's own version stood for the right ones.
        left_out: number of examples that were not run, as there are too many.
    """

    function: str
    wrong: Mapping[str, int]
    right: tuple[str, ...]
    caught: tuple[Mistake, ...] = ()
    missed: tuple[Mistake, ...] = ()
    own: bool = False
    left_out: int = 0

    @property
    def share(self) -> float:
        """Return the share of the known mistakes that are caught, in `[0, 1]`; 0 if an example is wrong."""
        return 0.0 if self.wrong or not self.caught else len(self.caught) / (len(self.caught) + len(self.missed))

    def lines(self) -> Iterator[str]:
        """Yield what the student reads: wrong examples with their lines, what is caught, and one kind of what is missed."""
        count = len(self.right) + len(self.wrong)
        versions = "your own version" if self.own else "every right version"
        yield f"{self.function}: {len(self.right)} of {count} examples hold for {versions}."
        which = "your version" if self.own else "a right version"
        yield from (f"  line {line}: {name} fails for {which}." for name, line in self.wrong.items())
        if self.left_out:
            more = "1 more counts" if self.left_out == 1 else f"{self.left_out} more count"
            yield f"The first {count} examples are run, and {more} for nothing: put what they say into fewer."
        if self.own:
            yield "How many wrong versions they catch is seen where the course has its solutions."
            return
        yield f"They catch {len(self.caught)} of {len(self.caught) + len(self.missed)} wrong versions."
        if self.missed:
            yield f"Not caught, for one: {self.missed[0].sentence}"


def graded_examples(catalog: Catalog, function: str, module: Module | None, lend: Lend) -> CheckResult:
    """Return the check of a student's examples of a function: its points by the share of the mistakes that they catch.

    Args:
        catalog: the course.
        function: one with points for examples.
        module: the student's `my_checks.py`, or None.
        lend: lends a worker for each run of an example.
    """
    unit = catalog.unit_of(function)
    title = "Examples of your own hold for right versions, and fail for wrong ones"
    points = unit.functions[function].examples
    check = CheckResult(f"{unit.name}::{EXAMPLES}[{function}]", unit.name, function, title, points)
    if module is None:
        return check.with_outcome(Outcome.NOT_RUN, f"{EXAMPLES}.py was not handed in")
    try:
        report = try_examples(catalog, function, read_examples(module), lend)
    except UsageError as error:
        return check.with_outcome(Outcome.FAILED, str(error))
    if report.share == 1:
        return check.with_outcome(Outcome.PASSED)
    return check.with_outcome(Outcome.FAILED, " ".join(map(str.strip, report.lines())), share=report.share)


def try_examples(
    catalog: Catalog, function: str, examples: "Examples", lend: Lend, own: Path | None = None
) -> ExamplesReport:
    """Run a student's examples of a function on its right and its wrong versions.

    A course without solutions, as students have it, has no other version than the student's own.

    Args:
        catalog: the course.
        function: a function of the catalog.
        examples: the student's.
        lend: lends a worker for each run of an example.
        own: the student's file of the unit, for a course without solutions.

    Raises:
        UsageError: the file cannot be used, it has no example of the function, or there is no version to try them on.
    """
    unit = catalog.unit_of(function).name
    found = examples.of(function, catalog.units[unit].modules)
    names = found[:_EXAMPLES]
    bench = _Bench(catalog, unit, examples, lend)
    file, solution = catalog.mistakes(unit), "" if own is not None else whole_solution(catalog, unit)
    paths = catalog.alternatives(unit) if own is None else [own]
    others = [(_source(path, unit), catalog.beside(unit, path)) for path in paths]
    refusing: set[str] = set()
    if own is None:
        others = [(solution, {}), (disguised_text(solution, function), {}), *others]
    for version, beside in others:
        refusing |= set(bench.failing(version, [name for name in names if name not in refusing], beside))
    right = tuple(name for name in names if name not in refusing)
    wrong = {name: examples.lines[name] for name in names if name in refusing}
    mistakes = [] if own is not None else [each for each in known_mistakes(file) if each.function == function]
    # One example that fails is enough, and `any` runs no further ones.
    caught = tuple(each for each in mistakes if any(bench.failing(named_variant_text(solution, file, each), right)))
    missed = tuple(each for each in mistakes if each not in caught)
    return ExamplesReport(function, wrong, right, caught, missed, own is not None, len(found) - len(names))


def _source(path: Path, unit: str) -> str:
    """Return the source of a version.

    Raises:
        UsageError: it cannot be used.
    """
    module = read_module(path, unit)
    if module.problem:
        raise UsageError(module.problem)
    return module.text


@dataclass(frozen=True)
class Examples:
    """A file of examples.

    Attributes:
        module: its source, in which asserts of the top level have become one example, `TOP_LEVEL`.
        lines: where each example begins in the file, by its name.
    """

    module: Module
    lines: Mapping[str, int]

    def of(self, function: str, modules: Collection[str]) -> list[str]:
        """Return the names of the examples that call a function, directly or by a helper, in order.

        Raises:
            UsageError: there is none, or one of them takes arguments.
        """
        tree = parse_quietly(self.module.text)
        names = {node.name: _names_in(node) for node in tree.body if isinstance(node, _DEFINITIONS)}
        own = _local_names(function, modules, tree)
        found = [
            each
            for each in self.lines
            if own & set().union(*(names[used] for used in {each, *self.module.used_by(each)}))
        ]
        if not found:
            file = self.module.filename
            raise UsageError(
                f"{file} has no example of {function}: write a function test_... that calls it and asserts"
            )
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name in found and _takes_arguments(node):
                raise UsageError(
                    f"{self.module.filename}:{self.lines[node.name]}: {node.name} takes arguments, and an example is called "
                    "without any: write a loop in it in place of pytest.mark.parametrize, and no fixtures"
                )
        return found


def read_examples(module: Module) -> Examples:
    """Return the examples of a module: functions `test_...`, and asserts at its top level.

    Raises:
        UsageError: it is missing or is no Python.
    """
    if module.problem:
        raise UsageError(module.problem)
    tree = parse_quietly(module.text)
    asserting = [node for node in tree.body if _asserts(node)]
    lines = {node.name: node.lineno for node in tree.body if isinstance(node, ast.FunctionDef)}
    lines = {name: line for name, line in lines.items() if name.startswith("test")}
    if asserting:
        lines[TOP_LEVEL] = asserting[0].lineno
        # Statements that give a name another value between the asserts run with them, in order; the rest runs once, before.
        upto = tree.body[: tree.body.index(asserting[-1]) + 1]
        times = Counter(name for node in upto for name in _assigned_names(node))
        again = {name for name, count in times.items() if count > 1}
        together = [
            node for node in upto if node in asserting or (_is_repeatable(node) and again & _assigned_names(node))
        ]
        tree.body = [*(node for node in tree.body if node not in asserting), _example_of(together)]
    try:
        text = ast.unparse(tree)
    except RecursionError:
        raise UsageError(
            f"{module.label} has an expression that is nested too deep; write it in several statements"
        ) from None
    return Examples(Module(EXAMPLES, module.label, text), lines)


def _local_names(function: str, modules: Collection[str], tree: ast.Module) -> set[str]:
    """Return the names that a function of some modules has in a file: its own, or one that an import gave to it."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    given = {
        each.asname
        for node in imports
        if (node.module or "").rpartition(".")[2] in modules
        for each in node.names
        if each.name == function and each.asname
    }
    return {function, *given}


def _names_in(node: ast.AST) -> set[str]:
    """Return every name in a piece of code, and every attribute's."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def _asserts(node: ast.stmt) -> bool:
    definition = isinstance(node, _DEFINITIONS)
    return not definition and any(isinstance(each, ast.Assert) for each in ast.walk(node))


def _is_repeatable(node: ast.stmt) -> bool:
    """Return True for a statement of the top level that neither defines nor imports anything."""
    return not isinstance(node, _DEFINITIONS) and not any(isinstance(each, _IMPORTS) for each in ast.walk(node))


def _assigned_names(node: ast.stmt) -> set[str]:
    """Return the names that a statement gives values to."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _example_of(statements: list[ast.stmt]) -> ast.stmt:
    """Return the function `TOP_LEVEL` that runs statements of the top level: what they assign to stays the module's."""
    nodes = [each for statement in statements for each in ast.walk(statement)]
    # Python forbids `global` for an annotated name.
    annotated = {getattr(each.target, "id", "") for each in nodes if isinstance(each, ast.AnnAssign)}
    names = sorted(set().union(*map(_assigned_names, statements)) - annotated)
    (function,) = ast.parse(f"def {TOP_LEVEL}(): {'global ' + ', '.join(names) if names else 'pass'}").body
    assert isinstance(function, ast.FunctionDef)
    function.body += statements
    return function


def _takes_arguments(function: ast.FunctionDef) -> bool:
    """Return True for a function that cannot be called without arguments."""
    given = function.args
    without_default = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    return without_default > 0 or None in given.kw_defaults


@dataclass(frozen=True)
class _Bench:
    """Place where examples run with one version of a unit after another, each in a worker of its own."""

    catalog: Catalog
    unit: str
    examples: Examples
    lend: Lend

    def failing(self, text: str, names: Sequence[str], beside: Mapping[str, str] | None = None) -> Iterator[str]:
        """Yield the examples that do not hold if the unit has this source.

        Args:
            text: the text of the unit's own file.
            names: the names of the examples.
            beside: sources of the unit's other files, by module; by default those of the solution.

        Raises:
            UsageError: the module of the examples cannot be loaded.
        """
        module = self.examples.module
        solutions = {name: self.catalog.solution(name) for name in self.catalog.modules}
        others = {name: read_module(path, name) for name, path in solutions.items() if path.is_file()}
        data = self.catalog.data(self.unit)
        own = {**(beside or {}), self.unit: text}
        given = {name: Module(name, f"{name}.py", each) for name, each in own.items()}
        sources = {**others, **given, EXAMPLES: module}
        tested = ModuleUnderTest(module, sources, min(self.catalog.units[self.unit].seconds, _SECONDS), data=data)
        for name in names:
            with self.lend() as worker:
                if not _holds(StudentModule(tested, worker, _SEED), name):
                    yield name


def _holds(examples: StudentModule, name: str) -> bool:
    try:
        getattr(examples, name)()
    except Unusable as error:
        raise UsageError(str(error)) from error
    except RefusedValue:
        return True  # all its asserts hold, and it returned a value that does not cross
    except StudentFault:
        return False
    return True
