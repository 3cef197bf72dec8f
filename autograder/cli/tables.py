"""Print the tables of `autograder grade` and `regrade`: as wide as the terminal, and in a log as wide as they need."""

import os
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.cli import terminal
from autograder.course.catalog import Catalog
from autograder.results.formats.difference import Change
from autograder.results.formats.gradebooks import unit_points
from autograder.results.formats.overview import row
from autograder.results.mark import Mark, units_of
from autograder.results.wording import manual_line, score_line

#: Least width of the column of remarks or reasons.
_REMARKS = 20
#: Width that a term's points and the gaps around them take.
_POINTS = 18
#: Greatest width of a name on a terminal narrower than `_WIDE`; a longer one is broken into lines.
_NAME = 28
_WIDE = 120
#: Width of a log: wide enough for any row.
_ENDLESS = 100_000
#: Columns that lie between those of a table.
_GAPS = 4


def print_class(marks: Sequence[Mark], paths: Sequence[Path]) -> None:
    """Print a row for each mark. On a narrow terminal the result's path is left out first; points and remarks never are."""
    rows = [
        (each.name, each.points, each.remarks, str(path)) for each, path in zip(map(row, marks), paths, strict=True)
    ]
    names, points, _, results = (_widest(rows, column) for column in range(4))
    has_room = _console().width >= min(_NAME, names) + points + _REMARKS + results + _GAPS
    count = 4 if has_room else 3
    table = _table(*("Submission", "Points", "Remarks", "Result")[:count])
    for cells in rows:
        table.add_row(*map(Text, cells[:count]))  # Text, because a student's file name must not be read as markup
    _console().print(table)


def _widest(rows: Sequence[Sequence[str]], column: int) -> int:
    """Return the width of the widest cell of a column."""
    return max((cell_len(cells[column]) for cells in rows), default=0)


def print_term(marks: Sequence[Mark]) -> None:
    """Print a row for each student of a term: the sum, and if there is room the points of each assignment."""
    units = units_of(marks)
    rows = [
        (row(each).name, row(each).points, *(unit_points(each, unit) for unit in units), ", ".join(each.trail))
        for each in marks
    ]
    others = min(_NAME, _widest(rows, 0)) + _POINTS + _REMARKS
    columns = units if _console().width >= others + sum(max(6, len(unit)) + 1 for unit in units) else []
    table = _table("Submission", "Points", *columns, "Remarks")
    for cells in rows:
        table.add_row(*map(Text, cells if columns else (*cells[:2], cells[-1])))
    _console().print(table)


def print_changes(changed: Sequence[Change], total: int) -> None:
    """Print what a new grading changes: first those whose mark moves, the largest difference first."""
    if not changed:
        terminal.out.print(f"No mark changes: {total} submissions have the results that are published.")
        return
    table = _table("Submission", "Before", "After", "Change", "Why")
    for each in changed:
        table.add_row(*map(Text, (each.name, each.before, each.after, each.by, "\n".join(each.why))))
    _console().print(table)
    moved = sum(each.moves for each in changed)
    rest = len(changed) - moved
    more = f"; the checks of {rest} more end otherwise for the same points" if rest else ""
    terminal.say(f"{moved} of {total} marks change{more}")


def print_single(catalog: Catalog, path: Path, mark: Mark) -> None:
    """Print one submission: what was noted, where its result is, and last what to do next."""
    from autograder.results.summary import summary

    for note in mark.result.notes:
        terminal.out.print(Text(f"Note: {note}"))
    for given in mark.manual:
        terminal.say(f"By hand: {manual_line(given)}")
    if mark.trail or (mark.score, mark.max_score) != (mark.result.score, mark.result.max_score):
        terminal.say(f"Mark: {score_line(mark)}")
    terminal.say(f"Result: {path}")
    for line in summary(catalog, mark.result.checks, brief=False, verbose=True, marks=mark.units):
        terminal.say(line)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    width = _console().width
    for name in columns:
        if name == "Submission":
            table.add_column(name, overflow="fold", max_width=_NAME if width < _WIDE else None)
        elif name in ("Remarks", "Why"):
            table.add_column(name, overflow="fold", min_width=min(_REMARKS, width // 3))
        else:
            table.add_column(name, no_wrap=True, overflow="fold")
    return table


def _console() -> Console:
    """Return the console of a table: a log has no width, unless `COLUMNS` gives it one."""
    if terminal.out.is_terminal or "COLUMNS" in os.environ:
        return terminal.out
    return Console(file=terminal.out.file, highlight=False, width=_ENDLESS)
