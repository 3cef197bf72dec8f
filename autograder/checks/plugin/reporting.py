"""Turn the end of each check into its result."""

from collections.abc import Generator
from dataclasses import replace

import pytest

from autograder.checks.diagnose import explain
from autograder.checks.plugin.recorder import end_check
from autograder.checks.plugin.stash import CHECK, COURSE, RECORDER, SUBMISSION
from autograder.errors import NO_VALUE, CheckFailed, StudentFault
from autograder.results.types import CheckResult, Outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the end of each phase into the check's result, and the report's text into its sentence."""
    report = yield
    if CHECK not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    recorder = item.config.stash[RECORDER]
    if call.when == "call" or error is not None:
        # A failure after the check is no fault of the submission's answers.
        submission = item.stash.get(SUBMISSION, None) if call.when != "teardown" else None
        if error is not None and submission is not None:
            error = submission.fault_in(error)
        check = end_check(recorder.results[item.nodeid], error, submission)
        recorder.results[item.nodeid] = _add_diagnosis(check, error, item)
    check = replace(recorder.results[item.nodeid], seconds=recorder.results[item.nodeid].seconds + call.duration)
    recorder.results[item.nodeid] = check
    report.check_outcome = check.outcome.value  # type: ignore[attr-defined] # reports are open to plugins
    if report.failed and item.config.option.tbstyle == "no":
        report.longrepr = check.message
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count checks that are not written, or blocked, apart from those that fail."""
    outcome = getattr(report, "check_outcome", "")
    if outcome == Outcome.NOT_WRITTEN and report.failed:
        return "not written", "n", "NOT WRITTEN"
    if outcome == Outcome.BLOCKED and report.skipped:
        return "blocked", "b", "BLOCKED"
    return None


def _add_diagnosis(check: CheckResult, error: BaseException | None, item: pytest.Item) -> CheckResult:
    held = item.stash.get(SUBMISSION, None)
    catalog = item.config.stash[COURSE]
    wrong_answer = isinstance(error, CheckFailed) or (
        isinstance(error, AssertionError) and not isinstance(error, StudentFault)
    )
    if not wrong_answer or held is None or catalog is None:
        return check
    failed = item.config.stash[RECORDER].failed_functions(item.nodeid)
    causes = failed & held.module.used_by(check.function)
    if causes:  # what shows here may be the fault of a function that this one uses
        first = min(causes)
        advice = f"{first} fails, and {check.function} uses it: mend {first} first"
        return replace(check, message=f"{check.message}; {advice}")
    unit = catalog.units[check.unit]
    files = catalog.mistakes(unit.name), catalog.solution(unit.name)
    by_value = not isinstance(error, CheckFailed) or error.actual is not NO_VALUE
    known = explain(held.calls, unit.name, *files, unit.seconds, by_value=by_value, seed=held.seed)
    return check if known is None else replace(check, mistake=known.name, diagnosis=known.sentence)
