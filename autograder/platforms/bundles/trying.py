"""Try a bundle out before anybody gets it: in a fresh folder, with nothing of the course's own but what it holds."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.course.skeletons import read_source, skeleton
from autograder.errors import GraderError
from autograder.platforms.bundles.fingerprints import Files

#: It takes seconds; this is for a course whose code never ends.
_LONGEST_SECONDS = 600
_CATALOG = "exercises/catalog.toml"
_SKELETON, _SOLUTION = "the skeleton", "the solution"
#: Exit codes of pytest: all checks passed, and some failed. Any other means that they could not be run.
_CODES = {_SKELETON: 1, _SOLUTION: 0}
#: Prints where the packages come from, before pytest starts: the interpreter may have the course installed too.
_RUN = """
import importlib, pathlib, sys
here = pathlib.Path.cwd().resolve()
for name in sys.argv[2:]:
    file = pathlib.Path(importlib.import_module(name).__file__).resolve()
    if here not in file.parents:
        sys.exit(f"{name} is not in it")
import pytest
plugins = ["-p", "autograder.plugin", "-p", "autograder.student.plugin"]
sys.exit(pytest.main([*plugins, "-p", "no:cacheprovider", "--import-mode=importlib", "-q", sys.argv[1]]))
"""


def try_out(files: Files, catalog: Catalog) -> None:
    """Run the checks of the first unit that a bundle holds, on the skeleton and on the solution, as they stand in the bundle.

    The bundle lies in a fresh folder, and the interpreter is this one: no network is used. The packages of the course and the
    engine itself must come from the bundle.

    Raises:
        GraderError: the checks cannot be run there, or the skeleton passes them all, or the solution does not.
    """
    for top in (name.removesuffix(_CATALOG) for name in files if name.endswith(_CATALOG)):
        _try_out(files, catalog, top)


def _try_out(files: Files, catalog: Catalog, top: str) -> None:
    """Try out the course that lies in one folder of the bundle."""
    unit = next((unit for unit in catalog.units if f"{top}tests/exercises/test_{unit}.py" in files), None)
    if unit is None:
        return
    own = [name for name in catalog.preload if (catalog.root / name / "__init__.py").is_file()]
    solution = read_source(catalog.solution(unit))
    texts = {_SKELETON: skeleton(solution, f"{unit}.py"), _SOLUTION: solution}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for what, text in texts.items():
            Path(folder, top, "exercises", f"{unit}.py").write_text(text, encoding="utf-8")
            _run(Path(folder, top), unit, ["autograder", *own], what)


def _run(folder: Path, unit: str, packages: list[str], what: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "IDEALCAT_COURSE"))}
    environment = {**kept, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "XDG_STATE_HOME": str(folder)}
    command = [sys.executable, "-c", _RUN, f"exercises/{unit}.py", *packages]
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise GraderError(f"nothing was released: the checks of {unit} do not end on {what}") from error
    if ended.returncode != _CODES[what]:
        lines = [line for line in (ended.stdout + ended.stderr).strip().splitlines() if line.strip()]
        said = next(
            (line for line in reversed(lines) if "Error" in line or "not in it" in line), lines[-1] if lines else ""
        )
        raise GraderError(
            f"nothing was released: in it the checks of {unit} do not run as they should on {what}: {said}"
        )
