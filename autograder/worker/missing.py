"""Stand-ins for libraries that could not be imported, and definitions that do without them."""

import ast
import copy
import re
import sys
from collections.abc import Collection
from typing import Any, NoReturn

#: The most letters that are shown of the reason of a failed import.
_REASON_LENGTH = 200


def reason_of(error: Exception) -> str:
    """Return why an import has failed: the library that is not installed, or else what it has raised."""
    if isinstance(error, ModuleNotFoundError):  # without a name it is a file of the student's own
        return f"{error.name} is not installed where this ran" if error.name else str(error)
    return _without_place(error)


def failed_import(reason: str) -> str:
    """Return the sentence for a library that could not be imported."""
    return f"the import has failed ({reason[:_REASON_LENGTH]}); what uses it fails"


def left_out(decorator: ast.expr) -> str:
    """Return the sentence for a decorator that a definition does without."""
    name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return f"@{name} was left out: it needs what could not be imported"


def _without_place(error: Exception) -> str:
    """Return why an import has failed, without the library's path; with the version of Python if that may be too old."""
    text = re.sub(r" \([^()]*(?:location|\.py|\.so)\)$", "", str(error))
    lacking = error.name if isinstance(error, ImportError) else ""
    if str(lacking).partition(".")[0] in sys.stdlib_module_names:
        text += f" of Python {sys.version_info.major}.{sys.version_info.minor}; a newer Python may have it"
    return f"{type(error).__name__}: {text}"


class MissingLibrary:
    """Stand-in for something that could not be imported; any use of it raises."""

    def __init__(self, statement: str, reason: str) -> None:
        self.__dict__["message"] = f"{statement} has failed ({reason})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self()

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise ImportError(self.__dict__["message"])

    @classmethod
    def __torch_function__(cls, function: object, types: object, args: Any = (), kwargs: Any = None) -> None:
        """Raise where PyTorch is given it in place of a tensor."""
        given = [*args, *(kwargs or {}).values()]
        for value in given + [inner for each in given if isinstance(each, list | tuple) for inner in each]:
            if isinstance(value, cls):
                value()

    __hash__ = object.__hash__


#: What Python calls for the syntax of an object: iteration, subscripts, `with`, comparison, arithmetic, a base class.
_SYNTAX = (
    "iter next len bool contains getitem setitem delitem setattr delattr enter exit aenter aexit aiter await "
    "eq ne lt le gt ge neg pos abs invert int float complex index round str format array mro_entries instancecheck "
    "subclasscheck"
)
_OPERATORS = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or"
for _name in (*_SYNTAX.split(), *(f"{kind}{name}" for name in _OPERATORS.split() for kind in ("", "r", "i"))):
    setattr(MissingLibrary, f"__{_name}__", MissingLibrary.__call__)


class _Plain(ast.NodeTransformer):
    """Transformer that leaves out decorators that read some names, and makes texts of such annotations: none is evaluated."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self.decorators: list[ast.expr] = []

    def visit(self, node: ast.AST) -> ast.AST:
        """Change a node, and those inside it."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.decorators += filter(self._reads, node.decorator_list)
            node.decorator_list = [each for each in node.decorator_list if not self._reads(each)]
        for name in ("annotation", "returns"):
            annotation = getattr(node, name, None)
            if isinstance(annotation, ast.expr) and self._reads(annotation):
                setattr(node, name, ast.copy_location(ast.Constant(ast.unparse(annotation)), annotation))
        return self.generic_visit(node)

    def _reads(self, node: ast.AST) -> bool:
        return _reads(node, self._names)


def _reads(node: ast.AST, names: Collection[str]) -> bool:
    """Return True if one of these names is read anywhere in a piece of code."""
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


def without_names(statement: ast.stmt, names: Collection[str]) -> tuple[ast.stmt, list[ast.expr]]:
    """Return a statement with no decorator and no annotation that reads one of these names, and the decorators.

    A statement that reads none of them is returned as it is.
    """
    if not _reads(statement, names):
        return statement, []
    plain = _Plain(names)
    changed: Any = plain.visit(copy.deepcopy(statement))
    return changed, plain.decorators
