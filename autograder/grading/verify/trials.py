"""Trials: one module handed in as a submission, and the checks run on it. Many at once, in processes of their own.

Some of the modules do nothing: one function is replaced by another that returns or raises as little as it can. What it returns
has the kind and the shape of what the solution returns, and none of its content. It swallows an exception of the solution, the
end of a program too, so that only the module that always raises passes a check of errors.
"""

import atexit
import contextlib
import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from autograder.checks.mistakes import with_more
from autograder.course.catalog import Catalog, read_catalog
from autograder.course.skeletons import imported_solutions
from autograder.errors import GraderError
from autograder.grading.grade import Grader
from autograder.grading.session import ChecksAlone
from autograder.grading.spec import GradingSpec
from autograder.libraries import torch
from autograder.results.types import CheckResult, Outcome, SubmissionResult, points_text
from autograder.sandbox import Sandbox


@dataclass(frozen=True)
class Trial:
    """A module on which checks are run.

    Attributes:
        unit: which unit it is.
        text: its source.
        files: sources of other modules that are handed in with it, by name.
        seed: for its random inputs.
        functions: run the checks of these alone; of all functions of the unit if empty.
        until_failure: run no more checks once one has failed.
        named: name known mistakes.
    """

    unit: str
    text: str
    seed: str = "verify"
    functions: frozenset[str] = frozenset()
    until_failure: bool = False
    named: bool = True
    files: Mapping[str, str] = field(default_factory=dict)


#: Runs trials and yields the result of each, in their order.
RunTrials = Callable[[Iterable[Trial]], Iterator[SubmissionResult]]


@dataclass(frozen=True)
class Bench:
    """Place where trials run, in one process."""

    catalog: Catalog
    sandbox: Sandbox

    def run(self, trial: Trial) -> SubmissionResult:
        """Run the checks of the trial's unit. Modules that it imports and that are not handed in are the solutions."""
        catalog = self.catalog
        spec = GradingSpec(catalog, units=(trial.unit,), functions=trial.functions, seed=trial.seed)
        grader = Grader(spec, self.sandbox, _TrialObserver(trial))
        with tempfile.TemporaryDirectory() as folder:
            own = {**trial.files, trial.unit: trial.text}
            texts = {**imported_solutions(catalog, *own.values()), **own}
            for name, text in texts.items():
                Path(folder, f"{name}.py").write_text(text, encoding="utf-8")
            return grader.grade_path(Path(folder), trial.unit)


class _TrialObserver(ChecksAlone):
    def __init__(self, trial: Trial) -> None:
        super().__init__(named=trial.named)
        self._until_failure = trial.until_failure

    def ended(self, check: CheckResult) -> bool:
        return not self._until_failure or check.outcome in (Outcome.PASSED, Outcome.BLOCKED)


_bench: Bench | None = None


@contextlib.contextmanager
def open_benches(root: Path, jobs: int) -> Iterator[RunTrials]:
    """Yield what runs trials in so many processes.

    Raises:
        GraderError: while trials are run, if the checks of one cannot be run.
    """
    # Spawned, not forked: a fork of a process that has computed with torch may hang.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open_bench, (root,)) as pool:
        yield lambda trials: pool.map(_run, trials)


def _open_bench(root: Path) -> None:
    global _bench
    atexit.register(gc.unfreeze)  # a library of torch's prints, at the end of the process, whatever is frozen
    catalog = read_catalog(root)
    if "torch" in catalog.preload:
        torch.set_num_threads(1)
    _bench = Bench(catalog, Sandbox(catalog.preload))


def _run(trial: Trial) -> SubmissionResult:
    if _bench is None:
        raise GraderError("a trial was sent to a process that was not set up")
    result = _bench.run(trial)
    if not gc.get_freeze_count():
        gc.freeze()  # what the first has imported stays: a collection of it takes as long as ten checks
    return result


#: Replacements of a function, by name: an expression of `value`, what the solution returns, and of `args`.
WAYS = {
    "returns nothing": "None",
    "returns its first argument": "args[0] if args else next(iter(kwargs.values()), None)",
    "returns zeros": "_filled(value, 0, args)",
    "returns ones": "_filled(value, 1, args)",
    "returns something empty": "_emptied(value, args)",
    "returns random numbers": "_filled(value, None, args)",
    "raises ValueError": "_raise(function, args, kwargs)",
}

