"""Define the student's commands: `autograder` alone, `hint`, `list`, `progress`, `reset`, `solution`, `watch`, `gallery`.

Their `--help` is in the reader's language: it shows the docstrings of the functions below, translated.
"""

from typing import Annotated, Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from autograder.course.catalog import Catalog, course_here, speak_here
from autograder.errors import UsageError
from autograder.messages import tr
from autograder.student import helping, standing
from autograder.student.progress import Progress, read_progress, write_gallery
from autograder.student.screen import Terminal
from autograder.student.watch import watch


class StudentCommand(TyperCommand):
    """Command whose help is in the reader's language."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        _translate_help(self, ctx)
        super().format_help(ctx, formatter)


class CommandGroup(TyperGroup):
    """Group of all commands; its help is in the reader's language, but for the commands of instructors."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, with the student's commands first."""
        _translate_help(self, ctx)
        for command in self.commands.values():
            if isinstance(command, StudentCommand):
                command.help = tr(command.help or "")
            elif isinstance(command, TyperCommand | TyperGroup):
                command.rich_help_panel = tr("Commands for instructors")
        super().format_help(ctx, formatter)


def _write_usage(command: TyperCommand | TyperGroup, ctx: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    formatter.write_usage(ctx.command_path, pieces, prefix=tr("Usage:") + " ")


def _translate_help(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    """Put the help of a command, of its parameters and typer's own words into the reader's language."""
    from typer import rich_utils  # takes a while, and only help needs it

    speak_here(ctx.find_root().params.get("lang") or "")
    command.help = tr(command.help or "")
    for parameter in command.get_params(ctx):
        if isinstance(parameter, TyperArgument | TyperOption):
            parameter.help = tr("Show this message and exit.") if parameter.name == "help" else tr(parameter.help or "")
    words = {
        "ARGUMENTS_PANEL_TITLE": tr("Arguments"),
        "OPTIONS_PANEL_TITLE": tr("Options"),
        "COMMANDS_PANEL_TITLE": tr("Commands"),
        "REQUIRED_LONG_STRING": tr("[required]"),
    }
    for name, word in words.items():
        setattr(rich_utils, name, word)


def register(app: typer.Typer) -> None:
    """Add the student's commands."""
    app.callback(cls=CommandGroup, invoke_without_command=True)(show_overview)
    for name, function in (
        ("hint", hint),
        ("list", list_functions),
        ("progress", show_progress),
        ("reset", reset),
        ("solution", solution),
        ("watch", watch_saves),
        ("gallery", show_gallery),
    ):
        app.command(name, cls=StudentCommand)(function)


def show_overview(
    context: typer.Context,
    lang: Annotated[
        str, typer.Option("--lang", is_eager=True, metavar="LANGUAGE", help="What to show texts in, such as lt.")
    ] = "",
) -> None:
    """Learn by writing functions that tests check. Without a command: show your progress and the next step."""
    speak_here(lang)
    if context.invoked_subcommand is None:
        catalog = course_here()
        Terminal().say(standing.overview(catalog, _progress(catalog)))


def hint(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="By default the next one to write.")] = "",
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
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="By default the first that is not done.")] = "",
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
    return progress.open_functions(catalog, unit)[0]
