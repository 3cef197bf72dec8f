"""One unit of a submission: from the bytes of a script or a notebook to clean Python source."""

import ast
import io
import tokenize
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import nbformat

from autograder.source.entries import BROKEN, MAX_FILE_BYTES, Entry

MAX_SOURCE_BYTES = 2**20


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
        bodies = {node.name: node for node in ast.parse(self.text).body if isinstance(node, ast.FunctionDef)}
        used: set[str] = set()
        waiting = [function]
        while waiting:
            node = bodies.get(waiting.pop())
            names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} if node is not None else set()
            found = (names & bodies.keys()) - used
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


def module_from(unit: str, entry: Entry) -> Module:
    """The module of a unit, from a file of a submission; whatever is wrong with the file is its `problem`."""
    filename = str(Path(entry.path)) if entry.path.is_absolute() else entry.path.name
    empty = Module(unit, filename)
    notebook = entry.path.suffix == ".ipynb"
    limit = MAX_FILE_BYTES if notebook else MAX_SOURCE_BYTES
    try:
        data = entry.read(limit + 1) if entry.size <= limit else b""
    except BROKEN as error:
        return empty.but(f"cannot be read ({error}); hand it in again")
    size = max(entry.size, len(data))
    if size > limit:
        megabytes = f"{size / 2**20:.1f} MB, more than the {limit // 2**20} MB allowed"
        return empty.but(f"is {megabytes}; hand in code without data or output")
    if not data.strip():
        return empty.but("is empty; hand in the file that you have worked on")
    return _notebook(empty, data) if notebook else _script(empty, data)


def _script(empty: Module, data: bytes) -> Module:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return empty.but("is not UTF-8 text; save it again as UTF-8")
    if "\0" in text:
        return empty.but("holds null bytes; save it again as UTF-8 text")
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _parsed(replace(empty, text=text))


def _notebook(empty: Module, data: bytes) -> Module:
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)  # type: ignore[no-untyped-call]
        code = enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1)
        cells = [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        reason = (str(error).strip() or type(error).__name__).partition("\n")[0][:200]
        return empty.but(f"is not a notebook that can be read ({reason}); save it again in Jupyter")
    return _joined(empty, cells)


def _joined(empty: Module, cells: list[tuple[int, str]]) -> Module:
    """The definitions of all cells as one module that knows where each of its lines came from."""
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in cells:
        text = _without_magics(cell)
        here = tuple((number, line) for line in range(1, text.count("\n") + 2))
        module = _parsed(replace(empty, text=text, cells=here))
        if module.problem:
            return replace(module, text="", cells=())
        kept = _definitions(text)
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


def _definitions(text: str) -> list[str]:
    """The lines of imports, functions, classes and assignments; calls, plots and loops of a notebook are blanked."""
    lines = text.splitlines()
    kept = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign):
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            kept |= set(range(first, (node.end_lineno or first) + 1))
    return [line if number in kept else "" for number, line in enumerate(lines, 1)]


def _parsed(module: Module) -> Module:
    """The same module, or one with the sentence of its syntax error."""
    try:
        ast.parse(module.text)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f": {line[:80]}" if line else ""
        problem = f"{module.place(error.lineno or 0)} is not valid Python ({error.msg}){shown}"
        return replace(module, text="", problem=problem)
    except (ValueError, RecursionError, MemoryError) as error:
        return module.but(f"cannot be parsed ({error or type(error).__name__})")
    return module
