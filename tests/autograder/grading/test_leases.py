"""Which checks a worker serves, and what it keeps between them: nothing that a check could meet."""

import contextlib
import os
import textwrap
from dataclasses import replace

import pytest

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.course.catalog import read_catalog
from autograder.errors import (
    CheckFailed,
    Crashed,
    MissingFunction,
    NotHandedIn,
    OverBudget,
    Raised,
    RefusedValue,
    TimedOut,
    Unusable,
)
from autograder.grading import leases
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.leases import WorkerPool
from autograder.grading.session import Observer
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module, Submission


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

    def exchange(self, request, seconds, respond=None):
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


@pytest.mark.parametrize("error", [Crashed(""), TimedOut(""), OverBudget("")])
def test_after_a_worker_has_died_or_passed_a_deadline_the_next_check_has_a_fresh_one(held, workers, error):
    serve(held, "denoise")
    with held.lease(check("denoise")):
        assert not held.record_failure(error, answered=True)
        assert workers.open == {1}, "it can still be asked what was printed"
    assert workers.open == set()
    serve(held, "denoise")
    assert workers.open == {2}


VERDICTS = [CheckFailed(""), AssertionError(), MissingFunction(""), RefusedValue(""), Raised("", (), "")]


@pytest.mark.parametrize("error", VERDICTS, ids=lambda error: type(error).__name__)
def test_a_verdict_ends_no_worker_and_runs_no_check_again(held, workers, error):
    serve(held, "total_variation")
    with held.lease(check("denoise")):
        assert not held.record_failure(error, answered=True)
    serve(held, "denoise")
    assert workers.made == 1


def test_a_worker_that_was_asked_what_is_hidden_serves_no_visible_check(held, workers):
    made = []
    for hidden in (False, True, True, False):
        with held.lease(check("denoise", hidden)):
            made.append(workers.made)
    assert made == [1, 1, 1, 2]


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("answered", [False, True])
@pytest.mark.parametrize(
    "error", [Crashed(""), Unusable(""), TimedOut(""), NotHandedIn("")], ids=lambda e: type(e).__name__
)
def test_a_check_is_run_again_only_if_nothing_was_answered_by_a_worker_that_others_have_used(
    held, before, answered, error
):
    serve(held, *["total_variation"] * before)
    with held.lease(check("denoise")):
        again = held.record_failure(error, answered=answered)
    assert again == (before == 1 and not answered and isinstance(error, Crashed | Unusable))


def test_a_worker_that_has_served_long_serves_no_more(held, workers, monkeypatch):
    monkeypatch.setattr(leases, "_LONGEST_SECONDS", 10.0)
    clock = iter(range(0, 1000, 6))  # so many seconds for each request
    monkeypatch.setattr(leases.time, "monotonic", lambda: next(clock))
    for made in (1, 1, 2):
        with held.lease(check("denoise")) as lease:
            lease.exchange(b"", 1.0)
        assert workers.made == made


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
    """Call a function of a submission in a turn; return its value and what it has printed."""
    with held.lease(check(name)) as turn:
        return getattr(StudentModule(ModuleUnderTest(*modules(text), 5.0), turn, 7), name)(), turn.take_printed()


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
            assert module._handle.number == 0


DIES_ONCE = """

_right = denoise

def denoise(images, **options):
    if len(images) == 1 and options.get("steps") == 3:
        import os
        os._exit(3)
    return _right(images, **options)
"""


def test_it_is_one_process_until_it_has_died(sandbox):
    text = "import torch\ntorch.loads = loads = getattr(torch, 'loads', 0) + 1\ndef value():\n    return loads\n"
    with contextlib.closing(WorkerPool(sandbox.worker)) as held:
        loads = [asked(held, text)[0] for _ in range(2)]
        held.record_failure(Crashed(""), answered=True)
        loads.append(asked(held, text)[0])
    assert loads == [1, 2, 1]


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


@pytest.mark.slow
def test_what_cannot_be_done_twice_in_a_process_costs_nothing(own_course, sandbox):
    """As `torch.set_num_interop_threads`; a graded run shows no trace of the first try."""
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text(RAISES_WHERE_IT_WAS_LOADED_BEFORE + (own_course / "solutions" / "variation_loss.py").read_text())
    result = Grader(spec(own_course), sandbox).grade_path(path)
    failed = {check.function for check in result.checks if check.outcome is not Outcome.PASSED}
    assert failed <= {"isotropic_variation"}


GUESSES = """
import os

_right = total_variation

def total_variation(images):
    return _right(images) + (os.environ["WORKER"] == "1")
"""


class Numbered(InThisProcess):
    """Workers in this process, whose number a submission can read."""

    made = 0

    @contextlib.contextmanager
    def worker(self):
        self.made += 1
        os.environ["WORKER"] = str(self.made)
        with super().worker() as worker:
            yield worker


def test_a_wrong_value_is_final(own_course, monkeypatch):
    """A function that is wrong in the first worker and right in every other one gets no second worker."""
    monkeypatch.setenv("WORKER", "")
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text((own_course / "solutions" / "variation_loss.py").read_text() + GUESSES)
    workers = Numbered()
    ended = Grader(replace(spec(own_course, "total_variation"), require=()), workers).grade_path(path).checks
    outcomes = [check.outcome for check in ended if check.function == "total_variation"]
    assert outcomes.count(Outcome.FAILED) >= 3 and workers.made == 1


class Order(Observer):
    def __init__(self):
        self.begun = []

    def begins(self, check):
        self.begun.append((check.hidden, check.unit))


@pytest.mark.parametrize(
    "text", ["", *(pytest.param(text, marks=pytest.mark.slow) for text in ("import no_such_module", None))]
)
def test_a_unit_has_two_workers_at_most(own_course, monkeypatch, text):
    """One for visible checks and one for hidden ones; what no worker can load is tried in no more."""
    monkeypatch.setenv("WORKER", "")
    units = ("quiz", "variation_loss")
    for unit in units:
        solution = (own_course / "solutions" / f"{unit}.py").read_text()
        (own_course / "exercises" / f"{unit}.py").write_text(solution if text is None else text)
    workers = Numbered()
    graded = GradingSpec(read_catalog(own_course), units=units, require=())
    result = Grader(graded, workers).grade_path(own_course / "exercises")
    assert result.all_passed == (text is None)
    assert workers.made <= 2 * len(units)


def test_the_visible_checks_of_all_units_run_before_the_first_hidden_one(catalog):
    """A hidden check could tell a later one of another unit what it was asked, by what both can see of the machine."""
    order = Order()
    graded = GradingSpec(catalog, units=("variation_loss", "adversarial_attack"), require=())
    Grader(graded, InThisProcess(), order).grade(Submission("nobody"))
    assert order.begun == sorted(order.begun, key=lambda begun: begun[0])
    assert {unit for _, unit in order.begun} == set(graded.units)
    assert {hidden for hidden, _ in order.begun} == {False, True}


SPOILS = """

_right = isotropic_variation

def isotropic_variation(images, eps=1e-8):
    import builtins
    result = _right(images, eps)
    builtins.range = None
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    return result
"""


@pytest.mark.slow
def test_what_one_function_breaks_costs_no_other(own_course, sandbox):
    """The worker itself puts back, before the next check, what a careless function has changed."""
    path = own_course / "exercises" / "variation_loss.py"
    path.write_text((own_course / "solutions" / "variation_loss.py").read_text() + SPOILS)
    result = Grader(spec(own_course), sandbox).grade_path(path)
    failed = {check.function for check in result.checks if check.outcome is not Outcome.PASSED}
    assert failed <= {"isotropic_variation"}
