"""Gradescope's `results.json`, as its autograder specification of tests with points describes it."""

import json
from collections.abc import Iterator

from autograder.messages import tr
from autograder.results.mark import Mark, mark_before_publication
from autograder.results.types import CheckResult, Outcome
from autograder.results.wording import comment_place, explanation, score_line

#: Visibility of what students see once the grades are published.
_LATER = "after_published"


def gradescope(mark: Mark) -> str:
    """Return the document for one submission.

    Its `score` is the whole mark, whatever is shown of hidden checks. Gradescope shows neither it nor a hidden check before
    the grades are published; `output` tells the visible points until then, and the comments on lines. A submission without a
    grade has no score, which Gradescope marks as failed. Its tests have no points either: Gradescope would add those up.
    """
    result = mark.result
    tests = [
        *(_test(mark, check, number) for number, check in enumerate(result.checks, 1)),
        *_withheld(mark),
        *_by_hand(mark),
    ]
    document: dict[str, object] = {
        "output": "\n".join((*_points(mark), *result.notes, *_comments(mark))),
        "execution_time": result.seconds,
        "visibility": "visible",
        "stdout_visibility": "hidden",  # the grader's own words, for the instructor
        "tests": tests if mark.score is not None else [_without_points(test) for test in tests],
        "extra_data": {"isolation": list(result.isolation), "hashes": result.hashes, "seed": result.seed},
    }
    if mark.score is not None:
        document["score"] = mark.score
    return json.dumps(document, indent=1) + "\n"


def _points(mark: Mark) -> list[str]:
    """Return the points before the grades are published, and what a policy will make of all of them, such as lateness."""
    before = mark_before_publication(mark)
    decided = mark.trail[1:] if before.score is not None else ()  # the first entry counts hidden checks too
    return [score_line(before), *([tr("The total also counts: {trail}", trail=", ".join(decided))] if decided else [])]


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
        "visibility": _LATER if check.hidden else "visible",
    }


def _without_points(test: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in test.items() if key not in ("score", "max_score")}


def _withheld(mark: Mark) -> list[dict[str, object]]:
    """Return one test in place of the hidden checks that are not shown: their points must be in the sum."""
    earned, possible = mark.withheld
    if not possible:
        return []
    return [{"name": "Hidden checks", "score": earned, "max_score": possible, "visibility": _LATER}]


def _comments(mark: Mark) -> Iterator[str]:
    return (f"{comment_place(each)}: {each.comment}" for each in mark.comments)


def _by_hand(mark: Mark) -> list[dict[str, object]]:
    return [
        {"name": name, "score": line.points, "max_score": possible, "output": line.comment, "visibility": "visible"}
        for name, line, possible in mark.manual_entries()
    ]
