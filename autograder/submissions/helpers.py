"""Take along a student's own modules that the units import: files and folders beside them, and cells that write files.

A helper has the name by which it is imported, such as `helpers.dims` for `helpers/dims.py`, with or without an `__init__.py`
beside it. Helpers are for the worker alone. None may stand in for a library, for a part of the course or for the engine,
because what a check or a library imports there must be the real one.
"""

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from autograder.submissions.archives import Entry
from autograder.submissions.files import File, module_from, read_file, written_files
from autograder.submissions.module import RESERVED, Module, is_of_a_library, tree_or_none

_COURSE = "exercises"
_INIT = "__init__"
#: The function that imports a module by its file; a worker has it find what was taken along.
_BY_FILE = "spec_from_file_location"
_NOTEBOOK = ".ipynb"
_PYTHON_FILE = re.compile(r"(?:[\w./\\~-]*[/\\])?(\w+)\.py")
#: The most files beside the units that are read, the nearest ones, because units may import them.
_MOST_NEIGHBOURS = 40
#: So many folders deep they are looked for in a student's own run.
_DEPTH = 3


def neighbours(
    entries: Collection[Entry], folders: Collection[PurePosixPath], units: Collection[str]
) -> dict[str, File]:
    """Return the Python files in these folders and below them, by the name of the module; units are none of them.

    Beside a folder `exercises` lies what a module in it can import when Python runs above it. What lies in any other folder
    has a second name, see `names_from_above`.
    """
    # Python imports `a/__init__.py` where `a.py` stands beside it; a notebook is run, where there is no script of its name.
    ordered = sorted(entries, key=lambda entry: (entry.path.suffix != _NOTEBOOK, entry.path.stem == _INIT))
    found: dict[str, Entry] = {}
    for root in _roots(folders):
        names = {name: entry for entry in ordered if (name := _name_below(root, entry.path)) is not None}
        found = {name: entry for name, entry in names.items() if name.partition(".")[0] not in units} | found
    for folder in folders:
        below = [entry for entry in ordered if folder in entry.path.parents]
        found = {name: entry for entry in below for name in names_from_above(folder, entry.path)} | found
    nearest = sorted(found, key=lambda name: (name.count("."), _top(name) in RESERVED, name))
    kept = list({found[name].path: found[name] for name in nearest}.values())[:_MOST_NEIGHBOURS]
    files = {entry.path: read_file(entry) for entry in kept}
    return {name: files[found[name].path] for name in nearest if found[name].path in files}


def without_other_notebooks(entries: Iterable[Entry], sources: Collection[bytes]) -> Iterator[Entry]:
    """Yield the files without the notebooks that no source names: `%run helpers.ipynb` takes the names of one."""
    for entry in entries:
        stem = entry.path.stem.encode("utf-8", "surrogateescape")
        if entry.path.suffix != _NOTEBOOK or any(b"run" in source and stem in source for source in sources):
            yield entry


def names_from_above(folder: PurePosixPath, path: PurePosixPath) -> Iterator[str]:
    """Yield the names of a file in a unit's folder with that folder in front: `src.helpers` where Python runs above `src`.

    There are none in a student's own run, in which Python itself knows what lies above.
    """
    for above in () if folder.is_absolute() else folder.parents:
        name = _name_below(above, path)
        if name is not None:
            yield name


def read_helpers(folder: Path, modules: Mapping[str, Module], reserved: Collection[str] = ()) -> dict[str, Module]:
    """Return the modules that the units in a student's own folder import, by name: files there, and cells that write files.

    Args:
        folder: where the units lie.
        modules: the units.
        reserved: names of modules that none of them may stand in for, besides libraries.
    """
    home = PurePosixPath(folder.absolute().as_posix())
    texts = [module.text.encode() for module in modules.values()]
    entries = [entry for root in _roots([home]) for entry in _entries_below(Path(root))]
    entries = list(without_other_notebooks(entries, texts))
    notebooks = [path for module in modules.values() if (path := Path(module.filename)).suffix == ".ipynb"]
    # A notebook may be saved under the name of a script.
    notebooks += [path.with_suffix(".py") for path in notebooks if not path.exists()]
    files = [read_file(file_entry(path, path.stat().st_size)) for path in notebooks if path.is_file()]
    sources = [File(PurePosixPath(name), 0, module.text.encode()) for name, module in modules.items()]
    beside = also_on_path(neighbours(entries, [home], modules), sources)
    return take_along(modules.values(), beside | written_in(files, modules), reserved)[0]


def take_along(
    modules: Collection[Module], beside: Mapping[str, File], reserved: Collection[str] = ()
) -> tuple[dict[str, Module], list[str]]:
    """Return the neighbours that modules import, directly or by way of others, and sentences about them.

    Args:
        modules: the units.
        beside: files beside them, by module name.
        reserved: names of modules that none of them may stand in for, besides libraries.
    """
    taken: dict[str, Module] = {}
    refused: list[str] = []
    asked = {name for module in modules for name in _names_in(module.text)}
    waiting = [name for module in modules for name in _imported_names(module.text, "")]
    waiting += [name for module in modules if _BY_FILE in module.text for name in _named_files(module.text, beside)]
    while waiting:
        name = waiting.pop(0)
        if name not in beside or name in taken or name in refused:
            continue
        if is_of_a_library(_top(name)) or _top(name) in reserved:
            refused.append(name)
            continue
        file = beside[name]
        empty = not file.data.strip() and not file.fault and not file.size
        filename = str(Path(file.path)) if file.path.is_absolute() else _filename(name, file)
        taken[name] = Module(name, filename) if empty else module_from(name, file, asked, filename)
        waiting += _imported_names(taken[name].text, name if _is_package(file) else name.rpartition(".")[0])
    read = {name for module in (*modules, *taken.values()) for name in _named_files(module.text, beside)}
    shown = {name: _filename(name, beside[name]) for name in (*taken, *refused)}
    notes = [f"taken along: {', '.join(shown[name] for name in sorted(taken))}"] if taken else []
    notes += [
        f"{shown[name]} was left: `import {name}` means another module here; rename it" for name in sorted(refused)
    ]
    notes += [
        f"{_filename(name, beside[name])} was left: import it by `import {name}`"
        for name in sorted(read - taken.keys() - set(refused))
        if not any(beside[name].path == beside[other].path for other in (*taken, *read) if other < name)
    ]
    return taken, notes + [module.problem for module in taken.values() if module.problem]


