"""Word the result of a run for `watch`: the first open function in full, the others in one line each."""

from collections.abc import Iterator

from autograder.course.catalog import Catalog, Unit
from autograder.results.summary import function_lines, points_line
from autograder.results.types import CheckResult, Outcome
from autograder.student import standing
from autograder.student.progress import Progress
from autograder.student.runner import UnitRun

KEYS = "h hint   l list   r reset   s solution   Enter again   q quit"
_PRINTED_LINES = 12
_BAR = 30
_WAITING = (Outcome.BLOCKED, Outcome.NOT_RUN)


def run_lines(catalog: Catalog, progress: Progress, run: UnitRun) -> Iterator[str]:
    """Yield the lines for a run of a unit."""
    unit = catalog.units[run.unit]
    yield bar(catalog, progress)
    yield f"{unit.title}: {points_line(list(run.checks.values()))}"
    opened = False
    for function, checks in _by_function(unit, run).items():
        if all(check.outcome is Outcome.PASSED for check in checks):
            yield f"  + {function}: {points_line(checks)}"
        elif opened:
            yield f"  - {function}: {_short_text(checks)}"
        else:
            opened = True
            yield from _full_lines(catalog, run, checks)
    yield ""


def bar(catalog: Catalog, progress: Progress) -> str:
    """Return the bar of the student's progress over the whole course."""
    total = sum(len(unit.functions) for unit in catalog.units.values())
    done = total - sum(len(progress.open_functions(unit)) for unit in catalog.units.values())
    filled = _BAR * done // total
    return f"{catalog.title} [{'#' * filled}{'-' * (_BAR - filled)}] {done} of {total} functions"


def first_open(unit: Unit, run: UnitRun) -> str:
    """Return the first function in teaching order with a check that does not pass; empty if all pass."""
    for function, checks in _by_function(unit, run).items():
        if any(check.outcome is not Outcome.PASSED for check in checks):
            return function
    return ""


def _by_function(unit: Unit, run: UnitRun) -> dict[str, list[CheckResult]]:
    checks = {name: [check for check in run.checks.values() if check.function == name] for name in unit.functions}
    return {name: group for name, group in checks.items() if group}


def _full_lines(catalog: Catalog, run: UnitRun, checks: list[CheckResult]) -> Iterator[str]:
    function = checks[0].function
    where = standing.place(catalog, run.unit, function)
    if {check.outcome for check in checks} <= {Outcome.NOT_WRITTEN, Outcome.NOT_RUN}:
        yield f"  > {function} is next: write it in {where}"
        return
    decisive = [check for check in checks if check.outcome not in _WAITING]
    yield f"  x {function}: {points_line(checks)}, in {where}"
    _, *lines = function_lines(decisive or checks, set(), verbose=False)
    yield from (f"  {line}" for line in lines)
    if decisive and len(decisive) < len(checks):
        yield f"    ~ {len(checks) - len(decisive)} more checks wait for that"
    printed = next((check.output for check in checks if check.output.strip()), "")
    if printed:
        yield "    It printed:"
        yield from (f"      | {line}" for line in _shorten(printed.strip("\n").split("\n")))


def _shorten(lines: list[str]) -> list[str]:
    left = len(lines) - _PRINTED_LINES
    return lines if left <= 0 else [*lines[:_PRINTED_LINES], f"... and {left} more lines"]


def _short_text(checks: list[CheckResult]) -> str:
    outcomes = {check.outcome for check in checks}
    if outcomes == {Outcome.NOT_WRITTEN}:
        return "not written yet"
    if outcomes == {Outcome.NOT_RUN}:
        return "not run yet"
    failed = sum(check.outcome is not Outcome.PASSED for check in checks)
    return f"{points_line(checks)}, {failed} of {len(checks)} checks open"
