"""Run the checks of a unit under pytest: collected once in a process, and run on one submission after another.

pytest takes longer to start than many a check to run. Collection and each run are shielded (`shield`).
"""

import inspect
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import pytest

from autograder.checks import plugin, pytest_internals
from autograder.checks.plugin.collecting import register_conftest
from autograder.checks.plugin.recorder import Recorder, end_unhanded
from autograder.course.catalog import Catalog, read_catalog
from autograder.errors import GraderError
from autograder.grading.shield import GradedHooks, GradedRun, as_grader_error, forget_module, graded_arguments, shield
from autograder.libraries import is_loaded, torch
from autograder.messages import tr
from autograder.results.types import CheckResult


class Observer:
    """Observer of a run; this default ignores every event.

    Attributes:
        first: functions whose checks run before those of the others.
        named: False if no known mistake is to be named, which takes longer than the checks.
        examples: False if the checks alone are wanted, and not the examples that a student wrote.
    """

    first: Collection[str] = ()
    named: bool = True
    examples: bool = True

    def expected(self, checks: list[CheckResult]) -> None:
        """Called with all checks of a unit that will run."""

    def begins(self, check: CheckResult) -> None:
        """Called when a check starts."""

    def ended(self, check: CheckResult) -> bool:
        """Called after a check. Return False to skip the rest of the unit."""
        return True


class ChecksAlone(Observer):
    """Observer of a run that grades no examples.

    Args:
        named: False if no known mistake is to be named.
    """

    examples = False

    def __init__(self, *, named: bool = True) -> None:
        self.named = named


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
        self._hooks = GradedHooks(catalog)
        forget_module(catalog.checks(unit))
        with shield():
            self._config = pytest_internals.prepare_config(graded_arguments(catalog, unit), [plugin, self._hooks])
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
            with shield(), as_grader_error():
                return self._run(items, unit_run.recorder, unit_run.observer)
        finally:  # what a submission has returned is not kept with the checks
            del stash[plugin.RUN], stash[plugin.RECORDER]

    def _collect(self) -> pytest.Session:
        with as_grader_error():
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
        points: the points of all its cases together, by the function that they judge.
        source: the source of the function, wherever it was written; empty if there is none.
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
