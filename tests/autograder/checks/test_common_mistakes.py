"""Mistakes that any function can have are named where no known one explains the failures, and say only what is so."""

import pytest
import torch

import data
from autograder.checks.call import Call
from autograder.checks.common_mistakes import evidence
from autograder.checks.diagnose import Diagnosis
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.replays import CheckCalls
from autograder.checks.transport import InProcess
from autograder.checks.variants import Replayer, Variants
from autograder.errors import StudentFault
from autograder.submissions import Module
from autograder.worker.protocol import Answer

SOLUTION = """
import torch

def mean(values, weight=2.0):
    if values.dim() == 0:
        raise ValueError("values must have a dimension")
    return values.mean(dim=0) * weight

def take(values, count):
    return values[:count].clone()

def first(values, count=2):
    return values[:count].clone()

def blend(first, second):
    return first + 3 * second

def area(width):
    return width ** 2

def limited(values):
    return values.clamp(0, 1)

def rooted(values):
    return (values ** 2 + 1e-12).sqrt()

def asked(model, values):
    return model(values)
"""
VALUES = torch.tensor([[0.5, 1.25, 3.0], [2.0, 4.0, 8.5]])
WIDE = torch.tensor([-1.0, -0.5, 0.25, 0.75, 1.5, 2.0])


def named(tmp_path, code, *calls, passed=()):
    """The name of what is wrong with the function of these calls, once a check that made them has failed."""
    function = calls[0][0]

    def made(calls):
        unit = Module("unit", "student.py", f"import torch\n{code}")
        submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 1.0), InProcess(), 0)
        for name, *args in calls:
            kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
            try:
                if kwargs.pop("gradient", False):
                    getattr(submission, name).gradient(*args, of=0)
                else:
                    getattr(submission, name)(*args, **kwargs)
            except StudentFault:
                pass
        return submission.calls

    known = tmp_path / "mistakes.py"
    listed = f'@mistake("{function}", "It gives up.")\ndef gives_up(*_, **__):\n    raise RuntimeError("given up")\n'
    known.write_text(f"from autograder.diagnose import mistake\n\n{listed}")
    diagnosis = Diagnosis(Variants(function, Module("unit", "unit.py", SOLUTION), known, Replayer(1.0)))
    diagnosis.add(CheckCalls(made(calls)))
    if passed:
        diagnosis.add_passed(CheckCalls(made(passed)))
    return [known.name for known in diagnosis.mistakes(10.0)]


@pytest.mark.parametrize(
    ("code", "calls", "name"),
    [
        ("def mean(values, weight=2.0): return values.mean(dim=0) * 2.0", [("mean", VALUES, 3.0)], "ignores_weight"),
        ("def mean(values, weight=2.0): return values.sum(dim=0) * weight", [("mean", VALUES)], "doubles"),
        ("def area(width): return 100 * width ** 2", [("area", 3.0)], "gives_percent"),
        (
            "def area(width):\n    torch.manual_seed(1)\n    return width ** 2",
            [("area", 3.0)],
            "leaves_random_state",
        ),
        (
            "def area(width):\n    torch.set_grad_enabled(False)\n    return width ** 2",
            [("area", 3.0)],
            "leaves_gradients_switched_off",
        ),
        (
            "def mean(values, weight=2.0): return values.sum(dim=0) * weight",
            [("mean", torch.rand(3, 4)), ("mean", torch.rand(5, 4))],
            "multiplies_by_the_length_of_values",
        ),
        (
            "def mean(values, weight=2.0): return values.mean(dim=0).double() * weight",
            [("mean", VALUES)],
            "gives_float64",
        ),
        ("def mean(values, weight=2.0): return -values.mean(dim=0) * weight", [("mean", VALUES)], "changes_the_sign"),
        ("def mean(values, weight=2.0): return torch.zeros(3)", [("mean", torch.tensor(1.0))], "refuses_nothing"),
        (
            "def mean(values, weight=2.0):\n    assert values.dim() > 0\n    return values.mean(dim=0) * weight",
            [("mean", torch.tensor(1.0))],
            "raises_another_error",
        ),
        (
            "def take(values, count): return values[:count + 1].clone()",
            [("take", torch.rand(4, 3), 1)],
            "takes_one_more_of_count",
        ),
        (
            "def first(values, count=2): return values[:count + 1].clone()",
            [("first", torch.rand(4, 3)), ("first", torch.rand(4, 3), 1)],
            "takes_one_more_of_count",
        ),
        ("def take(values, count): return values.clone()", [("take", torch.rand(4, 3), 1)], "gives_values_back"),
        ("def take(values, count): return values[:count].flip(0)", [("take", VALUES, 2)], "reverses_the_order"),
        (
            "def take(values, count): return values[:count].mT.clone()",
            [("take", VALUES, 2)],
            "exchanges_the_axes",
        ),
        (
            "def blend(first, second): return second + 3 * first",
            [("blend", VALUES, VALUES + 1)],
            "exchanges_first_and_second",
        ),
        ("def area(width): return width", [("area", 3.0), ("area", 5.0)], "takes_a_root"),
        (
            "kept = []\ndef area(width):\n    kept.append(width ** 2)\n    return kept[0]",
            [("area", 3.0), ("area", 5.0), ("area", 7.0)],
            "repeats_the_first_answer",
        ),
        ("def area(width): return float(round(width ** 2))", [("area", 1.23), ("area", 2.34)], "rounds_to_0_decimals"),
        ("def area(width): return round(width ** 2, 1)", [("area", 1.23), ("area", 2.34)], "rounds_to_1_decimals"),
        (
            "def blend(first, second):\n    first += 3 * second\n    return first",
            [("blend", VALUES, VALUES), ("blend", VALUES, VALUES, {"gradient": True})],
            "changes_first",
        ),
        ("def area(width): return torch.tensor(width ** 2)", [("area", 3.0)], "gives_another_type"),
        ("def limited(values): return values.clamp(max=1)", [("limited", WIDE)], "goes_beyond_the_range"),
        (
            "def mean(values, weight=2.0):\n    if values.dim() < 2: raise ValueError('values')\n"
            "    return values.mean(dim=0) * weight",
            [("mean", VALUES), ("mean", VALUES[0])],
            "refuses_what_is_allowed",
        ),
        (
            "def rooted(values): return (values ** 2).sqrt()",
            [("rooted", torch.tensor([0.0, 1.0, 0.0]), {"gradient": True})],
            "has_no_number_for_a_gradient",
        ),
        (
            "def asked(model, values): return model.train()(values)",
            [("asked", data.toy_convnet(), torch.rand(3, 3, 8, 8))],
            "works_in_training_mode",
        ),
    ],
)
def test_what_any_function_can_have_is_named(tmp_path, code, calls, name):
    assert named(tmp_path, code, *calls) == [name]


