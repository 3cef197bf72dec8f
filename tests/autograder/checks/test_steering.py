"""Nothing that a submission holds steers the trusted process, and nothing that its code raises passes for a verdict."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError
from autograder.grading.grade import Grader
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

CATALOG = """
[course]
title = "Small"
[[unit]]
name = "unit"
title = "Unit"
functions.one.points = 1
functions.two.points = 1
"""
CHECKS = """
import pytest
from autograder.compare import assert_equal

@pytest.mark.points("one", 1)
def test_one(submission):
    assert_equal(submission.one(), 1)

@pytest.mark.points("two", 1)
def test_two(submission):
    assert_equal(submission.two(), 2)
"""
#: `one` is wrong and `two` is right.
HALF = "def one():\n    return 0\n\ndef two():\n    return 2\n"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    for folder in ("exercises", "solutions", "tests/exercises"):
        (root / folder).mkdir(parents=True)
    (root / "exercises" / "catalog.toml").write_text(CATALOG)
    (root / "solutions" / "unit.py").write_text("def one():\n    return 1\n\ndef two():\n    return 2\n")
    (root / "tests" / "exercises" / "test_unit.py").write_text(CHECKS)
    return root


# --- what a submission holds

PASS_ALL = """
import pytest
from autograder.checks import remote as submission
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    call.excinfo = None
    (yield).get_result().outcome = "passed"
"""
STEER = {"steer.py": PASS_ALL}
INI = "addopts = -p steer --collect-only\npython_files = none\npythonpath = .\n"
PLANTS = {
    "plain": {},
    "conftest": {"conftest.py": PASS_ALL, "tests/conftest.py": PASS_ALL, "exercises/conftest.py": PASS_ALL},
    "pytest_ini": STEER | {"pytest.ini": "[pytest]\n" + INI, ".pytest.ini": "[pytest]\n" + INI},
    "tox_ini": STEER | {"tox.ini": "[pytest]\n" + INI},
    "setup_cfg": STEER | {"setup.cfg": "[tool:pytest]\n" + INI, "setup.py": ""},
    "pyproject": STEER | {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p steer --collect-only"\n'},
    "plugin": STEER | {"pytest_steer.py": PASS_ALL, "plugin.py": PASS_ALL},
    "environment": STEER | dict.fromkeys((".env", ".envrc", "pytest.env"), "PYTEST_PLUGINS=steer\nPYTHONPATH=.\n"),
    "package": {"__init__.py": "", "__main__.py": "", "exercises/__init__.py": ""},
    "site": {"sitecustomize.py": "", "usercustomize.py": "", "evil.pth": "import steer\n"} | STEER,
    "entry_point": STEER
    | {
        "steer-1.0.dist-info/entry_points.txt": "[pytest11]\nsteer = steer\n",
        "steer-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: steer\nVersion: 1.0\n",
    },
    "shadows": {f"{name}.py": "" for name in ("random", "typing", "json", "torch", "numpy", "pytest", "_pytest", "msgpack")},
    "packages": {f"{name}/__init__.py": PASS_ALL for name in ("data", "torch", "pytest", "solutions")},
    "engine": {"autograder/__init__.py": "", "autograder/compare.py": "def assert_equal(*_): pass\n"},
    "checks": {
        "exercises/catalog.toml": CATALOG,
        "solutions/unit.py": HALF,
        "tests/exercises/test_unit.py": CHECKS.replace(", 1)", ", 0)"),
    },
}  # fmt: skip


def plant(folder: Path, files: dict[str, str], marker: Path) -> Path:
    """A submission with these files, of which each Python file leaves its name where it is run."""
    trace = f"import os; os.close(os.open({str(marker)!r} + os.path.basename(__file__), os.O_CREAT))\n"
    for name, text in {"unit.py": HALF, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(trace + text if name.endswith(".py") and name not in ("unit.py", "solutions/unit.py") else text)
    return folder


@pytest.fixture(scope="module")
def marker(tmp_path_factory):
    return tmp_path_factory.mktemp("ran")


def command(*args, cwd, program, **environment):
    """The command as a person runs it: `bin/autograder`, or `python -m autograder`."""
    script = cwd.parent / "bin" / "autograder"
    script.parent.mkdir(exist_ok=True)
    script.write_text("from autograder.cli import main\nmain()\n")
    start = [sys.executable, script] if program == "script" else [sys.executable, "-m", "autograder"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    return subprocess.run(
        [*start, *args],
        cwd=cwd,
        env={**kept, "IDEALCAT_SECRET": "x", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def results(course, tmp_path_factory, marker):
    """All of them in one class, with an environment that has its own wishes."""
    students = tmp_path_factory.mktemp("class")
    for name, files in PLANTS.items():
        plant(students / name, files, marker / f"{name}-")
    wishes = {
        "PYTEST_ADDOPTS": "--collect-only -p steer -k nothing",
        "PYTEST_PLUGINS": "steer",
        "PYTEST_THEME": "no-such-theme",
        "PYTEST_DEBUG": "1",
        "PYTHONOPTIMIZE": "1",
    }
    out = tmp_path_factory.mktemp("out")
    run = command("grade", students, "-o", out, cwd=course, program="script", **wishes)
    assert run.returncode == 1, run.stdout + run.stderr
    return {path.stem: json.loads(path.read_text()) for path in (out / "results").iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTS)
def test_what_lies_beside_a_unit_changes_no_mark_and_is_not_run(name, results, marker):
    outcomes = [(check["outcome"], check["message"]) for check in results[name]["checks"]]
    assert outcomes == [("failed", "one() returned 0, expected 1"), ("passed", "")]
    assert [path.name for path in marker.iterdir() if path.name.startswith(f"{name}-")] == []


@pytest.mark.slow
@pytest.mark.parametrize("program", ["script", "module"])
def test_a_working_directory_of_a_students_changes_no_mark(program, course, tmp_path, marker):
    """The command, typed in the student's own folder."""
    taken = {"engine"} if program == "module" else set()  # `python -m` itself takes what is called autograder there
    files = {name: text for key in PLANTS.keys() - taken - {"checks"} for name, text in PLANTS[key].items()}
    folder = plant(tmp_path / "course" / "mallory", files, marker / f"{program}-")
    for path in course.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".toml"):
            target = tmp_path / "course" / path.relative_to(course)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    run = command("grade", ".", "-o", tmp_path / "out", cwd=folder, program=program)
    assert run.returncode == 1, run.stdout + run.stderr
    assert json.loads((tmp_path / "out" / "results" / "mallory.json").read_text())["score"] == 1.0
    assert [path.name for path in marker.iterdir() if path.name.startswith(f"{program}-")] == []


