"""Run the checks of a unit under pytest: collected once in a process, and run on one submission after another.

pytest takes longer to start than many a check to run. Collection and each run are shielded from configuration, plugins and
environment variables that are not the course's own.
"""

import contextlib
import gc
import inspect
import io
import os
import sys
import traceback
import weakref
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import pytest

from autograder.checks import plugin, pytest_internals
from autograder.checks.plugin.collecting import register_conftest
from autograder.checks.plugin.recorder import Recorder, end_unhanded
from autograder.checks.plugin.runs import Run
from autograder.course.catalog import Catalog, read_catalog
from autograder.errors import GraderError, OverBudget, SandboxError
from autograder.libraries import is_loaded, torch
from autograder.messages import tr
from autograder.results.types import CheckResult, Outcome


class GradedRun(Run, Protocol):
    """One submission, as the checks of a graded run reach it."""

    def limited(self) -> AbstractContextManager[None]:
        """Return what limits the grader's own time for one check."""

    def failed(self, error: BaseException, *, answered: bool) -> bool:
        """Record a failed check. Return True if it is run again.

        Args:
            error: why it failed.
            answered: True if the submission had answered anything in this check.
        """


class Observer:
    """Observer of a run; this default ignores every event.

    Attributes:
        first: functions whose checks run before those of the others.
        named: False if no known mistake is to be named, which takes longer than the checks.
    """

    first: Collection[str] = ()
    named: bool = True

    def expected(self, checks: list[CheckResult]) -> None:
        """Called with all checks of a unit that will run."""

    def begins(self, check: CheckResult) -> None:
        """Called when a check starts."""

    def ended(self, check: CheckResult) -> bool:
        """Called after a check. Return False to skip the rest of the unit."""
        return True


class CheckSession:
    """A pytest session that holds the checks of one unit.

    Args:
        catalog: the course.
        unit: its name.

    Raises:
        GraderError: they cannot be collected.
    """

    def __init__(self, catalog: Catalog, unit: str) -> None:
        self._catalog = catalog
        self._unit = unit
        self._hooks = _Hooks(catalog)
        _forget_module(catalog.checks(unit))
        with _shield():
            self._config = pytest_internals.prepare_config(_arguments(catalog, unit), [plugin, self._hooks])
            # Undoes what pytest has changed in the interpreter, once this session is no longer used.
            weakref.finalize(self, pytest_internals.unconfigure, self._config).atexit = False
            self._session = self._collect()

    @property
    def items(self) -> list[pytest.Item]:
        """Return the tests that are the unit's checks, in the order in which they are written."""
        return self._session.items

    def run(self, items: list[pytest.Item], unit_run: "UnitRun") -> bool:
        """Run some of the checks on one submission. Return False if the observer ended the run.

        Raises:
            SandboxError: there is no worker to be had.
            GraderError: pytest itself has failed.
        """
        stash = self._config.stash
        stash[plugin.COURSE], stash[plugin.RUN] = unit_run.catalog, unit_run.run
        stash[plugin.RECORDER] = unit_run.recorder
        if is_loaded("torch"):
            torch.set_num_threads(1)  # in a notebook the user may have set another number since the last run
        try:
            with _shield(), _as_grader_error():
                return self._run(items, unit_run.recorder, unit_run.observer)
        finally:  # what a submission has returned is not kept with the checks
            del stash[plugin.RUN], stash[plugin.RECORDER]

    def _collect(self) -> pytest.Session:
        with _as_grader_error():
            register_conftest(self._catalog, self._config)
            session = pytest_internals.collect(self._config)
        if self._hooks.problems:
            raise GraderError(
                f"the checks could not be run: {'; '.join(self._hooks.problems)}; mend them, and grade again"
            )
        if not session.items:
            raise GraderError(tr("{function} has no checks here", function=self._unit))
        return session

    def _run(self, items: list[pytest.Item], recorder: Recorder, observer: Observer) -> bool:
        try:
            for item, following in zip(items, [*items[1:], None], strict=True):
                observer.begins(recorder.results[item.nodeid])
                self._config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if not observer.ended(recorder.results[item.nodeid]):
                    return False
            return True
        except BaseException:  # Ctrl-C too: pytest leaves a half-run check behind
            _collect_once.cache_clear()
            raise
        finally:
            pytest_internals.tear_down(self._session)


@dataclass(frozen=True)
class CollectedTest:
    """A test function, as pytest has collected it.

    Attributes:
        name: `test_a`, or `TestB.test_a` for a method.
        hidden: True if any of its cases is hidden.
        needs_solution: True if it, or a fixture that it uses, takes the `reference`.
        points: of all its cases together, by the function that they judge.
        source: of the function, wherever it was written; empty if there is none.
    """

    name: str
    hidden: bool = False
    needs_solution: bool = False
    points: Mapping[str, float] = field(default_factory=dict)
    source: str = ""


