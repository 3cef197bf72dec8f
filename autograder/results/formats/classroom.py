"""GitHub: Classroom's result with real points, annotations at the student's lines."""

import base64
import json

from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.wording import explanation
from autograder.results.types import CheckResult, Outcome, SubmissionResult, storable


def payload(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> dict[str, object]:
    """What Classroom's reporter reads from a runner: it sums up the `score` of all tests.

    Checks that are not to be shown are one test together, because their points must be in the sum.
    """
    seen = shown(result, hidden)
    rest = {check.id for check in result.checks} - {check.id for check in seen.checks}
    tests = [_test(check) for check in seen.checks]
    if rest:
        tests.append(_rest([check for check in result.checks if check.id in rest]))
    status = "error" if result.errors else "pass" if result.all_passed else "fail"
    return {"version": 3, "status": status, "max_score": result.max_score, "tests": tests}


def classroom(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> str:
    """The payload in base64, as the reporter takes it from the environment."""
    return base64.b64encode(json.dumps(payload(result, hidden)).encode()).decode("ascii")


def annotations(result: SubmissionResult, hidden: Hidden = Hidden.POINTS, folder: str = "exercises") -> str:
    """Workflow commands: each fault beside the line of the student's file, in the pull request.

    Args:
        result: of one submission.
        hidden: what is shown of hidden checks.
        folder: where the student's files lie in the repository.
    """
    said = dict.fromkeys(_annotation(check, folder) for check in shown(result, hidden).checks if _speaks(check))
    return storable("".join(f"{line}\n" for line in said))


def _speaks(check: CheckResult) -> bool:
    silent = (Outcome.PASSED, Outcome.BLOCKED, Outcome.NOT_WRITTEN, Outcome.NOT_RUN)
    return check.outcome not in silent and bool(check.message)


def _annotation(check: CheckResult, folder: str) -> str:
    place = f"file={_property(f'{folder}/{check.unit}.py')}"
    place += f",line={check.line}" if check.line else ""
    return f"::error {place},title={_property(check.function)}::{_escaped(explanation(check))}"


def _escaped(text: str) -> str:
    """Text of a workflow command, which ends at a line's end and reads % as the start of a code."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _test(check: CheckResult) -> dict[str, object]:
    status = {Outcome.PASSED: "pass", Outcome.ERROR: "error"}.get(check.outcome, "fail")
    return {
        "name": f"{check.unit}, {check.function}: {check.title}",
        "status": status,
        "score": check.points,
        "max_score": check.max_points,
        "message": explanation(check),
        "test_code": "",
        "filename": f"{check.unit}.py",
        "line_no": check.line,
        "duration": check.seconds,
    }


def _rest(checks: list[CheckResult]) -> dict[str, object]:
    passed = all(check.outcome is Outcome.PASSED for check in checks)
    return {
        "name": "Hidden checks",
        "status": "pass" if passed else "fail",
        "score": sum(check.points for check in checks),
        "max_score": sum(check.max_points for check in checks),
        "message": "",
        "test_code": "",
        "filename": "",
        "line_no": 0,
        "duration": sum(check.seconds for check in checks),
    }
