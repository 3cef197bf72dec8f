"""Summarize a run for a student: one line for each check that is not passed, points, and what to do next."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autograder.course.catalog import Catalog
from autograder.messages import tr, tr_plural
from autograder.results.labels import show_values
from autograder.results.mark import UnitMark, points_to_come
from autograder.results.types import CheckResult, Outcome, points_text
from autograder.results.wording import SIGNS, WORDS, diagnosis, message, points_line

#: So much of what a function has printed is shown.
_PRINTED_LINES = 12
_PRINTED_LETTERS = 500


def summary(
    catalog: Catalog,
    checks: Iterable[CheckResult],
    *,
    brief: bool,
    verbose: bool,
    whole: bool = True,
    printed: bool = False,
    marks: Mapping[str, UnitMark] | None = None,
) -> Iterator[str]:
    """Yield the lines of the summary.

    Args:
        catalog: the course.
        checks: those that were collected, in the order in which they ran.
        brief: only the points and the last line.
        verbose: passed checks have their lines too.
        whole: True if no check of these units was left out of the run.
        printed: True to show what the functions have printed.
        marks: points of each unit, by name, that count in place of those of its checks: points by hand are among them.
    """
    by_unit: dict[str, list[CheckResult]] = {}
    for check in checks:
        by_unit.setdefault(check.unit, []).append(check)
    for unit in catalog.units.values():
        if unit.name in by_unit:
            collected = by_unit[unit.name]
            own = (marks or {}).get(unit.name)
            worth = _unit_worth(catalog, collected, own) if whole else checks_points_line(collected)
            yield f"{tr(unit.title)}: {worth}"
            if not brief:
                later = {name: function.later for name, function in unit.functions.items() if whole}
                yield from _unit_lines(collected, later, own, verbose, printed)
    yield from next_check(catalog, by_unit, whole=whole)


def _unit_worth(catalog: Catalog, checks: Sequence[CheckResult], own: UnitMark | None) -> str:
    """Return the points of a unit with their maximum: those of its mark, if there is one and it has any."""
    if own is None or not own.max_points:
        return unit_points_line(catalog, checks)
    return points_line(own.points, own.max_points, points_to_come(catalog, checks))


def _unit_lines(
    checks: list[CheckResult], later: Mapping[str, float], own: UnitMark | None, verbose: bool, printed: bool
) -> Iterator[str]:
    """Yield the lines of one unit: its functions' or, where no check could run, the reason alone."""
    reasons = {check.message for check in checks}
    if {check.outcome for check in checks} == {Outcome.NOT_RUN} and len(reasons) == 1 and reasons != {""}:
        yield f"  {message(checks[0])}"
        yield ""
        return
    said: set[str] = set()
    for function, group in itertools.groupby(checks, key=lambda check: check.function):
        by_hand = own.functions[function] if own is not None and own.functions[function].manual is not None else None
        worth = points_line(by_hand.points, by_hand.max_points) if by_hand is not None else ""
        left = later.get(function, 0.0)
        lines = function_lines(list(group), said, verbose=verbose, printed=printed, later=left, worth=worth)
        yield from (f"  {line}" for line in lines)
    yield ""


def function_lines(
    checks: list[CheckResult],
    said: set[str],
    *,
    verbose: bool,
    printed: bool = False,
    later: float = 0.0,
    worth: str = "",
) -> Iterator[str]:
    """Yield the lines of one function. A sentence in `said` is left out, and each new sentence is added to `said`.

    Args:
        checks: the checks of the function.
        said: sentences that the reader has seen.
        verbose: passed checks have their lines too, and so has each of several checks that wait for the same one.
        printed: True to show what the function has printed in the first check that printed anything; long prints are cut.
        later: points of the function's checks that are not here.
        worth: the function's points in place of those of its checks, if they were given by hand.
    """
    yield f"{checks[0].function}: {worth or checks_points_line(checks, later)}"
    waiting = Counter(check.message for check in checks if check.outcome is Outcome.BLOCKED and not verbose)
    for check in checks:
        if check.outcome is Outcome.BLOCKED and not verbose:
            others = waiting.pop(check.message, 0) - 1
            if others >= 0:
                yield from _check_lines(check, said)
            if others > 0:
                yield "  ~ " + tr_plural(
                    "{count} more check waits for that", "{count} more checks wait for that", others
                )
        elif verbose or check.outcome is not Outcome.PASSED:
            yield from _check_lines(check, said)
    shown = [check for check in checks if verbose or check.outcome is not Outcome.PASSED] if printed else []
    shown.sort(key=lambda check: check.outcome is Outcome.PASSED)
    output = next((check.output for check in shown if check.output.strip()), "")
    if output:
        yield "  " + tr("It printed:")
        yield from (f"    | {line}" for line in _shorten(output.strip("\n").split("\n")))


