"""The `autograder` command.

Exit codes: 0 all passed, 1 graded and something failed, 2 at least one submission has no grade, or nothing was graded.
"""

import atexit
import contextlib
import gc
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder import __version__
from autograder.cli import auditing, grading, releases, reporting, terminal
from autograder.cli.terminal import CORES, Jobs, Require, Units, file_to_write, names_in, rungs_required
from autograder.course.catalog import course_here, find_course, read_catalog
from autograder.course.units import Unit
from autograder.errors import AutograderError, UsageError
from autograder.libraries import is_loaded
from autograder.student.commands import StudentCommand, register

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.add_typer(releases.app, name="release")
register(app)
#: Libraries that print warnings at the end of a process if their objects were not collected.
_WARN_OF_LEFTOVERS = ("triton", "jaxlib")
app.command()(grading.grade)
app.command()(grading.regrade)
app.command()(reporting.report)
app.command()(auditing.replay)
app.command()(auditing.likeness)
app.command()(auditing.viva)


def main() -> None:
    """Run the command. An error that is raised on purpose becomes its sentence and exit code 2."""
    atexit.register(_spare_last_collection)
    _write_any_letter()
    try:
        app()
    except AutograderError as error:
        terminal.warn(f"autograder: {error}")
        sys.exit(2)


def _write_any_letter() -> None:
    """Make the standard streams take any letter: UTF-8 in a file or a pipe, a question mark on a terminal that lacks it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _spare_last_collection() -> None:
    """Freeze all objects at the end of the process: a last collection takes a fifth of the time of importing torch."""
    if not any(map(is_loaded, _WARN_OF_LEFTOVERS)):
        gc.freeze()


@app.command("new-unit")
def new_unit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the unit and of its first function.")],
) -> None:
    """Write the start of a new unit: solution, skeleton, checks, a known mistake, lesson, catalog."""
    from autograder.cli.new_unit import write_new_unit

    root = find_course(Path.cwd())
    if root is None:
        raise UsageError("there is no course in this folder; begin one with `autograder new-course FOLDER`")
    for path in write_new_unit(read_catalog(root), name):
        terminal.say(f"wrote {path}")
    line = f"See that all of it fits together: autograder verify --units {name} --seeds 2"
    terminal.say(line)


@app.command("new-course")
def new_course(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder; its name becomes the title.")],
) -> None:
    """Write the start of a new course: catalog, pyproject, README, and one unit with its checks."""
    from autograder.cli.new_unit import write_new_course

    for path in write_new_course(folder):
        terminal.say(f"wrote {path}")
    place = f'"{folder}"' if " " in str(folder) else folder
    line = f"Go there, and see that all of it fits together: cd {place}; autograder verify --seeds 2"
    terminal.say(line)


@app.command()
def verify(
    units: Units = "",
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Number of seeds for solutions and known mistakes.")
    ] = 20,
    jobs: Jobs = CORES,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", parser=file_to_write, metavar="FILE", help="Write the findings here too."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", parser=file_to_write, metavar="FILE", help="Write a page that says how true the marks are."
        ),
    ] = None,
    right: Annotated[
        Path | None,
        typer.Option(
            "--right", exists=True, file_okay=False, help="Folder of right modules, <unit>.py anywhere in it."
        ),
    ] = None,
    wrong: Annotated[
        Path | None,
        typer.Option(
            "--wrong", exists=True, file_okay=False, help="Folder of wrong modules, <unit>.py anywhere in it."
        ),
    ] = None,
    only: Annotated[
        str, typer.Option("--only", metavar="QUESTIONS", help="Questions to answer, with commas between; else all.")
    ] = "",
) -> None:
    """Grade the grader: skeletons, solutions, known mistakes and mutants against the checks."""
    from autograder.grading.verify import QUESTIONS, Verification, open_benches
    from autograder.results.store import write_atomically

    asked = names_in(only) or []
    for name in asked:
        if name not in QUESTIONS:
            raise UsageError(f"--only {name}: no such question; they are {', '.join(QUESTIONS)}")
    catalog = course_here()
    chosen = catalog.select(names_in(units))
    if not chosen:
        raise UsageError("this course has no units to verify yet; `autograder new-unit NAME` makes one")
    _require_modules("--right", right, chosen)
    _require_modules("--wrong", wrong, chosen)
    findings = []
    with terminal.progress() as bars, open_benches(catalog.root, jobs) as run_trials:
        verification = Verification(catalog, chosen, run_trials, seeds, right, wrong, asked, bars.begin)
        for finding in verification.findings():
            findings.append(finding)
            terminal.out.print(Text(f"{'+' if finding.good else 'x'} {finding.question:<10} {finding.summary}"))
            for line in (*finding.details, *finding.problems):
                terminal.say(f"    {line}")
    if json_file is not None:
        write_atomically(json_file, json.dumps([asdict(finding) for finding in findings], indent=1) + "\n")
    if report is not None:
        facts = f"{len(chosen)} units on {seeds} seeds, by autograder {__version__} on {date.today():%d %B %Y}."
        write_atomically(report, verification.report(facts))
        terminal.say(f"wrote {report}")
    raise typer.Exit(0 if all(finding.good for finding in findings) else 1)


def _require_modules(option: str, folder: Path | None, units: Iterable[Unit]) -> None:
    """Refuse a folder of modules that has none for the units.

    Raises:
        UsageError: no file in it is named as a unit.
    """
    names = [f"{unit.name}.py" for unit in units]
    if folder is not None and not any(path for name in names for path in folder.rglob(name)):
        raise UsageError(f"{option} {folder}: no file in it is named as a unit; name them {', '.join(names)}")


@app.command(cls=StudentCommand)
def examples(
    function: Annotated[str, typer.Argument(metavar="FUNCTION", help="Function that the examples are of.")],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A student's my_checks.py; by default your own.")
    ] = None,
    require: Require = "",
) -> None:
    """Run examples of a function, asserts in my_checks.py, on right and on known wrong versions of it."""
    from autograder.grading.examples import read_examples, try_examples
    from autograder.grading.grade import InThisProcess, Workers
    from autograder.sandbox import Sandbox
    from autograder.submissions import read_module
    from autograder.submissions.submission import EXAMPLES

    catalog = course_here()
    unit = catalog.unit_of(function).name
    path = file or catalog.root / "exercises" / f"{EXAMPLES}.py"
    if not path.is_file():
        what = "is a folder; name a file" if path.is_dir() else "is not there; write it"
        raise UsageError(f"{path} {what} with a function test_... that calls {function} and asserts")
    with contextlib.ExitStack() as stack:
        workers: Workers = InThisProcess()  # the file is the reader's own, so no sandbox is needed
        if file is not None:
            workers = stack.enter_context(Sandbox(catalog.preload))
            workers.require(rungs_required(require, trusted=False))
        own = None if catalog.solution(unit).is_file() else path.with_name(f"{unit}.py")
        examples = read_examples(read_module(path, EXAMPLES))
        report = try_examples(catalog, function, examples, workers.worker, own)
    for line in report.lines():
        terminal.say(line)
    raise typer.Exit(1 if report.wrong else 0)


@app.command()
def doctor(require: Require = "") -> None:
    """Tell which rungs of the isolation ladder hold on this machine, and what is missing."""
    from autograder.sandbox import Sandbox
    from autograder.sandbox.sandbox import diagnosis

    with Sandbox() as sandbox:
        for line in diagnosis(sandbox.isolation, sandbox.missing):
            terminal.say(line)
        sandbox.require(rungs_required(require, trusted=False))
    terminal.out.print("Untrusted work can be graded here.")
