"""The pytest plugin: a unit's module is collected as the checks of that unit, and each check becomes a `CheckResult`.

`pytest exercises/variation_loss.py` runs `tests/exercises/test_variation_loss.py` with `submission` bound to that file, and
so for a folder of them. Checks collected directly judge the solutions. A graded run (`grade`) is the same with another
`Run`: one that reaches the student's code through the sandbox.

Markers: `points(function, value)`, `hidden`, `depends_on(check, ...)`.
Fixtures: `submission`, `folder`, `reference`, `model`, `rng`.
"""

import sys
import types
from collections.abc import Generator, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import data
from autograder.catalog import Catalog, find_course, read_catalog
from autograder.diagnose import explain
from autograder.errors import NO_VALUE, CatalogError, CheckError, CheckFailed, NotHandedIn, UsageError
from autograder.plugin.keeping import first_picture, keep_progress
from autograder.plugin.recorder import Recorder, judged
from autograder.plugin.runs import Run, StudentRun, check_seed, usable_device
from autograder.results import CheckResult, Outcome
from autograder.submission import Submission
from autograder.summary import summary

_MARKERS = (
    "points(function, value): the function that this check judges, and what it is worth",
    "hidden: this check is not in a student's release",
    "depends_on(check, ...): not run where one of these checks of the same unit has failed",
)
COURSE = pytest.StashKey[Catalog | None]()
RUN = pytest.StashKey[Run]()
RECORDER = pytest.StashKey[Recorder]()
_CHECK = pytest.StashKey[CheckResult]()
_SUBMISSION = pytest.StashKey[Submission]()
_KEPT = pytest.StashKey[tuple[list[str], str]]()


