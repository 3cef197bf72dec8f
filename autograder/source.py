"""A submission, in whatever form it came, to clean sources of the units that the catalog names.

Nothing is unpacked and nothing of the student's is executed here: bytes are read within limits, decoded, parsed. What is
not a unit of the catalog is listed and left behind. Whatever is wrong with a student's file becomes a sentence in
`Module.problem` or `Handin.problem`; the functions of this module do not raise for it.
"""

import ast
import hashlib
import io
import os
import re
import stat
import tarfile
import tokenize
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

import nbformat

from autograder.errors import UsageError

MAX_SOURCE_BYTES = 2**20
MAX_NOTEBOOK_BYTES = 10 * 2**20
MAX_ENTRIES = 10_000
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules", "site-packages"}
_LISTED = 100


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


@dataclass(frozen=True)
class Handin:
    """A whole submission.

    Attributes:
        name: whose it is.
        modules: what was taken, by unit.
        problem: a sentence, where nothing at all could be read.
        notes: sentences about what was chosen or refused.
        not_taken: paths inside the submission that were left behind.
        digest: sha256 of what was taken.
    """

    name: str
    modules: dict[str, Module] = field(default_factory=dict)
    problem: str = ""
    notes: tuple[str, ...] = ()
    not_taken: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class _Entry:
    """One file inside a submission: its path there, its size, and how to read so many of its bytes."""

    path: PurePosixPath
    size: int
    read: Callable[[int], bytes]


class _Unreadable(Exception):
    """A container that cannot be read; the text is a sentence."""


def submissions_in(path: Path, units: Iterable[str]) -> list[Path]:
    """The submissions that a path means: itself, or, for the folder of a class, each thing in it.

    A folder is one submission where a unit's file, or an `exercises` folder, lies directly in it.

    Raises:
        UsageError: there is nothing at the path, or nothing in it.
    """
    if not path.exists():
        raise UsageError(f"{path} does not exist; give a submission or a folder of submissions")
    if not path.is_dir():
        return [path]
    names = set(units)
    inside = sorted(child for child in path.iterdir() if not child.name.startswith("."))
    if any(_unit_of(child.name, names) or child.name == "exercises" for child in inside if not child.is_symlink()):
        return [path]
    found = [child for child in inside if child.is_dir() or _archive(child.name) or child.suffix in (".py", ".ipynb")]
    if not any(child.is_dir() or _archive(child.name) for child in found):
        return [path]  # files under wrong names, or none: one submission that says so
    return found


def read_submission(path: Path, units: Iterable[str]) -> Handin:
    """Everything that the catalog's units find in a submission: a folder, an archive, a `.py` or an `.ipynb`."""
    names = tuple(units)
    try:
        entries, notes = _entries(path, set(names))
    except _Unreadable as error:
        return Handin(submission_name(path), problem=str(error))
    chosen = _choose(entries, names)
    modules = {unit: _module(unit, entry) for unit, entry in chosen.items()}
    taken = {entry.path for entry in chosen.values()}
    rest = [_printable(entry.path) for entry in entries if entry.path not in taken]
    more = [f"... and {len(rest) - _LISTED} more"] if len(rest) > _LISTED else []
    notes += [f"{_printable(path)} is not a file of this course; the course has {_wanted(names)}" for path in _strays(rest, chosen)]
    return Handin(submission_name(path), modules, "", tuple(notes), tuple(rest[:_LISTED] + more), _digest(modules))


def read_module(path: Path, unit: str) -> Module:
    """One unit from a file on disk, under its own path: a student's own run."""
    try:
        size = path.stat().st_size
        return _module(unit, _Entry(PurePosixPath(path.as_posix()), size, lambda limit: _head(path, limit)))
    except OSError as error:
        return Module(unit, str(path), problem=f"{path} cannot be read: {error.strerror}")


