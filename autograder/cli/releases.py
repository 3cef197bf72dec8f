"""`autograder release`: what students and platforms get."""

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli import terminal
from autograder.cli.terminal import HiddenOption, Units, folder_to_fill, names_in
from autograder.course.catalog import Catalog, course_here
from autograder.errors import UsageError
from autograder.messages import ENGLISH, choose_language
from autograder.results.mark import Hidden

if TYPE_CHECKING:
    from autograder.platforms.bundles import Grading
    from autograder.platforms.bundles.fingerprints import Files

    _Build = Callable[[Catalog, Collection[str], str, Files], Files]

app = typer.Typer(no_args_is_help=True, help="Make what students and platforms get.")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder; the zip comes beside it.")]


def _typed_notebook(text: str) -> Path:
    """Return the path of a notebook that was typed.

    Raises:
        BadParameter: it cannot be read, or is no notebook.
    """
    from autograder.submissions.notebook import code_cells

    path = Path(text)
    try:
        code_cells(path.read_bytes())
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read ({error.strerror}); give the file of a notebook") from error
    except Exception as error:  # whoever reads a notebook may raise anything
        raise typer.BadParameter(f"{path} is no notebook; give an .ipynb that Jupyter opens") from error
    return path


Lang = Annotated[str, typer.Option("--lang", metavar="LANGUAGE", help="Language to write it in, such as lt.")]
Notebook = Annotated[
    list[Path] | None,
    typer.Option(
        "--notebook",
        metavar="FILE",
        parser=_typed_notebook,
        help="Notebook to add; may be given several times.",
    ),
]


def _language(catalog: Catalog, asked: str) -> str:
    """Return the language of a release: the one asked for, else the course's; never the instructor's own."""
    return choose_language(asked, "", catalog.translations) if asked else catalog.language or ENGLISH


@app.command()
def skeletons(units: Units = "", lang: Lang = "") -> None:
    """Write exercises/<unit>.py from the solutions; a file that differs is kept as a backup."""
    from autograder.course.skeletons import write_skeletons

    catalog = course_here()
    written = write_skeletons(catalog, catalog.select(names_in(units)), _language(catalog, lang))
    _print_written(written, "Every skeleton is in step with its solution.")


@app.command()
def nbgrader(
    course: Annotated[
        Path,
        typer.Argument(metavar="COURSE", parser=folder_to_fill, help="A folder of nbgrader's; made if there is none."),
    ],
    units: Units = "",
    hidden: HiddenOption = Hidden.POINTS,
    lang: Lang = "",
) -> None:
    """Write source/<unit>/<unit>.ipynb from the solutions, and nbgrader_config.py if there is none; cells of yours stay."""
    from autograder.platforms.nbgrader.assignment import write_notebooks

    catalog = course_here()
    written = write_notebooks(catalog, catalog.select(names_in(units)), course, hidden, _language(catalog, lang))
    _print_written(written, "Every notebook is in step with its solution.")


@app.command()
def pictures(
    units: Units = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", parser=folder_to_fill, metavar="FOLDER", help="Where they go; default: docs/pictures."
        ),
    ] = None,
) -> None:
    """Draw each unit's picture with the solutions, as the lessons show it: <unit>.png."""
    from autograder.grading.grade import InThisProcess
    from autograder.student.drawing import reward
    from autograder.submissions import read_for
    from autograder.submissions.hand_in import HandIn

    catalog = course_here()
    modules = read_for(catalog, HandIn.alone(catalog.root / "solutions")).modules
    chosen = [unit.name for unit in catalog.select(names_in(units))]
    drawable = [unit for unit in chosen if catalog.picture(unit).is_file()]
    if not drawable:
        example = catalog.picture(chosen[0] if chosen else "UNIT").relative_to(catalog.root)
        terminal.warn(f"no unit has a picture; {example.as_posix()} would draw one")
        return
    folder = out or catalog.root / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for unit in drawable:
        with InThisProcess().worker() as worker:
            drawn = reward(catalog, unit, modules, worker)
        if drawn is not None:
            (folder / f"{unit}.png").write_bytes(drawn.png)
            terminal.say(f"wrote {folder / unit}.png: {drawn.caption}")


@app.command()
def student(folder: Folder, units: Units = "", lang: Lang = "", notebook: Notebook = None) -> None:
    """Make the course that students get: no solutions, no hidden checks, no keys."""
    from autograder.platforms.bundles import student_bundle

    _release_course(student_bundle, folder, units, lang, added=_added_files(notebook, "notebooks/"))


@app.command()
def notebooks(folder: Folder, units: Units = "", lang: Lang = "", notebook: Notebook = None) -> None:
    """Make a notebook of each unit for Jupyter, Colab and VS Code, beside the zip of the students' course."""
    from autograder.platforms.bundles import notebooks_bundle, student_bundle

    _release_course(student_bundle, folder, units, lang, notebooks_bundle, added=_added_files(notebook))


@app.command()
def actions(folder: Folder, units: Units = "", lang: Lang = "") -> None:
    """Make the students' course with a workflow for GitHub."""
    from autograder.platforms.bundles import actions_bundle

    _release_course(actions_bundle, folder, units, lang)


