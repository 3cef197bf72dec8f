"""Classroom 50's `result.json`, which knows whole numbers alone, and the body of the release that a submission gets."""

import json
import math
import os
from collections.abc import Mapping
from fractions import Fraction

from autograder.errors import GraderError, UsageError
from autograder.results.formats.markdown import markdown
from autograder.results.mark import FunctionMark, Mark
from autograder.results.types import Outcome, legible
from autograder.results.wording import explanation, score_line

#: By key of the document, the variable in which Classroom 50's runner tells its value. The runner puts its own value of the
#: first two into what it reads once more.
_FACTS = {
    "owner": "OWNER",
    "assignment_type": "ASSIGNMENT_TYPE",
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}
#: Variable of the commit's date, `YYYY-MM-DDTHH:MM:SSZ`. The autograder of the bundle sets it; the runner has none.
DATETIME = "SUBMISSION_DATETIME"
_NAME_BYTES = 100


def classroom50(mark: Mark, environment: Mapping[str, str] = os.environ) -> str:
    """Return `result.json` for one submission: a test for each function, and points multiplied until all are whole.

    Args:
        mark: the mark of the submission.
        environment: the variables that the runner sets.

    Raises:
        GraderError: there is no grade, or nothing was checked. No number stands for that.
        UsageError: a variable is missing.
    """
    if mark.score is None or not mark.max_score:
        raise GraderError(f"there is nothing to give to Classroom 50: {score_line(mark)}")
    missing = [name for name in (*_FACTS.values(), DATETIME) if not environment.get(name)]
    if missing:
        raise UsageError(f"{missing[0]} is not set; this form is made where Classroom 50 runs an autograder")
    factor, most = scale(mark), mark.max_score
    document = {
        "schema": "classroom50/result/v1",
        **{key: environment[name] for key, name in _FACTS.items()},
        "review": environment.get("REVIEW_URL") or environment["COMMIT_URL"],
        "datetime": environment[DATETIME],
        "score": _whole(min(max(mark.score, 0.0), most), factor),
        "max-score": _whole(most, factor),
        "tests": [
            _test(mark, unit.name, function, factor)
            for unit in mark.units.values()
            for function in unit.functions.values()
        ],
    }
    return json.dumps(document, indent=1) + "\n"


def classroom50_body(mark: Mark) -> str:
    """Return `release-body.md`: the real points, what one of them is in `result.json`, and what is wrong."""
    factor = scale(mark)
    scaled = f"\nClassroom 50 counts whole numbers: 1 point is {factor} there.\n" if factor > 1 else ""
    return markdown(mark) + scaled


def scale(mark: Mark) -> int:
    """Return the smallest number that makes all points of a mark whole, to the two decimals that points have.

    Without points by hand and without a policy it depends on the course alone, and is the same for all its students.
    """
    numbers = [each for check in mark.result.checks for each in mark.points_of(check)]
    numbers += [
        each for unit in mark.units.values() for f in unit.functions.values() for each in (f.points, f.max_points)
    ]
    numbers += [mark.max_score, mark.score or 0.0]
    return math.lcm(*(_exact(number).denominator for number in numbers))


def _exact(number: float) -> Fraction:
    return Fraction(round(100 * number), 100)


def _whole(number: float, factor: int) -> int:
    return int(_exact(number) * factor)


def _test(mark: Mark, unit: str, function: FunctionMark, factor: int) -> dict[str, object]:
    checks = [check for check in mark.checks_of(unit) if check.function == function.name]
    earned, most = _whole(function.points, factor), _whole(function.max_points, factor)
    name = f"{unit}, {function.name}".encode()[:_NAME_BYTES].decode(errors="ignore")
    said = [f"{check.title}: {explanation(check)}" for check in checks if check.outcome is not Outcome.PASSED]
    return {
        "test-name": name,
        "passed": earned >= most,
        "score": min(max(earned, 0), most),
        "max-score": most,
        "message": legible("; ".join(said) if function.manual is None else function.manual.comment),
    }
