"""Turn what happened in a check into its `CheckResult`, and keep it with the run of pytest and with the check."""

import base64
import itertools
import re
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import pytest

from autograder.checks.compare import show
from autograder.checks.diagnose import Diagnosis
from autograder.checks.difference import iterator_difference
from autograder.checks.faults import expects_remote_class, program_end
from autograder.checks.fingerprints import FingerprintDiagnosis
from autograder.checks.mistakes import Mistake
from autograder.checks.pictures import comparison, side_by_side
from autograder.checks.plugin.runs import HOME_SEED, Run, check_seed
from autograder.checks.remote import UNANSWERED, Call, Program, StudentModule
from autograder.checks.replays import CheckCalls, size_of
from autograder.checks.variants import Variants
from autograder.course.catalog import Catalog
from autograder.errors import (
    NO_VALUE,
    CheckError,
    CheckFailed,
    Crashed,
    NotHandedIn,
    NotWritten,
    OverBudget,
    Raised,
    RefusedValue,
    StudentFault,
    TimedOut,
)
from autograder.messages import parse_sentence
from autograder.results.types import BESIDES, CheckResult, Outcome
from autograder.submissions import Module

_OUTCOMES: tuple[tuple[type[BaseException], Outcome], ...] = (
    (NotWritten, Outcome.NOT_WRITTEN),
    (TimedOut, Outcome.TIMED_OUT),
    (Crashed, Outcome.CRASHED),
    (NotHandedIn, Outcome.NOT_RUN),
    (StudentFault, Outcome.FAILED),
    (AssertionError, Outcome.FAILED),
    (pytest.fail.Exception, Outcome.FAILED),
)
_LONGEST_MESSAGE = 2000
_LACKS_RETURN = "a function that ends without `return` gives None"
#: So much of the arguments and answers of a function's passed checks is kept.
_KEPT_BYTES = 2**21
#: Ends of a check that block the checks which depend on it. A check that is not written blocks none: the checks that depend
#: on it end as not written themselves.
_BLOCKING = (Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CRASHED, Outcome.BLOCKED)


class MistakeSearch(Protocol):
    """Search for the known mistakes that explain all failed checks of one function.

    Attributes:
        spent: seconds of processor time that it took to try the mistakes.
    """

    @property
    def spent(self) -> float: ...

    def add(self, failed: CheckCalls) -> bool:
        """Take a failed check into account. Return False if its calls tell nothing."""

    def add_passed(self, passed: CheckCalls) -> None:
        """Take a check that has passed into account: it contradicts a mistake that fails it."""

    def mistakes(self, seconds: float) -> tuple[Mistake, ...]:
        """Return the mistakes that the student reads about, found in so many seconds of processor time."""


