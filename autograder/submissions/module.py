"""One unit of a submission: its source, and the place of each line as the student finds it."""

import ast
import functools
import re
import sys
import warnings
from dataclasses import dataclass, replace
from importlib.machinery import PathFinder
from pathlib import PurePath

from autograder.submissions.entries import reason

#: Names of modules and folders that are the course's.
RESERVED = {"autograder", "conftest", "data", "exercises", "solutions", "tests"}


@dataclass(frozen=True)
class Module:
    """One unit of a submission.

    Attributes:
        unit: its name in the catalog.
        filename: as the student knows it.
        text: Python source; of a notebook, its definitions and what they need.
        problem: a sentence, if the module cannot be used.
        cells: for a notebook, the (cell, line in it) of each line of `text`.
        notes: sentences about parts of it that cannot be used.
    """

    unit: str
    filename: str
    text: str = ""
    problem: str = ""
    cells: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()

    def with_problem(self, problem: str) -> "Module":
        """Return the same file as one that cannot be used, for a problem that is told behind its name."""
        return Module(self.unit, self.filename, problem=f"{self.label} {problem}")

    def used_by(self, function: str, *others: "Module") -> set[str]:
        """Return the functions that a function uses, directly or by way of others: of this module, and of others beside it."""
        names = {name: used for each in (*others, self) for name, used in _names_by_function(each.text).items()}
        used: set[str] = set()
        waiting = [function]
        while waiting:
            found = (names.get(waiting.pop(), set()) & names.keys()) - used
            used |= found
            waiting += found
        return used - {function}

    def line_of(self, function: str) -> int:
        """Return the first line of a function; 0 in a notebook, and for a function that is not there."""
        return 0 if self.cells else _lines_by_function(self.text).get(function, 0)

    @property
    def label(self) -> str:
        """Return the file's name for a sentence."""
        return PurePath(self.filename).name

    def place(self, line: int) -> str:
        """Return the place of a line of `text` as the student can find it."""
        if 0 < line <= len(self.cells):
            cell, inner = self.cells[line - 1]
            return f"{self.label} cell {cell}, line {inner}"
        return f"{self.label}:{line}"


@functools.lru_cache(maxsize=16)
def _names_by_function(text: str) -> dict[str, set[str]]:
    """Return the names in the body of each function of a source."""
    try:
        body = parse_quietly(text).body
    except RecursionError:  # it was parsed before, when more of the stack was left
        return {}
    functions = [node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return {node.name: {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} for node in functions}


@functools.lru_cache(maxsize=16)
def _lines_by_function(text: str) -> dict[str, int]:
    tree = tree_or_none(text)
    return {
        node.name: node.lineno
        for node in (tree.body if tree is not None else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


#: Syntax of Python that an older one calls an error: the version that brought it, and a line that shows it.
_NEWER = (
    ((3, 12), re.compile(r"\s*type\s+\w+(\[[^=\]]*\])?\s*=|\s*(async\s+)?(def|class)\s+\w+\[[^=\]]*\]")),
    ((3, 13), re.compile(r"\s*(type|(async\s+)?def|class)\s+\w+\[[^\]]*=[^\]]*\]")),
    ((3, 14), re.compile(r"""\s*except\s+[\w.]+\s*,[^:()]*:|.*\b[tT][rR]?["']""")),
    ((3, 15), re.compile(r"\s*lazy\s+(import|from)\s+\w|.*[\[({]\s*\*{1,2}\w.*\sfor\s.*\sin\s")),
)
_NEWER_F_STRINGS = (3, 12)


def parse_module(module: Module) -> tuple[Module, ast.Module | None]:
    """Return the same module and its syntax tree, or one with the sentence of its syntax error."""
    if "\0" in module.text:
        return module.with_problem("holds null bytes; save it again as UTF-8 text"), None
    try:
        return module, parse_quietly(module.text)
    except SyntaxError as error:
        line = (error.text or "").strip()
        excerpt = f": {line[:80]}" if line else ""
        problem = f"{module.place(error.lineno or 0)} is not valid Python ({_reason(error)}){excerpt}"
        return replace(module, text="", problem=problem), None
    except (RecursionError, MemoryError):  # how the parser says that its own stack is at its end
        return module.with_problem("is nested too deep to be parsed; write it in several statements"), None
    except ValueError as error:
        return module.with_problem(f"cannot be parsed ({reason(error)}); save it again as UTF-8 text"), None


def _reason(error: SyntaxError) -> str:
    """Return what is wrong; for syntax of a newer Python, both versions."""
    needed = [version for version, pattern in _NEWER if pattern.match(error.text or "")]
    needed += [_NEWER_F_STRINGS] if error.msg.startswith("f-string") else []
    newer = [version for version in needed if version > sys.version_info[:2]]
    if not newer:
        return error.msg
    here, there = (".".join(map(str, version[:2])) for version in (sys.version_info, min(newer)))
    return f"it may be for Python {there}, and work is graded with Python {here}"


@functools.lru_cache(maxsize=256)
def is_of_a_library(name: str) -> bool:
    """Return True for the name of a module of the course's, or of one that the grader's environment has."""
    installed = [path for path in sys.path if PurePath(path).name in ("site-packages", "dist-packages")]
    return name in RESERVED or name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None


def tree_or_none(text: str | bytes) -> ast.Module | None:
    """Return the syntax tree of a source; None if it cannot be parsed."""
    try:
        return parse_quietly(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def syntax_of(node: ast.AST) -> str:
    """Return what tells a piece of code from another, whatever its layout; one that is nested too deep is like no other."""
    try:
        return ast.dump(node)
    except RecursionError:
        return f"deep:{id(node)}"


def parse_quietly(text: str | bytes) -> ast.Module:
    """Return the syntax tree of a source, without the warnings that Python has about it.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it cannot be parsed.
    """
    with warnings.catch_warnings():
        # An odd escape in a string is no error, whatever this process makes of warnings.
        warnings.simplefilter("ignore")
        return ast.parse(text)
