"""Gradescope's `results.json`, as its autograder specification of tests with points describes it."""

import json

from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.wording import explanation, score_line
from autograder.results.types import CheckResult, Outcome, SubmissionResult


def gradescope(result: SubmissionResult, hidden: Hidden = Hidden.POINTS) -> str:
    """The document for one submission.

    Its `score` is that of all checks, shown or not. A submission without a grade has none, which Gradescope marks as failed.
    """
    document: dict[str, object] = {
        "output": "\n".join((score_line(result), *result.notes)),
        "execution_time": result.seconds,
        "visibility": "visible",
        "stdout_visibility": "hidden",  # the grader's own words, for the instructor
        "tests": [_test(check, number) for number, check in enumerate(shown(result, hidden).checks, 1)],
        "extra_data": {"isolation": list(result.isolation), "hashes": result.hashes, "seed": result.seed},
    }
    if not result.errors:
        document["score"] = result.score
    return json.dumps(document, indent=1) + "\n"


def _test(check: CheckResult, number: int) -> dict[str, object]:
    return {
        "name": f"{check.unit}, {check.function}: {check.title}",
        "number": str(number),
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if check.outcome is Outcome.PASSED else "failed",
        "output": explanation(check),
        "tags": [check.unit, check.function, *(["hidden"] if check.hidden else [])],
        "visibility": "visible",
    }
