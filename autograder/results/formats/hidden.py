"""How much of the hidden checks a report shows to a student: the instructor's choice."""

from dataclasses import replace
from enum import StrEnum

from autograder.results.types import CheckResult, SubmissionResult


class Hidden(StrEnum):
    """What is shown of a hidden check; of the others everything is."""

    NOTHING = "nothing"
    POINTS = "points"
    SENTENCE = "sentence"
    EVERYTHING = "everything"


def shown(result: SubmissionResult, hidden: Hidden) -> SubmissionResult:
    """The result as a student may read it. Points stay as they are, but of checks that are not shown at all."""
    checks = (_shown(check, hidden) if check.hidden else check for check in result.checks)
    return replace(result, checks=tuple(check for check in checks if check is not None))


def _shown(check: CheckResult, hidden: Hidden) -> CheckResult | None:
    if hidden is Hidden.NOTHING:
        return None
    if hidden is Hidden.POINTS:
        # The sentence quotes what was asked, the mistake what was answered, and a student may print what they were given.
        return replace(check, message="", mistake=None, diagnosis="", output="", picture="", line=0)
    if hidden is Hidden.SENTENCE:
        return replace(check, output="", picture="")
    return check
