"""`autograder grade` and `autograder regrade`."""

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from autograder.cli import terminal
from autograder.cli.machines import Cluster, Insecure, Machines
from autograder.cli.tables import print_changes, print_class, print_single
from autograder.cli.terminal import (
    CORES,
    Device,
    DeviceOption,
    Jobs,
    Require,
    Units,
    folder_to_fill,
    names_in,
    one_of,
    rungs_required,
    typed_path,
)
from autograder.course.catalog import Catalog, course_here
from autograder.errors import UsageError
from autograder.grading.batch import Batch, Failure, StoredResult, attempts_of, best_attempts
from autograder.grading.jobs import GradeTasks
from autograder.grading.source import (
    Class,
    Source,
    holds_class,
    holds_other_class,
    load_source,
    save_source,
    take_in_class,
)
from autograder.grading.spec import GradingSpec, course_secret
from autograder.results import policy
from autograder.results.class_file import FILENAME, find_rules
from autograder.results.formats.difference import changes
from autograder.results.formats.tables import grades_csv
from autograder.results.manual import Row, read_tables
from autograder.results.mark import Mark, mark, unheeded_rows
from autograder.results.store import (
    EARLIER,
    INTAKE,
    ResultStore,
    put_aside,
    read_moments,
    read_result,
    signature_path,
    write_atomically,
    write_result,
)
from autograder.submissions.hand_in import HandIn, Intake, intake_csv
from autograder.submissions.intake import FORMS

if TYPE_CHECKING:
    from autograder.platforms.nbgrader.gradebook import Assignment
    from autograder.results.signature import Signer
    from autograder.results.types import SubmissionResult

Out = Annotated[
    Path, typer.Option("-o", "--out", parser=folder_to_fill, metavar="FOLDER", help="Folder for the results.")
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Grade also what has been graded before and has not changed.")]
Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign each result with this private key of Ed25519, in PEM."),
]

#: So many things that are left out of a class are told on the screen; `intake.csv` has all.
_TOLD = 10


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
    seed: Annotated[str, typer.Option("--seed", help="The seed of an earlier result, to replay it.")] = "",
    device: DeviceOption = Device.CPU,
    require: Require = "",
    trusted: Annotated[bool, typer.Option("--trusted", help="Grade even where no isolation is to be had.")] = False,
    nbgrader: Annotated[Path | None, typer.Option("--nbgrader", help="Grade what a course of nbgrader's has.")] = None,
    assignment: Annotated[str, typer.Option("--assignment", help="The assignment there, named as its unit.")] = "",
    form: Annotated[
        str, typer.Option("--from", metavar="FORM", help=f"What PATH is, if that is not seen: {', '.join(FORMS)}.")
    ] = "",
    roster: Annotated[
        Path | None, typer.Option("--roster", help="Table of the students, or a gradebook that a platform exported.")
    ] = None,
) -> None:
    """Grade submissions: a folder, an archive, a .py, an .ipynb, or a folder of them."""
    if trusted and require:
        raise UsageError("--trusted asks for no isolation and --require for some; give one of them")
    if (nbgrader or assignment) and (not nbgrader or not assignment or paths or units or form or roster):
        advice = "without PATH, --units, --from and --roster"
        raise UsageError(f"--nbgrader COURSE and --assignment NAME go together, {advice}")
    if not assignment and not paths:
        raise UsageError("Missing argument PATH: give submissions, or --nbgrader COURSE --assignment NAME")
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
    machines = Machines.of(jobs, cluster, insecure_cluster)
    run = replace(_Run.of(source, spec, out, machines, fresh), signer=_signer(sign))
    others = holds_other_class(out, source)
    is_class = len(run.submissions) > 1 or run.book is not None or (holds_class(out) and not others)
    _tell_intake(run.taken.intake, out)
    if is_class or (not others and (run.taken.intake.left_out or run.taken.intake.remarks)):
        write_atomically(out / INTAKE, intake_csv(run.taken.intake))
    graded, failures = run.grade(out)
    if is_class:
        save_source(out, source, spec, run.taken)
        run.publish_table(graded)
    elif graded:
        made = run.mark(graded[0].result)
        own = [row for row in run.manual if row.submission == made.name]
        for sentence in (*run.taken.remarks, *unheeded_rows(own, [made.name], [made])):
            terminal.errors.print(Text(sentence), soft_wrap=True)
        print_single(run.spec.catalog, graded[0].path, made)
        if others:
            told = f"{out} holds the results of a class; its tables stay as they are until the class is graded again"
            terminal.errors.print(f"autograder: {told}", soft_wrap=True)
    _end(graded, failures)


