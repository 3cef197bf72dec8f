"""What a careless function leaves otherwise in its process does not reach the next check."""

import gc
import textwrap

import pytest
import torch

from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.checks.transport import InProcess
from autograder.submissions import Module
from autograder.worker.restorer import held_bytes

#: How a function may leave the process, and what another function sees of it.
NUMERICAL = {
    "default dtype": ("torch.set_default_dtype(torch.float64)", "str(torch.zeros(1).dtype)"),
    "default device": ("torch.set_default_device('meta')", "str(torch.zeros(1).device)"),
    "grad mode": ("torch.set_grad_enabled(False)", "torch.is_grad_enabled()"),
    "inference mode": ("MODE.__enter__()", "torch.is_inference_mode_enabled()"),
    "torch's threads": ("torch.set_num_threads(3)", "torch.get_num_threads()"),
    "anomaly mode": ("torch.autograd.set_detect_anomaly(True)", "torch.is_anomaly_enabled()"),
    "autocast": ("torch.set_autocast_enabled('cpu', True)", "torch.is_autocast_enabled('cpu')"),
    "deterministic": (
        "torch.use_deterministic_algorithms(True)",
        "torch.are_deterministic_algorithms_enabled()",
    ),
    "numpy's errors": ("np.seterr(all='raise')", "np.geterr()['divide']"),
    "decimal": ("decimal.getcontext().prec = 3", "str(decimal.Decimal(1) / 3)"),
    "torch's random state": ("torch.rand(3)", "torch.rand(1)"),
    "numpy's random state": ("np.random.rand(3)", "float(np.random.rand())"),
    "numpy's generator": (
        "np.random.set_bit_generator(np.random.PCG64(3))",
        "type(np.random.get_bit_generator()).__name__",
    ),
    "handlers of loggers": (
        "logging.getLogger('a').addHandler(logging.StreamHandler()); logging.root.addHandler(logging.StreamHandler())",
        "[type(each).__name__ for each in (*logging.getLogger('a').handlers, *logging.root.handlers)]"
        ".count('StreamHandler')",
    ),
    "Python's random state": ("random.random()", "random.random()"),
}
PROCESS = {
    "levels of loggers": (
        "logging.disable(); logging.getLogger('a').setLevel(10)",
        "(logging.root.manager.disable, logging.getLogger('a').level)",
    ),
    "warnings": ("warnings.simplefilter('error')", "warnings.warn('x')"),
    "shown warnings": ("warnings.showwarning = None", "warnings.showwarning is None"),
    "environment": ("os.environ['HOME'] = 'there'; os.environ['NEW'] = '1'", "sorted(os.environ.items())"),
    "folder": ("os.chdir(os.path.dirname(os.__file__))", "os.getcwd()"),
    "sys.path": ("sys.path.insert(0, 'mine')", "list(sys.path)"),
    "a finder": ("sys.meta_path.clear()", "len(sys.meta_path)"),
    "a removed module": ("del sys.modules['json']", "'json' in sys.modules"),
    "a replaced module": ("sys.modules['json'] = types.ModuleType('json')", "hasattr(__import__('json'), 'dumps')"),
    "a replaced module that equals everything": (
        "sys.modules['json'] = type('Equal', (types.ModuleType,), {'__eq__': lambda *_: True, '__hash__': None})('json')",
        "hasattr(__import__('json'), 'dumps')",
    ),
    "a module of its own": ("sys.modules['helper'] = types.ModuleType('helper')", "'helper' in sys.modules"),
    "a forbidden module": ("sys.modules['antigravity'] = None", "'antigravity' in sys.modules"),
    "signals": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", "str(signal.getsignal(signal.SIGTERM))"),
    "blocked signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})",
        "len(signal.pthread_sigmask(signal.SIG_BLOCK, ()))",
    ),
    "an alarm": ("signal.setitimer(signal.ITIMER_PROF, 100)", "signal.getitimer(signal.ITIMER_PROF)[0]"),
    "recursion limit": ("sys.setrecursionlimit(150)", "sys.getrecursionlimit()"),
    "tracing": ("sys.settrace(lambda *args: None)", "sys.gettrace() is None"),
    "garbage": ("gc.disable()", "gc.isenabled()"),
    "stdout": ("sys.stdout = None", "sys.stdout is None"),
    "builtins": ("builtins.abs = lambda x: 0", "abs(-1)"),
}
CODE = """
import builtins, decimal, gc, logging, os, random, signal, sys, types, warnings
import numpy as np
import torch

MODE = torch.inference_mode()

def spoil():
    {spoil}

def look():
    return {look}
"""


def seen(transport, spoil, look):
    """Return what `look` sees in a check of its own, before a check of `spoil` and after it."""
    unit = Module("unit", "unit.py", textwrap.dedent(CODE).format(spoil=spoil, look=look))
    checks = [StudentModule(ModuleUnderTest(unit, {"unit": unit}, 20.0), transport, 3) for _ in range(3)]
    before = checks[0].look()
    checks[1].spoil()
    return before, checks[2].look()


@pytest.mark.parametrize("name", NUMERICAL | PROCESS)
def test_a_worker_is_as_it_was_for_the_next_check(name, sandbox):
    with sandbox.worker() as worker:
        before, after = seen(worker, *(NUMERICAL | PROCESS)[name])
    assert after == before


@pytest.mark.parametrize("name", NUMERICAL)
def test_at_home_the_numerical_libraries_are_as_they_were(name):
    before, after = seen(InProcess(), *NUMERICAL[name])
    assert after == before


def test_at_home_a_mode_that_was_left_on_ends_before_the_next_check():
    """The earlier mode comes back as soon as the object is collected, even in the midst of a step of an optimizer."""
    seen(InProcess(), *NUMERICAL["inference mode"])
    with torch.no_grad():
        gc.collect()
        assert not torch.is_grad_enabled()


def test_within_one_check_a_setting_holds(sandbox):
    unit = Module("unit", "unit.py", CODE.format(spoil=NUMERICAL["default dtype"][0], look="torch.zeros(1)"))
    with sandbox.worker() as worker:
        submission = StudentModule(ModuleUnderTest(unit, {"unit": unit}, 5.0), worker, 3)
        submission.spoil()
        assert submission.look().dtype == torch.float64


@pytest.mark.slow
@pytest.mark.parametrize("size", [10_000, 50_000_000])
def test_what_a_check_holds_is_freed_before_the_next_one(size, sandbox):
    """Thirty times 200 MB are more than a worker may have; of a little, Python itself frees what is left."""
    unit = Module(
        "unit", "unit.py", f"import torch\ndef hold():\n    global KEPT\n    KEPT = torch.zeros({size})\n    return 1\n"
    )
    with sandbox.worker() as worker:
        for _ in range(30):
            assert StudentModule(ModuleUnderTest(unit, {"unit": unit}, 20.0), worker, 3).hold() == 1


def test_tensors_are_counted_as_held():
    before = held_bytes()
    tensor = torch.zeros(5_000_000)
    with_tensor = held_bytes()
    del tensor
    assert with_tensor - before > 19_000_000 > held_bytes() - before
