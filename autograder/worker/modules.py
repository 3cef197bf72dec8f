"""Make a student's modules from the sources in a request, importable by name while their code runs.

Coroutines run in an event loop that needs no socket: a sandbox refuses them.
"""

import __future__

import ast
import builtins
import functools
import inspect
import io
import linecache
import operator
import sys
import time
import traceback
import types
import warnings
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from autograder.worker.missing import MissingLibrary, failed_import, left_out, reason_of, without_names

#: Exceptions when a library or a file is missing, or when nobody answers `input()`.
_NOT_HERE = (ImportError, OSError, EOFError)
#: Names in statements that work on other machines, or in the notebook from which a script was exported, and not here.
_ELSEWHERE = {"cuda", "mps", "xpu", "get_ipython", "display", "setrlimit", "sqlite3", "set_num_interop_threads"}

#: What each notebook has in its kernel. Where work is graded there is no page to show anything on, and no kernel.
_OF_A_KERNEL = {"display": lambda *args, **kwargs: None, "get_ipython": lambda: None}
#: Stands for the value of a name that no statement has defined.
_NOT_THERE = MissingLibrary("", "")
#: Libraries whose exceptions end a test or a run.
_STEERING = {"_pytest", "pytest", "unittest"}


#: A statement at the top level, its code, and the exception with which it has failed.
_Failed = tuple[ast.stmt, types.CodeType | SyntaxError, BaseException]


class LoadedModule(types.ModuleType):
    """A module whose source came in the request. Its attributes are the student's own; `loading_of` executes it.

    Args:
        imported: called after each statement that imports something.
        place: the folder in which the module finds its data, and itself; empty for the folder where it was read.
    """

    __slots__ = ("_loading",)

    def __init__(
        self, name: str, filename: str, text: str, imported: Callable[[], None] = lambda: None, place: str = ""
    ) -> None:
        super().__init__(name)
        self.__file__ = str(Path(place, f"{name}.py") if place else Path(filename).absolute())
        if filename.endswith(".ipynb"):
            self.__dict__.update(_OF_A_KERNEL)
        self._loading = Loading(self, filename, text, imported)


def loading_of(module: LoadedModule) -> "Loading":
    """Return the execution of a module."""
    return module._loading


