"""The pytest plugin: a unit's module is collected as the checks of that unit, and each check becomes a `CheckResult`.

`pytest exercises/variation_loss.py` runs `tests/exercises/test_variation_loss.py` with `submission` bound to that file, and
so for a folder of them. Checks collected directly judge the solutions. A graded run (`grade`) is the same with another
`Run`: one that reaches the student's code through the sandbox.

Markers: `points(function, value)`, `hidden`, `depends_on(check, ...)`.
Fixtures: `submission`, `folder`, `reference`, `model`, `seed`, `rng`, `partial`, and those of `tests/exercises/conftest.py`.
"""

import atexit
import gc
import sys
import warnings
from collections.abc import Generator
from pathlib import Path

import pytest

from autograder.checks.diagnose import NAMING_SECONDS
from autograder.checks.plugin.collecting import (
    checks_submission,
    find_shared_modules,
    pytest_collect_file,
    pytest_deselected,
    pytest_ignore_collect,
    pytest_itemcollected,
    pytest_pycollect_makemodule,
    read_marks_again,
)
from autograder.checks.plugin.fixtures import capfd, capsys, folder, model, partial, reference, rng, seed, submission
from autograder.checks.plugin.recorder import (
    CHECK,
    COURSE,
    RECORDER,
    RUN,
    SUBMISSION,
    Recorder,
    pytest_report_teststatus,
    pytest_runtest_makereport,
)
from autograder.checks.plugin.runs import HOME_SEED, StudentRun, check_seed, seed_hypothesis, usable_device
from autograder.course.catalog import Catalog, find_course, read_catalog
from autograder.errors import CatalogError, UsageError
from autograder.libraries import is_loaded, torch
from autograder.worker.quick_imports import quicken

__all__ = [
    "CHECK",
    "COURSE",
    "RECORDER",
    "RUN",
    "SUBMISSION",
    "capfd",
    "capsys",
    "folder",
    "model",
    "partial",
    "pytest_addoption",
    "pytest_collect_file",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_deselected",
    "pytest_ignore_collect",
    "pytest_itemcollected",
    "pytest_pycollect_makemodule",
    "pytest_report_teststatus",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
    "reference",
    "rng",
    "seed",
    "submission",
]

_MARKERS = (
    "points(function, value): the function that this check judges, and what it is worth",
    "hidden: this check is not in a student's release",
    "depends_on(check, ...): not run if one of these checks of the same unit has failed",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--check-seed`, for other random inputs, and `--device`, to compute elsewhere."""
    group = parser.getgroup("idealcat")
    group.addoption("--check-seed", default=HOME_SEED, help="any text; the checks draw their random inputs from it")
    group.addoption("--device", default="cpu", help="where the functions under test compute: cpu (the default) or cuda")


def pytest_configure(config: pytest.Config) -> None:
    """Find the course; the plugin does nothing without one."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    catalog = config.stash[COURSE] if COURSE in config.stash else _find_course(config)
    if catalog is not None:
        quicken()
        _forget_other_checks(catalog)
        find_shared_modules(catalog, config)
    config.stash[COURSE] = catalog
    config.stash[RECORDER] = config.stash.get(RECORDER, Recorder())
    if catalog is not None and RUN not in config.stash:
        config.stash[RUN] = _student_run(catalog, config)
        config.pluginmanager.register(_QuickCollections())


class _QuickCollections:
    """Plugin of a student's own run: the garbage collector skips what torch has imported."""

    def pytest_collection_finish(self) -> None:
        """Freeze what is there now: pytest collects garbage at its end, which would take as long as many checks."""
        if is_loaded("torch") and not gc.get_freeze_count():
            gc.freeze()
            atexit.register(gc.unfreeze)  # a library of torch's prints, at the very end, what was not collected


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Use one thread for checks; if they run alone, show the summary in place of tracebacks, unless those are asked for."""
    read_marks_again(items)
    if is_loaded("torch") and any(CHECK in item.stash for item in items):
        # One thread, as in a graded worker, so that both round alike. The tensors are small: more threads would only wait.
        torch.set_num_threads(1)
    if not items or not all(checks_submission(item) for item in items) or config.option.tbstyle != "auto":
        return
    config.option.tbstyle = "no"
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and config.option.reportchars == "fE":  # pytest's default: nobody has asked for the list
        reporter.reportchars = "E"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a check that depends on a failed one; have hypothesis draw from the run's seed."""
    if CHECK not in item.stash:
        return
    seed_hypothesis(item, check_seed(item.config.stash[RUN].seed, item.stash[CHECK].id))
    names = tuple(name for marker in item.iter_markers("depends_on") for name in marker.args)
    blocker = item.config.stash[RECORDER].blocker(item.nodeid, names)
    if blocker is not None:
        pytest.skip(f'waits for "{blocker.title}"')


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Ignore warnings in a check of a submission, as in a graded run, also if the course's pytest makes errors of them."""
    with warnings.catch_warnings():
        if CHECK in item.stash and checks_submission(item):
            warnings.simplefilter("ignore")
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Name the known mistakes behind the failures, before the summary shows them."""
    session.config.stash[RECORDER].name_mistakes(NAMING_SECONDS)


def _find_course(config: pytest.Config) -> Catalog | None:
    root = find_course(config.invocation_params.dir, config.rootpath)
    try:
        return read_catalog(root) if root is not None else None
    except CatalogError as error:
        raise pytest.UsageError(str(error)) from error


def _student_run(catalog: Catalog, config: pytest.Config) -> StudentRun:
    try:
        device, debugged = usable_device(config.getoption("--device")), bool(config.getoption("usepdb", default=False))
        captured = config.getoption("capture", default="fd") != "no"  # `pytest -s` shows prints as they come
        return StudentRun(catalog, config.getoption("check_seed"), device, debugged=debugged, captured=captured)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


def _forget_other_checks(catalog: Catalog) -> None:
    """Forget test modules of another course: pytest keeps them by their path below the root, which may be the same."""
    ours = {catalog.checks(unit).stem: catalog.checks(unit) for unit in catalog.units}
    for name in list(sys.modules):  # there are thousands, so the file is looked at only if the name fits
        checks = ours.get(name.rpartition(".")[2])
        file = getattr(sys.modules[name], "__file__", None) if checks is not None else None
        if file and Path(file) != checks:
            del sys.modules[name]
