"""exercism's `results.json`, version 3 of its test runners' interface."""

import json

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome
from autograder.results.wording import explanation

_OUTPUT_LENGTH = 500


def exercism(mark: Mark) -> str:
    """Return the document for one submission. It knows no points: a test passes or fails."""
    checks = mark.result.checks
    if mark.score is None or not checks:
        message = mark.result.errors[0].message if mark.result.errors else "there were no checks to run"
        return json.dumps({"version": 3, "status": "error", "message": message, "tests": []}, indent=1) + "\n"
    functions = (function for unit in mark.units.values() for function in unit.functions)
    tasks = {function: number for number, function in enumerate(functions, 1)}
    document = {
        "version": 3,
        "status": "pass" if mark.all_passed else "fail",
        "tests": [_test(check, tasks[check.function]) for check in checks],
    }
    return json.dumps(document, indent=1) + "\n"


def _test(check: CheckResult, task: int) -> dict[str, object]:
    test: dict[str, object] = {"name": f"{check.function}: {check.title}", "task_id": task, "test_code": check.id}
    if check.outcome is Outcome.PASSED:
        return {**test, "status": "pass"}
    printed = {"output": check.output[:_OUTPUT_LENGTH]} if check.output else {}
    return {**test, "status": "fail", "message": explanation(check), **printed}
