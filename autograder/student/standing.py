"""Put a student's progress into words: lines for `autograder`, `autograder list` and `autograder progress`."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from autograder.course.catalog import Catalog
from autograder.course.units import Unit
from autograder.messages import language, tr
from autograder.results.types import points_text
from autograder.results.wording import points_line
from autograder.student.progress import Progress, checked_functions, fingerprint

_BAR = 20


def overview(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Yield one line for each unit, and the next step."""
    yield headline(catalog, progress)
    current = progress.next_unit(catalog)
    for unit in catalog.units.values():
        yield f"  {_mark(catalog, unit, current, progress)} {tr(unit.title)}: {_points([unit], progress)}"
    changed = list(_changed_lines(catalog, progress))
    yield from changed
    if current is not None or not changed:  # "Everything passes" may be wrong for a file that has changed
        yield from next_step(catalog, progress)


def headline(catalog: Catalog, progress: Progress) -> str:
    """Return how much of the course is done, in one line."""
    units = list(catalog.units.values())
    done = sum(not progress.open_functions(catalog, unit) for unit in units)
    return tr(
        "{title}: {done} of {count} units done, {points}",
        title=catalog.title,
        done=done,
        count=len(units),
        points=_points(units, progress),
    )


def next_step(catalog: Catalog, progress: Progress, *, watching: bool = False) -> Iterator[str]:
    """Yield the one thing to do now, how to check it unless that is being watched, and where to find help."""
    unit = progress.next_unit(catalog)
    if unit is None:
        yield tr("Everything passes. Well done. Your pictures: autograder gallery")
        yield from _points_to_come(catalog)
        return
    function = progress.open_functions(catalog, unit)[0]
    yield tr("Next: {function} in {place}", function=function, place=place(catalog, unit.name, function))
    if not watching:
        yield tr(
            "Run its checks each time you save: autograder watch. Once: pytest {file}", file=_file(catalog, unit.name)
        )
    yield tr("Stuck? autograder hint. What it is about: {lesson}", lesson=_lesson(catalog, unit.name))


def _points_to_come(catalog: Catalog) -> Iterator[str]:
    """Yield a sentence on the points that are given when everything that passes here is graded, if there are any."""
    units = catalog.units.values()
    later, points = sum(unit.later for unit in units), sum(unit.to_come for unit in units)
    if points > later:
        yield tr("{points} more points are given when it is graded.", points=points_text(points))
    elif later:
        yield tr(
            "{points} more points are given when it is graded, by checks that are not here.", points=points_text(later)
        )


def listing(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Yield a line for every function of every unit."""
    current = progress.next_unit(catalog)
    for unit in catalog.units.values():
        yield f"{_mark(catalog, unit, current, progress)} {unit.name}: {_points([unit], progress)}"
        width = max(map(len, unit.functions), default=0)  # a unit may have questions and no functions
        for name, function in unit.functions.items():
            standing = progress.of(unit.name, name)
            read = min(standing.hints, len(function.hints))  # an update of the course may have removed some
            passed = tr("passed {moment}", moment=_moment(standing.passed)) if standing.passed else tr("open")
            hints = tr(", {hints} of {count} hints read", hints=read, count=len(function.hints)) if read else ""
            mark = "+" if standing.passed else "-"
            possible = function.points - function.later
            worth = points_line(possible if standing.passed else 0.0, possible, function.to_come)
            yield f"    {mark} {name:<{width}} {worth}  {passed}{hints}"


def bars(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Yield a bar for each unit, with the latest moment at which a function of it passed."""
    width = max(map(len, catalog.units), default=0)
    for unit in catalog.units.values():
        total = len(checked_functions(catalog, unit))
        done = total - len(progress.open_functions(catalog, unit))
        filled = _BAR * done // max(total, 1)
        moments = [progress.of(unit.name, name).passed for name in unit.functions]
        last = "  " + tr("last passed {moment}", moment=_moment(max(moments))) if any(moments) else ""
        share = tr("{done} of {total}", done=done, total=total)
        yield f"{unit.name:<{width}}  {'#' * filled}{'-' * (_BAR - filled)}  {share}{last}"
    yield headline(catalog, progress)


def place(catalog: Catalog, unit: str, function: str) -> str:
    """Return `file:line` of a function in the student's file, which terminals and editors can open."""
    module = catalog.module_of(unit, function)
    path = catalog.exercise(module)
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.search(rf"^((?:async )?def|class) {function}\b", text, re.MULTILINE)
    line = f":{text.count(chr(10), 0, found.start()) + 1}" if found else ""
    return f"{_file(catalog, module)}{line}"


def _changed_lines(catalog: Catalog, progress: Progress) -> Iterator[str]:
    """Yield a line for each unit whose file has changed since its last run."""
    for unit in catalog.units.values():
        known = {progress.of(unit.name, name).file for name in unit.functions} - {""}
        if known and fingerprint(catalog, unit.name) not in known:
            file = _file(catalog, unit.name)
            yield tr("{file} has changed since its last run; run its checks again: pytest {file}", file=file)


def _mark(catalog: Catalog, unit: Unit, current: Unit | None, progress: Progress) -> str:
    if current is not None and unit.name == current.name:
        return ">"
    return "-" if progress.open_functions(catalog, unit) else "+"


def _points(units: Sequence[Unit], progress: Progress) -> str:
    possible = sum(unit.points - unit.later for unit in units)
    return points_line(sum(map(progress.points, units)), possible, sum(unit.to_come for unit in units))


def _moment(passed: str) -> str:
    return f"{datetime.fromisoformat(passed):%Y-%m-%d %H:%M}"


def _file(catalog: Catalog, module: str) -> str:
    return catalog.exercise(module).relative_to(catalog.root).as_posix()


def _lesson(catalog: Catalog, unit: str) -> str:
    return catalog.lesson(unit, language()).relative_to(catalog.root).as_posix()
