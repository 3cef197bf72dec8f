"""Build the course as students take it away: skeletons, public checks, lessons, the engine and the data."""

import re
import tomllib
from collections.abc import Collection, Iterator
from importlib.metadata import requires
from importlib.resources import files as files_of
from pathlib import Path, PurePosixPath

from autograder import __version__
from autograder.course.catalog import LATER, Catalog, Unit, catalog_text
from autograder.course.skeletons import first_text, read_source, translated_solution
from autograder.errors import CatalogError
from autograder.grading.session import CollectedTest, collected_tests
from autograder.messages import ENGLISH, entries
from autograder.platforms.bundles.fingerprints import Files
from autograder.platforms.bundles.leaks import leaks
from autograder.platforms.bundles.public import public_checks
from autograder.results.templates import render_file

_CODE = (".py", ".html", ".css", ".js", ".typed", ".toml", ".sh", ".yml")
_KINDS = (*_CODE, ".json", ".safetensors", ".md", ".txt", ".po", ".pot")


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
    for name in ("constraints.txt", "LICENSE"):
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
    return {
        "README.md": template(readme, title=catalog.title, unit=first),
        "Makefile": template("Makefile"),
        ".gitignore": template("gitignore"),
    }


def _exercises(catalog: Catalog, whole: Catalog, language: str) -> Files:
    files = {"exercises/catalog.toml": _catalog(catalog, language)}
    for module in catalog.modules:
        text = first_text(catalog, module, translated_solution(catalog, module, language)).encode()
        files |= {f"exercises/{module}.py": text, f"exercises/skeletons/{module}.txt": text}
    files |= exercise_data(catalog)
    for folder in ("exercises/lessons", "exercises/pictures", "docs/pictures", "notebooks"):
        files |= dict(_package(catalog.root / folder, folder, (*_KINDS, ".png", ".ipynb")))
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
    words = " ".join(re.sub(r'["\\n]|f"', " ", public).split())
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
    units = (unit for unit in catalog.units if catalog.checks(unit).is_file())
    return shared_checks(catalog) | {
        f"tests/exercises/test_{unit}.py": public_checks(
            read_source(catalog.checks(unit)), {test.name for test in _private(catalog, unit)}
        ).encode()
        for unit in units
    }


def exercise_data(catalog: Catalog) -> Files:
    """Return the files that the students' code reads."""
    files = {name: path for unit in catalog.units for name, path in catalog.data(unit).items()}
    return {f"exercises/{name}": path.read_bytes() for name, path in files.items()}


def shared_checks(catalog: Catalog) -> Files:
    """Return the fixtures that the checks of several units use."""
    path = catalog.root / "tests" / "exercises" / "conftest.py"
    return {"tests/exercises/conftest.py": path.read_bytes()} if path.is_file() else {}


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
    """Return the `pyproject.toml` that installs a bundle, with the dependencies that the course itself has."""
    path = catalog.root / "pyproject.toml"
    own = tomllib.loads(path.read_text(encoding="utf-8"))["project"] if path.is_file() else {}
    engine_needs = [each for each in requires("idealcat") or () if "extra ==" not in each]
    dependencies = own.get("dependencies", engine_needs)
    packages = [name for name in catalog.preload if (catalog.root / name / "__init__.py").is_file()]
    return template(
        "project.toml",
        version=__version__,
        dependencies="".join(f"    {_quote(each)},\n" for each in dependencies),
        packages=", ".join(_quote(f"{name}*") for name in ("autograder", *packages)),
        data="".join(f'{_quote(name)} = ["**/*"]\n' for name in packages),
    )


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