@dataclass
class Recorder:
    """Results of a run, and the search for the known mistakes behind its failures.

    Attributes:
        results: the results of every check, by the node id of its test.
        named: False if no mistake is to be named.
        partial: functions with a check that was left out, as (unit, function): this run does not tell if they pass.
        searches: for the mistake that a function's failures are due to, by (unit, function).
        failed_nodeids: node ids of a function's failures that the search knows, by (unit, function).
        passed: calls of a function's checks that have passed, by (unit, function).
    """

    results: dict[str, CheckResult] = field(default_factory=dict)
    named: bool = True
    partial: set[tuple[str, str]] = field(default_factory=set)
    searches: dict[tuple[str, str], MistakeSearch] = field(default_factory=dict)
    failed_nodeids: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    passed: dict[tuple[str, str], list[CheckCalls]] = field(default_factory=dict)
    _kept: dict[tuple[str, str], int] = field(default_factory=dict)

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
        named = (check for name in names for check in self._checks_named(nodeid, name))
        return next((check for check in named if check.outcome in _BLOCKING), None)

    def failed_functions(self, nodeid: str) -> set[str]:
        """Return the functions of the same file that have failed a check so far."""
        file = nodeid.partition("::")[0] + "::"
        return {
            check.function
            for name, check in self.results.items()
            if name.startswith(file) and check.outcome in _BLOCKING
        }

    def search(self, check: CheckResult, catalog: Catalog) -> MistakeSearch:
        """Return the search for the mistake that the failures of a check's function are due to."""
        key = check.unit, check.function
        if key not in self.searches:
            fingerprints, mistakes = catalog.fingerprints(check.unit), catalog.mistakes(check.unit)
            if fingerprints.is_file() and not mistakes.is_file():  # in a student release
                self.searches[key] = FingerprintDiagnosis(check.function, fingerprints)
            else:
                self.searches[key] = Diagnosis(Variants.of(catalog, *key))
        return self.searches[key]

    def add_passed(self, check: CheckResult, passed: CheckCalls) -> None:
        """Keep the calls of a check that has passed, for the search of a known mistake; too many of them are not kept."""
        key = check.unit, check.function
        self._kept[key] = self._kept.get(key, 0) + size_of(passed.calls)
        if self._kept[key] <= _KEPT_BYTES:
            self.passed.setdefault(key, []).append(passed)

    def name_mistakes(self, seconds: float, limited: Callable[[], AbstractContextManager[None]] = nullcontext) -> float:
        """Give each failure of a function the names of the mistakes that explain all its failures, if there are any.

        Called once all checks have run: a mistake that explains the first failures may not explain the later ones.

        Args:
            seconds: the seconds of processor time for all functions.
            limited: returns what bounds the time for one function, and ends the search with `OverBudget`.

        Returns:
            The seconds that are left.
        """
        quickest_first = sorted(self.failed_nodeids.items(), key=lambda entry: self._seconds(entry[1]))
        for key, nodeids in quickest_first:
            with suppress(OverBudget), limited():
                for passed in self.passed.get(key, ()):
                    self.searches[key].add_passed(passed)
                named = self.searches[key].mistakes(seconds)
                mistake = " + ".join(known.name for known in named) or None
                sentences = BESIDES.join(known.sentence for known in named)
                for nodeid in nodeids:
                    self.results[nodeid] = replace(self.results[nodeid], mistake=mistake, diagnosis=sentences)
            seconds -= self.searches[key].spent
        return seconds

    def _seconds(self, nodeids: Sequence[str]) -> float:
        return sum(self.results[nodeid].seconds for nodeid in nodeids)

    def _checks_named(self, nodeid: str, name: str) -> list[CheckResult]:
        """Return the checks with a name in the file of another check; if several classes have one, those of its own class."""
        place = nodeid.partition("[")[0].rpartition("::")[0]
        found: dict[str, list[CheckResult]] = {}
        for other, check in self.results.items():
            path, _, test = other.partition("[")[0].rpartition("::")
            if test == name and path.partition("::")[0] == nodeid.partition("::")[0]:
                found.setdefault(path, []).append(check)
        return found[place] if place in found else [check for checks in found.values() for check in checks]


def end_check(check: CheckResult, error: BaseException | None, submission: StudentModule | None) -> CheckResult:
    """Return the check with the outcome of one phase of its test."""
    if error is None:
        return check.with_outcome(Outcome.PASSED)
    if isinstance(error, pytest.skip.Exception):
        return check.with_outcome(Outcome.BLOCKED, str(error.msg))
    outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.ERROR)
    return check.with_outcome(
        outcome,
        _one_line(without_folder(sentence(error, submission), submission)),
        picture=_picture(check, error, submission),
        line=_line(check, error, submission),
    )


def sentence(error: BaseException, submission: StudentModule | None) -> str:
    """Return the sentence for the student: a wrong answer after its call, anything else in the error's own words."""
    if isinstance(error, CheckFailed):
        call = submission.call_of(error.actual) if submission is not None else None
        if submission is None or call is None:
            return error.problem.removeprefix(": ")
        return _with_end(_after_call(call, error), call, submission)
    if isinstance(error, StudentFault):
        return error.sentence
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, pytest.FixtureLookupError):
        text = f"a graded run has no fixture {error.argname}; docs/checks.md names those that checks can use"
    if expects_remote_class(error):
        text = f"{text}: a student's class is none here; assert_raises(submission.NAME, ...) takes it, `reference` has its own"
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return _assertion_sentence(_reason(str(error)), submission)
    return f"the check itself failed with {type(error).__name__}: {text}"


def without_folder(text: str, submission: StudentModule | None) -> str:
    """Return a sentence without the check's folder, which is another each time: files keep the names that the check gave."""
    if submission is None or tempfile.gettempdir() not in text:
        return text
    return text.replace(f"{submission.folder}/", "").replace(str(submission.folder), ".")


def _after_call(call: Call, error: CheckFailed) -> str:
    """Return the problem after its call; if one item of what came back was judged, with the item's number."""
    items = call.value if isinstance(call.value, list | tuple) else ()
    number = next((number for number, item in enumerate(items) if item is error.actual), None)
    place = "" if number is None else f"item {number} of {len(items)}"
    if error.problem.startswith(":"):
        return f"{call}{place and ', ' + place}{error.problem}"
    returned, problem = "returned ", error.problem
    if place and problem.startswith(returned):
        return f"{call} returned as {place}: {problem.removeprefix(returned)}"
    return _with_advice(call, problem)