def test_a_course_inside_the_submission_does_not_judge_it(tmp_path, sandbox, marker):
    """As it would where the command is typed in a student's own checkout."""
    folder = plant(tmp_path / "mallory", PLANTS["checks"], marker / "inside-")
    with pytest.raises(GraderError, match="run this in the folder of your own course"):
        Grader(GradingSpec(read_catalog(folder)), sandbox).grade_path(folder)
    assert [path.name for path in marker.iterdir() if path.name.startswith("inside-")] == []


def test_warnings_as_errors_change_no_mark(course, sandbox, tmp_path, monkeypatch):
    """As PYTHONWARNINGS=error has it, for an odd escape in a student's string, and for a warning in a check."""
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    result = Grader(GradingSpec(read_catalog(course)), sandbox).grade_path(
        plant(tmp_path / "a", {"unit.py": HALF + "x = '\\d'\n"}, tmp_path)
    )
    assert [check.outcome for check in result.checks] == [Outcome.FAILED, Outcome.PASSED]


# --- what a submission raises

RAISED = {
    "pytest.skip('x')": "Skipped: x",
    "pytest.xfail('x')": "XFailed: x",
    "pytest.exit('x', returncode=0)": "Exit: x",
    "pytest.fail('x')": "Failed: x",
    "pytest.importorskip('no_such_module')": "Skipped: could not import 'no_such_module'",
    "raise unittest.SkipTest('x')": "SkipTest: x",
    "raise SystemExit(0)": "SystemExit: 0",
    "sys.exit('all passed')": "SystemExit: all passed",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise type('Passed', (BaseException,), {})('x')": "Passed: x",
    "raise BaseExceptionGroup('x', [SystemExit(0)])": "BaseExceptionGroup: x",
    "raise asyncio.CancelledError": "CancelledError",
    "raise autograder.errors.GraderError('x')": "GraderError: x",
    "raise autograder.errors.CheckFailed('x')": "CheckFailed: x",
    "raise AssertionError('x')": "AssertionError: x",
}
HEAD = "import asyncio, sys, unittest\nimport autograder.errors\nimport pytest\n\n"


@pytest.mark.parametrize("statement", RAISED)
def test_what_a_function_raises_fails_its_check_and_no_other(statement, course, sandbox, handin):
    unit = f"{HEAD}def one():\n    {statement}\n\ndef two():\n    return 2\n"
    one, two = Grader(GradingSpec(read_catalog(course)), sandbox).grade_path(handin(unit=unit)).checks
    assert one.outcome is Outcome.FAILED
    assert one.message.startswith(f"one() raised {RAISED[statement]}") and "unit.py:6" in one.message
    assert two.outcome is Outcome.PASSED


@pytest.mark.parametrize("statement", list(RAISED)[::2])
def test_what_a_module_raises_fails_its_checks_with_a_sentence(statement, course, sandbox, handin):
    unit = HEAD + statement + "\n" + HALF  # what is defined before it would stay
    checks = Grader(GradingSpec(read_catalog(course)), sandbox).grade_path(handin(unit=unit)).checks
    assert {check.outcome for check in checks} == {Outcome.FAILED}
    words = f"unit.py cannot be imported: {RAISED[statement]}"
    assert all(check.message.startswith(words) for check in checks)


# --- what a submission returns

STUMBLES = """
import pytest

@pytest.mark.points("one", 1)
def test_one(submission):
    assert submission.one().mean().item() >= 0

@pytest.mark.points("two", 1)
def test_two(submission):
    assert submission.two() == 2
"""


@pytest.mark.parametrize(
    "value",
    ["None", "'text'", "[]", "{}", "torch.ones(2, dtype=torch.complex64)", "torch.ones(2) > 0", "torch.nn.ReLU()"],
)
def test_a_value_that_a_check_stumbles_over_fails_that_check(value, course, sandbox, handin, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(course, root)
    (root / "tests" / "exercises" / "test_unit.py").write_text(STUMBLES)
    unit = f"import numpy as np\nimport torch\n\ndef one():\n    return {value}\n\ndef two():\n    return 2\n"
    one, two = Grader(GradingSpec(read_catalog(root)), sandbox).grade_path(handin(unit=unit)).checks
    assert one.outcome is Outcome.FAILED
    assert one.message.startswith("one() returned ") and "which the check cannot work with (" in one.message
    assert two.outcome is Outcome.PASSED


def test_a_fault_of_the_check_before_any_value_is_the_graders(course, sandbox, handin, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(course, root)
    checks = STUMBLES.replace("    assert submission.one()", "    assert None.one()")
    (root / "tests" / "exercises" / "test_unit.py").write_text(checks)
    one, _ = Grader(GradingSpec(read_catalog(root)), sandbox).grade_path(handin(unit=HALF)).checks
    assert one.outcome is Outcome.ERROR
