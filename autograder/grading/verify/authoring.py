"""Find what a unit lacks, and what is wrong with how its checks are written, before any of them is run."""

import ast
import inspect
from collections.abc import Iterator

from autograder.checks.mistakes import known_mistakes
from autograder.checks.remote import StudentModule
from autograder.course.catalog import Catalog
from autograder.course.skeletons import join_files, read_source, solution_lines, whole_solution
from autograder.course.units import Unit
from autograder.errors import CatalogError
from autograder.grading.session import check_session
from autograder.results.types import CheckResult, points_text
from autograder.submissions import Module

#: Modules and calls that run code in the process that they are used in, or start another one that nothing confines.
_STARTERS = {"subprocess", "runpy", "pty", "multiprocessing"}
_RUNNING_CALLS = {"exec", "os.system", "os.popen", "os.execv", "os.spawnv", "importlib.import_module", "__import__"}


def shortcomings(catalog: Catalog, unit: Unit) -> Iterator[str]:
    """Yield a sentence for each thing that a unit lacks, and for each line of its solution that the skeleton shows."""
    solution = whole_solution(catalog, unit.name)
    documented = {
        node.name
        for node in ast.parse(solution).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node)
    }
    mistakes = catalog.mistakes(unit.name)
    mistaken = {known.function for known in known_mistakes(mistakes)}
    for function in unit.functions.values():
        if function.name not in documented:
            yield f"{unit.name}, {function.name}: the solution has no such function, or it has no docstring"
        if len(function.hints) != 2 or not all(function.hints):
            yield f"{unit.name}, {function.name}: needs two hints in the catalog"
        if function.examples and function.name not in mistaken:
            examples = points_text(function.examples)
            yield (
                f"{unit.name}, {function.name}: no examples can earn its examples = {examples}, as it has no known"
                f" mistake to catch; write one in {mistakes.relative_to(catalog.root)}, or leave `examples` out"
            )
    lesson = catalog.lesson(unit.name)
    if not lesson.is_file():
        yield f"{unit.name}: there is no lesson {lesson.name}"
    leaked = solution_lines(solution) & _code_lines(whole_skeleton(catalog, unit))
    for line in sorted(leaked):
        yield f"{unit.name}: the skeleton holds a line of the solution: {line}"


def whole_skeleton(catalog: Catalog, unit: Unit) -> str:
    """Return the text of a unit as students get it, all its modules in one."""
    return join_files({module: read_skeleton(catalog, module) for module in unit.modules})


def read_skeleton(catalog: Catalog, module: str) -> str:
    """Return the text of a student's file.

    Raises:
        CatalogError: there is none yet.
    """
    path = catalog.exercise(module)
    if not path.is_file():
        raise CatalogError(f"{path} is not there; write it from the solution by: autograder release skeletons")
    return read_source(path)


def _code_lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def check_problems(catalog: Catalog, unit: Unit) -> Iterator[str]:
    """Yield a sentence for each mistake in the checks of a unit.

    Raises:
        GraderError: they cannot be collected.
    """
    for name in unit.functions:
        if hasattr(StudentModule, name) or name in StudentModule.__annotations__:
            yield f"{unit.name}, {name}: a check reads `submission.{name}` as something else; give it another name"
        for other in catalog.units.values():
            if other.name != unit.name and name in other.functions:
                yield (
                    f"{unit.name}, {name}: {other.name} has a function of that name too, and `check`, hints and points by"
                    " hand know it by the name alone; give one of them another name"
                )
    if catalog.checks(unit.name).is_file():
        yield from _wrong_marks(catalog, unit)
        yield from _running_statements(catalog, unit)


def concerns(catalog: Catalog, check: CheckResult, function: str) -> bool:
    """Return True if a check judges a function, or one that uses it, or calls it itself."""
    module = Module(check.unit, f"{check.unit}.py", whole_solution(catalog, check.unit))
    if function == check.function or function in module.used_by(check.function):
        return True
    shared = catalog.shared_checks.values()
    trees = [ast.parse(read_source(path)) for path in (*shared, catalog.checks(check.unit))]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    waiting, seen = [check.id.partition("::")[2].partition("[")[0].rpartition(".")[2]], set[str]()
    while waiting:  # helpers and fixtures of the file, and of those that serve several units, too
        name = waiting.pop()
        seen.add(name)
        nodes = list(ast.walk(functions[name])) if name in functions else []
        if any(isinstance(node, ast.Attribute) and node.attr == function for node in nodes):
            return True
        used = {node.id for node in nodes if isinstance(node, ast.Name)} | {
            node.arg for node in nodes if isinstance(node, ast.arg)
        }
        waiting += (used & functions.keys()) - seen
    return False


def _wrong_marks(catalog: Catalog, unit: Unit) -> Iterator[str]:
    """Yield a sentence for each mark that names a function or check that is not there, and for each `monkeypatch`."""
    items = check_session(catalog, unit.name).items
    names = {item.nodeid.partition("[")[0].rpartition("::")[2] for item in items}
    for item in items:
        check = item.nodeid.partition("::")[2]
        if "monkeypatch" in inspect.signature(getattr(item, "function", _wrong_marks)).parameters:
            yield (
                f"{unit.name}, {check}: monkeypatch does not reach the student's code when graded; "
                "pass what it needs as an argument, or use `submission.run`"
            )
        for mark in item.iter_markers("points"):
            if mark.args and mark.args[0] not in unit.functions:
                yield f"{unit.name}, {check}: gives points of {mark.args[0]}, which the catalog does not have in this unit"
        for mark in item.iter_markers("depends_on"):
            for name in mark.args:
                if name not in names:
                    yield f"{unit.name}, {check}: depends on {name}, and there is no such check"


def _running_statements(catalog: Catalog, unit: Unit) -> Iterator[str]:
    """Yield a sentence for each statement that may run the student's code in the grader's own process."""
    path = catalog.checks(unit.name)
    for node in ast.walk(ast.parse(read_source(path))):
        for what in _run_by(node, {*catalog.modules, "exercises"}):
            yield f"{path.name}:{node.lineno}: {what} runs code outside of the sandbox; use `submission`, or `submission.run`"  # type: ignore[attr-defined] # statements and calls have lines


def _run_by(node: ast.AST, units: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {alias.name}" for alias in node.names if alias.name.partition(".")[0] in _STARTERS | units)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _STARTERS | units:
        yield f"from {node.module} import"
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in _RUNNING_CALLS:
        yield f"{ast.unparse(node.func)}(...)"