def _entries(path: Path, units: set[str]) -> tuple[list[_Entry], list[str]]:
    notes: list[str] = []
    try:
        if path.is_dir():
            entries = list(_folder(path))
            archives = [entry for entry in entries if _archive(entry.path.name)]
            if len(archives) == 1 and not any(_unit_of(entry.path.name, units) for entry in entries):
                inner, notes = _archived(path / archives[0].path)
                return inner + [entry for entry in entries if entry not in archives], notes
            return entries, notes
        if _archive(path.name):
            return _archived(path)
        size = path.stat().st_size
        return [_Entry(PurePosixPath(path.name), size, lambda limit: _head(path, limit))], notes
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _Unreadable(f"{path.name} cannot be opened ({reason}); hand it in again") from error


def _folder(root: Path) -> Iterator[_Entry]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
        for name in sorted(files):
            path = Path(folder) / name
            if not stat.S_ISREG(path.lstat().st_mode):
                continue
            count += 1
            if count > MAX_ENTRIES:
                raise _Unreadable(f"{root.name} holds more than {MAX_ENTRIES:,} files; hand in the course's own files only")
            inner = PurePosixPath(path.relative_to(root).as_posix())
            yield _Entry(inner, path.stat().st_size, lambda limit, path=path: _head(path, limit))  # type: ignore[misc]


def _archived(path: Path) -> tuple[list[_Entry], list[str]]:
    members = list(_zipped(path) if path.name.lower().endswith(".zip") else _tarred(path))
    notes = [
        f"{_printable(entry.path)} was refused: its path leads out of {path.name}" for entry in members if _leads_out(entry.path)
    ]
    return [entry for entry in members if not _leads_out(entry.path) and not _skipped(entry.path)], notes