def _with_advice(call: Call, problem: str) -> str:
    """Return a call and its problem; if None came back in place of a value, with what the function may lack."""
    nothing = call.value is None and problem.startswith("returned None, ")
    is_value = " " in problem.partition("expected ")[2]  # an error that is expected is a single word
    return f"{call} {problem}; {_LACKS_RETURN}" if nothing and is_value else f"{call} {problem}"


def _reason(text: str) -> str:
    """Return why an assertion, or `pytest.raises`, or `pytest.fail` has failed, in one line."""
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines and lines[0].startswith("Regex pattern did not match"):
        return " ".join(lines)
    missed = re.match(r"DID NOT RAISE (?:any of )?(.*)", lines[0] if lines else "")
    if missed:
        kinds = re.findall(r"<class '(?:[\w.]*\.)?(\w+)'>|(\w+Error\b)", missed[1])
        return f"expected {' or '.join(filter(None, itertools.chain(*kinds))) or missed[1]}"
    told = [line for line in lines[1:] if "ACTUAL" in line or "DESIRED" in line]  # as numpy.testing words it
    return ": ".join([lines[0], *told[: 2 if told and "DESIRED" not in told[0] else 1]]) if lines else ""


def _assertion_sentence(text: str, submission: StudentModule | None) -> str:
    """Return the sentence for a plain `assert`, with the latest call before what did not hold."""
    problem = text or "an assertion of the check does not hold"
    call = submission.latest_asked if submission is not None else None
    if submission is None or call is None or call.value is UNANSWERED:
        return problem
    made = submission.call_of(call.on)
    if made is not None and call.function == "__eq__" and (other := iterator_difference(call.on, *call.args)):
        return f"{made} {other}"
    if problem.startswith("expected "):
        return _with_end(f"{call} returned {show(call.value)}, {problem}", call, submission)
    # A text of its own: a sentence is translated without its call.
    failed = f"returned {show(call.value)}, which does not hold: {problem}"
    return _with_end(f"{call} {failed}", call, submission)


def _with_end(text: str, call: Call, submission: StudentModule) -> str:
    """Return a sentence about a call; if it was the run of a program that an exception has ended, with that exception."""
    program = call.value
    error = program_end(program.error, submission.module) if isinstance(program, Program) and program.exit_code else ""
    end = f"the program ended with {error}"
    return f"{text}; {end}" if error else text


def _line(check: CheckResult, error: BaseException, submission: StudentModule | None) -> int:
    """Return the line where the student should look: the one that was running, or else the function's first."""
    line = error.line if isinstance(error, StudentFault) else 0
    return line or (submission.module.line_of(check.function) if submission is not None else 0)


def _picture(check: CheckResult, error: BaseException, submission: StudentModule | None) -> str:
    """Return the picture of a wrong image; empty in a hidden check, as it would show what was asked and expected."""
    if check.hidden or not isinstance(error, CheckFailed) or submission is None:
        return ""
    call = submission.call_of(error.actual)
    if call is not None and call.of is not None:
        return ""  # a gradient is no image
    return base64.b64encode(comparison(error.expected, error.actual)).decode("ascii")


def _one_line(text: str) -> str:
    """Return the lines of a text as one; `with_outcome` bounds its length and leaves nothing that steers a terminal."""
    return " ".join(part.strip() for part in text[: 2 * _LONGEST_MESSAGE].expandtabs(1).splitlines())


COURSE = pytest.StashKey[Catalog | None]()
RUN = pytest.StashKey[Run]()
RECORDER = pytest.StashKey[Recorder]()
#: Facts of a check that are known when it is collected.
CHECK = pytest.StashKey[CheckResult]()
SUBMISSION = pytest.StashKey[StudentModule]()
#: The other modules of its unit that were handed in.
PARTS = pytest.StashKey[tuple[Module, ...]]()


def check_of(request: pytest.FixtureRequest) -> CheckResult:
    """Return the check that a fixture is for.

    Raises:
        CheckError: the fixture is for none.
    """
    if CHECK not in request.node.stash:
        raise CheckError("this fixture is for the checks of a unit, in tests/exercises of a course")
    return request.node.stash[CHECK]  # type: ignore[no-any-return] # a request does not say what its node is


