"""The command line: arguments, printing, exit codes.

Exit codes: 0 all passed, 1 graded and something failed, 2 nothing was graded.
"""

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from autograder.catalog import course_here
from autograder.cli import grading, terminal
from autograder.cli.options import CORES, Jobs, Require, Units, names_in, required
from autograder.errors import AutograderError, UsageError
from autograder.student.commands import register

Choice = TypeVar("Choice", bound=StrEnum)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
release_app = typer.Typer(no_args_is_help=True, help="Make what students and platforms get.")
app.add_typer(release_app, name="release")
register(app)
app.command()(grading.grade)
app.command()(grading.regrade)


def main() -> None:
    """The `autograder` command."""
    try:
        app()
    except AutograderError as error:
        terminal.errors.print(Text(f"autograder: {error}"), soft_wrap=True)
        sys.exit(2)


@app.command()
def verify(
    units: Units = "",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds on which the solutions must pass.")] = 20,
    jobs: Jobs = CORES,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the findings here too.")] = None,
) -> None:
    """Grade the grader: skeletons, solutions, known mistakes and mutants against the checks."""
    from autograder.files import write_atomically
    from autograder.verify import Verification, judging

    catalog = course_here()
    chosen = catalog.chosen(names_in(units))
    findings = []
    with terminal.progress() as bars, judging(catalog.root, jobs) as judge:
        for finding in Verification(catalog, chosen, judge, seeds, bars.begin).findings():
            findings.append(finding)
            terminal.out.print(Text(f"{'+' if finding.good else 'x'} {finding.question:<10} {finding.summary}"))
            for problem in finding.problems:
                terminal.out.print(Text(f"    {problem}"), soft_wrap=True)
    if json_file is not None:
        write_atomically(json_file, json.dumps([asdict(finding) for finding in findings], indent=1) + "\n")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


@app.command()
def doctor(require: Require = "") -> None:
    """Tell which rungs of the isolation ladder hold on this machine, and what is missing."""
    from autograder.reports.doctor import diagnosis
    from autograder.sandbox import Sandbox

    with Sandbox() as sandbox:
        for line in diagnosis(sandbox.isolation, sandbox.missing):
            terminal.out.print(Text(line), soft_wrap=True)
        sandbox.require(required(require, trusted=False))
    terminal.out.print("Untrusted work can be graded here.")


@app.command()
def report(
    paths: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Results, or the folder of a grading.")],
    form: Annotated[str, typer.Option("--as", metavar="FORMAT", help="html, json, markdown, junit, csv, ...")] = "html",
    hidden: Annotated[
        str, typer.Option("--hidden", help="Of hidden checks: nothing, points, sentence, everything.")
    ] = "points",
    title: Annotated[str, typer.Option("--title", help="What a learning platform calls the assignment.")] = "",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder for them; else one is printed.")] = None,
) -> None:
    """Write results in the form that students, instructors or a platform want."""
    from autograder.publish import Format, Hidden, publish, read_results, rendered

    catalog, results = course_here(), read_results(paths)
    chosen, seen = _one_of(Format, form, "--as"), _one_of(Hidden, hidden, "--hidden")
    if out is None:
        sys.stdout.write(rendered(list(results.values()), chosen, seen, catalog, title))
        return
    written = publish(results, chosen, seen, catalog, out)
    terminal.out.print(
        Text(f"wrote {written[0]}" + (f" and {len(written) - 1} more" if written[1:] else "")), soft_wrap=True
    )


@release_app.command()
def skeletons(
    units: Units = "",
    kept: Annotated[
        bool, typer.Option("--kept", help="Write exercises/skeletons/<unit>.txt too, for a release without solutions.")
    ] = False,
) -> None:
    """Write exercises/<unit>.py from the solutions; a file that differs is kept as a backup."""
    from autograder.skeletons import write_skeletons

    catalog = course_here()
    written = write_skeletons(catalog, catalog.chosen(names_in(units)), kept=kept)
    _print_written(written, "Every skeleton is in step with its solution.")


@release_app.command("nbgrader")
def release_nbgrader(
    course: Annotated[Path, typer.Argument(metavar="COURSE", help="A folder of nbgrader's; made if there is none.")],
    units: Units = "",
) -> None:
    """Write source/<unit>/<unit>.ipynb from the solutions, and nbgrader_config.py where there is none."""
    from autograder.release import write_notebooks

    catalog = course_here()
    written = write_notebooks(catalog, catalog.chosen(names_in(units)), course)
    _print_written(written, "Every notebook is in step with its solution.")


def _print_written(written: list[tuple[Path, Path | None]], nothing: str) -> None:
    for path, backup in written:
        kept = f" (what was there is now {backup.parent.name}/{backup.name})" if backup else ""
        terminal.out.print(Text(f"wrote {path}{kept}"), soft_wrap=True)
    if not written:
        terminal.out.print(nothing)


def _one_of(kind: type[Choice], value: str, option: str) -> Choice:
    try:
        return kind(value)
    except ValueError:
        raise UsageError(f"{option} is one of {', '.join(kind)}; {value} is none of them") from None