def _zipped(path: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
    _refuse_crowd(path, len(infos))
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind in (0, stat.S_IFREG):

            def read(limit: int, info: zipfile.ZipInfo = info) -> bytes:
                with zipfile.ZipFile(path) as archive, archive.open(info) as file:
                    return file.read(limit)

            yield _Entry(PurePosixPath(info.filename.replace("\\", "/")), info.file_size, read)


def _tarred(path: Path) -> Iterator[_Entry]:
    with tarfile.open(path) as archive:
        for count, member in enumerate(archive, 1):
            _refuse_crowd(path, count)
            if not member.isreg():
                continue
            # Read while it is at hand: a compressed tar can only be read forwards.
            file = archive.extractfile(member)
            wanted = member.name.endswith((".py", ".ipynb"))
            data = file.read(MAX_NOTEBOOK_BYTES + 1) if file is not None and wanted else b""
            yield _Entry(PurePosixPath(member.name), member.size, lambda limit, data=data: data[:limit])  # type: ignore[misc]


def _refuse_crowd(path: Path, count: int) -> None:
    if count > MAX_ENTRIES:
        raise _Unreadable(f"{path.name} holds more than {MAX_ENTRIES:,} files; hand in the course's own files only")


def _head(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)


def _choose(entries: list[_Entry], units: tuple[str, ...]) -> dict[str, _Entry]:
    """For each unit the file nearest to the top; at one depth that in `exercises`, and `.py` before `.ipynb`."""
    chosen = {}
    for unit in units:
        found = [entry for entry in entries if _unit_of(entry.path.name, {unit})]
        if not found and len(entries) == 1:  # a lone file may carry its author's name too
            found = [entry for entry in entries if re.search(rf"(^|[^a-z]){unit}$", entry.path.stem)]
        if found:
            chosen[unit] = min(found, key=_rank)
    return chosen


def _rank(entry: _Entry) -> tuple[object, ...]:
    inside = "exercises" not in entry.path.parts
    return len(entry.path.parts) - (not inside), inside, entry.path.suffix != ".py", str(entry.path)


def _module(unit: str, entry: _Entry) -> Module:
    filename = entry.path.name if not entry.path.is_absolute() else str(Path(entry.path))
    notebook = entry.path.suffix == ".ipynb"
    limit = MAX_NOTEBOOK_BYTES if notebook else MAX_SOURCE_BYTES
    try:
        data = entry.read(limit + 1) if entry.size <= limit else b""
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        return Module(unit, filename, problem=f"{PurePath(filename).name} cannot be read ({error}); hand it in again")
    if entry.size > limit or len(data) > limit:
        size = f"{max(entry.size, len(data)) / 2**20:.1f} MB"
        return Module(unit, filename, problem=f"{PurePath(filename).name} is {size}, more than the {limit // 2**20} MB allowed; hand in code without data")
    if not data.strip():
        return Module(unit, filename, problem=f"{PurePath(filename).name} is empty; hand in the file that you have worked on")
    return _notebook(unit, filename, data) if notebook else _script(unit, filename, data)


def _script(unit: str, filename: str, data: bytes) -> Module:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return Module(unit, filename, problem=f"{PurePath(filename).name} is not UTF-8 text; save it again as UTF-8")
    if "\0" in text:
        return Module(unit, filename, problem=f"{PurePath(filename).name} holds null bytes; save it again as UTF-8 text")
    # A declaration of an encoding means bytes; the text is decoded already.
    return _parsed(Module(unit, filename, text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")))


def _notebook(unit: str, filename: str, data: bytes) -> Module:
    try:
        notebook = nbformat.reads(data.decode("utf-8-sig"), as_version=4)
        code = enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1)
        cells = [(number, str(cell.source)) for number, cell in code if not _is_check(cell)]
    except Exception as error:  # nbformat raises whatever its schema and migrations raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        return Module(unit, filename, problem=f"{PurePath(filename).name} is not a notebook that can be read ({reason}); save it again in Jupyter")
    lines: list[str] = []
    places: list[tuple[int, int]] = []
    for number, cell in cells:
        module = _parsed(Module(unit, filename, _without_magics(cell)), f"{PurePath(filename).name} cell {number},")
        if module.problem:
            return module
        kept = _definitions(module.text)
        lines += kept
        places += [(number, line) for line in range(1, len(kept) + 1)]
    return Module(unit, filename, "\n".join(lines) + "\n", cells=tuple(places))


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


def _parsed(module: Module, place: str = "") -> Module:
    """The same module, or one with the sentence of its syntax error."""
    try:
        ast.parse(module.text)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f": {line[:80]}" if line else ""
        where = f"{place} line {error.lineno}" if place else module.place(error.lineno or 0)
        return Module(module.unit, module.filename, problem=f"{where} is not valid Python ({error.msg}){shown}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Module(module.unit, module.filename, problem=f"{place or module.label} cannot be parsed ({error or type(error).__name__})")
    return module


def _strays(rest: list[str], chosen: dict[str, _Entry]) -> list[str]:
    """Python files at hand where a unit is missing altogether: most likely under a wrong name."""
    return [] if chosen else [path for path in rest if path.endswith((".py", ".ipynb"))][:3]


def _wanted(units: tuple[str, ...]) -> str:
    return ", ".join(f"{unit}.py" for unit in units)


def _unit_of(filename: str, units: set[str]) -> str | None:
    stem, dot, suffix = filename.rpartition(".")
    return stem if dot and suffix in ("py", "ipynb") and stem in units else None


def _archive(filename: str) -> bool:
    return filename.lower().endswith(ARCHIVES)


def _leads_out(path: PurePosixPath) -> bool:
    return path.is_absolute() or ".." in path.parts or ":" in (path.parts[0] if path.parts else "")


def _skipped(path: PurePosixPath) -> bool:
    return any(part.startswith(".") or part in _SKIPPED_FOLDERS for part in path.parts)


def submission_name(path: Path) -> str:
    """Whose submission a path is: its name, without the ending of an archive or a file."""
    name = path.resolve().name
    for suffix in (*ARCHIVES, ".py", ".ipynb"):
        if name.lower().endswith(suffix) and not path.is_dir():
            return name[: -len(suffix)]
    return name


def _printable(path: PurePosixPath) -> str:
    return "".join(char if char.isprintable() else "?" for char in str(path))


def _digest(modules: dict[str, Module]) -> str:
    digest = hashlib.sha256()
    for unit in sorted(modules):
        digest.update(f"{unit}\0{modules[unit].text}\0{modules[unit].problem}\0".encode("utf-8", "replace"))
    return digest.hexdigest()
