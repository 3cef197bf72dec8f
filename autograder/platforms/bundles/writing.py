"""Try out a bundle in a new folder that holds nothing else of the course, and write it as a folder and as a zip."""

import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, skeleton
from autograder.errors import GraderError, UsageError
from autograder.platforms.bundles.fingerprints import Files

#: Moment of every file in a zip, so that the same course gives the same bytes.
_EPOCH = (2020, 1, 1, 0, 0, 0)


def write_bundle(files: Files, folder: Path) -> Path:
    """Write a bundle into a new folder, and as a zip beside it.

    Args:
        files: by path inside the bundle.
        folder: must be empty or not exist yet.

    Returns:
        The path of the zip.

    Raises:
        UsageError: there is something already.
    """
    archive = require_free(folder)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(_mode(content))
    archive.write_bytes(zip_of(files))
    return archive


def require_free(folder: Path) -> Path:
    """Return the path of the zip beside a folder.

    Raises:
        UsageError: the zip exists already, or there is something in the folder.
    """
    if folder.name in ("", ".."):  # the path "." has no name
        folder = folder.resolve()
    archive = folder.with_name(f"{folder.name}.zip")
    if archive.exists() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"there is a {folder} or {archive.name} already; name a new folder, or remove them first")
    return archive


def zip_of(files: Files) -> bytes:
    """Return a zip of a bundle's files; the same files give the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = (stat.S_IFREG | _mode(content)) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return archive.getvalue()


def _mode(content: bytes) -> int:
    """Return the permissions of a file: executable if its first line says that it is a script."""
    return 0o755 if content.startswith(b"#!") else 0o644


#: Limit for the checks of one unit, which usually take seconds: some course's code may never end.
_LONGEST_SECONDS = 600
_CATALOG = "exercises/catalog.toml"
_SKELETON, _SOLUTION = "the skeleton", "the solution"
#: Program that runs the checks of a bundle. It first makes sure that packages come from the bundle, as this interpreter may
#: have the course installed too. Its last line of output holds the outcomes of each unit's checks, as JSON.
_RUN = """
import collections, importlib, json, pathlib, sys
here = pathlib.Path.cwd().resolve()
files = [argument for argument in sys.argv[1:] if argument.endswith(".py")]
for name in sys.argv[1 + len(files):]:
    file = pathlib.Path(importlib.import_module(name).__file__).resolve()
    if here not in file.parents:
        sys.exit(f"{name} is not in it")
import pytest
outcomes, reasons = collections.defaultdict(set), []

class Outcomes:
    def pytest_collectreport(self, report):
        if report.failed:
            reasons.append(str(report.longrepr))  # the terminal's summary may leave it out
            outcomes[pathlib.PurePath(report.nodeid.partition("::")[0]).stem].add("error")

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            outcomes[pathlib.PurePath(report.nodeid.partition("::")[0]).stem].add(report.outcome)

plugins = ["-p", "autograder.plugin", "-p", "autograder.student.plugin"]
pytest.main([*plugins, "-p", "no:cacheprovider", "--import-mode=importlib", "-q", *files], [Outcomes()])
print("", *reasons, sep=chr(10))
print(json.dumps({unit: sorted(found) for unit, found in outcomes.items()}))
"""


def try_out(files: Files, catalog: Catalog) -> None:
    """Run the checks of a bundle on the skeletons of all units, and then on their solutions.

    The bundle is written into a new folder and run by this interpreter, so that no network is used. The engine and the
    packages of the course must come from the bundle.

    Raises:
        GraderError: the checks cannot be run there, or a unit's skeleton passes them all, or a solution does not.
    """
    for top in (name.removesuffix(_CATALOG) for name in files if name.endswith(_CATALOG)):
        _try_out(files, catalog, top)


def _try_out(files: Files, catalog: Catalog, top: str) -> None:
    """Try out the course in one folder of a bundle."""
    units = [unit for unit in catalog.units if f"{top}tests/exercises/test_{unit}.py" in files]
    if not units:
        return
    own = [name for name in catalog.preload if (catalog.root / name / "__init__.py").is_file()]
    modules = [module for unit in units for module in catalog.units[unit].modules]
    solutions = {module: read_source(catalog.solution(module)) for module in modules}
    skeletons = {module: skeleton(text, f"{module}.py") for module, text in solutions.items()}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for what, texts in ((_SKELETON, skeletons), (_SOLUTION, solutions)):
            for module, text in texts.items():
                Path(folder, top, "exercises", f"{module}.py").write_text(text, encoding="utf-8")
            _run(Path(folder, top), units, ["autograder", *own], what)


def _run(folder: Path, units: list[str], packages: list[str], what: str) -> None:
    """Run the checks of some units in one process.

    Args:
        folder: the folder of the course.
        units: names of the units.
        packages: must be imported from the folder.
        what: the modules that lie in the folder, `_SKELETON` or `_SOLUTION`.

    Raises:
        GraderError: the checks of a unit cannot be run, all of them pass on a skeleton, or one fails on a solution.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "IDEALCAT_COURSE"))}
    environment = {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": str(folder)}
    command = [sys.executable, "-c", _RUN, *(f"exercises/{unit}.py" for unit in units), *packages]
    try:
        ended = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS * len(units),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GraderError(f"nothing was released: the checks of {', '.join(units)} do not end on {what}") from error
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    outcomes = _outcomes(ended.stdout) if not ended.returncode else {}
    wrong = [
        unit for unit, found in outcomes.items() if "error" in found or (found == ["passed"]) == (what == _SKELETON)
    ]
    if wrong or not outcomes:
        unit = wrong[0] if wrong else units[0]
        said = [line for line in lines if "Error" in line or "not in it" in line]
        lines = lines or [f"their process ended with exit code {ended.returncode}"]
        raise GraderError(
            f"nothing was released: in it the checks of {unit} do not run as they should on {what}: {(said or lines)[-1]}"
        )


def _outcomes(printed: str) -> dict[str, list[str]]:
    """Return the outcomes of each unit's checks, from the last line of a run."""
    found: dict[str, list[str]] = json.loads(printed.splitlines()[-1])
    return found