def regrade(
    out: Out = Path("out"),
    jobs: Jobs = CORES,
    cluster: Cluster = "",
    insecure_cluster: Insecure = False,
    fresh: Fresh = False,
    sign: Sign = None,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change; this is the default.")] = False,
    publish: Annotated[bool, typer.Option("--publish", help="Put the new results in the place of the old.")] = False,
) -> None:
    """Grade a class again as OUT was graded, aside, and show who changes by how much and why, before it is published."""
    if diff and publish:
        raise UsageError("--diff only shows and --publish changes; give one of them")
    machines = Machines.of(jobs, cluster, insecure_cluster)
    moments = read_moments(out)  # of what is published: it may be written anew now
    source, spec = load_source(out)
    run = replace(_Run.of(source, spec, out, machines, fresh), signer=_signer(sign))
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
        terminal.out.print(Text(f"Nothing is published yet: autograder regrade -o {out} --publish"), soft_wrap=True)
    _end(graded, failures)


@dataclass(frozen=True)
class _Run:
    """One run of a class: what is graded, by which spec, by which machines."""

    spec: GradingSpec
    taken: Class
    book: "Assignment | None"
    out: Path
    machines: Machines
    fresh: bool
    manual: tuple[Row, ...]
    #: Signs each published result, if that was asked for.
    signer: "Signer | None" = None
    #: Files of published results that were signed before this run.
    signed: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, source: Source, spec: GradingSpec, out: Path, machines: Machines, fresh: bool) -> "_Run":
        """Take in a class, and of those with several attempts the best if their rules say so."""
        _ = spec.chosen  # an unknown unit is reported before any submission is looked for
        book = _assignment(source, spec)
        taken = take_in_class(source, spec.catalog, out) if book is None else _class_of(book, out)
        run = cls(spec, taken, book, out, machines, fresh, read_tables(out, spec.catalog))
        run = run._with_best_attempts() if taken.names_with_attempts else run
        paths = map(run.batch(out).result_path, run.submissions)
        return replace(run, signed=frozenset(path for path in paths if signature_path(path).exists()))

    def _with_best_attempts(self) -> "_Run":
        """Grade all attempts of those who have several. Return the run with the best ones."""
        batch = replace(self.batch(self.out / "attempts"), submissions=attempts_of(self.taken.intake))
        graded, _ = self._grade(batch)
        results = {each.result.name: each.result for each in graded}

        def score(attempt: str, student: str, hand_in: HandIn) -> float | None:
            if attempt not in results:
                return None
            result = replace(results[attempt], name=student)
            decide = policy.decide_by(self.taken.rules, {student: hand_in.at})
            return mark(result, self.manual, decide, self.spec.catalog).score

        return replace(self, taken=replace(self.taken, intake=best_attempts(self.taken.intake, score)))

    @property
    def submissions(self) -> dict[str, HandIn]:
        """Return the hand-ins that are graded, by name."""
        return self.taken.intake.hand_ins

    def batch(self, folder: Path) -> Batch:
        """Return the class, to be graded into a folder."""
        return Batch(self.spec, self.submissions, folder, ResultStore(self.out / "cache"), self.fresh)

    def mark(self, result: "SubmissionResult") -> Mark:
        """Return the mark of a result, with the points by hand."""
        decide = policy.decide_by(self.taken.rules, self.taken.moments)
        return mark(result, self.manual, decide, self.spec.catalog)

    def published_mark(self, name: str, moments: Mapping[str, str]) -> Mark | None:
        """Return the mark of the published result of a submission, if there is one, by the moments of its publication."""
        result = read_result(self.batch(self.out).result_path(name))
        decide = policy.decide_by(self.taken.rules, {**self.taken.moments, **moments})
        return None if result is None else mark(result, self.manual, decide, self.spec.catalog)

    def grade(self, folder: Path) -> tuple[list[StoredResult], list[Failure]]:
        """Grade the class into a folder. Return the results in its order, and the failures. Ctrl-C ends the program."""
        return self._grade(self.batch(folder))

    def _grade(self, batch: Batch) -> tuple[list[StoredResult], list[Failure]]:
        graded: list[StoredResult] = []
        failures: list[Failure] = []
        try:
            with terminal.Interrupts() as interrupts, terminal.progress() as bars:
                for ending in self._endings(batch, bars, interrupts):
                    if isinstance(ending, Failure):
                        failures.append(ending)
                    else:
                        graded.append(ending)
                        if batch.out == self.out:  # aside, nothing is published
                            self.settle(ending)
                            self.record(ending.result)
        except KeyboardInterrupt:
            count = f"{len(graded)} of {len(batch.submissions)} results are in {batch.out / 'results'}"
            terminal.errors.print(f"autograder: stopped; {count}", soft_wrap=True)
            raise typer.Exit(130) from None
        order = {name: number for number, name in enumerate(batch.submissions)}
        return sorted(graded, key=lambda each: order[each.result.name]), failures

    def _endings(
        self, batch: Batch, bars: terminal.Bars, interrupts: terminal.Interrupts
    ) -> Iterator[StoredResult | Failure]:
        """Yield results and failures as they come, with a bar for the submissions that have to be graded."""
        one_more = None

        @contextlib.contextmanager
        def open_grading(count: int, libraries: Collection[str]) -> Iterator[GradeTasks]:
            nonlocal one_more
            one_more = bars.begin("Graded", count)
            with self.machines.open(self.spec, count, libraries, self.fresh) as grade_tasks:
                interrupts.check()  # torch has been imported by now, which lets a Ctrl-C vanish
                yield grade_tasks

        for ending in batch.grade(open_grading):
            if one_more is not None:
                one_more()
            yield ending
            interrupts.check()

    def publish(self, result: "SubmissionResult") -> Path:
        """Put a result into its place. Return its path."""
        path = self.batch(self.out).result_path(result.name)
        write_result(path, result)
        self.settle(StoredResult(result, path))
        self.record(result)
        return path

    def settle(self, stored: StoredResult) -> None:
        """Sign a published result, if that was asked for."""
        if self.signer is not None:
            self.signer.sign(stored.path)

    def _lost_signatures(self, graded: list[StoredResult]) -> Iterator[str]:
        """Yield a sentence if results were signed before and have changed since, so that their signatures are gone."""
        lost = [
            each.result.name for each in graded if each.path in self.signed and not signature_path(each.path).exists()
        ]
        if lost:
            who = f"{', '.join(lost[:_TOLD])}{' and more' if lost[_TOLD:] else ''}"
            yield f"signed before, and not as they are now: {who}; --sign KEY signs them"

    def record(self, result: "SubmissionResult") -> None:
        """Write the mark of a result into nbgrader's gradebook, if the submission came from there."""
        made = self.mark(result)
        if self.book is not None and made.score is not None:
            self.book.record(made)

    def publish_table(self, graded: list[StoredResult]) -> None:
        """Write and print the grades of the class."""
        marks = [self.mark(each.result) for each in graded]
        if self.book is not None:
            marks = list(map(self.book.final, marks))
        write_atomically(self.out / "grades.csv", grades_csv(marks))
        aside = put_aside(self.out, [self.batch(self.out).result_path(name) for name in self.submissions])
        print_class(marks, [each.path.relative_to(self.out) for each in graded])
        where = f"The results, and {len(marks)} grades in grades.csv, are in {self.out}{os.sep}"
        terminal.out.print(Text(where), soft_wrap=True)
        known = sum(each.known and each.result.name not in self.taken.names_with_attempts for each in graded)
        if known:
            terminal.out.print(f"{known} had been graded before and have not changed; --fresh grades them again")
        if aside:
            who = f"{', '.join(aside[:_TOLD])}{' and more' if aside[_TOLD:] else ''}"
            terminal.errors.print(
                Text(f"of nobody in this class, put into {self.out / EARLIER}: {who}"), soft_wrap=True
            )
        remarks = self.book.remarks if self.book is not None else ()
        for sentence in (
            *remarks,
            *self._lost_signatures(graded),
            *_unheeded_decisions(self.taken, self.spec.catalog),
            *unheeded_rows(self.manual, self.submissions, marks),
        ):
            terminal.errors.print(Text(sentence), soft_wrap=True)


