"""exercism's `results.json`, version 3 of its test runners' interface."""

import json
from collections.abc import Iterator

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome
from autograder.results.wording import comment_place, explanation, manual_text, score_line

_OUTPUT_LENGTH = 500


def exercism(mark: Mark) -> str:
    """Return the document for one submission. It knows no points: a test passes or fails; by hand, full points pass.

    Their number and their comment stand in the test's message or output.
    """
    checks = mark.result.checks
    if mark.score is None or not checks:
        return json.dumps({"version": 3, "status": "error", "message": _reason(mark), "tests": []}, indent=1) + "\n"
    functions = (function for unit in mark.units.values() for function in unit.functions)
    tasks = {function: number for number, function in enumerate(functions, 1)}
    document = {
        "version": 3,
        "status": "pass" if mark.all_passed else "fail",
        "tests": [*(_test(check, tasks[check.function]) for check in checks), *_by_hand(mark)],
    }
    return json.dumps(document, indent=1) + "\n"


def _reason(mark: Mark) -> str:
    """Return why there is no test to show."""
    if mark.result.errors:
        return mark.result.errors[0].message
    return score_line(mark) if mark.score is None else "there were no checks to run"


def _by_hand(mark: Mark) -> Iterator[dict[str, object]]:
    """Yield a test for each line of points by hand, and one for each comment on a line of the student's file."""
    for name, line, most in mark.manual_entries():
        text = manual_text(line, most)
        full = line.points >= most if line.function else line.points >= 0
        ending = {"status": "pass", "output": text[:_OUTPUT_LENGTH]} if full else {"status": "fail", "message": text}
        yield {"name": name, "test_code": "", **ending}
    for comment in mark.comments:
        name = f"{comment_place(comment)}: comment"
        yield {"name": name, "test_code": "", "status": "pass", "output": comment.comment[:_OUTPUT_LENGTH]}


def _test(check: CheckResult, task: int) -> dict[str, object]:
    test: dict[str, object] = {"name": f"{check.function}: {check.title}", "task_id": task, "test_code": check.id}
    if check.outcome is Outcome.PASSED:
        return {**test, "status": "pass"}
    printed = {"output": check.output[:_OUTPUT_LENGTH]} if check.output else {}
    return {**test, "status": "fail", "message": explanation(check), **printed}