@dataclass
class Loading:
    """The execution of a module, once.

    Its statements run one by one. An import of a library that is not installed, or that fails in a sandbox, costs what uses
    the library. So does a statement that needs the library, a file or an answer to `input()` at the top level, or asks for
    CUDA or a notebook's kernel; one for which a library raises an exception, as for a data set that is not there; and one
    that reads what such a statement was to define. Any other exception ends a script, and what was defined before it stays;
    in a notebook the next statement follows, as in a kernel.

    Attributes:
        module: the module.
        filename: as the student knows it.
        source: what is to be executed; None once that was begun.
        imported: called after each statement that imports something.
        stopped: the exception that ended the execution, or else the first after which it went on; None if there is none.
        goes_on: True if the statements after that one were executed.
        lost: names that statements were to define which have failed, each with the exception.
        notes: lines that import a library in vain, or do without one that is missing, each with a sentence.
    """

    module: LoadedModule
    filename: str
    source: str | None
    imported: Callable[[], None]
    stopped: BaseException | None = None
    goes_on: bool = True
    lost: dict[str, BaseException] = field(default_factory=dict)
    notes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def names(self) -> dict[str, Any]:
        """Return the namespace of the module."""
        return self.module.__dict__

    def load(self) -> None:
        """Execute the module, unless that was begun before.

        Raises:
            BaseException: the first one, if no function and no class is defined.
        """
        filename, text = self.filename, self.source
        self.source = None
        if text is None:
            return
        # A function's code has the one, a class by its module the other.
        for known in (filename, str(self.module.__file__)):
            linecache.cache[known] = (len(text), None, list(io.StringIO(text, newline="")), filename)
        first: BaseException | None = None
        lost: set[str] = set()
        failed: list[_Failed] = []
        statements = _compile_statements(text, filename)
        body = [statement for statement, _ in statements]
        for statement, code in statements:
            try:
                code = self._without_missing(lost, statement, body) or code
                _execute(code, self.names)
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    self.imported()
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                first = first or error
                if isinstance(error, Exception) and isinstance(statement, ast.Import | ast.ImportFrom):
                    lost |= self._excuse(statement, error, body)
                elif self._goes_on_after(statement, error, lost):
                    self.stopped = self.stopped or error
                    lost |= _names_bound(statement)
                    self.lost |= dict.fromkeys(_names_bound(statement), error)
                    failed.append((statement, code, error))
                else:
                    self.stopped, self.goes_on = error, False
                    break
        if filename.endswith(".ipynb") and self.goes_on:
            self._repeat(failed)
        if first is not None and not self._defines_anything():
            raise self.stopped or first

    def _goes_on_after(self, statement: ast.stmt, error: BaseException, lost: Collection[str]) -> bool:
        """Return True if the statements after one that has failed are executed.

        Args:
            statement: at the top level.
            error: with which it failed.
            lost: names that earlier statements were to define.
        """
        excused = Exception if self.filename.endswith(".ipynb") else _NOT_HERE
        return (
            isinstance(error, excused)
            or _is_meant_for_elsewhere(statement, error, lost)
            or self._was_raised_in_library(error)
        )

    def _repeat(self, failed: list[_Failed]) -> None:
        """Execute again the statements that lacked a name which a later cell defines: a kernel runs cells in any order."""
        for again in failed:
            statement, code, error = again
            if (
                NameError not in type(error).__mro__
                or getattr(error, "name", None) not in self.names
                or not _names_bound(statement).isdisjoint(self.names)
            ):
                continue
            try:
                _execute(code, self.names)
            except Exception:
                continue  # the first exception says more
            self._repeat([each for each in failed if each is not again])
            return
        self.stopped = next((error for _, _, error in failed), None)

    def _excuse(self, statement: ast.Import | ast.ImportFrom, error: Exception, body: list[ast.stmt]) -> set[str]:
        """Put something that raises when it is used in the place of what could not be imported. Return the names."""
        reason = reason_of(error)
        note = statement.lineno, failed_import(reason)
        if note not in self.notes:  # one import may name several parts of a library
            self.notes.append(note)
        stand_in = MissingLibrary(ast.unparse(statement), reason)
        names: set[str] = set()
        for alias in statement.names:
            name = alias.asname or (alias.name.partition(".")[0] if isinstance(statement, ast.Import) else alias.name)
            names |= {name} if name != "*" else _names_read(body) - {*self.names, *vars(builtins)}
        self.names.update(dict.fromkeys(names, stand_in))
        return names

    def _without_missing(
        self, lost: set[str], statement: ast.stmt, body: list[ast.stmt]
    ) -> types.CodeType | SyntaxError | None:
        """Return the code of a statement without decorators and annotations that need what is missing; None if it has no such.

        A function seldom needs those of a library for what it computes.

        Args:
            lost: names that earlier statements were to define.
            statement: a statement of the module.
            body: all of them.
        """
        missing = {name for name in lost if isinstance(self.names.get(name, _NOT_THERE), MissingLibrary)}
        if not missing:
            return None
        plain, decorators = without_names(statement, missing)
        if plain is statement:
            return None
        self.notes += [(each.lineno, left_out(each)) for each in decorators]
        return _compile(plain, self.filename, _flags(body, self.filename))

    def _was_raised_in_library(self, error: BaseException) -> bool:
        """Return True if a library that the student's code has called raised an exception, and not to steer a test run."""
        frames = [frame.f_globals for frame, _ in traceback.walk_tb(error.__traceback__)]
        if Exception not in type(error).__mro__ or not any(names is self.names for names in frames):
            return False
        name = str(frames[-1].get("__name__"))
        is_own = frames[-1] is self.names or type(sys.modules.get(name, self.module)) is LoadedModule
        return not is_own and name.partition(".")[0] not in _STEERING

    def _defines_anything(self) -> bool:
        functions = (value for value in self.names.values() if isinstance(value, types.FunctionType | type))
        return any(value.__module__ == self.module.__name__ for value in functions)


def may_define(text: str, name: str) -> bool:
    """Return True if a source, executed to its end, may give a value to a name: `import *` may do so to any."""
    nodes: list[Any] = list(ast.walk(ast.parse(text)))
    return any(
        name in (getattr(node, "name", None), getattr(node, "asname", None), getattr(node, "value", None))
        or getattr(node, "name", None) == "*"
        or (type(node) is ast.Name and node.id == name and type(node.ctx) is ast.Store)
        for node in nodes
    )