def _unheeded_decisions(taken: Class, catalog: Catalog) -> Iterator[str]:
    """Yield a sentence for each decision of `class.toml` that has no effect, and for each `class.toml` that is not read."""
    yield from taken.remarks
    if taken.rules is None:
        return
    hand_ins = taken.intake.hand_ins.values()
    without = [each for each in hand_ins if not each.at and not each.problem]
    if taken.rules.due is not None and without:
        marked = sum(each.late for each in without)
        besides = (
            f", though the platform marks {marked} of them as late; take their points off by hand" if marked else ""
        )
        told = f"{len(without)} of {len(hand_ins)} hand-ins tell no moment"
        yield f"class.toml has a deadline, and {told}: these lose no points for lateness{besides}"
    yield from policy.unheeded_decisions(taken.rules, taken.moments, catalog.units)


def _tell_intake(intake: Intake, out: Path) -> None:
    """Print what was understood and what was left out, if there is anything to tell."""
    if len(intake.hand_ins) <= 1 and not intake.left_out and not intake.remarks:
        return
    terminal.out.print(Text(intake.sentence), soft_wrap=True)
    for left in intake.left_out[:_TOLD]:
        terminal.errors.print(
            Text(f"{'not counted' if left.graded else 'not graded'}: {left.path}: {left.reason}"), soft_wrap=True
        )
    for sentence in intake.remarks:
        terminal.errors.print(Text(sentence), soft_wrap=True)
    if len(intake.left_out) > _TOLD:
        more = f"not graded: {len(intake.left_out) - _TOLD} more, in {out / INTAKE}"
        terminal.errors.print(Text(more), soft_wrap=True)