def also_on_path(beside: Mapping[str, File], files: Iterable[File]) -> dict[str, File]:
    """Return the neighbours, those in a folder also by the name without it if a file may put the folder on Python's path."""
    inner = [(name.partition(".")[2], file) for name, file in beside.items() if "." in name]
    if not any(b"sys.path" in file.data for file in files):
        return dict(beside)
    return {name: file for name, file in inner if [each for each, _ in inner].count(name) == 1} | dict(beside)


def written_in(files: Iterable[File], units: Collection[str]) -> dict[str, File]:
    """Return the modules that notebooks write with `%%writefile`, by name; units are none of them."""
    written = [each for file in files for each in written_files(file)]
    named = [(_name_below(PurePosixPath(), file.path), file) for file in written]
    return {name: file for name, file in named if name is not None and _top(name) not in units}


def _top(name: str) -> str:
    return name.partition(".")[0]


def _roots(folders: Iterable[PurePosixPath]) -> list[PurePosixPath]:
    """Return the folders from which modules in some folders import: those first."""
    inner = sorted(set(folders))
    return list(dict.fromkeys([*inner, *(folder.parent for folder in inner if folder.name == _COURSE)]))


def _name_below(root: PurePosixPath, path: PurePosixPath) -> str | None:
    """Return the name by which a module in the folder `root` imports a file; None if it is none that can be imported."""
    if path.suffix not in (".py", _NOTEBOOK) or root not in path.parents:
        return None
    parts = path.relative_to(root).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == _INIT else parts
    importable = bool(parts) and all(part.isidentifier() for part in parts) and (len(parts) == 1 or parts[0] != _COURSE)
    return ".".join(parts) if importable else None


def _is_package(file: File) -> bool:
    return file.path.stem == _INIT


def _filename(name: str, file: File) -> str:
    """Return the path of a helper below the units' folder: no two helpers share one."""
    return "/".join([*name.split("."), *([_INIT] if _is_package(file) else [])]) + file.path.suffix


def _imported_names(text: str, package: str) -> list[str]:
    """Return the names of the modules that a source imports, anywhere in it; of `a.b.c` also `a` and `a.b`.

    Args:
        text: the source.
        package: the folder of modules in which it lies; empty for one beside the units.
    """
    tree = tree_or_none(text)
    nodes = list(ast.walk(tree)) if tree is not None else []
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [name for node in nodes if isinstance(node, ast.Call) for name in _imported_by_call(node, package)]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            above = package.split(".") if package and node.level else []
            parts = above[: len(above) + 1 - node.level] if node.level else []
            parts += [node.module] if node.module else []
            names += [".".join([*parts, *inner]) for inner in ([], *([alias.name] for alias in node.names))]
    return [part for name in names for part in _with_packages(name.removeprefix(f"{_COURSE}."))]


def _names_in(text: str) -> set[str]:
    """Return the names in a source: those that a notebook which it runs has to give."""
    tree = tree_or_none(text)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} if tree is not None else set()


def _named_files(text: str, beside: Collection[str]) -> Iterator[str]:
    """Yield the neighbours whose file a text of a source names, as for a call that imports a module by its file."""
    tree = tree_or_none(text)
    nodes = ast.walk(tree) if tree is not None else ()
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    stems = {found[1] for each in texts if (found := _PYTHON_FILE.fullmatch(each))}
    yield from (name for name in beside if name.rpartition(".")[2] in stems)


def _imported_by_call(call: ast.Call, package: str) -> Iterator[str]:
    """Yield the module that a call such as `importlib.import_module("utils")` imports."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [each.value if isinstance(each, ast.Constant) else None for each in call.args]
    if function in ("import_module", "__import__") and texts and isinstance(texts[0], str):
        package = next((each for each in texts[1:] if isinstance(each, str)), package)
        yield texts[0] if not texts[0].startswith(".") else f"{package}{texts[0]}".lstrip(".")


def _with_packages(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _entries_below(folder: Path, depth: int = _DEPTH) -> Iterator[Entry]:
    """Yield the Python files and notebooks in a folder, and in folders in it that a unit can import."""
    try:
        children = sorted(folder.iterdir())
    except OSError:
        return
    for child in children:
        if child.suffix in (".py", _NOTEBOOK) and child.is_file():
            yield file_entry(child, child.stat().st_size)
        elif depth and child.name.isidentifier() and child.name not in RESERVED and child.is_dir():
            yield from _entries_below(child, depth - 1) if not child.is_symlink() else ()


def file_entry(path: Path, size: int) -> Entry:
    """Return the entry of a file on disk, under its own path."""

    def head(limit: int) -> bytes:
        with path.open("rb") as file:
            return file.read(limit)

    return Entry(PurePosixPath(path.absolute().as_posix()), size, head)