_TEXT = '''

import builtins as _builtins, collections as _collections, contextlib as _contextlib, copy as _copy
import dataclasses as _dataclasses, functools as _functools, inspect as _inspect, io as _io, numbers as _numbers
import random as _random, unittest.mock as _mock
from autograder.libraries import Image as _image, nn as _nn, np as _numpy, torch as _torch


@_contextlib.contextmanager
def _silence():
    """Print nothing, not as an error either, and write no file."""
    opened = _builtins.open

    def read(file, mode="r", *args, **kwargs):
        return opened(file, mode, *args, **kwargs) if mode in ("r", "rb") else _io.BytesIO() if "b" in mode else _io.StringIO()

    with _contextlib.ExitStack() as stack:
        stack.enter_context(_contextlib.redirect_stdout(_io.StringIO()))
        stack.enter_context(_contextlib.redirect_stderr(_io.StringIO()))
        for module in (_builtins, _io):
            stack.enter_context(_mock.patch.object(module, "open", read))
        yield


def _filled(value, number, args):
    if isinstance(value, _torch.Tensor):
        shape, kind = value.shape, value.dtype
        if number is not None:
            return _torch.full(shape, number, dtype=kind)
        drawn = _torch.rand(shape, generator=_torch.Generator().manual_seed(7))  # the global random state is left alone
        return drawn.to(kind) if kind.is_floating_point or kind.is_complex else (2 * drawn).to(kind)
    if isinstance(value, _numpy.ndarray):
        return _filled_array(value, number)
    if isinstance(value, _nn.Module):
        return next((each for each in args if isinstance(each, _nn.Module)), _nn.Identity())
    if isinstance(value, _image.Image):
        return _image.new(value.mode, value.size, "white" if number else "black")
    if isinstance(value, (_numbers.Number, _numpy.bool_)):
        return _number(type(value), 2 * _random.Random(7).random() if number is None else number)
    if isinstance(value, (str, bytes, bytearray)):
        text = "" if number == 0 else str(number if number is not None else _random.Random(7).random())
        return text if isinstance(value, str) else type(value)(text.encode())
    if isinstance(value, dict):
        return {key: _filled(item, number, args) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return value._make(_filled(item, number, args) for item in value)
    if isinstance(value, (list, tuple, set, frozenset, _collections.deque)):
        return type(value)(_filled(item, number, args) for item in value)
    return _with_fields(value, lambda item: _filled(item, number, args))


def _filled_array(value, number):
    if value.dtype.kind not in "biufc":
        return _numpy.zeros_like(value)
    if number is not None:
        return _numpy.full_like(value, number)
    drawn = _numpy.asarray(_numpy.random.RandomState(7).random_sample(value.shape))
    return (drawn if value.dtype.kind in "fc" else 2 * drawn).astype(value.dtype)


def _number(kind, number):
    try:
        return kind(number)
    except Exception:  # a member of an enumeration, for one
        return number


def _with_fields(value, change):
    """Return a dataclass with each field changed; None for anything else."""
    if not _dataclasses.is_dataclass(value) or isinstance(value, type):
        return None
    made = _copy.copy(value)
    for field in _dataclasses.fields(value):
        object.__setattr__(made, field.name, change(getattr(value, field.name, None)))  # also if it is frozen
    return made


def _emptied(value, args):
    if isinstance(value, _torch.Tensor):
        return value.new_empty((0, *value.shape[1:])) if value.dim() else value.new_zeros(())
    if isinstance(value, _numpy.ndarray):
        return value[:0] if value.ndim else _numpy.zeros_like(value)
    containers = (list, tuple, dict, set, frozenset, _collections.deque, str, bytes, bytearray)
    if isinstance(value, containers) and not hasattr(value, "_fields"):
        return type(value)()
    emptied = _with_fields(value, lambda item: _emptied(item, args))
    return _filled(value, 0, args) if emptied is None else emptied


def _raise(function, args, kwargs):
    """With all that a message may have to name."""
    given = _inspect.signature(function).bind_partial(*args, **kwargs).arguments
    named = [f"{name} {getattr(value, 'shape', value)!s}" for name, value in given.items()]
    raise ValueError(", ".join([*_inspect.signature(function).parameters, *named]))


def _nothing(function):
    if isinstance(function, type):
        found = {name: _idle(value, function.__module__) for name, value in vars(function).items()}
        methods = {name: value for name, value in found.items() if value is not None}
        named = {name: value for name, value in methods.items() if name == "__call__" or not name.startswith("__")}
        for name, value in (named or methods).items():
            setattr(function, name, value)
        return function
    seen = []

    if _inspect.iscoroutinefunction(function):
        @_functools.wraps(function)
        async def nothing(*args, **kwargs):
            try:
                with _silence():
                    seen.append(await function(*_copy.deepcopy(args), **_copy.deepcopy(kwargs)))
            except (Exception, SystemExit):
                pass
            value = seen[-1] if seen else None
            return WAY

        return nothing

    @_functools.wraps(function)
    def nothing(*args, **kwargs):
        try:
            with _silence():
                seen.append(function(*_copy.deepcopy(args), **_copy.deepcopy(kwargs)))
        except (Exception, SystemExit):
            pass
        value = seen[-1] if seen else None
        return WAY

    return nothing


def _idle(value, module):
    """Return what stands in the place of a class's own method or property; None for anything else."""
    if isinstance(value, property):
        return property(_nothing(value.fget), value.fset, value.fdel)
    if isinstance(value, _functools.cached_property):
        return property(_nothing(value.func))
    if isinstance(value, (classmethod, staticmethod)):
        return type(value)(_nothing(value.__func__))
    own = callable(value) and getattr(value, "__module__", None) == module
    generated = getattr(getattr(value, "__code__", None), "co_filename", "") == "<string>"  # by a dataclass
    return _nothing(value) if own and not generated and not isinstance(value, type) else None


FUNCTION = _nothing(FUNCTION)
'''


def nothing_text(solution: str, function: str, way: str) -> str:
    """Return a solution in which one function does nothing, in one of the `WAYS`."""
    return with_more(solution, _TEXT.replace("WAY", WAYS[way]).replace("FUNCTION", function))


def points_earned(what: str, function: str, checks: Iterable[CheckResult]) -> Iterator[str]:
    """Yield a sentence if a module earns points of a function that it should not."""
    passed = [check for check in checks if check.function == function and check.points]
    if passed:
        points = sum(check.points for check in passed)
        yield f"{what}, earns {points_text(points)} points: {', '.join(check.id.partition('::')[2] for check in passed)}"
