"""What a students' release holds for VS Code, and what its debugger needs of a run."""

import json
import os
import re
import sys
from types import ModuleType

import pytest

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.course.catalog import read_catalog
from autograder.errors import TimedOut
from autograder.platforms.bundles import student_bundle, write_bundle
from autograder.student.debugger import editor_stop
from autograder.submissions import Module
from tests.autograder.platforms.debug_adapter import Editor
from tests.autograder.small_course import make_course


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return student_bundle(read_catalog(make_course(tmp_path_factory.mktemp("course"))))


def entries(files):
    return {entry["name"]: entry for entry in json.loads(files[".vscode/launch.json"])["configurations"]}


@pytest.mark.slow
def test_each_entry_runs_pytest_on_the_open_file_from_the_folder_of_the_course(files):
    for entry in entries(files).values():
        assert (entry["type"], entry["request"], entry["module"]) == ("debugpy", "launch", "pytest")
        assert entry["args"][0] == "${file}" and entry["cwd"] == "${workspaceFolder}"
        assert entry["console"] == "integratedTerminal"  # where the prompt of an older debugger can be typed at
        assert entry["justMyCode"] is True
    assert entries(files)["Checks of the open file"]["args"] == ["${file}"]
    assert entries(files)["Stop where a check fails"]["args"] == ["${file}", "--pdb"]


def test_the_test_panel_shows_the_checks(files):
    panel = json.loads(files[".vscode/settings.json"])
    assert panel == {"python.testing.pytestEnabled": True, "python.testing.pytestArgs": ["exercises"]}


SMALL = """\
import torch


def double(x):
    wrong = x + 1
    return wrong


def halve(x):
    rest = x[:0]
    return torch.softmax(rest, dim=5)
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder of a released small course with some wrong code, and its entries."""
    folder = tmp_path_factory.mktemp("editor")
    bundle = student_bundle(read_catalog(make_course(folder / "teacher")))
    write_bundle(bundle, folder / "course")
    (folder / "course" / "exercises" / "doubling.py").write_text(SMALL)
    return folder / "course", entries(bundle)


def editor(course):
    return Editor(course, {**os.environ, "PYTHONPATH": str(course)})


@pytest.mark.slow
def test_a_breakpoint_stops_in_the_students_function_and_no_time_limit_ends_the_stop(released):
    course, entry = released
    with editor(course) as debugger:
        debugger.start(entry["Checks of the open file"], course / "exercises" / "doubling.py", [6])
        stop = debugger.wait_for_stop()
        assert (stop.reason, stop.place) == ("breakpoint", ("doubling.py", "double", 6))
        assert debugger.variables(stop).keys() == {"x", "wrong"}
        assert debugger.evaluate(stop, "bool((wrong == x + 1).all())") == "True"
        left = debugger.evaluate(stop, "__import__('signal').getitimer(0)[0]")  # the catalog allows one second
        assert float(left) > 3600
        debugger.go_on(stop)
        again = debugger.wait_for_stop()
        assert again.place == stop.place  # in the next check
        debugger.go_on(again)
        assert debugger.wait_for_stop() is None  # a failed check is no stop
        assert "x Twice as much comes back" in debugger.printed()


@pytest.mark.slow
def test_the_editors_debugger_stops_where_a_check_fails(released):
    course, entry = released
    with editor(course) as debugger:
        debugger.start(entry["Stop where a check fails"], course / "exercises" / "doubling.py", [])
        stop = debugger.wait_for_stop()
        assert (stop.reason, stop.place) == ("exception", ("doubling.py", "double", 6))
        assert re.fullmatch(r"returned .* at \[0\], expected .* \(3 of 3 entries differ\)", debugger.exception(stop))
        assert {"x", "wrong", "_returned", "_expected"} <= debugger.variables(stop).keys()
        assert debugger.evaluate(stop, "bool((_expected == 2 * x).all()), _returned.equal(wrong)") == "(True, True)"
        debugger.go_on(stop)
        debugger.go_on(debugger.wait_for_stop())  # the second check of the same function
        stop = debugger.wait_for_stop()
        assert stop.place == ("doubling.py", "halve", 11)  # and not inside of torch
        assert "Dimension out of range" in debugger.exception(stop)
        assert "rest" in debugger.variables(stop)
        debugger.go_on(stop)
        assert debugger.wait_for_stop() is None
        text = debugger.printed()
        assert "3 failed" in text and "(Pdb)" not in text


def test_a_debugger_that_cannot_be_stopped_at_an_exception_leaves_it_to_pdb(monkeypatch):
    monkeypatch.delitem(sys.modules, "debugpy", raising=False)
    assert editor_stop() is None
    older = ModuleType("debugpy")  # than 1.8.22
    older.is_client_connected = lambda: True
    monkeypatch.setitem(sys.modules, "debugpy", older)
    assert editor_stop() is None
    older.trigger_exception_handler = print
    assert editor_stop() is print
    older.is_client_connected = lambda: False  # as in a kernel, which imports it
    assert editor_stop() is None


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
        return StudentModule(ModuleUnderTest(unit, {"unit": unit}, 0.05), InProcess(), 0).value()

    monkeypatch.setattr(sys, "gettrace", lambda: None)
    monkeypatch.setitem(sys.modules, "pydevd", ModuleType("pydevd"))  # as in a notebook, where nobody debugs
    with pytest.raises(TimedOut):
        value()
    monkeypatch.setattr(sys, "gettrace", lambda: print)
    assert value() == 1
