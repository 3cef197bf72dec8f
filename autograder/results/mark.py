"""Make the mark of a submission, once, of its result and the points given by hand. Each form renders it, computing nothing."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from autograder.course.catalog import Catalog
from autograder.course.units import Question
from autograder.results.manual import LineComment, ManualPoints, ManualRow, unknown_submissions
from autograder.results.types import CheckResult, SubmissionResult


@dataclass(frozen=True)
class FunctionMark:
    """Points of one function.

    Attributes:
        name: the name of the function.
        points, max_points: earned, and possible.
        manual: the points by hand that stand in place of its checks', if any.
        question: the question that this stands for; None for a function.
    """

    name: str
    points: float
    max_points: float
    manual: ManualPoints | None = None
    question: Question | None = None


@dataclass(frozen=True)
class UnitMark:
    """Points of one unit.

    Attributes:
        name: the name of the unit.
        points, max_points: earned, and possible.
        functions: by name, in the order of their checks; then the questions that people grade.
    """

    name: str
    points: float
    max_points: float
    functions: dict[str, FunctionMark]


@dataclass(frozen=True)
class Mark:
    """Points of a submission.

    Attributes:
        result: what it was made of; after `visible_mark`, with what a student may read of it.
        units: by name, in the order in which they were graded; a unit that was not graded is not there.
        added: points by hand without a function.
        score: points earned, never below 0, or None: the grader itself failed, and there is no grade.
        max_score: points that the checks and the questions could give.
        all_passed: True if every check passed, hidden ones included.
        trail: how a policy came from the points earned to the score, if it changed them; the points earned come first.
        withheld: points earned by checks that `visible_mark` has taken away, and points that they could give.
        comments: on lines of the student's files.
        later: points of checks that are not here and run when the submission is graded; `max_score` is without them.
        number: the number of the student in the roster, such as the university's; empty if that is not known.
        login: the login of the student; empty if that is not known.
        canvas_number: that Canvas itself has given the student; empty if that is not known.
    """

    result: SubmissionResult
    units: dict[str, UnitMark]
    added: tuple[ManualPoints, ...]
    score: float | None
    max_score: float
    all_passed: bool
    withheld: tuple[float, float] = (0.0, 0.0)
    trail: tuple[str, ...] = ()
    later: float = 0.0
    comments: tuple[LineComment, ...] = ()
    number: str = ""
    login: str = ""
    canvas_number: str = ""

    @property
    def name(self) -> str:
        """Return the name of the submission."""
        return self.result.name

    @property
    def manual(self) -> tuple[ManualPoints, ...]:
        """Return all points by hand that count; points for functions come first."""
        return tuple(line for _, line, _ in self.manual_entries())

    def manual_entries(self) -> Iterator[tuple[str, ManualPoints, float]]:
        """Yield the points by hand as entries of a list of checks: a title, the points, and the most that they can be."""
        for unit in self.units.values():
            for function in unit.functions.values():
                if function.manual is not None:
                    yield f"{unit.name}, {function.name}: points by hand", function.manual, function.max_points
        for line in self.added:
            yield "Points by hand", line, 0.0

    def open_questions(self) -> tuple[str, ...]:
        """Return the names of the questions that nobody has graded yet; none if the student is exempt."""
        if self.score is None and self.trail:
            return ()
        everything = (each for unit in self.units.values() for each in unit.functions.values())
        return tuple(each.name for each in everything if each.question is not None and each.manual is None)

    def heeds(self, row: ManualRow) -> bool:
        """Return True if a row for this submission has an effect: its function, or the unit of its comment, was graded."""
        if isinstance(row, LineComment):
            return row.unit in self.units
        return not row.function or any(row.function in unit.functions for unit in self.units.values())

    def checks_of(self, unit: str) -> tuple[CheckResult, ...]:
        """Return the checks of a unit, in the order in which they ran."""
        return tuple(check for check in self.result.checks if check.unit == unit)

    def points_of(self, check: CheckResult) -> tuple[float, float]:
        """Return the points earned and possible by a check: none if its function was marked by hand."""
        if self.units[check.unit].functions[check.function].manual is not None:
            return 0.0, 0.0
        return check.points, check.max_points


class Numbers(StrEnum):
    """Owner of the numbers that the students of a class have."""

    CANVAS = "canvas"
    ROSTER = "roster"
    OTHER = ""


def with_numbers(made: Mark, number: str, login: str, numbers: Numbers) -> Mark:
    """Return a mark with the number and login of its student; a platform's own number counts on that platform alone."""
    canvas, roster = (number if numbers is whose else "" for whose in (Numbers.CANVAS, Numbers.ROSTER))
    return replace(made, number=roster, login=login, canvas_number=canvas)


