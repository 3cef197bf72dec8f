"""Which checks a worker serves, and what it keeps between them: nothing that a check could meet."""

import contextlib
import textwrap
from dataclasses import replace

import pytest

from autograder.checks.remote import StudentModule
from autograder.course.catalog import read_catalog
from autograder.errors import (
    CheckFailed,
    Crashed,
    GraderError,
    MissingFunction,
    NotHandedIn,
    Raised,
    RefusedValue,
    TimedOut,
    Unusable,
)
from autograder.grading import leases as turns
from autograder.grading.grade import Grader
from autograder.grading.leases import WorkerPool
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module


class Workers:
    """Counts them, and tells which are open."""

    def __init__(self, place):
        self.place = place
        self.made = 0
        self.open = set()

    @contextlib.contextmanager
    def worker(self):
        self.made += 1
        worker = Worker(self.place / str(self.made))
        self.open.add(self.made)
        yield worker
        self.open.discard(self.made)


class Worker:
    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder

    def take_printed(self):
        return ""

    def exchange(self, request, seconds):
        return b""


@pytest.fixture
def workers(tmp_path):
    return Workers(tmp_path)


@pytest.fixture
def held(workers):
    with contextlib.closing(WorkerPool(workers.worker)) as held:
        yield held


def spec(course, *functions):
    return GradingSpec(read_catalog(course), b"secret", ("variation_loss",), functions=frozenset(functions))


def check(function, hidden=False):
    return CheckResult(f"unit::test_{function}", "unit", function, "", 1.0, hidden)


def serve(held, *functions):
    for function in functions:
        with held.lease(check(function)):
            pass


def test_the_checks_of_a_unit_share_a_worker(held, workers):
    serve(held, "denoise", "denoise", "total_variation")
    assert workers.made == 1


def test_another_unit_has_another_worker_and_the_first_one_ends(held, workers):
    for unit in ("variation_loss", "quiz", "variation_loss"):
        with held.lease(replace(check("answers"), unit=unit)):
            pass
    assert workers.made == 3
    assert workers.open == {3}


def test_after_a_failed_check_the_next_has_a_fresh_worker(held, workers):
    serve(held, "denoise")
    with held.lease(check("denoise")):
        held.retire()
        assert workers.open == {1}, "it can still be asked what was printed"
    assert workers.open == set()
    serve(held, "denoise")
    assert workers.open == {2}


def test_a_worker_that_was_asked_what_is_hidden_serves_no_visible_check(held, workers):
    made = []
    for hidden in (False, True, True, False):
        with held.lease(check("denoise", hidden)):
            made.append(workers.made)
    assert made == [1, 1, 1, 2]


NO_VALUE = [Raised("", (), ""), Crashed(""), Unusable(""), RefusedValue("")]
WRONG = [CheckFailed(""), AssertionError(), MissingFunction(""), TimedOut("")]
NOBODYS = [GraderError(""), NotHandedIn("")]


@pytest.mark.parametrize("error", [*NO_VALUE, *WRONG, *NOBODYS], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("before", "left_over"),
    [((), ()), (("denoise",), NO_VALUE), (("total_variation",), NO_VALUE + WRONG)],
    ids=["a fresh worker", "after a check of the same function", "after one of another"],
)
def test_which_failures_may_come_of_what_was_left_behind(held, before, error, left_over):
    serve(held, *before, "denoise")
    assert held.may_be_left_over(error) == (error in left_over)


def test_a_worker_that_has_served_long_serves_no_more(held, workers, monkeypatch):
    monkeypatch.setattr(turns, "_LONGEST_SECONDS", -1.0)
    serve(held, "denoise", "denoise")
    assert workers.made == 2


def test_where_none_was_served_nothing_was_left_behind(held):
    assert not held.may_be_left_over(Crashed(""))


def test_closed_there_is_no_worker_left(workers):
    held = WorkerPool(workers.worker)
    serve(held, "denoise")
    held.close()
    assert workers.open == set()


def test_each_turn_has_a_folder_of_its_own_which_is_empty(held):
    with held.lease(check("denoise")) as one:
        (one.folder / "picture.png").write_text("x")
    with held.lease(check("denoise")) as other:
        assert list(other.folder.iterdir()) == []
    assert not one.folder.exists()
    assert [*one.folder.parent.iterdir()] == []


def modules(text):
    unit = Module("unit", "unit.py", textwrap.dedent(text))
    return unit, {"unit": unit}


