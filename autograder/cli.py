"""The command line: arguments, printing, exit codes.

Exit codes: 0 all passed, 1 graded and something failed, 2 nothing was graded.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from autograder.catalog import Catalog, find_course, read_catalog
from autograder.errors import AutograderError, UsageError

if TYPE_CHECKING:
    from autograder.batch import Graded
    from autograder.nbgrader.gradebook import Assignment
    from autograder.results import SubmissionResult

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
release_app = typer.Typer(no_args_is_help=True, help="Make what students and platforms get.")
app.add_typer(release_app, name="release")

_console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)

Units = Annotated[str, typer.Option("--units", help="Only these units, separated by commas.")]


Require = Annotated[
    str,
    typer.Option(
        "--require", help="Isolation to insist on, separated by commas; of a/b one is enough.", metavar="RUNGS"
    ),
]


def main() -> None:
    """The `autograder` command."""
    try:
        app()
    except AutograderError as error:
        _errors.print(Text(f"autograder: {error}"))
        sys.exit(2)


@app.command()
def grade(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Submissions, or folders of them.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")] = Path("out"),
    units: Units = "",
    seed: Annotated[str, typer.Option("--seed", help="The seed of an earlier result, to replay it.")] = "",
    device: Annotated[str, typer.Option("--device", help="Where submissions compute: cpu or cuda.")] = "cpu",
    require: Require = "",
    trusted: Annotated[bool, typer.Option("--trusted", help="Grade even where no isolation is to be had.")] = False,
    nbgrader: Annotated[Path | None, typer.Option("--nbgrader", help="Grade what a course of nbgrader's has.")] = None,
    assignment: Annotated[str, typer.Option("--assignment", help="The assignment there, named as its unit.")] = "",
) -> None:
    """Grade submissions: a folder, an archive, a .py, an .ipynb, or a folder of them."""
    from autograder.batch import Failure, Graded, find_submissions, grade_all, write_atomically
    from autograder.grade import Grader, course_secret
    from autograder.plugin.summary import summary
    from autograder.reports.grades_csv import grades_csv
    from autograder.sandbox import Sandbox

    if trusted and require:
        raise UsageError("--trusted asks for no isolation and --require for some; give one of them")
    catalog = _course()
    book = _assignment(catalog, nbgrader, assignment, paths, units)
    submissions = book.submissions() if book is not None else find_submissions(paths or [], catalog.units)
    graded: list[Graded] = []
    failures: list[Failure] = []
    with Sandbox(catalog.preload, gpu=device == "cuda") as sandbox, _progress() as progress:
        task = progress.add_task("Starting the sandbox", total=len(submissions))
        try:
            grader = Grader(
                catalog,
                sandbox,
                course_secret(),
                units=[book.name] if book is not None else _names(units),
                seed=seed,
                device=device,
                require=_required(require, trusted),
            )
            for ending in grade_all(grader, submissions, out):
                if isinstance(ending, Graded):
                    graded.append(ending)
                    _recorded(book, ending.result)
                else:
                    failures.append(ending)
                progress.update(task, advance=1, description="Graded")
        except KeyboardInterrupt:
            _errors.print(f"autograder: stopped; {len(graded)} of {len(submissions)} results are in {out / 'results'}")
            raise typer.Exit(130) from None
    results = [each.result for each in graded]
    if len(submissions) > 1:
        write_atomically(out / "grades.csv", grades_csv(results, [unit.name for unit in grader.units]))
        _console.print(_class_table(graded, out))
        _console.print(
            Text(f"The results, and {len(results)} grades in grades.csv, are in {out}{os.sep}"), soft_wrap=True
        )
    elif graded:
        _print_notes(graded[0].result.notes)
        for line in summary(catalog, graded[0].result.checks, brief=False, verbose=True):
            _console.print(Text(line), soft_wrap=True)
        _console.print(f"Result: {graded[0].path}", soft_wrap=True)
    for failure in failures:
        _errors.print(Text(f"{failure.submission}: no grade: {failure.reason}"))
    if failures or any(result.errors for result in results):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(result.all_passed for result in results) else 1)


@app.command()
def verify(
    units: Units = "",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds on which the solutions must pass.")] = 20,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")] = os.cpu_count() or 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the findings here too.")] = None,
) -> None:
    """Grade the grader: skeletons, solutions, known mistakes and mutants against the checks."""
    from autograder.batch import write_atomically
    from autograder.verify import Verification, judging

    catalog = _course()
    chosen = catalog.chosen(_names(units))
    findings = []
    with _progress() as progress, judging(catalog.root, jobs) as judge:

        def begin(what: str, total: int) -> Callable[[], None]:
            task = progress.add_task(what, total=total)
            return lambda: progress.advance(task)

        for finding in Verification(catalog, chosen, judge, seeds, begin).findings():
            findings.append(finding)
            _console.print(Text(f"{'+' if finding.good else 'x'} {finding.question:<10} {finding.summary}"))
            for problem in finding.problems:
                _console.print(Text(f"    {problem}"), soft_wrap=True)
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
            _console.print(Text(line), soft_wrap=True)
        sandbox.require(_required(require, trusted=False))
    _console.print("Untrusted work can be graded here.")


@release_app.command()
def skeletons(units: Units = "") -> None:
    """Write exercises/<unit>.py from the solutions; a file that differs is kept as a backup."""
    from autograder.release import write_skeletons

    catalog = _course()
    written = write_skeletons(catalog, catalog.chosen(_names(units)))
    _print_written(written, "Every skeleton is in step with its solution.")


@release_app.command("nbgrader")
def release_nbgrader(
    course: Annotated[Path, typer.Argument(metavar="COURSE", help="A folder of nbgrader's; made if there is none.")],
    units: Units = "",
) -> None:
    """Write source/<unit>/<unit>.ipynb from the solutions, and nbgrader_config.py where there is none."""
    from autograder.release import write_notebooks

    catalog = _course()
    written = write_notebooks(catalog, catalog.chosen(_names(units)), course)
    _print_written(written, "Every notebook is in step with its solution.")


def _print_written(written: list[tuple[Path, Path | None]], nothing: str) -> None:
    for path, backup in written:
        kept = f" (what was there is now {backup.parent.name}/{backup.name})" if backup else ""
        _console.print(Text(f"wrote {path}{kept}"), soft_wrap=True)
    if not written:
        _console.print(nothing)


def _course() -> Catalog:
    root = find_course(Path.cwd(), Path(__file__).parent)
    if root is None:
        raise UsageError("there is no course here; run this in a folder with exercises/catalog.toml")
    return read_catalog(root)


def _assignment(
    catalog: Catalog, course: Path | None, name: str, paths: list[Path] | None, units: str
) -> "Assignment | None":
    """The assignment of nbgrader's that is to be graded, if it is one."""
    if course is None and not name:
        if not paths:
            raise UsageError("Missing argument PATH: give submissions, or --nbgrader COURSE --assignment NAME")
        return None
    if course is None or not name or paths or units:
        raise UsageError("--nbgrader COURSE and --assignment NAME go together, without PATH and --units")
    from autograder.nbgrader.gradebook import Assignment

    catalog.chosen([name])
    return Assignment(course, name)


def _recorded(book: "Assignment | None", result: "SubmissionResult") -> None:
    """Writes a result into nbgrader's gradebook, if it is to go there."""
    if book is not None and not result.errors:
        doubt = book.record(result.submission, result)
        if doubt:
            _errors.print(Text(f"{result.submission}: {doubt}"), soft_wrap=True)


def _names(units: str) -> list[str] | None:
    return [name.strip() for name in units.split(",") if name.strip()] or None


def _required(rungs: str, trusted: bool) -> tuple[str, ...]:
    from autograder.sandbox import REQUIRED

    return () if trusted else tuple(_names(rungs) or REQUIRED)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=_errors, transient=False)


def _print_notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        _console.print(Text(f"Note: {note}"))


def _class_table(graded: "list[Graded]", out: Path) -> Table:
    from autograder.reports.overview import row

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("Submission", no_wrap=True)
    table.add_column("Points", no_wrap=True)
    table.add_column("Remarks", overflow="fold")
    table.add_column("Result", no_wrap=True)
    for each in graded:
        cells = row(each.result)
        # As Text: a student's file name is never read as markup.
        table.add_row(*map(Text, (cells.submission, cells.points, cells.remarks, str(each.path.relative_to(out)))))
    return table
