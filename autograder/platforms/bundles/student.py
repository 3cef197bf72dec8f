"""Build the bundle for students: skeletons, public checks, lessons, the engine and the data."""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import requires
from importlib.resources import files as files_of
from pathlib import Path, PurePosixPath

from autograder import __version__
from autograder.course.catalog import LATER, Catalog, catalog_text
from autograder.course.skeletons import first_text, imported_names, read_source, translated_solution
from autograder.course.units import Unit
from autograder.errors import CatalogError
from autograder.grading.session import CollectedTest, collected_tests
from autograder.messages import ENGLISH, entries
from autograder.platforms.bundles.fingerprints import Files
from autograder.platforms.bundles.leaks import PIXELS, leaks
from autograder.platforms.bundles.public_checks import public_checks
from autograder.results.templates import render_file

_CODE = (".py", ".html", ".css", ".js", ".typed", ".toml", ".sh", ".yml")
_KINDS = (*_CODE, ".json", ".safetensors", ".md", ".txt", ".po", ".pot")
_CONSTRAINTS = "constraints.txt"
#: Words in brackets, in each language, that only a course with PyTorch tells its students.
_SIZE_OF_TORCH = re.compile(r" \([^()]*PyTorch[^()]*\)")
#: Further suffixes of files that a student opens: pictures of lessons, and notebooks.
_SHOWN = (*PIXELS, ".svg", ".ipynb")


def student_bundle(
    catalog: Catalog, units: Collection[str] = (), language: str = "", fingerprints: Files | None = None
) -> Files:
    """Return the files of a release for students.

    Args:
        catalog: the catalog of the course.
        units: names of the units to release, such as those of one week; all if empty. The bundle holds nothing of other units.
        language: the language of lessons and skeletons; by default the course's own.
        fingerprints: the fingerprints of the known mistakes of these units, as `fingerprint_files` makes them. Without
            them no mistake is named at home.

    Raises:
        CatalogError: the bundle would hold something that is not for students; the sentence names the first of it.
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
    """Return the engine, the packages of the course that it preloads, and the `pyproject.toml` that installs both."""
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
    start = {
        "README.md": template(
            readme, title=catalog.title, unit=first, constraints=constraints, **_examples_that_earn_points(catalog)
        ),
        "Makefile": template("Makefile"),
    }
    if not any(re.match(r"torch\b", each) for each in dependencies(catalog)):
        start = {name: _SIZE_OF_TORCH.sub("", text.decode()).encode() for name, text in start.items()}
    return start | {
        ".gitignore": template("gitignore"),
        **{f".vscode/{name}": template(name) for name in ("launch.json", "settings.json")},
    }


def _examples_that_earn_points(catalog: Catalog) -> dict[str, str]:
    """Return what a README tells of the functions whose examples earn points; empty texts if there are none."""
    found = [
        (unit.name, name) for unit in catalog.units.values() for name, each in unit.functions.items() if each.examples
    ]
    first = found[0][1] if found else ""
    return {
        "examples": ", ".join(f"`{name}`" for _, name in found),
        "example": first,
        "module": catalog.module_of(found[0][0], first) if found else "",
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
    """Return the files without those about other units, and lessons without links to these.

    Args:
        files: by path inside the bundle.
        catalog: the catalog of the course with the released units alone.
        others: the units that are not released.
    """
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
    """Return the course's translations without sentences that the bundle does not hold, such as those of hidden checks."""
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
    """Return True if a translated entry belongs to checks and mistakes alone, and its words are not in the public ones."""
    kinds = set(re.findall(r"^#\. \w+: (\w+)$", block, re.MULTILINE))
    if not kinds or not kinds <= {"mistake", "check", "sentence"}:
        return False
    said = " ".join(text for text, _ in entries(block))
    pieces = [" ".join(piece.split()) for piece in re.split(r"\{\w+\}|[\"']", said)]
    return not all(piece in public for piece in pieces)


def _catalog(catalog: Catalog, language: str) -> bytes:
    """Return the catalog for a release in a language. It has a table with the points of checks that are not released."""
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
    """Return the data files that the students' code reads."""
    files = {name: path for unit in catalog.units for name, path in catalog.data(unit).items()}
    return {f"exercises/{name}": path.read_bytes() for name, path in files.items()}


def shared_checks(catalog: Catalog, names: Collection[str]) -> Files:
    """Return modules that the checks of several units use, such as `conftest`, by their names."""
    paths = {name: path for name, path in catalog.shared_checks.items() if name in names}
    return {f"tests/exercises/{name}.py": path.read_bytes() for name, path in paths.items()}


def _package(folder: Path, name: str, kinds: tuple[str, ...] | None = _KINDS) -> Iterator[tuple[str, bytes]]:
    """Yield the files below a folder, by path inside the bundle; none if there is no folder.

    Args:
        folder: where they lie.
        name: the name of the folder inside the bundle.
        kinds: suffixes of the files to take; None takes every file, whatever its suffix.
    """
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        hidden = any(part.startswith((".", "__pycache__")) for part in inner.parts)
        if path.is_file() and not path.is_symlink() and not hidden and (kinds is None or path.suffix in (*kinds, "")):
            yield f"{name}/{inner.as_posix()}", path.read_bytes()


def _project(catalog: Catalog) -> bytes:
    """Return the `pyproject.toml` that installs a bundle, with the dependencies of the course."""
    packages = [name for name in catalog.preload if (catalog.root / name / "__init__.py").is_file()]
    return template(
        "project.toml",
        version=__version__,
        dependencies="".join(f"    {_quote(each)},\n" for each in dependencies(catalog)),
        packages=", ".join(_quote(f"{name}*") for name in ("autograder", *packages)),
        data="".join(f'{_quote(name)} = ["**/*"]\n' for name in packages),
    )


#: Name by which a course's `pyproject.toml` requires the engine. A bundle has it too, and so cannot require the engine.
_ENGINE = "idealcat"
_REQUIRED_ENGINE = re.compile(rf"{_ENGINE}(?![\w.-])\s*(?:\[([^\]]*)\])?", re.IGNORECASE)
_OF_EXTRA = re.compile(r'(.*?)\s*;\s*(?:(.*) and )?extra == "([^"]+)"')


def dependencies(catalog: Catalog) -> list[str]:
    """Return the dependencies of a course, in which those of the engine and its extras replace the engine itself.

    They are read from the course's `pyproject.toml`. Without that file they are the extras that `preload` names.
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
    """Return the dependencies of the installed engine by extra; an empty name has those that it always needs."""
    extras: dict[str, list[str]] = {"": []}
    for text in requires(_ENGINE) or ():
        found = _OF_EXTRA.fullmatch(text)
        need, condition, extra = found.groups() if found else (text, None, "")
        extras.setdefault(extra, []).append(f"{need}; {condition}" if condition else need)
    return extras


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
