"""A course in pure Python runs where torch, torchvision, NumPy and Pillow cannot be imported."""

import os
import subprocess
import sys

import pytest

CATALOG = """
[course]
title = "words"

[[unit]]
name = "words"
title = "Words"
seconds = 1

[unit.functions.reverse]
points = 2
hints = ["Which slice goes backwards?", "A step of -1."]
"""
CHECKS = '''
import pytest
from autograder.compare import assert_between, assert_close, assert_equal


@pytest.mark.points("reverse", 1)
def test_reverse(submission):
    """The letters come back in the other order."""
    assert_equal(submission.reverse("abc"), "cba")


@pytest.mark.points("reverse", 1)
def test_words(submission):
    """So do the words of a list, numbers and all."""
    assert_between(submission.reverse([0.5])[0], 0, 1)
    assert_close(submission.reverse(["a", 0.5, {"b": (1, 2)}]), [{"b": (1, 2)}, 0.5, "a"])
'''
SOLUTION = """def reverse(text):
    # TODO: turn it round.
    ### BEGIN SOLUTION
    return text[::-1]
    ### END SOLUTION
"""
#: Python runs it at its start, in this process and in those that it starts.
BLOCKED = """
import importlib.machinery
import sys
from pathlib import Path


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "numpy", "PIL", "matplotlib"}:
            return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        with (Path(__file__).parent / "tried").open("a") as tried:
            tried.write(spec.name + chr(10))
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module):
        pass


sys.meta_path.insert(0, Blocked())
"""


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    files = {
        "exercises/catalog.toml": CATALOG,
        "exercises/words.py": "def reverse(text):\n    # TODO: turn it round.\n    raise NotImplementedError\n",
        "exercises/lessons/words.md": "# Words\n",
        "solutions/words.py": SOLUTION,
        "tests/exercises/test_words.py": CHECKS,
        "in/ann/words.py": "def reverse(text):\n    return text[::-1]\n",
        "in/bob/words.py": "def reverse(text):\n    return text\n",
        "blocked/sitecustomize.py": BLOCKED,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def run(course, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(course / "blocked"), "HOME": str(course / "home")}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=course, env=environment, capture_output=True, text=True, timeout=60
    )


def tried(course):
    """Return the names of the libraries that something has tried to import, in vain."""
    record = course / "blocked" / "tried"
    return record.read_text().split() if record.exists() else []


def test_nothing_can_be_imported_here(course):
    assert "No module named 'torch'" in run(course, "torch.hub").stderr
    assert tried(course)[0] == "torch"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], ["hint", "reverse"], ["progress"], ["gallery"]],
    ids=lambda arguments: arguments[0],
)
def test_a_student_is_helped(course, arguments):
    done = run(course, "autograder", *arguments)
    assert done.returncode == 0, done.stderr
    assert tried(course) == []


@pytest.mark.slow
def test_a_student_runs_the_checks(course):
    listed = run(course, "pytest", "--collect-only", "-q", "exercises")
    assert "exercises/words.py::test_reverse" in listed.stdout, listed.stdout + listed.stderr
    done = run(course, "pytest", "in/ann/words.py")
    assert "2 of 2 points" in done.stdout, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert tried(course) == []


@pytest.mark.parametrize(("name", "points"), [pytest.param("ann", 2, marks=pytest.mark.slow), ("bob", 0)])
def test_a_submission_is_graded(course, name, points):
    done = run(course, "autograder", "grade", f"in/{name}", "--units", "words")
    assert done.returncode == (0 if points else 1), done.stdout + done.stderr
    assert f"{points} of 2 points" in done.stdout, done.stdout + done.stderr
    assert tried(course) == []
