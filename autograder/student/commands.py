"""What a student types: `autograder` alone, `hint`, `list`, `progress`, `reset`, `solution`."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autograder.catalog import Catalog, Unit, course_here
from autograder.errors import UsageError
from autograder.nbgrader import BEGIN, END
from autograder.progress import Progress, fingerprint, read_progress, updated_progress
from autograder.skeletons import read_source
from autograder.student import resetting, standing

_STYLES = {"+": "green", ">": "bold", "x": "red"}


def register(app: typer.Typer) -> None:
    """Adds the student's commands."""
    app.callback(invoke_without_command=True)(start)
    app.command()(hint)
    app.command("list")(list_functions)
    app.command("progress")(show_progress)
    app.command()(reset)
    app.command()(solution)


def start(context: typer.Context) -> None:
    """A course that is judged by tests. Alone: where you stand, and what is next."""
    if context.invoked_subcommand is None:
        catalog = course_here()
        _say(standing.overview(catalog, _progress(catalog)))


def hint(
    function: Annotated[str, typer.Argument(metavar="[FUNCTION]", help="By default the next one to write.")] = "",
) -> None:
    """A hint for a function; ask again for the next one."""
    catalog = course_here()
    _say(hint_lines(catalog, function or _next_function(catalog)))


def hint_lines(catalog: Catalog, function: str) -> list[str]:
    """The next hint for a function, after those that have been read; and notes that it was read."""
    unit = catalog.unit_of(function)
    hints = unit.functions[function].hints
    if not hints:
        return [f"There is no hint for {function}; its docstring and the lesson say what it is to do."]
    with updated_progress(catalog.root) as progress:
        mine = progress.of(unit.name, function)
        mine.hints = min(mine.hints + 1, len(hints))
        read = mine.hints
    lines = [f"{function}, hint {number} of {len(hints)}: {text}" for number, text in enumerate(hints[:read], 1)]
    return [*lines, "Ask again for the next one." if read < len(hints) else "There are no more hints."]


def list_functions() -> None:
    """Every unit and function, passed or open."""
    catalog = course_here()
    _say(standing.listing(catalog, _progress(catalog)))


def show_progress() -> None:
    """A bar for each unit."""
    catalog = course_here()
    _say(standing.bars(catalog, _progress(catalog)))


def reset(
    name: Annotated[str, typer.Argument(metavar="UNIT|FUNCTION", help="What is to begin anew.")],
) -> None:
    """A unit's file, or one function of it, back to its skeleton; what you had is kept as a backup."""
    _say([resetting.reset(course_here(), name)])


def solution(unit: Annotated[str, typer.Argument(metavar="UNIT", help="One that passes.")]) -> None:
    """A teacher's way to write a unit, once your own passes."""
    catalog = course_here()
    (chosen,) = catalog.chosen([unit])
    typer.echo(solution_text(catalog, chosen, _progress(catalog)), nl=False)


def solution_text(catalog: Catalog, unit: Unit, progress: Progress) -> str:
    """The solution of a unit, without the markers of what was to be written.

    Raises:
        UsageError: the unit does not pass yet, or this release has no solutions.
    """
    path = catalog.solution(unit.name)
    if not path.is_file():
        raise UsageError(f"this release of the course holds no solution of {unit.name}; ask your instructor for it")
    todo = progress.open_functions(unit)
    if todo:
        file = f"exercises/{unit.name}.py"
        raise UsageError(f"{unit.name} does not pass yet ({todo[0]} is open); judge it: pytest {file}")
    if any(progress.of(unit.name, name).file != fingerprint(catalog.exercise(unit.name)) for name in unit.functions):
        raise UsageError(f"{unit.name}.py has changed since it passed; judge it again: pytest exercises/{unit.name}.py")
    lines = read_source(path).splitlines(keepends=True)
    return "".join(line for line in lines if line.strip() not in (BEGIN, END))


def _progress(catalog: Catalog) -> Progress:
    progress = read_progress(catalog.root)
    if progress.note:
        _say([progress.note])
    return progress


def _next_function(catalog: Catalog) -> str:
    progress = read_progress(catalog.root)
    unit = progress.next_unit(catalog)
    if unit is None:
        raise UsageError("everything passes; name the function that you want a hint for")
    return progress.open_functions(unit)[0]


def _say(lines: Iterable[str]) -> None:
    console = Console(highlight=False)
    for line in lines:
        # As Text: what stands in brackets is no markup. Unwrapped: a path stays whole, and can be clicked and copied.
        console.print(Text(line, _STYLES.get(line.lstrip()[:1], "")), soft_wrap=True)