def collected_tests(catalog: Catalog, unit: str) -> list[CollectedTest]:
    """Return the test functions of a unit's checks; marks and fixtures are pytest's own, however they are written.

    Raises:
        GraderError: the checks cannot be collected.
    """
    found: dict[str, CollectedTest] = {}
    for item in check_session(catalog, unit).items:
        name = item.nodeid.partition("::")[2].partition("[")[0].replace("::", ".")
        before, check = found.get(name) or CollectedTest(name, source=_source(item)), item.stash[plugin.CHECK]
        points = {**before.points, check.function: before.points.get(check.function, 0.0) + check.max_points}
        fixtures: Sequence[str] = getattr(item, "fixturenames", ())
        needs_solution = before.needs_solution or "reference" in fixtures
        hidden = before.hidden or check.hidden
        found[name] = replace(before, hidden=hidden, needs_solution=needs_solution, points=points)
    return list(found.values())


def _source(item: pytest.Item) -> str:
    try:
        return inspect.getsource(getattr(item, "function", None))  # type: ignore[arg-type] # None is a TypeError
    except (OSError, TypeError):
        return ""


class UnitRun:
    """The checks of one unit on one submission, run in two passes: the visible ones, then the hidden ones.

    Args:
        session: the checks.
        catalog: the course, with the limits that hold this time.
        run: the submission.
        wanted: returns True if a check is to be run.
        observer: is told how the run proceeds.

    Attributes:
        recorder: the results so far.
    """

    def __init__(
        self,
        session: CheckSession,
        catalog: Catalog,
        run: GradedRun,
        wanted: Callable[[CheckResult], bool],
        observer: Observer,
    ) -> None:
        self.catalog = catalog
        self.run = run
        self.observer = observer
        expected = {item.nodeid: item.stash[plugin.CHECK] for item in session.items}
        wanted_checks = {nodeid: check for nodeid, check in expected.items() if wanted(check)}
        self.recorder = Recorder(wanted_checks, named=observer.named)
        self._session = session
        self._goes_on = True
        observer.expected(self.results)

    @property
    def results(self) -> list[CheckResult]:
        """Return the results in the order in which the checks are written; a check that has not run is `NOT_RUN`."""
        return list(self.recorder.results.values())

    def run_checks(self, *, hidden: bool) -> None:
        """Run the hidden checks, or the others, unless the observer has ended the unit.

        Raises:
            SandboxError: there is no worker to be had.
            GraderError: pytest itself has failed.
        """
        own = [item for item in self._session.items if item.nodeid in self.recorder.results]
        items = [item for item in own if item.stash[plugin.CHECK].hidden == hidden]
        items.sort(key=lambda item: item.stash[plugin.CHECK].function not in self.observer.first)
        if not items or not self._goes_on:
            return
        unit = items[0].stash[plugin.CHECK].unit
        if unit in self.run.modules(self.catalog.checks(unit)):
            self._goes_on = self._session.run(items, self)
        else:
            self._goes_on = all(map(self._skip, items))

    def _skip(self, item: pytest.Item) -> bool:
        """Record a check whose unit was not handed in. Return False if the observer ends the unit."""
        self.observer.begins(self.recorder.results[item.nodeid])
        self.recorder.results[item.nodeid] = end_unhanded(item)
        return self.observer.ended(self.recorder.results[item.nodeid])


def check_session(catalog: Catalog, unit: str) -> CheckSession:
    """Return the session of a unit's checks as the file is now: collected before in this process, or by this call.

    Raises:
        GraderError: they cannot be collected.
    """
    path = catalog.checks(unit)
    try:
        state = path.stat()
    except OSError as error:
        raise GraderError(
            f"the checks could not be run: {path} cannot be read ({error.strerror}); put it back"
        ) from error
    shared = [each.stat().st_mtime_ns for each in catalog.shared_checks.values()]
    return _collect_once(catalog.root, unit, (state.st_ino, state.st_mtime_ns, state.st_size, *shared))


@lru_cache(maxsize=32)
def _collect_once(root: Path, unit: str, _: tuple[int, ...]) -> CheckSession:
    return CheckSession(read_catalog(root), unit)