def _shorten(lines: list[str]) -> list[str]:
    left = len(lines) - _PRINTED_LINES
    if left > 0:
        lines = [*lines[:_PRINTED_LINES], tr_plural("... and {count} more line", "... and {count} more lines", left)]
    return [line if len(line) <= _PRINTED_LETTERS else f"{line[:_PRINTED_LETTERS]} ..." for line in lines]


def _check_lines(check: CheckResult, said: set[str]) -> Iterator[str]:
    yield f"  {SIGNS[check.outcome]} {tr(check.title)}{_reason_in_line(check)}"
    # One mistake fails many checks; each sentence about it is read once.
    if _has_explanation(check) and check.message not in said:
        said.add(check.message)
        yield f"      {message(check)}"
        yield from (f"      | {line}" for line in show_values(check.values))
        if check.diagnosis and check.diagnosis not in said:
            said.add(check.diagnosis)
            yield "      " + tr("Known mistake: {diagnosis}", diagnosis=diagnosis(check))


def unit_points_line(catalog: Catalog, checks: Sequence[CheckResult]) -> str:
    """Return the points of all checks of a unit with their maximum, and the points that hidden checks give later."""
    return checks_points_line(checks, points_to_come(catalog, checks))


def function_points_line(catalog: Catalog, checks: Sequence[CheckResult]) -> str:
    """Return the points of all checks of a function with their maximum, and the points that hidden checks give later."""
    function = catalog.units[checks[0].unit].functions[checks[0].function]
    return checks_points_line(checks, function.later)


def checks_points_line(checks: Sequence[CheckResult], later: float = 0.0) -> str:
    """Return the points of some checks with their maximum, and points still to come."""
    possible = sum(check.max_points for check in checks)
    if not possible and not later:
        return tr("no points in this run")
    return points_line(sum(check.points for check in checks), possible, later)


def _has_explanation(check: CheckResult) -> bool:
    return bool(check.message) and check.outcome not in (Outcome.PASSED, Outcome.NOT_WRITTEN, Outcome.BLOCKED)


def _reason_in_line(check: CheckResult) -> str:
    """Return the reason that stands behind the title of a check that could not run; empty for any other check."""
    if check.outcome in (Outcome.NOT_WRITTEN, Outcome.BLOCKED):
        return f": {message(check)}"
    return f": {tr(WORDS[Outcome.NOT_RUN])}" if check.outcome is Outcome.NOT_RUN and not check.message else ""


def next_check(catalog: Catalog, by_unit: Mapping[str, list[CheckResult]], *, whole: bool = True) -> Iterator[str]:
    """Yield the one thing to do now: the first check, in teaching order, that does not pass.

    Args:
        catalog: the course.
        by_unit: the checks that were collected.
        whole: True if no check of these units was left out of the run.
    """
    ordered = [check for unit in catalog.units for check in by_unit.get(unit, ())]
    open_checks = [check for check in ordered if check.outcome is not Outcome.PASSED]
    if not open_checks:
        if not ordered:
            yield tr("No checks were run.")
        elif whole and by_unit.keys() >= catalog.units.keys():
            yield tr("Everything passes. Well done.")
        else:
            yield tr("Every check that was run passes.")
        later = points_to_come(catalog, ordered)
        if later:
            yield tr(
                "{points} more points are given when it is graded, by checks that are not here.",
                points=points_text(later),
            )
        return
    first = next((check for check in open_checks if check.outcome is not Outcome.BLOCKED), open_checks[0])
    module = catalog.module_of(first.unit, first.function)
    facts = {"function": first.function, "unit": module, "file": _command(catalog, module)}
    if first.outcome is Outcome.NOT_WRITTEN:
        yield tr("Next: write {function} in {unit}.py, then run: pytest {file}", **facts)
    else:
        yield tr("Next: mend {function} in {unit}.py, then run: pytest {file}", **facts)


def _command(catalog: Catalog, module: str) -> str:
    return catalog.exercise(module).relative_to(catalog.root).as_posix()