def _class_of(book: "Assignment", out: Path) -> Class:
    """Return the class of an assignment of nbgrader's, whose gradebook decides what its marks are."""
    rules = find_rules([out])
    told = "counts in reports alone: nbgrader's gradebook decides on lateness, and grades.csv has its numbers"
    remarks = () if rules is None else (f"{out / FILENAME} {told}",)
    return Class(Intake("nbgrader's assignment", book.submissions()), rules, remarks=remarks)


def _assignment(source: Source, spec: GradingSpec) -> "Assignment | None":
    """Return the assignment of nbgrader's that is to be graded, or None if it is none."""
    if not source.assignment:
        return None
    try:
        from autograder.platforms.nbgrader.gradebook import Assignment
    except ModuleNotFoundError as error:
        raise UsageError(f"--nbgrader needs {error.name}: pip install 'idealcat[nbgrader]'") from error
    return Assignment(Path(source.nbgrader), source.assignment, spec)


def _signer(key: Path | None) -> "Signer | None":
    if key is None:
        return None
    try:
        from autograder.results.signature import Signer
    except ModuleNotFoundError as error:
        raise UsageError(f"--sign needs {error.name}: pip install 'idealcat[sign]'") from error
    return Signer(key)


def _end(graded: list[StoredResult], failures: list[Failure]) -> None:
    """Print what could not be graded, and end the program with its exit code."""
    names: dict[str, list[str]] = {}
    for failure in failures:
        names.setdefault(failure.reason, []).append(failure.submission)
    for reason, those in names.items():
        terminal.errors.print(Text(f"{', '.join(those)}: no grade: {reason}"), soft_wrap=True)
    if failures or not graded or any(each.result.errors for each in graded):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(each.result.all_passed for each in graded) else 1)
