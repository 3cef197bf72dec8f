"""Build the course as students take it away: skeletons, public checks, lessons, the engine and the data."""

import ast
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import requires
from importlib.resources import files as files_of
from pathlib import Path, PurePosixPath

from autograder import __version__
from autograder.course.catalog import LATER, Catalog, catalog_text
from autograder.course.skeletons import (
    bare_lines,
    first_line,
    first_text,
    imported_names,
    read_source,
    source_lines,
    translated_solution,
)
from autograder.course.units import Unit
from autograder.errors import CatalogError
from autograder.grading.session import CollectedTest, collected_tests
from autograder.messages import ENGLISH, entries
from autograder.platforms.bundles.fingerprints import Files
from autograder.platforms.bundles.leaks import PIXELS, leaks
from autograder.results.templates import render_file

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


def public_checks(source: str, private: Collection[str], shared: Collection[str] = ()) -> str:
    """Return the source of a unit's checks as students have it.

    Args:
        source: of all its checks.
        private: names of the test functions that are not for students, `TestB.test_a` for a method.
        shared: names of modules beside the checks.

    Returns:
        The same text without those, and without the helpers, fixtures, constants and shared modules that nothing uses.
    """
    tree = ast.parse(source)
    dropped: list[ast.stmt] = []
    imported = {name.partition(".")[0] for name in private}  # a class that is imported goes as a whole
    for node in tree.body:
        tests = [f"{node.name}.{each.name}" for each in _tests_in(node)] if isinstance(node, ast.ClassDef) else []
        if (isinstance(node, _Function) and node.name in private) or (tests and set(tests) <= set(private)):
            dropped.append(node)
        elif isinstance(node, ast.ClassDef):
            gone = [each for each in _tests_in(node) if f"{node.name}.{each.name}" in private]
            node.body = [each for each in node.body if each not in gone]
            dropped += gone
        elif isinstance(node, ast.ImportFrom | ast.Import) and all(
            _bound_name(alias) in imported for alias in node.names
        ):
            dropped.append(node)
    kept = [node for node in tree.body if node not in dropped]
    used = _used_names(kept)
    definitions = [node for node in kept if isinstance(node, _Definition) and not _is_test(node)]
    imports = [node for node in kept if isinstance(node, ast.ImportFrom | ast.Import)]
    unused = [node for node in definitions if not _defined_names(node) & used]
    unneeded = [
        node
        for node in imports
        if imported_names(ast.unparse(node)) & set(shared) and not {_bound_name(alias) for alias in node.names} & used
    ]
    return _without_imports(_without(source, [*dropped, *unused, *unneeded]), imported)


def _bound_name(alias: ast.alias) -> str:
    """Return the name that an import gives to what it imports."""
    return alias.asname or alias.name.partition(".")[0]


def _without_imports(source: str, private: Collection[str]) -> str:
    """Return the source with the private names left out of imports that name others too."""
    lines = source_lines(source)
    for node in reversed(ast.parse(source).body):
        if isinstance(node, ast.ImportFrom) and any(_bound_name(alias) in private for alias in node.names):
            node.names = [alias for alias in node.names if _bound_name(alias) not in private]
            lines[node.lineno - 1 : node.end_lineno] = [ast.unparse(node) + "\n"]
    return "".join(lines)


def _is_check(node: ast.stmt) -> bool:
    return isinstance(node, _Function) and node.name.startswith("test")


def _is_test(node: ast.stmt) -> bool:
    return _is_check(node) or (isinstance(node, ast.ClassDef) and bool(_tests_in(node)))


def _tests_in(node: ast.ClassDef) -> list[_Function]:
    return [each for each in node.body if isinstance(each, _Function) and each.name.startswith("test")]


def _used_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that checks and the module's own statements use, directly or by way of others."""
    by_name = {
        name: node
        for node in nodes
        if isinstance(node, _Definition) and not _is_test(node)
        for name in _defined_names(node)
    }
    roots = [node for node in nodes if _is_test(node) or not isinstance(node, _Definition)]
    used: set[str] = set()
    waiting = {name for node in roots for name in _mentioned_names(node)} | _automatic(by_name.values())
    while waiting:
        used |= waiting
        waiting = {name for each in waiting if each in by_name for name in _mentioned_names(by_name[each])} - used
    return used


