"""Gradescope's `results.json`, as its autograder specification of tests with points describes it."""

import json

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome
from autograder.results.wording import explanation, score_line


def gradescope(mark: Mark) -> str:
    """Return the document for one submission.

    Its `score` is the whole mark, whatever is shown of hidden checks. A submission without a grade has none, which
    Gradescope marks as failed.
    """
    result = mark.result
    document: dict[str, object] = {
        "output": "\n".join((score_line(mark), *result.notes)),
        "execution_time": result.seconds,
        "visibility": "visible",
        "stdout_visibility": "hidden",  # the grader's own words, for the instructor
        "tests": [_test(mark, check, number) for number, check in enumerate(result.checks, 1)] + _by_hand(mark),
        "extra_data": {"isolation": list(result.isolation), "hashes": result.hashes, "seed": result.seed},
    }
    if mark.score is not None:
        document["score"] = mark.score
    return json.dumps(document, indent=1) + "\n"


def _test(mark: Mark, check: CheckResult, number: int) -> dict[str, object]:
    earned, possible = mark.points_of(check)
    return {
        "name": f"{check.unit}, {check.function}: {check.title}",
        "number": str(number),
        "score": earned,
        "max_score": possible,
        "status": "passed" if check.outcome is Outcome.PASSED else "failed",
        "output": explanation(check),
        "tags": [check.unit, check.function, *(["hidden"] if check.hidden else [])],
        "visibility": "visible",
    }


def _by_hand(mark: Mark) -> list[dict[str, object]]:
    return [
        {"name": name, "score": line.points, "max_score": possible, "output": line.comment, "visibility": "visible"}
        for name, line, possible in mark.manual_entries()
    ]
