"""`--collect-only` lists the checks of units without what their bodies import."""

import subprocess
import sys

import pytest

from autograder.checks.plugin import collecting, outline
from tests.autograder.conftest import ROOT

CHECKS = '''
import random
import pytest
import library_that_is_nowhere as nowhere
from library_that_is_nowhere import Tensor
from fractions import Fraction

LIMIT = nowhere.zeros(3)
HALVES = [Fraction(n, 2) for n in range(2)]
COUNT: int = len(HALVES)


def name_of(half: Fraction) -> str:
    return f"half-{half}"


@nowhere.no_grad()
def helper(x: Tensor = LIMIT):
    return nowhere.sum(x)


@pytest.fixture(params=range(COUNT), ids=["a", "b"])
def each(request) -> Tensor:
    return helper(request.param)


@pytest.mark.points("f", 1)
@pytest.mark.parametrize("half", HALVES, ids=name_of)
def test_half(submission, half, each, *, more: Tensor = LIMIT):
    """A title."""
    assert nowhere.sum(half)


class TestMore:
    """Some more."""

    size = 3

    @pytest.mark.hidden
    @pytest.mark.points("f", 2)
    def test_method(self, submission):
        assert helper()
'''


@pytest.fixture
def outlined(tmp_path, pytestconfig):
    def made(text):
        path = tmp_path / "test_unit.py"
        path.write_text(text)
        return outline.outlined_module(path, pytestconfig)

    return made


def test_an_outline_has_tests_and_what_their_decorators_use(outlined):
    module = outlined(CHECKS)
    names = {name for name in vars(module) if not name.startswith("__")}
    assert names == {"pytest", "Fraction", "HALVES", "COUNT", "name_of", "each", "test_half", "TestMore"}
    assert module.test_half.__doc__ == "A title."
    assert module.test_half(0, 0, 0) is None
    line = CHECKS.splitlines().index('@pytest.mark.points("f", 1)') + 1
    assert module.test_half.__code__.co_firstlineno == line
    assert [mark.args for mark in module.test_half.pytestmark if mark.name == "points"] == [("f", 1)]
    assert [mark.name for mark in module.TestMore.test_method.pytestmark] == ["points", "hidden"]


@pytest.mark.parametrize(
    "text",
    [
        "from nowhere import *",
        "for name in 'ab':\n    exec(f'def test_{name}(): ...')",
        "def pytest_generate_tests(metafunc): ...",
        "def setup_module(): ...",
        "import unittest\nclass Cases(unittest.TestCase):\n    def test_a(self): ...",
        "class TestA:\n    __test__ = False\n    def test_a(self): ...",
        "class TestA:\n    if True:\n        def test_a(self): ...",
        "def test_a(:",
        "import pytest\n@pytest.mark.parametrize('a', [nowhere])\ndef test_a(a): ...",
    ],
)
def test_what_shows_its_tests_only_when_it_runs_has_no_outline(outlined, text):
    assert outlined(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "from library_that_is_nowhere import test_a",
        "import library_that_is_nowhere as nowhere\ntest_a = nowhere.made()",
        "import library_that_is_nowhere as nowhere\n@nowhere.given()\ndef test_a(): ...",
        "from library_that_is_nowhere import each\ndef test_a(each): ...",
    ],
)
def test_an_import_that_tests_are_made_of_is_no_body(outlined, text):
    assert outlined(text) is None


def test_the_courses_checks_are_listed_as_they_are(student_pytest, monkeypatch):
    short = student_pytest("exercises", "--collect-only")
    monkeypatch.setattr(collecting, "outlined_module", lambda path, config: None)
    whole = student_pytest("exercises", "--collect-only")
    assert list(short.checks.items()) == list(whole.checks.items())
    assert short.text.partition(" collected in ")[0] == whole.text.partition(" collected in ")[0]
    assert len(short.checks) > 300


@pytest.mark.slow
def test_a_list_of_the_courses_checks_imports_neither_torch_nor_what_shows_results():
    names = {"torch", "numpy", "yaml", "autograder.student.progress", "autograder.student.screen"}
    listed = (
        f"import sys, pytest; pytest.main(['--collect-only', '-q', 'exercises']); print({names} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", listed], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "set()"