def _is_meant_for_elsewhere(statement: ast.stmt, error: BaseException, lost: Collection[str]) -> bool:
    """Return True if a statement failed because it is meant for another machine, or because an earlier statement failed.

    The student's code may have replaced `isinstance`.

    Args:
        statement: at the top level.
        error: with which it failed.
        lost: names that earlier statements were to define.
    """
    kinds = type(error).__mro__
    if NameError in kinds and getattr(error, "name", None) in lost:
        return True
    nodes: list[Any] = list(ast.walk(statement))
    names = {node.id for node in nodes if type(node) is ast.Name}
    names |= {node.attr for node in nodes if type(node) is ast.Attribute}
    names |= {str(node.value).partition(":")[0] for node in nodes if type(node) is ast.Constant}
    return (Exception in kinds or SystemExit in kinds) and not _ELSEWHERE.isdisjoint(names)


def _names_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement gives values to."""
    defined = getattr(statement, "name", None)  # of a function or a class
    nodes: list[Any] = [node for node in ast.walk(statement) if type(node) is ast.Name]
    return {defined} if defined else {node.id for node in nodes if type(node.ctx) is ast.Store}


def _names_read(body: list[ast.stmt]) -> set[str]:
    """Return the names that a module reads anywhere; an `import *` was to define some of them."""
    names = (node for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _execute(code: types.CodeType | SyntaxError, names: dict[str, Any]) -> None:
    """Execute a statement; one of a notebook may await something, as in a kernel."""
    if not isinstance(code, types.CodeType):
        raise code
    if code.co_flags & inspect.CO_COROUTINE:
        run_awaited(eval(code, names))
    else:
        exec(code, names)


@functools.lru_cache(maxsize=16)
def _compile_statements(text: str, filename: str) -> list[tuple[ast.stmt, types.CodeType | SyntaxError]]:
    """Compile the statements of a source, once for all checks that a worker serves.

    A statement of a notebook that the compiler refuses has the error in place of its code, and costs no other statement.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd escapes, which the compiler repeats
        body = [each for node in ast.parse(text, filename).body for each in _single_imports(node)]
    flags = _flags(body, filename)
    kept = [node for number, node in enumerate(body) if number == 0 or not _is_text(node)]
    return [(node, _compile(node, filename, flags)) for node in kept]


def _single_imports(node: ast.stmt) -> list[ast.stmt]:
    """Return an import of several names as one for each, so that what is missing costs no other; else the statement itself."""
    if isinstance(node, ast.Import):
        return [ast.copy_location(ast.Import([alias]), node) for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not _is_future(node):
        return [ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node) for alias in node.names]
    return [node]


def _flags(body: list[ast.stmt], filename: str) -> int:
    """Return the compiler's flags for the statements of a file: its imports of the future, and what a kernel allows."""
    futures = [name.name for node in body if _is_future(node) for name in node.names]
    flags = functools.reduce(operator.or_, (getattr(__future__, name).compiler_flag for name in futures), 0)
    return flags | (ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if filename.endswith(".ipynb") else 0)


def _compile(node: ast.stmt, filename: str, flags: int) -> types.CodeType | SyntaxError:
    """Return the code of one statement; for a notebook, the error in its place if the compiler refuses it."""
    try:
        code: types.CodeType = compile(ast.Module([node], []), filename, "exec", flags, dont_inherit=True)
    except SyntaxError as error:
        if not filename.endswith(".ipynb"):
            raise
        return error
    return code


def _is_future(node: ast.stmt) -> TypeGuard[ast.ImportFrom]:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_text(node: ast.stmt) -> bool:
    """Return True for a text on its own, which would become the module's docstring again and again."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


#: Seconds after which a waiting loop looks again, because a thread that has something for it cannot wake it.
_LOOK_AGAIN = 0.005


@functools.cache
def event_loop() -> Any:
    """Return the class of the event loop for a process that may open no socket."""
    import asyncio

    class Loop(asyncio.BaseEventLoop):
        """An event loop that knows time and threads, and neither sockets nor pipes."""

        def __init__(self) -> None:
            super().__init__()
            self._selector = self

        def select(self, timeout: float | None) -> list[object]:
            """Wait, and return the events of files: none."""
            time.sleep(_LOOK_AGAIN if timeout is None else min(timeout, _LOOK_AGAIN))
            return []

        def _process_events(self, event_list: list[object]) -> None:
            """Do nothing: there are no events of files."""

        def _write_to_self(self) -> None:
            """Do nothing: a thread that has something for the loop finds it looking."""

    return Loop


def run_awaited(awaited: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine to its end and return what it gives; also in a process whose own loop is running, such as a kernel.

    Raises:
        BaseException: what the coroutine raises.
    """
    from asyncio import events

    outer, loop = events._get_running_loop(), event_loop()()
    events._set_running_loop(None)
    try:
        return loop.run_until_complete(awaited)
    finally:
        loop.close()
        events._set_running_loop(outer)
