"""`autograder release`: what students and platforms get."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder.cli import terminal
from autograder.cli.terminal import HiddenOption, Units, names_in
from autograder.course.catalog import Catalog, course_here
from autograder.results.mark import Hidden

app = typer.Typer(no_args_is_help=True, help="Make what students and platforms get.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder; the zip comes beside it.")]


@app.command()
def skeletons(units: Units = "") -> None:
    """Write exercises/<unit>.py from the solutions; a file that differs is kept as a backup."""
    from autograder.course.skeletons import write_skeletons

    catalog = course_here()
    written = write_skeletons(catalog, catalog.chosen(names_in(units)))
    _print_written(written, "Every skeleton is in step with its solution.")


@app.command()
def nbgrader(
    course: Annotated[Path, typer.Argument(metavar="COURSE", help="A folder of nbgrader's; made if there is none.")],
    units: Units = "",
) -> None:
    """Write source/<unit>/<unit>.ipynb from the solutions, and nbgrader_config.py if there is none."""
    from autograder.platforms.nbgrader.assignment import write_notebooks

    catalog = course_here()
    written = write_notebooks(catalog, catalog.chosen(names_in(units)), course)
    _print_written(written, "Every notebook is in step with its solution.")


@app.command()
def pictures(
    units: Units = "",
    folder: Annotated[Path, typer.Option("-o", "--out", help="Where they go.")] = Path("docs/pictures"),
) -> None:
    """Draw each unit's picture with the solutions, as the lessons show it: <unit>.png."""
    from autograder.grading.grade import InThisProcess
    from autograder.student.drawing import reward
    from autograder.submissions import read_for
    from autograder.submissions.intake import HandIn

    catalog = course_here()
    modules = read_for(catalog, HandIn.alone(catalog.root / "solutions")).modules
    folder.mkdir(parents=True, exist_ok=True)
    for unit in catalog.chosen(names_in(units)):
        with InThisProcess().worker() as worker:
            drawn = reward(catalog, unit.name, modules, worker)
        if drawn is not None:
            (folder / f"{unit.name}.png").write_bytes(drawn.png)
            terminal.out.print(Text(f"wrote {folder / unit.name}.png: {drawn.caption}"), soft_wrap=True)


@app.command()
def student(folder: Folder) -> None:
    """Make the course that students get: no solutions, no hidden checks, no keys."""
    from autograder.platforms.bundles import student_bundle

    catalog = course_here()
    _write_bundle(student_bundle(catalog), catalog, folder)


@app.command()
def classroom(folder: Folder) -> None:
    """Make the students' course with a workflow for GitHub Classroom."""
    from autograder.platforms.bundles import classroom_bundle

    catalog = course_here()
    _write_bundle(classroom_bundle(catalog), catalog, folder)


@app.command()
def gitlab(folder: Folder) -> None:
    """Make the students' course with a pipeline for GitLab."""
    from autograder.platforms.bundles import gitlab_bundle

    catalog = course_here()
    _write_bundle(gitlab_bundle(catalog), catalog, folder)


@app.command()
def gradescope(folder: Folder, units: Units = "", hidden: HiddenOption = Hidden.POINTS) -> None:
    """Make Gradescope's autograder. It holds the solutions: for instructors alone."""
    from autograder.platforms.bundles import gradescope_bundle

    catalog = course_here()
    chosen = ",".join(unit.name for unit in catalog.chosen(names_in(units))) if units else ""
    _write_bundle(gradescope_bundle(catalog, hidden, chosen), catalog, folder)


def _write_bundle(files: dict[str, bytes], catalog: Catalog, folder: Path) -> None:
    """Write a bundle once it has been tried out."""
    from autograder.platforms.bundles import require_free, try_out, write_bundle

    require_free(folder)
    try_out(files, catalog)
    archive = write_bundle(files, folder)
    terminal.out.print(Text(f"wrote {folder}{os.sep} and {archive}"), soft_wrap=True)


def _print_written(written: list[tuple[Path, Path | None]], nothing: str) -> None:
    for path, backup in written:
        kept = f" (what was there is now {backup.parent.name}/{backup.name})" if backup else ""
        terminal.out.print(Text(f"wrote {path}{kept}"), soft_wrap=True)
    if not written:
        terminal.out.print(nothing)
