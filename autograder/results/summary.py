"""What a student reads at the end of a run: one line for each check that is not passed, points, and what to do next."""

import itertools
from collections.abc import Iterable, Iterator

from autograder.course.catalog import Catalog, Unit
from autograder.results.types import CheckResult, Outcome

MARKS = {
    Outcome.PASSED: "+",
    Outcome.FAILED: "x",
    Outcome.NOT_WRITTEN: "-",
    Outcome.TIMED_OUT: "x",
    Outcome.CRASHED: "x",
    Outcome.BLOCKED: "~",
    Outcome.ERROR: "!",
    Outcome.NOT_RUN: "~",
}


def summary(catalog: Catalog, checks: Iterable[CheckResult], *, brief: bool, verbose: bool) -> Iterator[str]:
    """The lines of the summary.

    Args:
        catalog: the course.
        checks: those that were collected, in the order in which they ran.
        brief: only the points and the last line.
        verbose: passed checks have their lines too.
    """
    by_unit: dict[str, list[CheckResult]] = {}
    for check in checks:
        by_unit.setdefault(check.unit, []).append(check)
    for unit in catalog.units.values():
        if unit.name in by_unit:
            yield from _unit_lines(unit, by_unit[unit.name], brief, verbose)
    yield from next_step(catalog, by_unit)


def _unit_lines(unit: Unit, checks: list[CheckResult], brief: bool, verbose: bool) -> Iterator[str]:
    yield f"{unit.title}: {_points(checks)}"
    if brief:
        return
    said: set[str] = set()
    for _, group in itertools.groupby(checks, key=lambda check: check.function):
        yield from (f"  {line}" for line in function_lines(list(group), said, verbose=verbose))
    yield ""


def function_lines(checks: list[CheckResult], said: set[str], *, verbose: bool) -> Iterator[str]:
    """The lines of one function; sentences that have been `said` are not said again."""
    yield f"{checks[0].function}: {_points(checks)}"
    for check in checks:
        if verbose or check.outcome is not Outcome.PASSED:
            yield from _check_lines(check, said)


def _check_lines(check: CheckResult, said: set[str]) -> Iterator[str]:
    yield f"  {MARKS[check.outcome]} {check.title}{_short(check)}"
    # One mistake fails many checks; each sentence about it is read once.
    if _explained(check) and check.message not in said:
        said.add(check.message)
        yield f"      {check.message}"
        if check.diagnosis and check.diagnosis not in said:
            said.add(check.diagnosis)
            yield f"      Known mistake: {check.diagnosis}"


def _points(checks: list[CheckResult]) -> str:
    return f"{sum(check.points for check in checks):g} of {sum(check.max_points for check in checks):g} points"


def _explained(check: CheckResult) -> bool:
    return bool(check.message) and check.outcome not in (Outcome.PASSED, Outcome.NOT_WRITTEN, Outcome.BLOCKED)


def _short(check: CheckResult) -> str:
    if check.outcome in (Outcome.NOT_WRITTEN, Outcome.BLOCKED):
        return f": {check.message}"
    return ": not run" if check.outcome is Outcome.NOT_RUN and not check.message else ""


def next_step(catalog: Catalog, by_unit: dict[str, list[CheckResult]]) -> Iterator[str]:
    """The one thing to do now: the first check, in teaching order, that does not pass."""
    ordered = [check for unit in catalog.units for check in by_unit.get(unit, ())]
    open_checks = [check for check in ordered if check.outcome is not Outcome.PASSED]
    if not open_checks:
        yield "Everything passes. Well done." if ordered else "No checks were run."
        return
    first = next((check for check in open_checks if check.outcome is not Outcome.BLOCKED), open_checks[0])
    verb = "write" if first.outcome is Outcome.NOT_WRITTEN else "mend"
    yield f"Next: {verb} {first.function} in {first.unit}.py, then run: pytest {_command(catalog, first.unit)}"


def _command(catalog: Catalog, unit: str) -> str:
    return catalog.exercise(unit).relative_to(catalog.root).as_posix()
