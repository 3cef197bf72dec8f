"""What a students' release holds for VS Code, and what its debugger needs of a run."""

import json
import os
import subprocess
import sys
from types import ModuleType

import pytest

from autograder.checks.remote import StudentModule
from autograder.checks.transport import InProcess
from autograder.errors import TimedOut
from autograder.platforms.bundles import student_bundle, write_bundle
from autograder.submissions import Module


@pytest.fixture(scope="module")
def files(catalog):
    return student_bundle(catalog, ["quiz"])


def entries(files):
    return {entry["name"]: entry for entry in json.loads(files[".vscode/launch.json"])["configurations"]}


def test_each_entry_runs_pytest_on_the_open_file_from_the_folder_of_the_course(files):
    for entry in entries(files).values():
        assert (entry["type"], entry["request"], entry["module"]) == ("debugpy", "launch", "pytest")
        assert entry["args"][0] == "${file}" and entry["cwd"] == "${workspaceFolder}"
        assert entry["console"] == "integratedTerminal"  # where the prompt of `--pdb` can be typed at
    assert entries(files)["Checks of the open file"]["justMyCode"] is True
    # Two debuggers in one process are in one another's way.
    assert entries(files)["Stop where a check fails"]["noDebug"] is True


def test_the_test_panel_shows_the_checks(files):
    panel = json.loads(files[".vscode/settings.json"])
    assert panel == {"python.testing.pytestEnabled": True, "python.testing.pytestArgs": ["exercises"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Checks of the open file", "Stop where a check fails"])
def test_the_command_of_an_entry_runs_the_checks_of_a_skeleton(files, name, tmp_path):
    write_bundle(files, tmp_path / "course")
    course = tmp_path / "course"
    (course / "exercises" / "quiz.py").write_text("def answers():\n    letters = 'e'\n    return {'pre_1': letters}\n")
    entry = entries(files)[name]
    args = [arg.replace("${file}", str(course / "exercises" / "quiz.py")) for arg in entry["args"]]
    run = subprocess.run(
        [sys.executable, "-m", entry["module"], *args],
        cwd=course,
        env={**os.environ, "PYTHONPATH": str(course)},
        input="p letters * 3\nq\n",
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert run.returncode != 0 and "answers pre_1 with" in run.stdout
    assert ("(Pdb) 'eee'" in run.stdout) == ("--pdb" in entry["args"])


WORKS = """
import time

def value():
    begun = time.thread_time()
    while time.thread_time() < begun + 0.1:
        pass
    return 1
"""


def test_at_a_breakpoint_the_clock_stands_still(monkeypatch):
    def value():
        unit = Module("unit", "unit.py", WORKS)
        return StudentModule(unit, {"unit": unit}, InProcess(), 0.05, 0).value()

    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setitem(sys.modules, "pydevd", ModuleType("pydevd"))  # as in a notebook, where nobody debugs
    with pytest.raises(TimedOut):
        value()
    monkeypatch.setattr(sys, "gettrace", lambda: print)
    assert value() == 1
