"""exercism's `results.json`, version 3 of its test runners' interface."""

import json

from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.wording import explanation
from autograder.results.types import CheckResult, Outcome, SubmissionResult

_OUTPUT_LENGTH = 500


def exercism(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> str:
    """The document for one submission. It knows no points: a test passes or fails."""
    if result.errors or not result.checks:
        message = result.errors[0].message if result.errors else "there were no checks to run"
        return json.dumps({"version": 3, "status": "error", "message": message, "tests": []}, indent=1) + "\n"
    tasks = {function: number for number, function in enumerate(dict.fromkeys(c.function for c in result.checks), 1)}
    document = {
        "version": 3,
        "status": "pass" if result.all_passed else "fail",
        "tests": [_test(check, tasks[check.function]) for check in shown(result, hidden).checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _test(check: CheckResult, task: int) -> dict[str, object]:
    test: dict[str, object] = {"name": f"{check.function}: {check.title}", "task_id": task, "test_code": check.id}
    if check.outcome is Outcome.PASSED:
        return {**test, "status": "pass"}
    said = {"output": check.output[:_OUTPUT_LENGTH]} if check.output else {}
    return {**test, "status": "fail", "message": explanation(check), **said}
