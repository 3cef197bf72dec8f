"""GitHub: Classroom's result with real points, annotations at the student's lines."""

import base64
import json

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, storable
from autograder.results.wording import explanation

_STATUS = {Outcome.PASSED: "pass", Outcome.ERROR: "error"}


def payload(mark: Mark) -> dict[str, object]:
    """Return what Classroom's reporter reads from a runner: it sums up the `score` of all tests.

    Hidden checks that are not shown are one test together, and points by hand are tests too: their points must be in the sum.
    """
    tests = [_check(mark, check) for check in mark.result.checks]
    tests += [_test(name, "pass", line.points, most, line.comment) for name, line, most in mark.manual_entries()]
    earned, possible = mark.withheld
    if possible:
        tests.append(_test("Hidden checks", "pass" if earned == possible else "fail", earned, possible))
    status = "error" if mark.score is None else "pass" if mark.all_passed else "fail"
    return {"version": 3, "status": status, "max_score": mark.max_score, "tests": tests}


def classroom(mark: Mark) -> str:
    """Return the payload in base64, as the reporter takes it from the environment."""
    return base64.b64encode(json.dumps(payload(mark)).encode()).decode("ascii")


def annotations(mark: Mark, folder: str = "exercises") -> str:
    """Return workflow commands: each fault beside the line of the student's file, in the pull request.

    Args:
        mark: of one submission.
        folder: that holds the student's files in the repository.
    """
    lines = dict.fromkeys(_annotation(check, folder) for check in mark.result.checks if _speaks(check))
    return storable("".join(f"{line}\n" for line in lines))


def _speaks(check: CheckResult) -> bool:
    silent = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_WRITTEN, Outcome.NOT_RUN)
    return check.outcome not in silent and bool(check.message)


def _annotation(check: CheckResult, folder: str) -> str:
    place = f"file={_property(f'{folder}/{check.unit}.py')}"
    place += f",line={check.line}" if check.line else ""
    return f"::error {place},title={_property(check.function)}::{_escaped(explanation(check))}"


def _escaped(text: str) -> str:
    """Return text for a workflow command, which ends at a line's end and reads % as the start of a code."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _check(mark: Mark, check: CheckResult) -> dict[str, object]:
    status = _STATUS.get(check.outcome, "fail")
    test = _test(f"{check.unit}, {check.function}: {check.title}", status, *mark.points_of(check), explanation(check))
    return {**test, "filename": f"{check.unit}.py", "line_no": check.line, "duration": check.seconds}


def _test(name: str, status: str, earned: float, possible: float, message: str = "") -> dict[str, object]:
    return {
        "name": name,
        "status": status,
        "score": earned,
        "max_score": possible,
        "message": message,
        "test_code": "",
        "filename": "",
        "line_no": 0,
        "duration": 0.0,
    }