def test_a_single_number_may_be_so_by_chance(tmp_path):
    code = "def area(width): return width"
    assert named(tmp_path, code, ("area", 3.0)) == []
    assert named(tmp_path, code, ("area", 3.0), ("area", 5.0)) == ["takes_a_root"]


def test_a_share_of_0_or_1_is_not_taken_for_a_rounded_one(tmp_path):
    """A function that returns 0 or 1 for a share has many mistakes, and seldom that of rounding."""
    assert named(tmp_path, "def area(width): return float(round(width ** 2))", ("area", 0.3), ("area", 0.9)) == []


def test_only_what_is_cut_off_at_an_end_goes_beyond_it(tmp_path):
    """A single smallest value is no sign of clipping: that it is too small has another cause."""
    code = "def limited(values): return torch.where(values < 0, values, values.clamp(0, 1))"
    assert named(tmp_path, code, ("limited", WIDE)) == ["goes_beyond_the_range"]
    assert named(tmp_path, code, ("limited", WIDE[1:5])) == []


@pytest.mark.parametrize(
    "body", ["values.to(torch.float8_e4m3fn)", "values.to(torch.complex64)", "float('nan')", "[values, 1]"]
)
def test_a_value_of_which_no_other_can_be_made_has_no_name(tmp_path, body):
    code = f"def limited(values): return {body}"
    assert named(tmp_path, code, ("limited", WIDE), ("limited", WIDE[1:])) in ([], ["gives_another_type"])


def test_what_a_passed_check_contradicts_is_not_named(tmp_path):
    code = "def blend(first, second): return second + 3 * first if first.dim() > 1 else first + 3 * second"
    calls = [("blend", VALUES, VALUES + 1)]
    assert named(tmp_path, code, *calls) == ["exchanges_first_and_second"]
    assert named(tmp_path, code, *calls, passed=[("blend", VALUES[0], VALUES[1])]) == []


def test_a_right_answer_and_a_strange_one_have_no_name(tmp_path):
    assert named(tmp_path, "def area(width): return width ** 2", ("area", 3.0), ("area", 5.0)) == []
    assert named(tmp_path, "def area(width): return width ** 2 + 11", ("area", 3.0), ("area", 5.0)) == []


def test_none_is_not_an_argument_that_was_left_out_and_comes_back(tmp_path):
    nothing = "def mean(values, weight=2.0): values.mean(dim=0) * weight"
    assert named(tmp_path, nothing, ("mean", VALUES), ("mean", VALUES + 1)) == []
    back = "def mean(values, weight=2.0): return weight"
    assert named(tmp_path, back, ("mean", VALUES, VALUES[0]), ("mean", VALUES, VALUES[1])) == ["gives_weight_back"]


def test_a_number_that_neither_answer_has_shows_nothing():
    given, right = (torch.tensor([torch.nan, 1.0, last, 3.0]) for last in (2.0, 4.0))
    assert evidence(*(Call("f", (), {}, answer=Answer(value)) for value in (given, right))) == 1
