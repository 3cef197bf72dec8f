"""The student's side elsewhere than on Linux, as far as Linux can tell: without Unix's own modules, signals and forks.

What Windows has in their place is put in by hand where the code asks for it.
"""

import ast
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from autograder.errors import SandboxError
from autograder.sandbox import Sandbox
from autograder.student import keys
from autograder.worker.deadline import DeadlinePassed, deadline
from tests.autograder.conftest import ROOT

PACKAGE = ROOT / "autograder"
# Only `autograder.sandbox.server` and what it forks run on Linux alone.
ELSEWHERE = """
import asyncio, importlib, os, select, signal, socket, subprocess, sys, tempfile
import data.cache, torch, torchvision, rich.console, typer, pytest, watchfiles
import filelock, platformdirs, autograder.student.keys  # these ask for the platform; keys have a test of their own

for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for module, names in {
    os: ("fork", "forkpty", "geteuid", "killpg", "sched_getaffinity", "setsid", "getloadavg"),
    signal: ("ITIMER_REAL", "SIGALRM", "SIGKILL", "SIGXCPU", "setitimer"),
    select: ("poll",),
    socket: ("AF_UNIX", "recv_fds", "send_fds"),
}.items():
    for name in names:
        delattr(module, name)
"""


def elsewhere(program, *arguments, cwd=ROOT):
    """A program where Unix's own means are missing."""
    code = ELSEWHERE + program
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=600
    )


@pytest.mark.slow
def test_the_students_side_needs_nothing_of_unix(own_course):
    """Everything that a student starts can be imported, and pytest judges: right, wrong, and an endless loop by its line."""
    unit = own_course / "exercises" / "variation_loss.py"
    loop = "\n\ndef denoise(images, **options):\n    while True:\n        pass\n"
    unit.write_text((own_course / "solutions" / "variation_loss.py").read_text() + loop)
    catalog = own_course / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("seconds = 5", "seconds = 1"))
    program = """
for name in ("cli", "notebook", "student.warm_runner", "student.watch", "student.drawing", "student.screen"):
    importlib.import_module(f"autograder.{name}")
sys.exit(pytest.main(["exercises/variation_loss.py", "-p", "no:cacheprovider", "-p", "no:faulthandler"]))
"""
    run = elsewhere(program, cwd=own_course)
    assert run.returncode == 1, run.stderr
    assert "  total_variation: 8 of 8 points" in run.stdout
    line = unit.read_text().count("\n")
    assert f"did not finish within 1 s of its own time and was stopped (variation_loss.py:{line})" in run.stdout or (
        f"did not finish within 1 s of its own time and was stopped (variation_loss.py:{line - 1})" in run.stdout
    )


def test_a_loop_is_stopped_without_signals(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(DeadlinePassed) as stopped, deadline(0.05):
        while True:
            pass
    assert stopped.traceback[-1].path == Path(__file__)  # the line that was running comes last


def test_a_call_that_ends_in_time_is_left_alone(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    with deadline(60):
        total = sum(range(10))
    assert total == 45


def windows_version(module, msvcrt, monkeypatch):
    """The module as it is made on Windows."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    made = types.ModuleType(module.__name__)
    made.__file__ = module.__file__
    exec(compile(Path(module.__file__).read_text(), module.__file__, "exec"), vars(made))
    return made


def test_keys_on_windows(monkeypatch):
    typed = iter("Hq\x04")
    made = windows_version(keys, types.SimpleNamespace(getwch=lambda: next(typed)), monkeypatch)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    pressed = []
    with made.Keys(pressed.append) as watched:
        watched._thread.join(60)
    assert pressed == ["h", "q", "q"]


def test_grading_elsewhere_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxError, match="there is no sandbox on darwin; grade on Linux"), Sandbox() as sandbox:
        sandbox.require(("seccomp",))


def test_no_student_module_starts_a_process_by_fork():
    for path in [*(PACKAGE / "student").glob("*.py"), *(PACKAGE / "plugin").glob("*.py")]:
        names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not names & {"fork", "forkpty", "posix_spawn", "setsid", "pass_fds"}, path


@pytest.mark.slow
def test_the_test_panel_finds_the_checks_and_they_keep_their_names(own_course, student_pytest):
    """VS Code and PyCharm ask for node ids alone, which stay the same whatever is written in the file."""
    listed = student_pytest("--collect-only", "-q", "exercises", cwd=own_course)
    assert listed.code == 0
    ids = [line for line in listed.text.splitlines() if "::" in line]
    assert len(ids) > 200 and len(set(ids)) == len(ids)
    assert all(line.startswith("exercises/") and " " not in line for line in ids)
    others = [line for line in listed.text.splitlines() if line and line not in ids]
    assert len(others) == 1 and "tests collected" in others[0]
    assert not (own_course / ".autograder").exists()  # a list is no run
    (own_course / "exercises" / "variation_loss.py").write_text("def total_variation(:\n")
    again = student_pytest("--collect-only", "-q", "exercises", cwd=own_course)
    assert [line for line in again.text.splitlines() if "::" in line] == ids
    one = next(name for name in ids if "variation_loss" not in name)
    assert student_pytest(one, cwd=own_course).checks.keys() == {
        f"{Path(one.split('::')[0]).stem}::{one.split('::')[1]}"
    }


def test_only_what_python_3_11_has_is_used():
    """Newer syntax would not parse there; this suite may run on a newer one."""
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "data").rglob("*.py"), *(ROOT / "exercises").rglob("*.py")]:
        ast.parse(path.read_text(), feature_version=(3, 11))
