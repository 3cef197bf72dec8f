"""The graders that there are, on the same checks: `nbgrader autograde` and `otter run`."""

import importlib.util
import json
import shutil
import sys
import zipfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from benchmarks.ours import run, timed

_OTTER_TEST = """from otter.test_files import test_case

OK_FORMAT = False
name = "{function}"
points = {points}


@test_case(points={points})
def test_{function}(env):
    from autograder.notebook import check

    assert check("{function}") == {visible}
    assert not {hidden} or check("{function}", hidden=True) == {hidden}
"""


def nbgrader(setting) -> float:
    """`nbgrader autograde`, which runs each notebook in a kernel: what one submission more takes in the same command."""
    course = _nbgrader_course(setting)
    command = [sys.executable, "-m", "nbgrader", "autograde", setting.unit, "--force"]

    def takes(*more: str) -> float:
        started = setting.clock()
        run(setting, [*command, *more], cwd=course)
        return setting.clock() - started

    return (takes() - takes("--student=s000")) / (setting.count - 1)


def _nbgrader_course(setting) -> Path:
    """Make a released assignment, handed in by a class, once."""
    course = setting.folder / "nbgrader"
    if course.exists():
        return course
    run(setting, [sys.executable, "-m", "autograder", "release", "nbgrader", course, "--units", setting.unit])
    config = course / "nbgrader_config.py"
    config.write_text(config.read_text().replace("sandbox=True", "sandbox=False"))
    run(setting, [sys.executable, "-m", "nbgrader", "generate_assignment", setting.unit, "--create"], cwd=course)
    solved = nbformat.read(course / "source" / setting.unit / f"{setting.unit}.ipynb", 4)
    for number in range(setting.count):
        folder = course / "submitted" / f"s{number:03}" / setting.unit
        folder.mkdir(parents=True)
        nbformat.write(solved, folder / f"{setting.unit}.ipynb")
    return course


def otter(setting) -> float:
    """`otter run` of one notebook."""
    folder = setting.folder / "otter"
    if not folder.exists():
        _otter_assignment(setting, folder)
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "out").mkdir()
    command = [sys.executable, "-m", "otter", "run", "-a", folder / "autograder.zip", "-o", folder / "out"]
    seconds = timed(setting, [*command, folder / "submission.ipynb"])
    score = sum(test.get("score") or 0 for test in json.loads((folder / "out" / "results.json").read_text())["tests"])
    if score != setting.catalog.units[setting.unit].points:
        raise SystemExit(f"otter gave {score:g} points for a right submission")
    return seconds


def _otter_assignment(setting, folder: Path) -> None:
    """Make an archive with a test for each function, which runs the course's checks, and a notebook that is right."""
    folder.mkdir()
    unit = setting.catalog.units[setting.unit]
    with zipfile.ZipFile(folder / "autograder.zip", "w") as archive:
        archive.writestr("otter_config.json", json.dumps({"lang": "python"}))
        for function in unit.functions.values():
            visible, hidden = setting.points[function.name]
            facts = {"function": function.name, "points": function.points, "visible": visible, "hidden": hidden}
            archive.writestr(f"tests/{function.name}.py", _OTTER_TEST.format(**facts))
    source = setting.catalog.solution(setting.unit).read_text(encoding="utf-8")
    begin = new_code_cell("import otter\ngrader = otter.Notebook()")
    nbformat.write(new_notebook(cells=[begin, new_code_cell(source)]), folder / "submission.ipynb")


def missing(way: str) -> str:
    """Why a way cannot be timed here; empty where it can."""
    return "" if importlib.util.find_spec(way) else f"{way} is not installed; `make bench` installs it"
