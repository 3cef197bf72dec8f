"""The words and lines that several formats share."""

from autograder.results.types import CheckResult, Outcome, SubmissionResult

WORDS = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.NOT_WRITTEN: "not written yet",
    Outcome.TIMED_OUT: "stopped at the deadline",
    Outcome.CRASHED: "ended its process",
    Outcome.BLOCKED: "waits for another check",
    Outcome.ERROR: "the grader's own error",
    Outcome.NOT_RUN: "not run",
}


def explanation(check: CheckResult) -> str:
    """What a student reads of a check that is not passed: its sentence, and that of the known mistake; empty where passed."""
    if check.outcome is Outcome.PASSED:
        return ""
    mistake = f"Known mistake: {check.diagnosis}" if check.diagnosis else ""
    return "\n".join(filter(None, (check.message or f"{WORDS[check.outcome]}", mistake)))


def score_line(result: SubmissionResult) -> str:
    """The points of the whole, or why there are none."""
    if result.errors:
        return f"no grade: {len(result.errors)} checks ended by the grader's own fault"
    return f"{result.score:g} of {result.max_score:g} points"


def by_unit(result: SubmissionResult) -> dict[str, list[CheckResult]]:
    """The checks of each unit, in the order in which they ran."""
    units: dict[str, list[CheckResult]] = {}
    for check in result.checks:
        units.setdefault(check.unit, []).append(check)
    return units