@app.command()
def gitlab(folder: Folder, units: Units = "", lang: Lang = "") -> None:
    """Make the students' course with a pipeline for GitLab."""
    from autograder.platforms.bundles import gitlab_bundle

    _release_course(gitlab_bundle, folder, units, lang)


@app.command()
def gradescope(folder: Folder, units: Units = "", hidden: HiddenOption = Hidden.POINTS) -> None:
    """Make Gradescope's autograder. It holds the solutions: for instructors alone."""
    from autograder.platforms.bundles import gradescope_bundle

    _release_grader(gradescope_bundle, folder, units, hidden)


@app.command()
def classroom50(folder: Folder, units: Units = "", hidden: HiddenOption = Hidden.POINTS) -> None:
    """Make Classroom 50's autograder and the students' template. It holds the solutions: for instructors alone."""
    from autograder.platforms.bundles import Grading, classroom50_bundle

    def build(catalog: Catalog, grading: Grading) -> "Files":
        return classroom50_bundle(catalog, grading, _fingerprint_files(catalog, names_in(grading.units) or ()))

    _release_grader(build, folder, units, hidden)


@app.command("actions-teacher")
def actions_teacher(folder: Folder, units: Units = "", hidden: HiddenOption = Hidden.POINTS) -> None:
    """Make your private repository on GitHub, whose workflow grades those of the students by all checks."""
    from autograder.platforms.bundles import actions_teacher_bundle

    _release_grader(actions_teacher_bundle, folder, units, hidden)


def _added_files(notebooks: list[Path] | None, folder: str = "") -> dict[str, Path]:
    """Return the notebooks to add, by path in the release.

    Raises:
        UsageError: two have the same name.
    """
    found: dict[str, Path] = {}
    for path in notebooks or ():
        other = found.setdefault(f"{folder}{path.name}", path)
        if other != path:
            raise UsageError(f"{other} and {path} have the same name; rename one")
    return found


def _release_course(
    build: "_Build",
    folder: Path,
    units: str,
    lang: str,
    pack: "_Build | None" = None,
    added: Mapping[str, Path] = MappingProxyType({}),
) -> None:
    """Write a release of the students' course: of all units or of some, in a language.

    Args:
        build: takes the catalog, the units' names, the language and the fingerprints of known mistakes. Returns the files of
            the course.
        folder: to write.
        units, lang: as typed.
        pack: takes the same, but the course's files in place of the fingerprints. Returns the files to write. Without it the
            course's files are written.
        added: files to write besides, by path in the folder.

    Raises:
        UsageError: there is something in the folder, or a file of the release has the name of one to add.
    """
    from autograder.platforms.bundles import require_free, write_bundle

    require_free(folder)
    catalog = course_here()
    chosen_units = [unit.name for unit in catalog.select(names_in(units))]
    language = _language(catalog, lang)
    files = build(catalog, chosen_units, language, _fingerprint_files(catalog, chosen_units))
    packed = pack(catalog, chosen_units, language, files) if pack else files
    for name, path in added.items():
        if name in packed:
            raise UsageError(f"the release has {name} in it already; rename {path}")
    _try_out(files, catalog.only(chosen_units))
    _print_bundle(folder, write_bundle(packed | {name: path.read_bytes() for name, path in added.items()}, folder))


def _fingerprint_files(catalog: Catalog, units: Collection[str]) -> "Files":
    """Return the files of fingerprints of some units, of all if none is named. Show a bar while they are made."""
    from autograder.platforms.bundles import fingerprint_files

    with terminal.progress() as bars:
        return fingerprint_files(catalog, units, terminal.CORES, bars.begin)


def _release_grader(build: "Callable[[Catalog, Grading], Files]", folder: Path, units: str, hidden: Hidden) -> None:
    """Write a bundle that grades, with the secret of this course's bundles."""
    from autograder.platforms.bundles import Grading, release_secret, require_free, write_bundle

    require_free(folder)
    catalog = course_here()
    chosen = [unit.name for unit in catalog.select(names_in(units))]
    files = build(catalog, Grading(",".join(chosen) if units else "", hidden.value, release_secret(catalog)))
    _try_out(files, catalog.only(chosen))
    _print_bundle(folder, write_bundle(files, folder))


def _try_out(files: "Files", catalog: Catalog) -> None:
    """Run the checks of a bundle before it is written. Announce it first: those of a whole course take minutes."""
    from autograder.platforms.bundles import try_out

    count = f"{len(catalog.units)} units" if len(catalog.units) != 1 else "1 unit"
    words = f"Trying it out: the checks of {count} run on the skeletons and the solutions, which may take minutes"
    terminal.warn(words)
    try_out(files, catalog)


def _print_bundle(folder: Path, archive: Path) -> None:
    terminal.say(f"wrote {folder}{os.sep} and {archive}")


def _print_written(written: list[tuple[Path, Path | None]], nothing: str) -> None:
    for path, backup in written:
        kept = f" (what was there is now {backup.parent.name}/{backup.name})" if backup else ""
        terminal.say(f"wrote {path}{kept}")
    if not written:
        terminal.out.print(nothing)
