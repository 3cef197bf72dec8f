"""Which interpreters `make test-pythons` finds, and what it says of those that are missing."""

import subprocess
import sys

import pytest

from tools import pythons


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no Python but those that are put on it."""
    path, pyenv = tmp_path / "bin", tmp_path / "pyenv"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.setenv("PYENV_ROOT", str(pyenv))

    def put(place, says):
        file = (path if "/" not in place else pyenv / "versions") / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{says}\n")
        file.chmod(0o755)
        return str(file)

    return put


@pytest.mark.skipif(sys.platform == "win32", reason="its interpreters are scripts of a shell")
def test_an_interpreter_is_found_on_the_path_and_among_those_of_pyenv(machine):
    assert pythons.interpreter("3.12") == ""
    machine("python3.12", "echo pyenv: version 3.12 is not installed >&2; exit 1")
    assert pythons.interpreter("3.12") == ""
    there = machine("3.12.4/bin/python", "echo 3.12")
    assert pythons.interpreter("3.12") == there
    first = machine("python3.12", "echo 3.12")
    assert pythons.interpreter("3.12") == first


@pytest.mark.skipif(sys.platform == "win32", reason="its interpreters are scripts of a shell")
def test_those_that_are_missing_are_named(machine, monkeypatch, capsys):
    made = []
    machine("python3.12", "echo 3.12")
    run = subprocess.run

    def make(command, **options):
        if command[0] != "make":
            return run(command, **options)
        made.append(command[1:3])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", make)
    monkeypatch.setattr(sys, "argv", ["pythons", "3.11", "3.12"])
    with pytest.raises(SystemExit) as ended:
        pythons.main()
    assert ended.value.code == 0 and made == [["test", "VENV=.venv-3.12"]]
    said = capsys.readouterr().out
    assert "Python 3.11: missing" in said and "Python 3.12: passed" in said