def _automatic(nodes: Iterable[ast.stmt]) -> set[str]:
    """Return the fixtures that every check uses without a mention."""
    functions = [node for node in nodes if isinstance(node, _Function)]
    return {node.name for node in functions if any("autouse" in ast.unparse(mark) for mark in node.decorator_list)}


def _mentioned_names(node: ast.stmt) -> set[str]:
    """Return names, those of arguments and of fixtures in strings among them."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    arguments = {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    texts = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return names | arguments | texts


def _defined_names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}


def _without(source: str, nodes: list[ast.stmt]) -> str:
    """Return the source without some statements, their decorators, and the comments right above them."""
    lines: list[str | None] = [*bare_lines(source)]
    for node in nodes:
        first = first_line(node) - 1
        indent = (lines[first] or "")[: node.col_offset]
        while first and (above := lines[first - 1] or "").startswith(f"{indent}#") and not above.startswith("# ---"):
            first -= 1
        lines[first : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - first)
    kept: list[str] = []
    for line in (line for line in lines if line is not None):
        if line or kept[-2:] != ["", ""]:  # where something was left out no more than two empty lines stay
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"


_CODE = (".py", ".html", ".css", ".js", ".typed", ".toml", ".sh", ".yml")
_KINDS = (*_CODE, ".json", ".safetensors", ".md", ".txt", ".po", ".pot")
_CONSTRAINTS = "constraints.txt"
#: What lies beside exercises besides: the pictures of lessons, and notebooks.
_SHOWN = (*PIXELS, ".svg", ".ipynb")


def student_bundle(
    catalog: Catalog, units: Collection[str] = (), language: str = "", fingerprints: Files | None = None
) -> Files:
    """Return the files of a release for students, written in a language: by default the course's own.

    Args:
        catalog: of the course.
        units: names of the units to release, as for one week; all if empty. Nothing of the others is in the bundle.
        language: of lessons and skeletons.
        fingerprints: of the known mistakes of these units, as `fingerprint_files` makes them; without, none is named at home.

    Raises:
        CatalogError: it would hold what is not for students; the sentence names the first thing.
    """
    language = language or catalog.language or ENGLISH
    released = catalog.only(units or catalog.units)
    files = {
        **_start(released, language),
        **_exercises(released, catalog, language),
        **_checks(released),
        **engine(released),
        **(fingerprints or {}),
    }
    files |= _catalogs(released, files)
    found = leaks(files, catalog)
    if found:
        raise CatalogError(f"nothing was released: {found[0]}" + (f" ({len(found) - 1} more)" if found[1:] else ""))
    return files


def engine(catalog: Catalog) -> Files:
    """Return the grader itself, the packages that it preloads from the course, and what installs them."""
    files = dict(_package(Path(__file__).parents[2], "autograder"))
    for name in catalog.preload:
        if (catalog.root / name / "__init__.py").is_file():
            files |= dict(_package(catalog.root / name, name, None))
    for name in (_CONSTRAINTS, "LICENSE"):
        if (catalog.root / name).is_file():
            files[name] = (catalog.root / name).read_bytes()
    return files | {"pyproject.toml": _project(catalog)}


def template(name: str, **values: object) -> bytes:
    """Return a file of the templates' folder, with its values filled in."""
    return render_file("autograder.platforms.bundles", name, **values).encode()


def _start(catalog: Catalog, language: str) -> Files:
    first = next(iter(catalog.units))
    own = f"README.{language}.md"
    readme = own if (files_of("autograder.platforms.bundles") / "templates" / own).is_file() else "README.md"
    constraints = f" -c {_CONSTRAINTS}" if (catalog.root / _CONSTRAINTS).is_file() else ""
    return {
        "README.md": template(readme, title=catalog.title, unit=first, constraints=constraints),
        "Makefile": template("Makefile"),
        ".gitignore": template("gitignore"),
        **{f".vscode/{name}": template(name) for name in ("launch.json", "settings.json")},
    }


