"""Time that counts: what the code has had on a core and what it has slept, not what it has waited for a core."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.errors import TimedOut
from autograder.sandbox import Sandbox
from autograder.submissions import Module
from autograder.worker import deadline as deadlines
from autograder.worker.deadline import Budget, wall_limit

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells how long a thread waits")


class Clocks:
    """A wall clock, a thread's times and those of the whole machine, moved by hand."""

    def __init__(self, monkeypatch):
        self.wall = self.processor = self.ran = 0.0
        self.wait = self.crowded = 0.0
        monkeypatch.setattr(deadlines.time, "monotonic", lambda: self.wall)

    def seconds(self):
        return self.wait

    def seconds_on_a_core(self):
        return self.ran

    def seconds_of_any(self):
        return self.crowded

    def passed(self, wall, wait, ran=0.0, crowded=0.0):
        self.wall += wall
        self.wait = None if wait is None else self.wait + wait
        self.ran += ran
        self.crowded = None if crowded is None else self.crowded + crowded


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


def test_the_wait_for_a_core_does_not_count(clocks):
    budget = Budget(5.0, clocks)
    clocks.passed(wall=20.0, wait=16.0)
    assert budget.seconds_left() == 1.0
    clocks.passed(wall=2.0, wait=0.5)
    assert budget.seconds_left() == -0.5


def test_a_wait_before_the_beginning_is_no_credit(clocks):
    clocks.passed(wall=100.0, wait=50.0)
    budget = Budget(5.0, clocks)
    clocks.passed(wall=6.0, wait=0.0)
    assert budget.seconds_left() == -1.0


def test_whoever_waits_for_ever_is_stopped_by_the_wall_clock(clocks):
    budget = Budget(5.0, clocks)
    clocks.passed(wall=wall_limit(5.0) + 1, wait=wall_limit(5.0))
    assert budget.seconds_left() == -1.0


def test_fifty_processes_on_two_cores_leave_the_time_that_counts(clocks):
    budget = Budget(5.0, clocks)
    clocks.passed(wall=4.0 * 50 / 2, wait=4.0 * 50 / 2 - 4.0, ran=4.0)
    assert budget.seconds_left() == 1.0


@pytest.mark.parametrize(("crowded", "left"), [(12.0, 2.0), (30.0, 3.0), (0.0, -10.0), (None, 3.0)])
def test_sleep_while_helpers_wait_for_a_core_does_not_count(clocks, crowded, left):
    """As long as anything waited and 2 s more, which Linux tells late; all of it where nobody tells."""
    budget = Budget(5.0, clocks, helped=lambda: True)
    clocks.passed(wall=20.0, wait=3.0, ran=2.0, crowded=crowded)
    assert budget.seconds_left() == left


def test_sleep_without_helpers_counts_on_a_crowded_machine(clocks):
    budget = Budget(5.0, clocks, helped=lambda: False)
    clocks.passed(wall=20.0, wait=3.0, ran=2.0, crowded=20.0)
    assert budget.seconds_left() == -12.0


def test_elsewhere_processor_time_counts_and_never_faster_than_the_wall_clock(clocks):
    clocks.wait = None
    budget = Budget(5.0, clocks, lambda: clocks.processor)
    clocks.passed(wall=20.0, wait=None)
    assert budget.seconds_left() == 5.0
    clocks.processor = 4.0
    assert budget.seconds_left() == 1.0
    clocks.processor = 80.0  # in many threads
    assert budget.seconds_left() == -15.0


def test_without_any_knowledge_the_wall_clock_counts(clocks):
    clocks.wait = None
    budget = Budget(5.0, clocks)
    clocks.passed(wall=6.0, wait=None)
    assert budget.seconds_left() == -1.0


def test_what_is_excused_does_not_count_and_not_twice(clocks):
    budget = Budget(5.0, clocks)
    with budget.excused():
        clocks.passed(wall=3.0, wait=0.0)
        with budget.excused():
            clocks.passed(wall=4.0, wait=0.0)
    clocks.passed(wall=4.0, wait=0.0)
    assert budget.seconds_left() == 1.0


def test_an_import_that_goes_on_is_excused_as_well(clocks):
    """The first step of an optimizer imports for minutes beside thirty busy processes, and half an import breaks the next."""
    budget = Budget(5.0, clocks)
    with budget.excused():
        clocks.passed(wall=2 * wall_limit(5.0), wait=2 * wall_limit(5.0) - 10)
        assert budget.seconds_left() == 5.0


def test_what_is_excused_does_not_count_by_the_wall_clock_either(clocks):
    budget = Budget(5.0, clocks)
    with budget.excused():
        clocks.passed(wall=wall_limit(5.0), wait=wall_limit(5.0) - 10)
    clocks.passed(wall=20.0, wait=18.0)
    assert budget.seconds_left() == 3.0
    clocks.passed(wall=wall_limit(5.0) - 19.0, wait=wall_limit(5.0) - 19.0)
    assert budget.seconds_left() == -1.0


LIBRARY = "import time\nend = time.thread_time() + {seconds}\nwhile time.thread_time() < end:\n    pass\n"