#: Returns the mark that counts: a course's own last word, such as a penalty for late work, a cap, rounding.
Decide = Callable[[Mark], Mark]


def mark(
    result: SubmissionResult,
    manual: Iterable[ManualRow] = (),
    decide: Decide | None = None,
    catalog: Catalog | None = None,
) -> Mark:
    """Return the mark of a result.

    Args:
        result: the result of one submission.
        manual: points by hand for the whole class.
        decide: is given the mark and returns the one that counts.
        catalog: the course, for its questions, and for the points that a students' release leaves for later.
    """
    units = catalog.units if catalog is not None else {}
    asked = {name: tuple(unit.questions.values()) for name, unit in units.items()}
    made = _make_mark(result, [line for line in manual if line.submission == result.name], asked)
    if catalog is not None:
        made = replace(made, later=points_to_come(catalog, result.checks))
    return _without_debt(decide(made) if decide is not None else made)


def _without_debt(made: Mark) -> Mark:
    """Return the mark with a score of 0 in place of one below 0: points by hand take off no more than was earned."""
    return made if made.score is None else replace(made, score=max(0.0, made.score))


def unheeded_rows(manual: Collection[ManualRow], names: Collection[str], marks: Iterable[Mark]) -> Iterator[str]:
    """Yield a sentence for each row by hand that has no effect: for no submission, or for a unit that was not graded.

    Args:
        manual: the rows.
        names: the names of the submissions.
        marks: the marks of those that were graded.
    """
    yield from unknown_submissions(manual, names)
    made = {each.name: each for each in marks}
    for row in manual:
        if row.submission in made and not made[row.submission].heeds(row):
            what = row.unit if isinstance(row, LineComment) else row.function
            effect = "was not graded, and the row counts for nothing; grade its unit too, or delete the row"
            yield f"line {row.table_line} of {row.file}: {what} of {row.submission} {effect}"


def _make_mark(result: SubmissionResult, rows: Iterable[ManualRow], asked: Mapping[str, Sequence[Question]]) -> Mark:
    """Return the mark made of a result, the rows by hand for it, and the questions of each unit."""
    rows = list(rows)
    own = [row for row in rows if isinstance(row, ManualPoints)]
    comments = tuple(row for row in rows if isinstance(row, LineComment))
    instead = {line.function: line for line in own if line.function}
    added = tuple(line for line in own if not line.function)
    names = dict.fromkeys(check.unit for check in result.checks)
    units = {
        name: _unit(name, [check for check in result.checks if check.unit == name], asked.get(name, ()), instead)
        for name in names
    }
    earned = math.fsum([*(unit.points for unit in units.values()), *(line.points for line in added)])
    score = None if result.errors else earned
    most = math.fsum([result.max_score, *(question.points for name in units for question in asked.get(name, ()))])
    return Mark(result, units, added, score, most, result.all_passed, comments=comments)


def points_to_come(catalog: Catalog, checks: Iterable[CheckResult]) -> float:
    """Return the points of the checks that a students' release lacks, over the units of some checks."""
    units = {check.unit for check in checks}
    return math.fsum(unit.later for unit in catalog.units.values() if unit.name in units)


def units_of(marks: Iterable[Mark]) -> list[str]:
    """Return the names of the units that were graded for anybody, in their order."""
    return list(dict.fromkeys(unit for each in marks for unit in each.units))


#: Variable by which nbgrader's kernels know what `check` shows of hidden checks.
SHOWN = "IDEALCAT_HIDDEN"


