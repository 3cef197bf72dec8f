"""Turn what happened in a check into its `CheckResult`."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from autograder.checks.compare import show
from autograder.checks.pictures import comparison
from autograder.checks.remote import UNANSWERED, StudentModule
from autograder.errors import (
    CheckFailed,
    Crashed,
    NotHandedIn,
    NotWritten,
    StudentFault,
    TimedOut,
)
from autograder.results.types import CheckResult, Outcome

_OUTCOMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (NotWritten, Outcome.NOT_WRITTEN),
    (TimedOut, Outcome.TIMED_OUT),
    (Crashed, Outcome.CRASHED),
    (NotHandedIn, Outcome.NOT_RUN),
    (StudentFault, Outcome.FAILED),
    (AssertionError, Outcome.FAILED),
)
_LONGEST_MESSAGE = 2000
#: A check that waits for another is not run where that one ended so. One that is not written blocks nothing: those that
#: wait for it say of themselves that they are not written.
_BLOCKING = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CRASHED, Outcome.BLOCKED)


@dataclass
class Recorder:
    """The result of every check of a run, by the node id of its test."""

    results: dict[str, CheckResult] = field(default_factory=dict)
    #: Functions of which some check was left out: how they stand as a whole, nobody knows after this run.
    partial: set[tuple[str, str]] = field(default_factory=set)

    def leave_out(self, nodeid: str) -> None:
        """Take a check out of the run after it was collected."""
        check = self.results.pop(nodeid, None)
        if check is not None:
            self.partial.add((check.unit, check.function))

    def expect(self, nodeid: str, check: CheckResult) -> None:
        """Add a check that has been collected; it is `NOT_RUN` until it ends."""
        self.results[nodeid] = check

    def blocker(self, nodeid: str, names: tuple[str, ...]) -> CheckResult | None:
        """Return the first of the named checks of the same file that has failed."""
        file = nodeid.partition("::")[0]
        return next((check for check in self._checks_named(file, names) if check.outcome in _BLOCKING), None)

    def failed_functions(self, nodeid: str) -> set[str]:
        """Return the functions of the same file that have failed a check so far."""
        file = nodeid.partition("::")[0] + "::"
        return {
            check.function
            for name, check in self.results.items()
            if name.startswith(file) and check.outcome in _BLOCKING
        }

    def _checks_named(self, file: str, names: tuple[str, ...]) -> Iterator[CheckResult]:
        for nodeid, check in self.results.items():
            path, _, test = nodeid.partition("::")
            if path == file and test.partition("[")[0] in names:
                yield check


def end_check(check: CheckResult, error: BaseException | None, submission: StudentModule | None) -> CheckResult:
    """Return the check with the outcome of one phase of its test."""
    if error is None:
        return check.ended(Outcome.PASSED)
    if isinstance(error, pytest.skip.Exception):
        return check.ended(Outcome.BLOCKED, str(error.msg))
    outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.ERROR)
    return check.ended(
        outcome,
        _printable(sentence(error, submission)),
        picture=_picture(check, error, submission),
        line=_line(check, error, submission),
    )


def sentence(error: BaseException, submission: StudentModule | None) -> str:
    """Return the sentence for the student: a wrong answer after its call, anything else in the error's own words."""
    if isinstance(error, CheckFailed):
        call = submission.call_of(error.actual) if submission is not None else None
        space = "" if error.problem.startswith(":") else " "
        return f"{call}{space}{error.problem}" if call is not None else error.problem.removeprefix(": ")
    if isinstance(error, StudentFault):
        return str(error)
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, AssertionError):
        return _assertion_sentence(text, submission)
    return f"the check itself failed with {type(error).__name__}: {text}"


def _assertion_sentence(text: str, submission: StudentModule | None) -> str:
    """Return the sentence for a plain `assert`, with the latest call before what did not hold."""
    problem = text or "an assertion of the check does not hold"
    call = submission.calls[-1] if submission is not None and submission.calls else None
    if call is None or call.value is UNANSWERED:
        return problem
    return f"{call} returned {show(call.value)}, which does not hold: {problem}"


def _line(check: CheckResult, error: BaseException, submission: StudentModule | None) -> int:
    """Return the line where the student should look: the one that was running, or else the function's first."""
    line = error.line if isinstance(error, StudentFault) else 0
    return line or (submission.module.line_of(check.function) if submission is not None else 0)


def _picture(check: CheckResult, error: BaseException, submission: StudentModule | None) -> str:
    """Return the picture of a wrong image; none in a hidden check, where it would show what was asked and expected."""
    if check.hidden or not isinstance(error, CheckFailed) or submission is None:
        return ""
    call = submission.call_of(error.actual)
    if call is not None and call.of is not None:
        return ""  # a gradient is no image
    return base64.b64encode(comparison(error.expected, error.actual)).decode("ascii")


def _printable(text: str) -> str:
    """Return one line of bounded length: a student's words may steer a terminal, forge lines or never end."""
    line = " ".join(part.strip() for part in text[: 2 * _LONGEST_MESSAGE].expandtabs(1).splitlines())
    shown = "".join(char if char.isprintable() else "?" for char in line)
    return shown if len(shown) <= _LONGEST_MESSAGE else f"{shown[:_LONGEST_MESSAGE]}..."
