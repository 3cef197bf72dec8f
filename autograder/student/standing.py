"""A student's progress in words: lines for `autograder`, `autograder list` and `autograder progress`."""

import re
from collections.abc import Iterator
from datetime import datetime

from autograder.course.catalog import Catalog, Unit
from autograder.student.progress import Progress, fingerprint

_BAR = 20


def overview(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """One line for each unit, and what to do next."""
    yield headline(catalog, progress)
    current = progress.next_unit(catalog)
    for unit in catalog.units.values():
        yield f"  {_mark(unit, current, progress)} {unit.title}: {_points(unit, progress)}"
    yield from _changed(catalog, progress)
    yield from next_step(catalog, progress)


def headline(catalog: Catalog, progress: Progress) -> str:
    """How much of the course is done."""
    units = list(catalog.units.values())
    done = sum(not progress.open_functions(unit) for unit in units)
    earned, all_points = sum(map(progress.points, units)), sum(unit.points for unit in units)
    return f"{catalog.title}: {done} of {len(units)} units done, {earned:g} of {all_points:g} points"


def next_step(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """The one thing to do now, and where help is."""
    unit = progress.next_unit(catalog)
    if unit is None:
        yield "Everything passes. Well done. Your pictures: autograder gallery"
        return
    function = progress.open_functions(unit)[0]
    yield f"Next: {function} in {place(catalog, unit.name, function)}"
    yield "Judged each time you save: autograder watch. Judged once: pytest " + _file(catalog, unit.name)
    yield f"Stuck? autograder hint. What it is about: {_lesson(catalog, unit.name)}"


def listing(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Every function of every unit."""
    current = progress.next_unit(catalog)
    for unit in catalog.units.values():
        yield f"{_mark(unit, current, progress)} {unit.name}: {_points(unit, progress)}"
        width = max(map(len, unit.functions))
        for name, function in unit.functions.items():
            standing = progress.of(unit.name, name)
            passed = f"passed {_moment(standing.passed)}" if standing.passed else "open"
            hints = f", {standing.hints} of {len(function.hints)} hints read" if standing.hints else ""
            mark = "+" if standing.passed else "-"
            yield f"    {mark} {name:<{width}} {function.points:>4g} points  {passed}{hints}"


def bars(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """A bar for each unit, and when something was passed last."""
    width = max(map(len, catalog.units))
    for unit in catalog.units.values():
        total = len(unit.functions)
        done = total - len(progress.open_functions(unit))
        filled = _BAR * done // total
        moments = [progress.of(unit.name, name).passed for name in unit.functions]
        last = f"  last passed {_moment(max(moments))}" if any(moments) else ""
        yield f"{unit.name:<{width}}  {'#' * filled}{'-' * (_BAR - filled)}  {done} of {total}{last}"
    yield headline(catalog, progress)


def place(catalog: Catalog, unit: str, function: str) -> str:
    """Where a function stands in the student's file, as terminals and editors know to open it."""
    path = catalog.exercise(unit)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.search(rf"^def {function}\b", text, re.MULTILINE)
    line = f":{text.count(chr(10), 0, found.start()) + 1}" if found else ""
    return f"{_file(catalog, unit)}{line}"


def _changed(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Units whose file is not the one that was judged."""
    for unit in catalog.units.values():
        judged = {progress.of(unit.name, name).file for name in unit.functions} - {""}
        if judged and fingerprint(catalog.exercise(unit.name)) not in judged:
            file = _file(catalog, unit.name)
            yield f"{file} has changed since it was judged; judge it again: pytest {file}"


def _mark(unit: Unit, current: Unit | None, progress: Progress) -> str:
    if current is not None and unit.name == current.name:
        return ">"
    return "-" if progress.open_functions(unit) else "+"


def _points(unit: Unit, progress: Progress) -> str:
    return f"{progress.points(unit):g} of {unit.points:g} points"


def _moment(passed: str) -> str:
    return f"{datetime.fromisoformat(passed):%Y-%m-%d %H:%M}"


def _file(catalog: Catalog, unit: str) -> str:
    return catalog.exercise(unit).relative_to(catalog.root).as_posix()


def _lesson(catalog: Catalog, unit: str) -> str:
    return catalog.lesson(unit).relative_to(catalog.root).as_posix()
