"""`autograder grade` and `autograder regrade`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli import terminal
from autograder.cli.class_run import MOST_NAMED, ClassRun
from autograder.cli.machines import Cluster, Insecure, Machines
from autograder.cli.tables import print_changes, print_single
from autograder.cli.terminal import (
    CORES,
    Device,
    DeviceOption,
    Jobs,
    Require,
    Trusted,
    Units,
    folder_to_fill,
    names_in,
    one_of,
    rungs_required,
    typed_path,
)
from autograder.course.catalog import course_here
from autograder.errors import UsageError
from autograder.grading.batch import Failure, StoredResult
from autograder.grading.source import Source, holds_class, holds_other_class, load_source, save_source
from autograder.grading.spec import GradingSpec, course_secret
from autograder.results.formats.difference import changes
from autograder.results.mark import unheeded_rows
from autograder.results.store import INTAKE, copy_aside, decisions_in, holds_table, read_moments, write_atomically
from autograder.submissions.hand_in import Intake, intake_csv, name_of
from autograder.submissions.intake import FORMS

if TYPE_CHECKING:
    from autograder.results.signature import Signer

Out = Annotated[
    Path, typer.Option("-o", "--out", parser=folder_to_fill, metavar="FOLDER", help="Folder for the results.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Grade also what has been graded before and has not changed.")]
Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign each result with this private key of Ed25519, in PEM."),
]


def grade(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH...", parser=typed_path, help="Submissions, or folders of them."),
    ] = None,
    out: Out = Path("out"),
    units: Units = "",
    jobs: Jobs = CORES,
    cluster: Cluster = "",
    insecure_cluster: Insecure = False,
    fresh: Fresh = False,
    sign: Sign = None,
    seed: Annotated[str, typer.Option("--seed", help="Seed of an earlier result: draw the same random inputs.")] = "",
    device: DeviceOption = Device.CPU,
    require: Require = "",
    trusted: Trusted = False,
    nbgrader: Annotated[
        Path | None, typer.Option("--nbgrader", help="Folder of nbgrader's: grade what it has.")
    ] = None,
    assignment: Annotated[
        str, typer.Option("--assignment", help="Name of the assignment in it, that of its unit.")
    ] = "",
    form: Annotated[
        str, typer.Option("--from", metavar="FORM", help=f"Form of PATH, if it is not recognized: {', '.join(FORMS)}.")
    ] = "",
    roster: Annotated[
        Path | None, typer.Option("--roster", help="Table of the students, or a gradebook that a platform exported.")
    ] = None,
) -> None:
    """Grade submissions: a folder, an archive, a .py, an .ipynb, or a folder of them."""
    if (nbgrader or assignment) and (not nbgrader or not assignment or paths or units or form or roster):
        advice = "without PATH, --units, --from and --roster"
        raise UsageError(f"--nbgrader COURSE and --assignment NAME go together, {advice}")
    if not assignment and not paths:
        raise UsageError("Missing argument PATH: give submissions, or --nbgrader COURSE --assignment NAME")
    if out.resolve() in [path.resolve() for path in paths or ()]:
        raise UsageError(f"{out} is what is graded; name another folder for the results with -o")
    form = form and one_of(FORMS, form, "--from")
    source = Source(tuple(map(str, paths or ())), str(nbgrader or ""), assignment, form, str(roster or ""))
    spec = GradingSpec(
        course_here(),
        course_secret(),
        tuple(names_in(assignment or units) or ()),
        seed=seed,
        device=device.value,
        require=rungs_required(require, trusted),
    )
    machines, signer = Machines.of(jobs, cluster, insecure_cluster), _signer(sign)
    run = replace(ClassRun.of(source, spec, out, machines, fresh), signer=signer)
    intake = run.taken.intake
    of_other_class = holds_other_class(out, source)
    is_class = len(run.submissions) > 1 or run.book is not None or (holds_table(out) and not of_other_class)
    # A student alone in a download, in a roster or under rules has a login, a moment or a mark that `report` must know too.
    is_of_class = is_class or bool(run.taken.rules or roster or intake.platforms)
    is_kept = is_class or (is_of_class and not of_other_class)
    _tell_intake(intake, out)
    if is_class:
        _keep_other_class(out, source)
    if is_kept or (not of_other_class and (intake.left_out or intake.remarks)):
        write_atomically(out / INTAKE, intake_csv(intake))
    graded, failures = run.grade(out)
    if is_kept:
        save_source(out, source, spec, run.taken)
    if is_class:
        run.publish_table(graded)
    elif graded:
        _tell_single(run, graded[0])
        if of_other_class and (holds_table(out) or is_of_class):
            terminal.warn(f"autograder: {_why_not_kept(out)}")
    _end(graded, failures)


def _keep_other_class(out: Path, source: Source) -> None:
    """Copy the results of another class before those of this one take their places, and say where the copy is.

    A class of which more or fewer paths are given than before, such as `class/*`, is no other.
    """
    if not holds_class(out):
        return
    old, new = load_source(out)[0], source.absolute()
    if {*old.paths} & {*new.paths} or (
        new.assignment and old.assignment == new.assignment and old.nbgrader == new.nbgrader
    ):
        return
    paths = list(map(Path, old.paths))
    name = old.assignment or name_of(paths[0] if len(paths) == 1 else paths[0].parent)
    told = f"{out} held results that were graded from other paths, {name}; a copy of them is in {copy_aside(out, name)}"
    terminal.warn(told)
    for path in decisions_in(out):
        terminal.warn(f"{path} counts for this class too; if it was written for {name}, move it away and grade again")


def _why_not_kept(out: Path) -> str:
    """Return why the moment and the mark of one submission are not kept in the folder of others."""
    if holds_table(out):
        return f"{out} holds the results of a class; its tables stay as they are until the class is graded again"
    return f"{out} was made for another submission, and `report` goes by that; name another folder with -o"


def _tell_single(run: ClassRun, graded: StoredResult) -> None:
    """Print the result of the only submission, and which of the rules and points by hand have no effect on it."""
    own_mark = run.mark(graded.result)
    rows = [row for row in run.manual if row.submission == own_mark.name]
    for sentence in (*run.taken.remarks, *unheeded_rows(rows, [own_mark.name], [own_mark])):
        terminal.warn(sentence)
    print_single(run.spec.catalog, graded.path, own_mark)


def regrade(
    out: Out = Path("out"),
    jobs: Jobs = CORES,
    cluster: Cluster = "",
    insecure_cluster: Insecure = False,
    fresh: Fresh = False,
    sign: Sign = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change; this is the default.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Replace the old results by the new ones.")] = False,
) -> None:
    """Grade the class of OUT again with the same options, and show whose marks would change, by how much and why."""
    if diff and publish:
        raise UsageError("--diff only shows and --publish changes; give one of them")
    machines, signer = Machines.of(jobs, cluster, insecure_cluster), _signer(sign)
    moments = read_moments(out)  # of the published results, before `intake.csv` is written anew
    source, spec = load_source(out)
    run = replace(ClassRun.of(source, spec, out, machines, fresh), signer=signer)
    if publish or not run.taken.names_with_attempts:
        _tell_intake(run.taken.intake, out)
    if publish:
        write_atomically(out / INTAKE, intake_csv(run.taken.intake))
    graded, failures = run.grade(out / "regraded")
    changed = changes((run.published_mark(each.result.name, moments), run.mark(each.result)) for each in graded)
    print_changes(changed, len(graded))
    if publish:
        published = [StoredResult(each.result, run.publish(each.result)) for each in graded]
        save_source(out, source, spec, run.taken)
        run.publish_table(published)
    elif changed:
        terminal.say(f"Nothing is published yet: autograder regrade -o {out} --publish")
    _end(graded, failures)


def _tell_intake(intake: Intake, out: Path) -> None:
    """Print what was understood and what was left out, if there is anything to tell."""
    if len(intake.hand_ins) <= 1 and not intake.left_out and not intake.remarks:
        return
    terminal.say(intake.sentence)
    for left in intake.left_out[:MOST_NAMED]:
        terminal.warn(f"{'not counted' if left.graded else 'not graded'}: {left.path}: {left.reason}")
    for sentence in intake.remarks:
        terminal.warn(sentence)
    if len(intake.left_out) > MOST_NAMED:
        more = f"not graded: {len(intake.left_out) - MOST_NAMED} more, in {out / INTAKE}"
        terminal.warn(more)


def _signer(key: Path | None) -> "Signer | None":
    """Return what signs results with a key; None without a key."""
    if key is None:
        return None
    try:
        from autograder.results.signature import Signer
    except ModuleNotFoundError as error:
        raise UsageError(f"--sign needs {error.name}: pip install 'idealcat[sign]'") from error
    return Signer(key)


def _end(graded: list[StoredResult], failures: list[Failure]) -> None:
    """Print what could not be graded, and end the program with its exit code."""
    names_by_reason: dict[str, list[str]] = {}
    for failure in failures:
        names_by_reason.setdefault(failure.reason, []).append(failure.submission)
    for reason, names in names_by_reason.items():
        terminal.warn(f"{', '.join(names)}: no grade: {reason}")
    if failures or not graded or any(each.result.errors for each in graded):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(each.result.all_passed for each in graded) else 1)
