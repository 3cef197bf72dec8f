"""Find what is wrong with how a unit's checks are written, before any of them is run."""

import ast
from collections.abc import Iterator

from autograder.checks.remote import StudentModule
from autograder.course.catalog import Catalog
from autograder.course.units import Unit
from autograder.grading.session import check_session

#: Modules and calls that run code in the process that they are used in, or start another one that nothing confines.
_STARTERS = {"subprocess", "runpy", "pty", "multiprocessing"}
_RUNNING_CALLS = {"exec", "os.system", "os.popen", "os.execv", "os.spawnv", "importlib.import_module", "__import__"}


def check_problems(catalog: Catalog, unit: Unit) -> Iterator[str]:
    """Yield a sentence for each mistake in the checks of a unit.

    Raises:
        GraderError: they cannot be collected.
    """
    for name in unit.functions:
        if hasattr(StudentModule, name):
            yield f"{unit.name}, {name}: a check reads `submission.{name}` as something else; give it another name"
    if catalog.checks(unit.name).is_file():
        yield from _wrong_marks(catalog, unit)
        yield from _running_statements(catalog, unit)


def _wrong_marks(catalog: Catalog, unit: Unit) -> Iterator[str]:
    items = check_session(catalog, unit.name).items
    names = {item.nodeid.rpartition("::")[2].partition("[")[0] for item in items}
    for item in items:
        check = item.nodeid.partition("::")[2]
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
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for what in _run_by(node, {*catalog.modules, "exercises"}):
            yield f"{path.name}:{node.lineno}: {what} runs code outside of the sandbox; use `submission`, or `submission.run`"  # type: ignore[attr-defined] # statements and calls have lines


def _run_by(node: ast.AST, units: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (f"import {alias.name}" for alias in node.names if alias.name.partition(".")[0] in _STARTERS | units)
    elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _STARTERS | units:
        yield f"from {node.module} import"
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in _RUNNING_CALLS:
        yield f"{ast.unparse(node.func)}(...)"