class Hidden(StrEnum):
    """Choice of an instructor: how much of a hidden check a form shows to a student."""

    NOTHING = "nothing"
    POINTS = "points"
    SENTENCE = "sentence"
    EVERYTHING = "everything"


def visible_mark(full: Mark, hidden: Hidden) -> Mark:
    """Return the mark as a student may read it: all of its points, and of hidden checks as much as is to be shown."""
    checks = tuple(
        visible_check(check, hidden) for check in full.result.checks if not check.hidden or hidden is not Hidden.NOTHING
    )
    gone = [check for check in full.result.checks if check.hidden and hidden is Hidden.NOTHING]
    return replace(
        full, result=replace(full.result, checks=checks), withheld=_sums(full.points_of(check) for check in gone)
    )


def mark_before_publication(full: Mark) -> Mark:
    """Return the mark as it stands without the hidden checks, which a platform shows once grades are published.

    Points by hand stand in place of their function's checks, so they are all there, also if each of these is hidden. Score and
    maximum are sums over the units, without what a policy made of them. If a policy leaves no score, as by an exemption from
    everything, there is none before publication either, and the trail says why.
    """
    checks = tuple(check for check in full.result.checks if not check.hidden)
    result = replace(full.result, checks=checks)
    visible = {name: _visible_unit(unit, checks) for name, unit in full.units.items()}
    units = {name: unit for name, unit in visible.items() if unit.functions}
    earned = math.fsum([*(unit.points for unit in units.values()), *(line.points for line in full.added)])
    _, later = _sums(full.points_of(check) for check in full.result.checks if check.hidden)
    later += full.withheld[1]
    return _without_debt(
        replace(
            full,
            result=result,
            units=units,
            score=None if full.score is None else earned,
            max_score=math.fsum(unit.max_points for unit in units.values()),
            all_passed=result.all_passed,
            withheld=(0.0, 0.0),
            trail=() if full.score is not None else full.trail,
            later=full.later + later,
        )
    )


def _visible_unit(unit: UnitMark, checks: Iterable[CheckResult]) -> UnitMark:
    """Return a unit with what these checks give, and with the points that people give."""
    functions = {}
    for function in unit.functions.values():
        own = [check for check in checks if check.function == function.name and check.unit == unit.name]
        if function.manual is not None or function.question is not None:
            functions[function.name] = function
        elif own:
            earned, possible = _sums((check.points, check.max_points) for check in own)
            functions[function.name] = replace(function, points=earned, max_points=possible)
    return _unit_of(unit.name, functions)


def _unit(
    name: str, checks: Sequence[CheckResult], asked: Iterable[Question], instead: Mapping[str, ManualPoints]
) -> UnitMark:
    functions = {}
    for function in dict.fromkeys(check.function for check in checks):
        earned, possible = _sums((check.points, check.max_points) for check in checks if check.function == function)
        line = instead.get(function)
        functions[function] = FunctionMark(function, earned if line is None else line.points, possible, line)
    for question in asked:
        line = instead.get(question.name)
        earned = 0.0 if line is None else line.points
        functions[question.name] = FunctionMark(question.name, earned, question.points, line, question)
    return _unit_of(name, functions)


def _unit_of(name: str, functions: dict[str, FunctionMark]) -> UnitMark:
    """Return the unit with the sums of its functions."""
    earned, possible = _sums((function.points, function.max_points) for function in functions.values())
    return UnitMark(name, earned, possible, functions)


def _sums(pairs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    found = list(pairs)
    return math.fsum(earned for earned, _ in found), math.fsum(possible for _, possible in found)


def visible_check(check: CheckResult, hidden: Hidden) -> CheckResult:
    """Return a check with what a student may read of it."""
    if not check.hidden or hidden is Hidden.EVERYTHING:
        return check
    if hidden is Hidden.SENTENCE:
        return replace(check, output="", picture="", values="")
    # The sentence quotes what was asked, the mistake what was answered, and a student may print what they were given.
    return replace(check, message="", sentence={}, mistake=None, diagnosis="", output="", picture="", line=0, values="")