def test_at_home_the_import_of_a_library_does_not_count(tmp_path, monkeypatch):
    """As of what the first step of an optimizer imports."""
    (tmp_path / "slow_library.py").write_text("import slow_part\n" + LIBRARY.format(seconds=0.3))
    (tmp_path / "slow_part.py").write_text(LIBRARY.format(seconds=0.3))
    monkeypatch.syspath_prepend(tmp_path)
    unit = Module("unit", "unit.py", "def load():\n    import slow_library\n    return slow_library.__loader__.name\n")
    loader = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 0.3), InProcess(), 0).load()
    assert loader == "slow_library"
    assert sys.modules.pop("slow_library").__spec__.loader.name == "slow_library"


SWALLOWS = """
import time

def swallow():
    end, caught = time.monotonic() + 20, 0
    while time.monotonic() < end:
        try:
            while time.monotonic() < end:
                pass
        except:
            caught += 1
            if caught == 2:
                raise
    return caught
"""


def test_at_home_the_deadline_comes_again_where_code_has_swallowed_it():
    unit = Module("unit", "unit.py", SWALLOWS)
    with pytest.raises(TimedOut):
        StudentModule(ModuleUnderTest(unit, {"unit": unit}, 0.1), InProcess(), 0).swallow()


def test_in_another_thread_the_deadline_comes_again_as_well():
    unit = Module("unit", "unit.py", SWALLOWS)
    student = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 0.1), InProcess(), 0)
    with ThreadPoolExecutor(1) as pool, pytest.raises(TimedOut):
        pool.submit(student.swallow).result()


# --- beside processes that take the core

#: No child of this process's: those that a call has started are what is looked for.
BUSY = """
import os, time
if not os.fork():
    print(os.getpid(), flush=True)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        pass
"""
CODE = """
import subprocess, sys, threading, time

def endless():
    while True:
        pass

def sleep():
    time.sleep(1000)

def compute(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass
    return "right"

def compute_in_a_thread(seconds):
    thread = threading.Thread(target=compute, args=(seconds,))
    thread.start()
    thread.join()
    return "right"

def compute_in_a_process(seconds):
    code = f"import time\\nwhile time.thread_time() < {seconds}: pass"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
    return "right"

def ask(function, *arguments):
    return function(*arguments)

def unstoppable():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
UNIT = Module("unit", "unit.py", CODE)


@pytest.fixture(scope="module")
def one_core():
    """This process, and what it starts, on one core."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells how long a thread waits")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


@pytest.fixture(scope="module")
def crowded(one_core):
    """A worker's sandbox on a core that four busy processes share."""
    with Sandbox(()) as sandbox, contextlib.ExitStack() as stack:
        sandbox.isolation  # noqa: B018 - asking for it starts the server
        for _ in range(4):
            with subprocess.Popen([sys.executable, "-I", "-c", BUSY], stdout=subprocess.PIPE) as started:
                stack.callback(os.kill, int(started.stdout.readline()), signal.SIGKILL)
        yield sandbox


@pytest.fixture(params=[pytest.param("in process", marks=pytest.mark.slow), "sandboxed"])
def crowded_student(request, crowded):
    worker = crowded.worker() if request.param == "sandboxed" else contextlib.nullcontext(InProcess())
    with worker as transport:
        yield lambda seconds: StudentModule(ModuleUnderTest(UNIT, {"unit": UNIT}, seconds), transport, 0)


def test_right_code_that_waits_for_a_core_has_its_time(crowded_student):
    begun = time.monotonic()
    assert crowded_student(1.0).compute(0.7) == "right"
    assert time.monotonic() - begun > 1.0  # by the wall clock it would have been too late


def test_right_code_whose_thread_waits_for_a_core_has_its_time(crowded_student):
    assert crowded_student(1.0).compute_in_a_thread(0.7) == "right"


@pytest.mark.slow
def test_at_home_right_code_whose_processes_wait_for_a_core_has_its_time(crowded):
    assert (
        StudentModule(ModuleUnderTest(UNIT, {"unit": UNIT}, 1.0), InProcess(), 0).compute_in_a_process(0.7) == "right"
    )


@pytest.mark.slow
def test_right_code_has_its_time_while_the_grader_that_it_asks_waits_for_a_core(crowded_student):
    def compute(seconds):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass
        return "right"

    assert crowded_student(1.0).ask(compute, 0.7) == "right"


@pytest.mark.parametrize("name", ["endless", "sleep"])
def test_code_that_has_had_its_time_is_stopped(name, crowded_student):
    begun, waiting = time.monotonic(), deadlines.Waiting.of_thread()
    with pytest.raises(TimedOut, match=r"did not finish within 0\.5 s of its own time and was stopped"):
        getattr(crowded_student(0.5), name)()
    waiting.close()
    assert time.monotonic() - begun < wall_limit(0.5)


@pytest.mark.slow
def test_a_worker_that_stops_for_nothing_is_killed_in_its_own_time(crowded):
    with crowded.worker() as worker:
        before, begun = worker.waiting.seconds(), time.monotonic()
        with pytest.raises(TimedOut, match=r"did not finish within 0\.5 s of its own time"):
            StudentModule(ModuleUnderTest(UNIT, {"unit": UNIT}, 0.5), worker, 0).unstoppable()
        assert time.monotonic() - begun > 1.5
        assert before is not None


@linux
def test_the_clock_of_a_worker_is_its_own(sandbox):
    with sandbox.worker() as worker:
        assert worker.waiting.seconds() is not None
    assert worker.waiting.seconds() is None
