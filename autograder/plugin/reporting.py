"""The end of each check becomes its result, and at the end of a run a student reads a summary."""

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from autograder.diagnose import explain
from autograder.errors import NO_VALUE, CheckFailed
from autograder.plugin.keeping import first_picture, keep_progress
from autograder.plugin.recorder import judged
from autograder.plugin.runs import StudentRun
from autograder.plugin.stash import CHECK, COURSE, RECORDER, RUN, SUBMISSION
from autograder.results import CheckResult, Outcome
from autograder.summary import summary

_KEPT = pytest.StashKey[tuple[list[str], str]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turns the end of each phase into the check's result, and the report's text into its sentence."""
    report = yield
    if CHECK not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    recorder = item.config.stash[RECORDER]
    if call.when == "call" or error is not None:
        check = judged(recorder.results[item.nodeid], error, item.stash.get(SUBMISSION, None))
        recorder.results[item.nodeid] = _diagnosed(check, error, item)
    check = replace(recorder.results[item.nodeid], seconds=recorder.results[item.nodeid].seconds + call.duration)
    recorder.results[item.nodeid] = check
    report.check_outcome = check.outcome.value  # type: ignore[attr-defined] # reports are open to plugins
    if report.failed and item.config.option.tbstyle == "no":
        report.longrepr = check.message
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Checks that are not written, or blocked, are counted apart from those that fail."""
    outcome = getattr(report, "check_outcome", "")
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


def _diagnosed(check: CheckResult, error: BaseException | None, item: pytest.Item) -> CheckResult:
    held = item.stash.get(SUBMISSION, None)
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
