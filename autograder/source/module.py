"""One unit of a submission: from the bytes of a script or a notebook to clean Python source."""

import ast
import functools
import io
import tokenize
import warnings
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import nbformat

from autograder.source.archives import MAX_FILE_BYTES, Entry
from autograder.source.entries import reason

#: A syntax tree takes up to a thousand times the room of its text.
MAX_SOURCE_BYTES = 256 * 2**10
#: Python reads many more, and some of them take for ever (`punycode`, `idna`).
_ENCODINGS = ("utf-8", "utf-8-sig", "ascii", "latin-1", "iso-8859-1", "iso-8859-15", "cp1252", "windows-1252")


@dataclass(frozen=True)
class Module:
    """One unit of a submission.

    Attributes:
        unit: its name in the catalog.
        filename: as the student knows it.
        text: Python source; of a notebook, its definitions.
        problem: a sentence, where the module cannot be used.
        cells: for a notebook, the (cell, line in it) of each line of `text`.
    """

    unit: str
    filename: str
    text: str = ""
    problem: str = ""
    cells: tuple[tuple[int, int], ...] = ()

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


def module_from(unit: str, entry: Entry) -> Module:
    """The module of a unit, from a file of a submission; whatever is wrong with the file is its `problem`."""
    filename = str(Path(entry.path)) if entry.path.is_absolute() else entry.path.name
    empty = Module(unit, filename)
    notebook = entry.path.suffix == ".ipynb"
    limit = MAX_FILE_BYTES if notebook else MAX_SOURCE_BYTES
    try:
        data = entry.read(limit + 1) if entry.size <= limit else b""
    except Exception as error:  # whatever a broken archive makes the libraries say
        return empty.but(f"cannot be read ({reason(error)}); hand it in again")
    size = max(entry.size, len(data))
    if size > limit:
        return empty.but(f"is {_more_than(size, limit)}; hand in code without data or output")
    if not data.strip():
        return empty.but("is empty; hand in the file that you have worked on")
    return _notebook(empty, data) if notebook else _script(empty, data)


def _more_than(size: int, limit: int) -> str:
    allowed = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit // 2**10} KB"
    return f"{size / 2**20:.1f} MB, more than the {allowed} allowed"


def _script(empty: Module, data: bytes) -> Module:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if encoding.lower() not in _ENCODINGS:
            raise LookupError(encoding)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return empty.but("is not UTF-8 text; save it again as UTF-8")
    if "\0" in text:
        return empty.but("holds null bytes; save it again as UTF-8 text")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _parsed(replace(empty, text=text))[0]


def _notebook(empty: Module, data: bytes) -> Module:
    try:
        cells = _code_cells(data)
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        return empty.but(f"is not a notebook that can be read ({reason(error)}); save it again in Jupyter")
    size = sum(len(cell) for _, cell in cells)
    if size > MAX_SOURCE_BYTES:
        return empty.but(f"holds code of {_more_than(size, MAX_SOURCE_BYTES)}; hand in code without data")
    return _joined(empty, cells)


def _code_cells(data: bytes) -> list[tuple[int, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about cells without an id, and other things that are no matter here
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call]
    code = enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1)
    return [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]


def _joined(empty: Module, cells: list[tuple[int, str]]) -> Module:
    """The definitions of all cells as one module that knows where each of its lines came from."""
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in cells:
        text = _without_magics(cell)
        here = tuple((number, line) for line in range(1, text.count("\n") + 2))
        module, tree = _parsed(replace(empty, text=text, cells=here))
        if tree is None:
            return replace(module, text="", cells=())
        kept = _definitions(text, tree)
        lines += kept
        places += here[: len(kept)]
    return replace(empty, text="\n".join(lines) + "\n", cells=tuple(places))


def _is_check(cell: nbformat.NotebookNode) -> bool:
    facts = cell.metadata.get("nbgrader", {})
    return bool(facts.get("grade") and not facts.get("solution"))


def _without_magics(cell: str) -> str:
    """The cell with its magics and shell lines blanked, so that line numbers stay."""
    if cell.lstrip().startswith("%%"):
        return ""
    return "\n".join("" if line.lstrip()[:1] in ("%", "!", "?") else line for line in cell.splitlines())


def _definitions(text: str, tree: ast.Module) -> list[str]:
    """The lines of imports, functions, classes and assignments; calls, plots and loops of a notebook are blanked."""
    lines = text.splitlines()
    kept = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign):
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            kept |= set(range(first, (node.end_lineno or first) + 1))
    return [line if number in kept else "" for number, line in enumerate(lines, 1)]


def _parsed(module: Module) -> tuple[Module, ast.Module | None]:
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