def _exercises(catalog: Catalog, whole: Catalog, language: str) -> Files:
    files = {"exercises/catalog.toml": _catalog(catalog, language)}
    for module in catalog.modules:
        text = first_text(catalog, module, translated_solution(catalog, module, language)).encode()
        files |= {f"exercises/{module}.py": text, f"exercises/skeletons/{module}.txt": text}
    files |= exercise_data(catalog)
    for folder in ("exercises/lessons", "exercises/pictures", "docs/pictures", "notebooks"):
        files |= dict(_package(catalog.root / folder, folder, (*_KINDS, *_SHOWN)))
    return _without_others(files, catalog, [unit for unit in whole.units.values() if unit.name not in catalog.units])


def _without_others(files: Files, catalog: Catalog, others: Collection[Unit]) -> Files:
    """Return the files without those about units that are not released, and lessons without links to them."""
    if not others:
        return files
    names = {unit.name for unit in others}
    drawn = {catalog.picture(name).name for name in names} | {f"{name}.md" for name in names}
    kept = {path: content for path, content in files.items() if PurePosixPath(path).name not in drawn}
    link = re.compile(rf"\[([^\]]+)\]\((?:{'|'.join(map(re.escape, names))})\.md[^)]*\)".encode())
    lessons = {path: link.sub(rb"\1", text) for path, text in kept.items() if path.endswith(".md")}
    shown = b"".join(lessons.values())
    functions = {name.encode() for unit in others for name in unit.functions}

    def belongs(path: str, content: bytes) -> bool:
        if path.startswith("docs/pictures/"):
            return PurePosixPath(path).name.encode() in shown
        return not path.endswith(".ipynb") or not any(name in content for name in functions)

    return {path: lessons.get(path, content) for path, content in kept.items() if belongs(path, content)}


def _catalogs(catalog: Catalog, files: Files) -> Files:
    """Return the course's translations, without the sentences that students do not have: of hidden checks, for one."""
    read = ("tests/exercises/", "exercises/fingerprints/")
    public = "\n".join(text.decode() for path, text in files.items() if path.startswith(read))
    words = " ".join(re.sub(r'(?<!\w)f"|"', " ", public).split())
    kept = {}
    for path in sorted(catalog.translations.rglob("*.po*")):
        blocks = read_source(path).split("\n\n")
        text = "\n\n".join(block for block in blocks if not _is_private(block, words))
        kept[path.relative_to(catalog.root).as_posix()] = text.encode()
    return kept


def _is_private(block: str, public: str) -> bool:
    """Return True if an entry of a catalog belongs to checks and mistakes alone, and the public checks lack its words."""
    kinds = set(re.findall(r"^#\. \w+: (\w+)$", block, re.MULTILINE))
    if not kinds or not kinds <= {"mistake", "check", "sentence"}:
        return False
    said = " ".join(text for text, _ in entries(block))
    pieces = [" ".join(piece.split()) for piece in re.split(r"\{\w+\}|[\"']", said)]
    return not all(piece in public for piece in pieces)


def _catalog(catalog: Catalog, language: str) -> bytes:
    """Return the catalog in a language, with what students have not: by function, the points of the checks that stay here."""
    text = catalog_text(catalog.root, catalog.units)
    if language != (catalog.language or ENGLISH):
        text = re.sub(r"^language = .*\n", "", text, flags=re.MULTILINE)
        text = text.replace("[course]\n", f'[course]\nlanguage = "{language}"\n', 1)
    later: dict[str, float] = {}
    for unit in catalog.units:
        for test in _private(catalog, unit) if catalog.checks(unit).is_file() else ():
            for function, points in test.points.items():
                later[function] = later.get(function, 0.0) + points
    lines = "".join(f"{_quote(function)} = {round(points, 2)!r}\n" for function, points in later.items())
    heading = "# Points of the checks that run when the functions are graded, and are not in this release.\n"
    text = text.rstrip("\n")
    return (f"{text}\n\n{heading}[{LATER}]\n{lines}" if later else f"{text}\n").encode()


def _private(catalog: Catalog, unit: str) -> list[CollectedTest]:
    """Return a unit's checks that are not for students."""
    return [test for test in collected_tests(catalog, unit) if test.hidden or test.needs_solution]


