"""Fixtures for checks."""

import contextlib
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from autograder.checks.plugin.collecting import module_path
from autograder.checks.plugin.recorder import CHECK, COURSE, PARTS, RECORDER, RUN, SUBMISSION, check_of, seed_of
from autograder.checks.plugin.runs import sent_seed
from autograder.checks.remote import ModuleUnderTest, StudentModule
from autograder.course.skeletons import whole_solution
from autograder.errors import CheckError, NotHandedIn
from autograder.libraries import nn, torch
from autograder.submissions import Module


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Iterator[StudentModule]:
    """Give the student's module, loaded afresh, with a worker behind it."""
    check = check_of(request)
    catalog, run = request.config.stash[COURSE], request.config.stash[RUN]
    assert catalog is not None
    modules = run.modules(module_path(request.node, catalog))
    if check.unit not in modules:
        raise NotHandedIn(f"{check.unit}.py was not handed in")
    seed = sent_seed(run.seed, "worker", check.id)
    names = [name for name in catalog.modules.keys() - modules.keys() if not _is_importable(name)]
    missing = {unit: Module(unit, f"{unit}.py", problem=f"{unit}.py was not handed in") for unit in names}
    with run.worker(check) as worker:
        unit = catalog.units[check.unit]
        tested = ModuleUnderTest(
            modules[unit.name],
            missing | modules,
            unit.seconds,
            run.device,
            catalog.data(unit.name),
            unit.functions,
            lambda name: _exception_named(name, request.node),
        )
        student = StudentModule(tested, worker, seed)
        request.node.stash[SUBMISSION] = student
        request.node.stash[PARTS] = tuple(modules[part] for part in unit.parts if part in modules)
        yield student
        printed = worker.take_printed()
    for note in student.notes:
        run.note(note)
    student.forget()
    if printed:
        recorder = request.config.stash[RECORDER]
        recorder.results[request.node.nodeid] = replace(recorder.results[request.node.nodeid], output=printed)


#: Libraries of which no exception is expected: it would steer the check itself.
_STEERING = ("autograder", "_pytest", "pytest", "hypothesis", "unittest")


def _exception_named(name: str, item: pytest.Item) -> type[Exception] | None:
    """Return an exception that a check can expect: one of its own module, of a module that it imports, or of `reference`."""
    spaces = [item.getparent(pytest.Module).obj, *getattr(item, "funcargs", {}).values()]  # type: ignore[union-attr] # a check is in a module
    for _ in range(3):
        spaces = [space for space in spaces if isinstance(space, types.ModuleType)]
        for found in (vars(space).get(name) for space in spaces):
            if (
                isinstance(found, type)
                and issubclass(found, Exception)
                and found.__module__.partition(".")[0] not in _STEERING
            ):
                return found
        spaces = [value for space in spaces for value in list(vars(space).values())]
    return None


class Captured(NamedTuple):
    """Output that was printed, as pytest's fixture gives it."""

    out: str
    err: str


class CaptureOfSubmission:
    """Stand-in for pytest's `capsys`: it gives what the student's code has printed, also if that runs in another process."""

    def __init__(self, node: pytest.Item) -> None:
        self._node = node
        self._read = 0

    def readouterr(self) -> Captured:
        """Return what was printed since the last time, and what was written to `sys.stderr`."""
        submission = self._node.stash.get(SUBMISSION, None)
        calls = submission.calls[self._read :] if submission is not None else []
        self._read += len(calls)
        return Captured("".join(call.printed for call in calls), "".join(call.complained for call in calls))

    def disabled(self) -> contextlib.AbstractContextManager[None]:
        """Return a context that does nothing: the check's own prints are not captured here."""
        return contextlib.nullcontext()


@pytest.fixture
def capsys(request: pytest.FixtureRequest) -> Any:
    """Give what the student's code prints, in a check; pytest's own elsewhere."""
    return _capture(request, "capsys")


@pytest.fixture
def capfd(request: pytest.FixtureRequest) -> Any:
    """Give what the student's code prints, in a check; pytest's own elsewhere."""
    return _capture(request, "capfd")


def _capture(request: pytest.FixtureRequest, name: str) -> Any:
    return CaptureOfSubmission(request.node) if CHECK in request.node.stash else request.getfixturevalue(name)


@lru_cache(maxsize=256)
def _is_importable(name: str) -> bool:
    """Return True if there is another module of this name: a library, or a unit beside a notebook that runs here."""
    return name in sys.modules or importlib.util.find_spec(name) is not None


@pytest.fixture
def folder(submission: StudentModule) -> Path:
    """Give an empty folder for files that the student's code is to read: a graded one can read no other."""
    return submission.share_folder()


@pytest.fixture
def partial(request: pytest.FixtureRequest) -> Callable[[float], None]:
    """Give a function that keeps a share of the check's points, whatever follows: `partial(0.6)`."""
    check_of(request)

    def keep(share: float) -> None:
        if not 0 <= share <= 1:
            raise CheckError(f"partial({share}): a share of the points is from 0 to 1")
        results = request.config.stash[RECORDER].results
        results[request.node.nodeid] = replace(results[request.node.nodeid], share=share)

    return keep


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Give the unit's solution, in the trusted process; it finds the unit's data where it runs."""
    catalog, unit = request.config.stash[COURSE], check_of(request).unit
    assert catalog is not None
    path = catalog.solution(unit)
    if not catalog.units[unit].data:
        yield _import_solution(path, whole_solution(catalog, unit), path)
        return
    with contextlib.chdir(catalog.root / "exercises"):
        yield _import_solution(path, whole_solution(catalog, unit), catalog.exercise(unit))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give the seed of the check's random inputs: fresh for each submission, the same when a mark is replayed."""
    return seed_of(request)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> torch.Generator:
    """Give random numbers of torch's, drawn from the check's seed, whatever the checks themselves call `seed`."""
    return torch.Generator().manual_seed(seed_of(request))


@pytest.fixture
def model(request: pytest.FixtureRequest) -> nn.Module:
    """Give a small network of the trusted process, with weights of the check's own."""
    seed = sent_seed(request.config.stash[RUN].seed, "model", check_of(request).id)
    import data  # noqa: PLC0415 # of the course: one that preloads none has none

    return data.load_model("tiny", pretrained=False, seed=seed % 2**31)


def _import_solution(path: Path, text: str, place: Path) -> types.ModuleType:
    module = types.ModuleType(path.stem)
    module.__file__ = str(place)
    exec(_compile_solution(path, text), module.__dict__)
    return module


@lru_cache(maxsize=32)
def _compile_solution(path: Path, text: str) -> types.CodeType:
    """Compile each text once; each check has a module of its own all the same."""
    return compile(text, str(path), "exec")