def seed_of(request: pytest.FixtureRequest) -> int:
    """Return the seed of the random inputs of the check that a fixture is for."""
    return check_seed(request.config.stash[RUN].seed, check_of(request).id)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the end of each phase into the check's result, and the report's text into its sentence."""
    report = yield
    if CHECK not in item.stash:
        return report
    error = call.excinfo.value if call.excinfo is not None else None
    recorder = item.config.stash[RECORDER]
    # A part of the check may have failed before, by `subtests` or `subTest`, and the check goes on: the first failure stays.
    undecided = recorder.results[item.nodeid].outcome in (Outcome.NOT_RUN, Outcome.PASSED)
    decides = undecided if call.when == "call" else error is not None
    if decides:
        recorder.results[item.nodeid] = _result_of_phase(item, error, call)
    check = replace(recorder.results[item.nodeid], seconds=recorder.results[item.nodeid].seconds + call.duration)
    recorder.results[item.nodeid] = check
    report.check_outcome = check.outcome.value  # type: ignore[attr-defined] # reports are open to plugins
    if report.failed and item.config.option.tbstyle == "no":
        report.longrepr = check.message
    return report


def _result_of_phase(item: pytest.Item, error: BaseException | None, call: pytest.CallInfo[None]) -> CheckResult:
    """Return the check with the outcome of a phase, and all that is known about why."""
    # A failure after the check is no fault of the submission's answers.
    submission = item.stash.get(SUBMISSION, None) if call.when != "teardown" else None
    if error is not None and submission is not None:
        error = submission.fault_in(error)
    check = end_check(item.config.stash[RECORDER].results[item.nodeid], error, submission)
    if isinstance(error, CheckFailed) and not check.hidden and item.config.stash[RUN].seed == HOME_SEED:
        check = replace(check, values=side_by_side(error.expected, error.actual))
    causes = _failed_functions_used(check, item)
    if not causes:
        _note_calls(check, error, item, call.duration)
    elif _is_wrong_answer(error):
        check = _with_cause(check, min(causes))
    return _with_template(check, item)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count checks that are not written, or blocked, apart from those that fail."""
    outcome = getattr(report, "check_outcome", "")
    if outcome == Outcome.NOT_WRITTEN and report.failed:
        return "not written", "n", "NOT WRITTEN"
    if outcome == Outcome.BLOCKED and report.skipped:
        return "blocked", "b", "BLOCKED"
    return None


def _with_template(check: CheckResult, item: pytest.Item) -> CheckResult:
    """Return the check with its message as a template and values too, so that it can be translated."""
    if not check.message:
        return check
    submission, catalog = item.stash.get(SUBMISSION, None), item.config.stash[COURSE]
    calls = {without_folder(str(call), submission) for call in submission.calls} if submission is not None else set()
    call = max(filter(check.message.startswith, calls), key=len, default="")
    folders = (catalog.translations,) if catalog is not None else ()
    return replace(check, sentence=parse_sentence(check.message, *folders, call=call))


def end_unhanded(item: pytest.Item) -> CheckResult:
    """Return the result of a check whose unit was not handed in."""
    check = item.stash[CHECK]
    return _with_template(end_check(check, NotHandedIn(f"{check.unit}.py was not handed in"), None), item)


def _failed_functions_used(check: CheckResult, item: pytest.Item) -> set[str]:
    """Return the functions that have failed and that the function of a failed check uses: its failure may be theirs."""
    submission = item.stash.get(SUBMISSION, None)
    if check.outcome is not Outcome.FAILED or submission is None:
        return set()
    used = submission.module.used_by(check.function, *item.stash[PARTS])
    return item.config.stash[RECORDER].failed_functions(item.nodeid) & used


def _is_wrong_answer(error: BaseException | None) -> bool:
    return isinstance(error, AssertionError | pytest.fail.Exception | Raised | RefusedValue)


def _with_cause(check: CheckResult, first: str) -> CheckResult:
    """Return the check with the advice to mend first the function that its failure may be due to."""
    advice = f"{first} fails, and {check.function} uses it: mend {first} first"
    return replace(check, message=f"{check.message}; {advice}")


def _note_calls(check: CheckResult, error: BaseException | None, item: pytest.Item, seconds: float) -> None:
    """Note the calls of a check for the search of a known mistake: those of one that has passed contradict mistakes."""
    submission, catalog = item.stash.get(SUBMISSION, None), item.config.stash[COURSE]
    recorder = item.config.stash[RECORDER]
    if submission is None or catalog is None or not recorder.named:
        return
    if check.outcome is Outcome.PASSED:
        recorder.add_passed(check, CheckCalls(tuple(submission.calls), submission.seed, seconds))
    if check.outcome is not Outcome.FAILED or not _is_wrong_answer(error):
        return
    # An exception of another kind than the one expected is an answer too.
    by_value = not isinstance(error, CheckFailed) or error.actual is not NO_VALUE or isinstance(error.__cause__, Raised)
    recognised = error.mistake if isinstance(error, CheckFailed) else ""
    failed = CheckCalls(submission.calls, submission.seed, seconds, by_value, recognised)
    if recorder.search(check, catalog).add(failed):
        recorder.failed_nodeids.setdefault((check.unit, check.function), []).append(item.nodeid)
