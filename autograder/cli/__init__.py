"""The command line: arguments, printing, exit codes.

Exit codes: 0 all passed, 1 graded and something failed, 2 nothing was graded.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder.cli import grading, terminal
from autograder.cli.course import CORES, Jobs, Require, Units, names_in, required, the_course
from autograder.errors import AutograderError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
release_app = typer.Typer(no_args_is_help=True, help="Make what students and platforms get.")
app.add_typer(release_app, name="release")

app.command()(grading.grade)
app.command()(grading.regrade)


def main() -> None:
    """The `autograder` command."""
    try:
        app()
    except AutograderError as error:
        terminal.errors.print(Text(f"autograder: {error}"))
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

    catalog = the_course()
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


@release_app.command()
def skeletons(units: Units = "") -> None:
    """Write exercises/<unit>.py from the solutions; a file that differs is kept as a backup."""
    from autograder.release import write_skeletons

    catalog = the_course()
    written = write_skeletons(catalog, catalog.chosen(names_in(units)))
    _print_written(written, "Every skeleton is in step with its solution.")


@release_app.command("nbgrader")
def release_nbgrader(
    course: Annotated[Path, typer.Argument(metavar="COURSE", help="A folder of nbgrader's; made if there is none.")],
    units: Units = "",
) -> None:
    """Write source/<unit>/<unit>.ipynb from the solutions, and nbgrader_config.py where there is none."""
    from autograder.release import write_notebooks

    catalog = the_course()
    written = write_notebooks(catalog, catalog.chosen(names_in(units)), course)
    _print_written(written, "Every notebook is in step with its solution.")


def _print_written(written: list[tuple[Path, Path | None]], nothing: str) -> None:
    for path, backup in written:
        kept = f" (what was there is now {backup.parent.name}/{backup.name})" if backup else ""
        terminal.out.print(Text(f"wrote {path}{kept}"), soft_wrap=True)
    if not written:
        terminal.out.print(nothing)
