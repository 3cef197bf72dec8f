"""`autograder report`."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder.catalog import course_here
from autograder.cli import terminal
from autograder.cli.options import HiddenOption, one_of


def report(
    paths: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Results, or the folder of a grading.")],
    form: Annotated[str, typer.Option("--as", metavar="FORMAT", help="html, json, markdown, junit, csv, ...")] = "html",
    hidden: HiddenOption = "points",
    title: Annotated[str, typer.Option("--title", help="What a learning platform calls the assignment.")] = "",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder for them; else one is printed.")] = None,
) -> None:
    """Write results in the form that students, instructors or a platform want."""
    from autograder.publish import Format, Hidden, publish, read_results, rendered

    catalog, results = course_here(), read_results(paths)
    chosen, seen = one_of(Format, form, "--as"), one_of(Hidden, hidden, "--hidden")
    if out is None:
        sys.stdout.write(rendered(list(results.values()), chosen, seen, catalog, title))
        return
    written = publish(results, chosen, seen, catalog, out)
    more = f" and {len(written) - 1} more" if written[1:] else ""
    terminal.out.print(Text(f"wrote {written[0]}{more}"), soft_wrap=True)