class Unit(pytest.Module):
    """A unit of a submission, collected as the checks that judge it."""

    def _getobj(self) -> types.ModuleType:
        catalog = self.config.stash[COURSE]
        assert catalog is not None  # units are only made where there is a course
        # pytest's own import of a test module: with its assertion rewriting, and its error when there is none.
        checks = pytest.Module.from_parent(self.parent, path=catalog.checks(self.path.stem))
        return checks.obj  # type: ignore[no-any-return]


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--check-seed`, to see a check with other random inputs; `--device`, to compute elsewhere."""
    group = parser.getgroup("idealcat")
    group.addoption("--check-seed", default="student", help="any text; the checks draw their random inputs from it")
    group.addoption("--device", default="cpu", help="where the functions under test compute: cpu (the default) or cuda")


def pytest_configure(config: pytest.Config) -> None:
    """Finds the course; without one the plugin does nothing."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    catalog = config.stash[COURSE] if COURSE in config.stash else _found_course(config)
    if catalog is not None:
        _forget_other_checks(catalog)
    config.stash[COURSE] = catalog
    config.stash[RECORDER] = config.stash.get(RECORDER, Recorder())
    if catalog is not None and RUN not in config.stash:
        config.stash[RUN] = _student_run(catalog, config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Unit | None:
    """A unit found in a folder. One named on the command line comes by `pytest_pycollect_makemodule`."""
    if _is_unit(file_path, parent.config) and not _pytest_collects(file_path, parent):
        return Unit.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> Unit | None:
    """A unit's file is never imported as a test module."""
    if _is_unit(module_path, parent.config):
        return Unit.from_parent(parent, path=module_path)
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """A check is known, and worth nothing, from now on."""
    catalog = item.config.stash[COURSE]
    unit = _unit_of(item, catalog) if catalog is not None else None
    if unit is not None:
        check = _expected(item, unit)
        item.stash[_CHECK] = check
        item.extra_keyword_matches.add(check.function)  # `-k denoise` means all the checks of denoise
        item.config.stash[RECORDER].expect(item.nodeid, check)


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """One thread for checks; and where they run alone, the summary in place of tracebacks, unless those are asked for."""
    if any(_CHECK in item.stash for item in items):
        # As in a graded worker, so that both round alike. The tensors are small: more threads only wait for one another.
        torch.set_num_threads(1)
    if not items or not all(_judges_submission(item) for item in items) or config.option.tbstyle != "auto":
        return
    config.option.tbstyle = "no"
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and config.option.reportchars == "fE":  # pytest's default: nobody has asked for the list
        reporter.reportchars = "E"


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A check that `-k` left out is no part of the run."""
    for item in items:
        item.config.stash[RECORDER].leave_out(item.nodeid)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A check that depends on a failed one is not run."""
    if _CHECK not in item.stash:
        return
    names = tuple(name for marker in item.iter_markers("depends_on") for name in marker.args)
    blocker = item.config.stash[RECORDER].blocker(item.nodeid, names)
    if blocker is not None:
        pytest.skip(f'waits for "{blocker.title}"')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the end of each phase into the check's result, and the report's text into its sentence."""
    report = yield
    if _CHECK not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    recorder = item.config.stash[RECORDER]
    if call.when == "call" or error is not None:
        check = judged(recorder.results[item.nodeid], error, item.stash.get(_SUBMISSION, None))
        recorder.results[item.nodeid] = _diagnosed(check, error, item)
    check = replace(recorder.results[item.nodeid], seconds=recorder.results[item.nodeid].seconds + call.duration)
    recorder.results[item.nodeid] = check
    report.check = check.to_dict()  # type: ignore[attr-defined]
    if report.failed and item.config.option.tbstyle == "no":
        report.longrepr = check.message
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Checks that are not written, or blocked, are counted apart from those that fail."""
    outcome = getattr(report, "check", {}).get("outcome")
    if outcome == Outcome.NOT_WRITTEN and report.failed:
        return "not written", "n", "NOT WRITTEN"
    if outcome == Outcome.BLOCKED and report.skipped:
        return "blocked", "b", "BLOCKED"
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A student's own run counts for their progress, unless it was of checks that were named one by one."""
    config = session.config
    catalog = config.stash[COURSE]
    partly = config.option.collectonly or any("::" in argument for argument in config.args)
    if catalog is not None and isinstance(config.stash[RUN], StudentRun) and not partly:
        config.stash[_KEPT] = keep_progress(catalog, config.stash[RECORDER], config.rootpath)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The student's summary, where a submission was judged."""
    catalog = config.stash[COURSE]
    checks = list(config.stash[RECORDER].results.values())
    if catalog is None or not checks or config.option.tbstyle != "no" or config.option.verbose < -1:
        return
    if config.option.collectonly:
        return  # a list of checks, as an editor asks for it
    terminalreporter.section(catalog.title)
    for line in summary(catalog, checks, brief=config.option.verbose < 0, verbose=config.option.verbose > 0):
        terminalreporter.write_line(line)
    done, note = config.stash.get(_KEPT, ([], ""))
    # For somebody who is looking: `autograder gallery` draws them for the others.
    pictures = (first_picture(catalog, unit, config.stash[RUN]) for unit in done if terminalreporter.isatty)
    for line in filter(None, (note, *pictures)):
        terminalreporter.write_line(line)


@pytest.fixture
def submission(request: pytest.FixtureRequest) -> Iterator[Submission]:
    """The student's module that is judged, loaded afresh, with a worker behind it."""
    check = _check_of(request)
    catalog, run = request.config.stash[COURSE], request.config.stash[RUN]
    assert catalog is not None
    modules = run.modules(_judged_path(request.node, catalog))
    if check.unit not in modules:
        raise NotHandedIn(f"{check.unit}.py was not handed in")
    seed = check_seed(run.seed, f"{check.id} worker")
    with run.worker(check.function) as worker:
        seconds = catalog.units[check.unit].seconds
        held = Submission(modules[check.unit], modules, worker, seconds, seed, run.device)
        request.node.stash[_SUBMISSION] = held
        yield held
        printed = worker.printed()
    held.calls.clear()  # pytest keeps the check for the whole run, and what came back may be large
    if printed:
        recorder = request.config.stash[RECORDER]
        recorder.results[request.node.nodeid] = replace(recorder.results[request.node.nodeid], output=printed)


@pytest.fixture
def folder(submission: Submission) -> Path:
    """An empty folder for files that the student's code is to read: a graded one can read no other."""
    return submission.folder


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> types.ModuleType:
    """The unit's solution, in the trusted process."""
    catalog = request.config.stash[COURSE]
    assert catalog is not None
    return _imported(catalog.solution(_check_of(request).unit))


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> torch.Generator:
    """The check's source of random inputs: fresh for each submission, the same when a mark is replayed."""
    return torch.Generator().manual_seed(_seed_of(request))


@pytest.fixture
def model(request: pytest.FixtureRequest) -> nn.Module:
    """A small network of the trusted process, with weights of the check's own."""
    return data.load_model("tiny", pretrained=False, seed=_seed_of(request) % 2**31)


def _found_course(config: pytest.Config) -> Catalog | None:
    root = find_course(config.invocation_params.dir, config.rootpath)
    try:
        return read_catalog(root) if root is not None else None
    except CatalogError as error:
        raise pytest.UsageError(str(error)) from error


def _student_run(catalog: Catalog, config: pytest.Config) -> StudentRun:
    try:
        return StudentRun(catalog, config.getoption("check_seed"), usable_device(config.getoption("--device")))
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def _forget_other_checks(catalog: Catalog) -> None:
    """pytest keeps a test module by its path below the root: in one process two courses would share theirs."""
    ours = {catalog.checks(unit).stem: catalog.checks(unit) for unit in catalog.units}
    for name in list(sys.modules):  # there are thousands, and to look at each would be felt
        checks = ours.get(name.rpartition(".")[2])
        file = getattr(sys.modules[name], "__file__", None) if checks is not None else None
        if file and Path(file) != checks:
            del sys.modules[name]


def _seed_of(request: pytest.FixtureRequest) -> int:
    return check_seed(request.config.stash[RUN].seed, _check_of(request).id)


def _check_of(request: pytest.FixtureRequest) -> CheckResult:
    if _CHECK not in request.node.stash:
        raise CheckError("this fixture is for the checks of a unit, in tests/exercises of a course")
    return request.node.stash[_CHECK]  # type: ignore[no-any-return]


def _is_unit(path: Path, config: pytest.Config) -> bool:
    catalog = config.stash[COURSE]
    if catalog is None or path.stem not in catalog.units or path.parent.name == "mistakes":
        return False
    return path.suffix == ".py" or (path.suffix == ".ipynb" and not path.with_suffix(".py").exists())


def _pytest_collects(path: Path, parent: pytest.Collector) -> bool:
    return path.suffix == ".py" and parent.session.isinitpath(path)


def _unit_of(item: pytest.Item, catalog: Catalog) -> str | None:
    file = getattr(getattr(item, "module", None), "__file__", None)
    return next((unit for unit in catalog.units if file and Path(file) == catalog.checks(unit)), None)


def _judges_submission(item: pytest.Item) -> bool:
    return item.getparent(Unit) is not None


def _judged_path(item: pytest.Item, catalog: Catalog) -> Path:
    if _judges_submission(item):
        return item.path
    unit = item.stash[_CHECK].unit
    solution = catalog.solution(unit)
    return solution if solution.is_file() else catalog.exercise(unit)


def _expected(item: pytest.Item, unit: str) -> CheckResult:
    marker = item.get_closest_marker("points")
    if marker is None or len(marker.args) != 2:
        raise pytest.UsageError(f"{item.nodeid} needs @pytest.mark.points(function, value)")
    function, points = marker.args
    described = getattr(getattr(item, "function", None), "__doc__", None) or item.name
    title = described.strip().partition("\n")[0].rstrip(".")
    hidden = item.get_closest_marker("hidden") is not None
    return CheckResult(f"{unit}::{item.name}", unit, function, title, float(points), hidden)


def _diagnosed(check: CheckResult, error: BaseException | None, item: pytest.Item) -> CheckResult:
    held = item.stash.get(_SUBMISSION, None)
    catalog = item.config.stash[COURSE]
    if not isinstance(error, CheckFailed) or held is None or catalog is None:
        return check
    failed = item.config.stash[RECORDER].failed_functions(item.nodeid)
    if failed & held.module.used_by(check.function):
        return check  # what shows here may be the fault of a function that this one uses
    unit = catalog.units[check.unit]
    files = catalog.mistakes(unit.name), catalog.solution(unit.name)
    known = explain(held.calls, unit.name, *files, unit.seconds, by_value=error.actual is not NO_VALUE, seed=held.seed)
    return check if known is None else replace(check, mistake=known.name, diagnosis=known.sentence)


def _imported(path: Path) -> types.ModuleType:
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    exec(_compiled(path, path.stat().st_mtime_ns), module.__dict__)
    return module


@lru_cache(maxsize=32)
def _compiled(path: Path, _: int) -> types.CodeType:
    """Compiled once for each state of the file; each check has a module of its own all the same."""
    return compile(path.read_text(encoding="utf-8"), str(path), "exec")
