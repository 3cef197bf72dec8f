"""A known mistake is named where it alone explains what came back; never on a right answer, never when two fit."""

import pytest
import torch

from autograder.codec import Handle
from autograder.diagnose import explain, known_mistakes
from autograder.source import Module
from autograder.submission import InProcess, RemoteModule, Submission

SOLUTION = "def shift(x):\n    return x + 2\n\ndef touch(x):\n    return x + 0\n"
MISTAKES = """
from autograder.diagnose import mistake

@mistake("shift", "Shifts by one.")
def by_one(x):
    return x + 1

@mistake("shift", "Doubles instead.")
def doubles(x):
    return x * 2

@mistake("shift", "Doubles by adding.")
def adds_itself(x):
    return x + x

@mistake("shift", "Cannot cope.")
def crashes(x):
    raise ValueError

@mistake("touch", "Changes its input.")
def changes_input(x):
    x.zero_()
    return x + 0
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    (tmp_path / "solution.py").write_text(SOLUTION)
    return tmp_path / "mistakes.py", tmp_path / "solution.py"


def calls_of(code, *inputs, function="shift"):
    unit = Module("unit", "student.py", code)
    submission = Submission(unit, {"unit": unit}, InProcess(), 1.0, 0)
    for value in inputs:
        getattr(submission, function)(torch.tensor(value))
    return submission.calls


def named(files, calls, by_value=True):
    known = explain(calls, "unit", *files, 1.0, by_value=by_value)
    return known and known.name


def test_mistakes_are_read_in_order(files):
    names = [known.name for known in known_mistakes(files[0])]
    assert names == ["by_one", "doubles", "adds_itself", "crashes", "changes_input"]
    assert known_mistakes(files[0].with_name("none.py")) == ()


def test_the_one_that_fits_is_named(files):
    assert named(files, calls_of("def shift(x):\n    return 1 + x\n", [3.0], [5.0])) == "by_one"


def test_it_must_fit_every_call(files):
    code = "def shift(x):\n    return x + 1 if x[0] == 3 else x\n"
    assert named(files, calls_of(code, [3.0])) == "by_one"
    assert named(files, calls_of(code, [3.0], [5.0])) is None


def test_none_is_named_when_two_fit(files):
    assert named(files, calls_of("def shift(x):\n    return x * 2.0\n", [3.0])) is None


def test_a_right_answer_is_no_mistake(files):
    assert named(files, calls_of("def shift(x):\n    return x + 2\n", [3.0])) is None


def test_a_mistake_that_does_not_show_is_not_named(files):
    # At 2 doubling is right.
    assert named(files, calls_of("def shift(x):\n    return x + 2\n", [2.0])) is None


def test_another_wrong_answer_is_no_known_mistake(files):
    assert named(files, calls_of("def shift(x):\n    return x + 7\n", [3.0])) is None


def test_side_effects_are_held_against_side_effects(files):
    calls = calls_of("def touch(x):\n    x += 1\n    return x - 1\n", [3.0], function="touch")
    assert named(files, calls, by_value=False) == "changes_input"
    assert named(files, calls, by_value=True) is None


def test_calls_that_cannot_be_replayed_are_not_diagnosed(files):
    calls = calls_of("def shift(x):\n    return 1 + x\n", [3.0])
    remote = RemoteModule(None, Handle(0, "Linear"))
    assert named(files, [calls[0].__class__("shift", (remote,), {}, value=1.0)]) is None
