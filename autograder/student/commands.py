"""Define the student's commands: `autograder` alone, `hint`, `list`, `progress`, `reset`, `solution`, `watch`, `gallery`."""

from typing import Annotated

import typer

from autograder.course.catalog import Catalog, course_here, speak_here
from autograder.errors import UsageError
from autograder.messages import tr
from autograder.student import helping, standing
from autograder.student.progress import Progress, read_progress, write_gallery
from autograder.student.terminal import Terminal
from autograder.student.watch import watch


def register(app: typer.Typer) -> None:
    """Add the student's commands."""
    app.callback(invoke_without_command=True)(show_overview)
    app.command()(hint)
    app.command("list")(list_functions)
    app.command("progress")(show_progress)
    app.command()(reset)
    app.command()(solution)
    app.command("watch")(watch_saves)
    app.command("gallery")(show_gallery)


def show_overview(
    context: typer.Context,
    lang: Annotated[str, typer.Option("--lang", metavar="LANGUAGE", help="What to show texts in, such as lt.")] = "",
) -> None:
    """Learn by writing functions that tests check. Without a command: show your progress and the next step."""
    speak_here(lang)
    if context.invoked_subcommand is None:
        catalog = course_here()
        Terminal().say(standing.overview(catalog, _progress(catalog)))


def hint(
    function: Annotated[str, typer.Argument(metavar="[FUNCTION]", help="By default the next one to write.")] = "",
) -> None:
    """Give a hint for a function; ask again for the next one."""
    catalog = course_here()
    Terminal().say(helping.hint_lines(catalog, function or _next_function(catalog)))


def list_functions() -> None:
    """List every unit and function, passed or open."""
    catalog = course_here()
    Terminal().say(standing.listing(catalog, _progress(catalog)))


def show_progress() -> None:
    """Show a bar for each unit."""
    catalog = course_here()
    Terminal().say(standing.bars(catalog, _progress(catalog)))


def reset(
    name: Annotated[str, typer.Argument(metavar="UNIT|FUNCTION", help="Unit or function to reset.")],
) -> None:
    """Reset a unit's file, or one function of it, to its skeleton; your version is kept as a backup."""
    Terminal().say([helping.reset(course_here(), name)])


def solution(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="A unit that passes.")],
    diff: Annotated[bool, typer.Option("--diff", help="Only where yours differs from it.")] = False,
) -> None:
    """Print the course's solution of a unit, once your own passes."""
    catalog = course_here()
    (chosen,) = catalog.select([unit])
    if diff:
        Terminal().say(helping.solution_diff(catalog, chosen, _progress(catalog)), code=True)
        return
    typer.echo(helping.solution_text(catalog, chosen, _progress(catalog)), nl=False)


def watch_saves(
    unit: Annotated[str, typer.Argument(metavar="[UNIT]", help="By default the first that is not done.")] = "",
) -> None:
    """Run a unit's checks each time you save its file, and move on when it is done."""
    catalog = course_here()
    watch(catalog, Terminal(), *(catalog.select([unit]) if unit else ()))


def show_gallery() -> None:
    """Show your pictures on one page; missing pictures of units that pass are drawn first."""
    catalog = course_here()
    progress = _progress(catalog)
    terminal, headline = Terminal(), standing.headline(catalog, progress)
    page, missing = write_gallery(catalog, progress, headline)
    if missing:
        from autograder.student.drawing import draw

        terminal.say([tr("Drawing {missing} ...", missing=", ".join(missing))])
        terminal.say(filter(None, [draw(catalog, unit) for unit in missing]))
        page, _ = write_gallery(catalog, progress, headline)
    terminal.say([tr("Your pictures are in {address}", address=page.as_uri())])


def _progress(catalog: Catalog) -> Progress:
    progress = read_progress(catalog.root)
    if progress.note:
        Terminal().say([progress.note])
    return progress


def _next_function(catalog: Catalog) -> str:
    progress = read_progress(catalog.root)
    unit = progress.next_unit(catalog)
    if unit is None:
        raise UsageError(tr("everything passes; name the function that you want a hint for"))
    return progress.open_functions(unit)[0]
