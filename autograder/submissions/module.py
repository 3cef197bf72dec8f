"""One unit of a submission: its source, and where the student finds a line of it."""

import ast
import functools
import warnings
from dataclasses import dataclass, replace
from pathlib import PurePath

from autograder.submissions.entries import reason


@dataclass(frozen=True)
class Module:
    """One unit of a submission.

    Attributes:
        unit: its name in the catalog.
        filename: as the student knows it.
        text: Python source; of a notebook, its definitions and what they need.
        problem: a sentence, where the module cannot be used.
        cells: for a notebook, the (cell, line in it) of each line of `text`.
        notes: sentences about parts of it that cannot be used.
    """

    unit: str
    filename: str
    text: str = ""
    problem: str = ""
    cells: tuple[tuple[int, int], ...] = ()
    notes: tuple[str, ...] = ()

    def but(self, problem: str) -> "Module":
        """The same file, which cannot be used; `problem` follows its name."""
        return Module(self.unit, self.filename, problem=f"{self.label} {problem}")

    def used_by(self, function: str) -> set[str]:
        """The module's own functions that a function of it uses, directly or by way of others."""
        names = _names_by_function(self.text)
        used: set[str] = set()
        waiting = [function]
        while waiting:
            found = (names.get(waiting.pop(), set()) & names.keys()) - used
            used |= found
            waiting += found
        return used - {function}

    def line_of(self, function: str) -> int:
        """Where a function of the module begins; 0 in a notebook, and where there is no such function."""
        return 0 if self.cells else _lines_by_function(self.text).get(function, 0)

    @property
    def label(self) -> str:
        """The file's name in a sentence."""
        return PurePath(self.filename).name

    def place(self, line: int) -> str:
        """A line of `text` as the student can find it."""
        if 0 < line <= len(self.cells):
            cell, inner = self.cells[line - 1]
            return f"{self.label} cell {cell}, line {inner}"
        return f"{self.label}:{line}"


@functools.lru_cache(maxsize=16)
def _names_by_function(text: str) -> dict[str, set[str]]:
    """The names in the body of each function of a source."""
    try:
        body = _tree(text).body
    except RecursionError:  # it could be parsed before, with more of the stack left
        return {}
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return {node.name: {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} for node in functions}


@functools.lru_cache(maxsize=16)
def _lines_by_function(text: str) -> dict[str, int]:
    try:
        body = _tree(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {node.name: node.lineno for node in body if isinstance(node, ast.FunctionDef)}


def parsed(module: Module) -> tuple[Module, ast.Module | None]:
    """The same module and its syntax tree, or one with the sentence of its syntax error."""
    try:
        return module, _tree(module.text)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f": {line[:80]}" if line else ""
        problem = f"{module.place(error.lineno or 0)} is not valid Python ({error.msg}){shown}"
        return replace(module, text="", problem=problem), None
    except (RecursionError, MemoryError):  # how the parser says that its own stack is at its end
        return module.but("is nested too deep to be parsed; write it in several statements"), None
    except ValueError as error:
        return module.but(f"cannot be parsed ({reason(error)}); save it again as UTF-8 text"), None


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # an odd escape in a string is no error, whatever this process makes of warnings
        return ast.parse(text)