class _Hooks:
    """Plugin of pytest with what a graded run does in another way than a student's own."""

    def __init__(self, catalog: Catalog) -> None:
        self.problems: list[str] = []
        self._catalog = catalog
        self._again = False
        self._large = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the course, in place of the one of the working directory."""
        config.stash[plugin.COURSE] = self._catalog
        config.option.trace = config.option.usepdb = False  # checks of unittest ask for these options of the debugger

    @pytest.fixture
    def tmp_path(self, folder: Path) -> Path:
        """Give the check's folder: the only one that a graded submission can read."""
        return folder

    def pytest_exception_interact(
        self, call: pytest.CallInfo[object], report: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """Keep why something could not be collected."""
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            self.problems.append(_collection_problem(self._catalog.root, call.excinfo.value))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a check without reporting it to pytest, and a second time if its worker died before it had answered."""
        self._again = self._large = False
        self._run(item, nextitem)
        if self._again:
            item.config.stash[plugin.RECORDER].expect(item.nodeid, item.stash[plugin.CHECK])
            self._run(item, nextitem)
        if self._large:
            _forget_last_error()
            gc.collect()  # frames of pytest and of the check hold one another, and what came back
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report a failure to the run, then clear the traceback so that the student's tensors are freed.

        The frames and the exception hold one another.
        """
        error = call.excinfo.value if call.excinfo is not None else None
        if call.excinfo is not None and not isinstance(error, pytest.skip.Exception):
            pytest_internals.forget_traceback(call.excinfo)
        report = yield
        submission = item.stash.get(plugin.SUBMISSION, None)
        self._large = self._large or (submission is not None and submission.large)
        if isinstance(error, SandboxError):
            raise error  # no check can be run
        if error is not None and not isinstance(error, pytest.skip.Exception):
            run: GradedRun = item.config.stash[plugin.RUN]  # type: ignore[assignment] # `CheckSession.run` has put it there
            answered = submission is not None and submission.answered
            self._again = run.failed(error, answered=answered) or self._again
        while error is not None:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__
        return report

    @staticmethod
    def _run(item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Run a check once, and let go of the submission afterwards: the check is kept for the next one."""
        run: GradedRun = item.config.stash[plugin.RUN]  # type: ignore[assignment] # `CheckSession.run` has put it there
        try:
            with run.limited():
                pytest_internals.run_item(item, nextitem)
        except OverBudget as error:  # raised outside of the check itself: while it was explained or cleaned up
            pytest_internals.tear_down(item.session, nextitem)
            item.config.stash[plugin.RECORDER].results[item.nodeid] = item.stash[plugin.CHECK].with_outcome(
                Outcome.FAILED, str(error)
            )
            run.failed(error, answered=True)
        finally:
            if plugin.SUBMISSION in item.stash:
                del item.stash[plugin.SUBMISSION]


def _arguments(catalog: Catalog, unit: str) -> list[str]:
    return [
        str(catalog.checks(unit)),
        f"--rootdir={catalog.root}",
        f"--confcutdir={catalog.root}",  # without it pytest lists each folder above, up to the root of the disk
        f"--config-file={os.devnull}",
        "--noconftest",
        "--disable-plugin-autoload",
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
        *("-p", "no:logging"),  # it would look through all loggers of torch at each phase of each check
        *("-p", "no:faulthandler", "-p", "no:debugging"),  # both change the interpreter, and this process goes on
        *("-p", "no:capture"),  # what checks print is dropped, and capturing it takes a fifth of a small check
        *("-W", "ignore"),  # PYTHONWARNINGS=error would make a failure of each
        "--import-mode=importlib",
        "--tb=line",
        "-q",
    ]


def _collection_problem(root: Path, error: BaseException) -> str:
    """Return why checks cannot be collected in one line: where in the course, and what was raised."""
    cause = error.__cause__ or error  # pytest's own error quotes the whole traceback
    if isinstance(cause, SyntaxError) and cause.filename:
        places = [(Path(cause.filename), cause.lineno)]
    else:
        places = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(cause.__traceback__)]
    inside = [f"{path.relative_to(root)}:{line} raised " for path, line in places if path.is_relative_to(root)]
    text = cause.msg if isinstance(cause, SyntaxError) else str(cause)
    return f"{''.join(inside[-1:])}{type(cause).__name__}: {' '.join(text.split())}"


def _forget_module(path: Path) -> None:
    """Have Python import a file anew: it keeps a module that has changed since, and one whose import has failed."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "") == str(path):
            del sys.modules[name]


@contextlib.contextmanager
def _as_grader_error() -> Iterator[None]:
    """Turn every error of pytest's into a `GraderError`."""
    try:
        yield
    except SandboxError:
        raise
    except Exception as error:  # pytest's own, of a check that is written wrong or wants to end pytest
        raise GraderError(f"the checks could not be run: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def _shield() -> Iterator[None]:
    """Shield a run: no variable steers pytest, it has no terminal, and a worker may read the files that a check writes."""
    saved, mask, stdin, nowhere = _remove_pytest_variables(), os.umask(0o022), sys.stdin, io.StringIO()
    sys.stdin = io.StringIO()
    try:
        with contextlib.chdir("."), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        sys.stdin = stdin
        os.umask(mask)
        _remove_pytest_variables()
        _forget_last_error()
        os.environ.update(saved)


def _forget_last_error() -> None:
    """Forget the last error, which pytest keeps for a debugger, and with it what the submission has returned."""
    for name in ("last_value", "last_traceback", "last_exc"):
        setattr(sys, name, None)


def _remove_pytest_variables() -> dict[str, str]:
    """Remove pytest's variables from the environment. Return them."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