def _checks(catalog: Catalog) -> Files:
    shared = catalog.shared_checks
    texts = {
        unit: public_checks(
            read_source(catalog.checks(unit)), {test.name for test in _private(catalog, unit)}, shared.keys()
        )
        for unit in catalog.units
        if catalog.checks(unit).is_file()
    }
    used, waiting = (
        {"conftest"},
        [*texts.values(), *(map(read_source, [shared["conftest"]] if "conftest" in shared else []))],
    )
    while waiting:
        found = imported_names(waiting.pop()) & shared.keys() - used
        used |= found
        waiting += [read_source(shared[name]) for name in found]
    return shared_checks(catalog, used) | {
        f"tests/exercises/test_{unit}.py": each.encode() for unit, each in texts.items()
    }


def exercise_data(catalog: Catalog) -> Files:
    """Return the files that the students' code reads."""
    files = {name: path for unit in catalog.units for name, path in catalog.data(unit).items()}
    return {f"exercises/{name}": path.read_bytes() for name, path in files.items()}


def shared_checks(catalog: Catalog, names: Collection[str]) -> Files:
    """Return the modules of these names that the checks of several units use, `conftest` among them."""
    paths = {name: path for name, path in catalog.shared_checks.items() if name in names}
    return {f"tests/exercises/{name}.py": path.read_bytes() for name, path in paths.items()}


def _package(folder: Path, name: str, kinds: tuple[str, ...] | None = _KINDS) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder, by path inside the bundle; none if there is no folder.

    Args:
        folder: where they lie.
        name: of the folder inside the bundle.
        kinds: suffixes of the files to take; None takes every file, whatever its suffix.
    """
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in inner.parts)
        if path.is_file() and not path.is_symlink() and not hidden and (kinds is None or path.suffix in (*kinds, "")):
            yield f"{name}/{inner.as_posix()}", path.read_bytes()


def _project(catalog: Catalog) -> bytes:
    """Return the `pyproject.toml` that installs a bundle, with what the course itself needs."""
    packages = [name for name in catalog.preload if (catalog.root / name / "__init__.py").is_file()]
    return template(
        "project.toml",
        version=__version__,
        dependencies="".join(f"    {_quote(each)},\n" for each in dependencies(catalog)),
        packages=", ".join(_quote(f"{name}*") for name in ("autograder", *packages)),
        data="".join(f'{_quote(name)} = ["**/*"]\n' for name in packages),
    )


#: The engine as a course's `pyproject.toml` requires it. A bundle is itself of this name, so that it cannot require it.
_ENGINE = "idealcat"
_REQUIRED_ENGINE = re.compile(rf"{_ENGINE}(?![\w.-])\s*(?:\[([^\]]*)\])?", re.IGNORECASE)
_OF_EXTRA = re.compile(r'(.*?)\s*;\s*(?:(.*) and )?extra == "([^"]+)"')


def dependencies(catalog: Catalog) -> list[str]:
    """Return what a course requires, with the requirements of the engine and of its extras in place of the engine.

    They stand in the course's `pyproject.toml`. Without one they are the extras that `preload` names.
    """
    path = catalog.root / "pyproject.toml"
    own = tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.is_file() else {}
    extras = {"": own.get("dependencies", []), **own.get("optional-dependencies", {})}
    if own.get("name") == _ENGINE and "course" in extras:  # the repository of the engine, with a course beside it
        required = [f"{_ENGINE}[course]"]
    else:
        extras = _installed_extras()
        required = own.get("dependencies", [f"{_ENGINE}[{','.join(catalog.preload)}]"])
    return list(dict.fromkeys(_without_engine([_ENGINE, *required], extras)))


def _without_engine(required: Iterable[str], extras: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for text in required:
        engine = _REQUIRED_ENGINE.match(text)
        if engine is None:
            yield text
            continue
        yield from extras[""]
        for extra in (engine[1] or "").split(","):
            yield from _without_engine(extras.get(extra.strip(), ()) if extra else (), extras)


def _installed_extras() -> dict[str, list[str]]:
    """Return the requirements of the engine as it is installed, by extra; those of the engine alone by an empty name."""
    extras: dict[str, list[str]] = {"": []}
    for text in requires(_ENGINE) or ():
        found = _OF_EXTRA.fullmatch(text)
        need, condition, extra = found.groups() if found else (text, None, "")
        extras.setdefault(extra, []).append(f"{need}; {condition}" if condition else need)
    return extras


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
