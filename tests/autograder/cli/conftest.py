"""The small course, and the command run in it, in this process and with the sandbox of all tests."""

import sys

import pytest

from autograder import cli
from tests.autograder.cli.lent import Lent
from tests.autograder.small_course import make_course


@pytest.fixture
def course(tmp_path, monkeypatch):
    root = make_course(tmp_path / "course")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def autograder(monkeypatch, capsys, sandbox):
    """`autograder ARGS`, in this process and with the sandbox that is warm already."""
    monkeypatch.setattr("autograder.sandbox.Sandbox", lambda *_, **__: Lent(sandbox))
    monkeypatch.setenv("IDEALCAT_SECRET", "of the tests")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run
