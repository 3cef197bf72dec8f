"""Build the course as students take it away: skeletons, public checks, lessons, the engine and the data."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from importlib.resources import files as resources
from pathlib import Path
from string import Template

from autograder import __version__
from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, skeleton
from autograder.errors import CatalogError
from autograder.grading.session import collected_tests
from autograder.platforms.bundles.leaks import leaks
from autograder.platforms.bundles.public import public_checks

#: By path inside the bundle.
Files = dict[str, bytes]

_TEMPLATES = resources("autograder.platforms.bundles") / "templates"
_KINDS = (".py", ".json", ".safetensors", ".md", ".html", ".css", ".js", ".typed", ".txt", ".toml", ".sh", ".yml")


def student_bundle(catalog: Catalog) -> Files:
    """Return the files of a release for students.

    Raises:
        CatalogError: it would hold what is not for students; the sentence names the first thing.
    """
    files = {**_start(catalog), **_exercises(catalog), **_checks(catalog), **engine(catalog)}
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


def template(name: str, **values: str) -> bytes:
    """Return a file of the templates' folder, with `$names` filled in."""
    return Template((_TEMPLATES / name).read_text(encoding="utf-8")).substitute(values).encode()


def _start(catalog: Catalog) -> Files:
    first = next(iter(catalog.units))
    return {
        "README.md": template("README.md", title=catalog.title, unit=first),
        "Makefile": template("Makefile"),
        ".gitignore": template("gitignore"),
    }


def _exercises(catalog: Catalog) -> Files:
    files = {"exercises/catalog.toml": (catalog.root / "exercises" / "catalog.toml").read_bytes()}
    for unit in catalog.units:
        text = skeleton(read_source(catalog.solution(unit)), f"{unit}.py").encode()
        files |= {f"exercises/{unit}.py": text, f"exercises/skeletons/{unit}.txt": text}
    for folder in ("exercises/lessons", "exercises/pictures", "docs/pictures", "notebooks"):
        files |= dict(_package(catalog.root / folder, folder, (*_KINDS, ".png", ".ipynb")))
    return files


def _private(catalog: Catalog, unit: str) -> set[str]:
    """Return the names of a unit's checks that are not for students."""
    return {test.name for test in collected_tests(catalog, unit) if test.hidden or test.needs_solution}


def _checks(catalog: Catalog) -> Files:
    units = (unit for unit in catalog.units if catalog.checks(unit).is_file())
    return shared_checks(catalog) | {
        f"tests/exercises/test_{unit}.py": public_checks(
            read_source(catalog.checks(unit)), _private(catalog, unit)
        ).encode()
        for unit in units
    }


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
        dependencies="".join(f"    {_quoted(each)},\n" for each in dependencies),
        packages=", ".join(_quoted(f"{name}*") for name in ("autograder", *packages)),
        data="".join(f'{_quoted(name)} = ["**/*"]\n' for name in packages),
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