def asked(held, text, name="value"):
    """What a function of a submission gives in a turn, and what it has printed."""
    with held.lease(check(name)) as turn:
        return getattr(StudentModule(*modules(text), turn, 5.0, 7), name)(), turn.take_printed()


LEAVES = """
import builtins, random, torch
calls = 0
print("loaded", end="")

def value():
    global calls
    calls += 1
    drawn = (random.random(), float(torch.rand(())))
    before = (calls, torch.is_grad_enabled(), str(torch.get_default_dtype()), *drawn)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    return before
"""


def test_what_a_check_leaves_behind_the_next_does_not_meet(sandbox):
    with contextlib.closing(WorkerPool(sandbox.worker)) as held:
        first, second = asked(held, LEAVES), asked(held, LEAVES)
    assert first == second
    assert first[0][:3] == (1, True, "torch.float32")
    assert first[1] == "loaded"


def test_modules_of_an_earlier_check_are_gone(sandbox):
    text = "import torch\ndef value():\n    return torch.nn.Linear(1, 1)\n"
    with contextlib.closing(WorkerPool(sandbox.worker)) as held:
        for _ in range(2):
            module, _ = asked(held, text)
            assert module.handle.number == 0


DIES_ONCE = """

_right = denoise

def denoise(images, **options):
    if len(images) == 1 and options.get("steps") == 3:
        import os
        os._exit(3)
    return _right(images, **options)
"""


def test_it_is_one_process_while_all_goes_well_and_another_afterwards(sandbox):
    text = "import torch, random\ntorch.kept = getattr(torch, 'kept', 0) + 1\ndef value():\n    return torch.kept\n"
    with contextlib.closing(WorkerPool(sandbox.worker)) as held:
        seen = [asked(held, text)[0] for _ in range(3)]
        held.retire()
        seen.append(asked(held, text)[0])
    assert seen == [1, 2, 3, 1]


def test_a_check_in_which_the_worker_dies_costs_no_other(own_course, sandbox):
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text((own_course / "solutions" / "variation_loss.py").read_text() + DIES_ONCE)
    grader = Grader(spec(own_course), sandbox)
    ended = {check.id: check.outcome for check in grader.grade_path(path).checks}
    died = {check for check, outcome in ended.items() if outcome is Outcome.CRASHED}
    assert died == {"variation_loss::test_denoise_leaves_images_alone"}
    assert {outcome for check, outcome in ended.items() if check not in died} == {Outcome.PASSED}


RAISES_WHERE_IT_WAS_LOADED_BEFORE = """
import torch

if hasattr(torch, "kept"):
    raise RuntimeError("cannot be done twice in a process")
torch.kept = True
"""


def test_what_cannot_be_done_twice_in_a_process_costs_nothing(own_course, sandbox):
    """As `torch.set_num_interop_threads`; a graded run shows no trace of the first try."""
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text(RAISES_WHERE_IT_WAS_LOADED_BEFORE + (own_course / "solutions" / "variation_loss.py").read_text())
    result = Grader(spec(own_course), sandbox).grade_path(path)
    assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []


GUESSES = """
import torch

torch.kept = getattr(torch, "kept", 0) + 1

def total_variation(images):
    rows, columns = (torch.diff(images, dim=dim).abs().flatten(1).sum(1) for dim in (2, 3))
    return rows + columns + (torch.kept - 1)
"""


def test_a_wrong_value_is_no_second_guess(own_course, sandbox):
    """Right in a fresh worker, wrong in one that has served: what was said first counts."""
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text(GUESSES)
    grader = Grader(spec(own_course, "total_variation"), sandbox)
    ended = [check.outcome for check in grader.grade_path(path).checks if check.function == "total_variation"]
    assert Outcome.PASSED in ended and Outcome.FAILED in ended


SPOILS = """

_right = isotropic_variation

def isotropic_variation(images, eps=1e-8):
    result = _right(images, eps)
    torch.Tensor.abs = torch.Tensor.neg
    return result
"""


def test_what_one_function_breaks_costs_no_other(own_course, sandbox):
    """A wrong value after another function has run is asked for again where none has."""
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text((own_course / "solutions" / "variation_loss.py").read_text() + SPOILS)
    result = Grader(spec(own_course), sandbox).grade_path(path)
    assert [check.message for check in result.checks if check.outcome is not Outcome.PASSED] == []
