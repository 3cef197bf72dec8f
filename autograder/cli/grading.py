"""`autograder grade` and `autograder regrade`."""

import contextlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
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
    names_in,
    one_of,
    rungs_required,
    typed_path,
)
from autograder.course.catalog import Catalog, course_here
from autograder.errors import UsageError
from autograder.grading.batch import Batch, Failure, StoredResult, attempts_of, best_attempts
from autograder.grading.jobs import GradeTasks
from autograder.grading.spec import GradingSpec, course_secret
from autograder.results import policy
from autograder.results.formats.difference import changes
from autograder.results.formats.tables import grades_csv
from autograder.results.manual import Row, read_tables, unknown_submissions
from autograder.results.mark import Mark, Policy, mark
from autograder.results.publish import rules_beside
from autograder.results.store import (
    EARLIER,
    GRADED,
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
from autograder.submissions.intake import FORMS, take_in
from autograder.submissions.roster import match, read_roster

if TYPE_CHECKING:
    from autograder.platforms.nbgrader.gradebook import Assignment
    from autograder.results.signature import Signer
    from autograder.results.types import SubmissionResult

Out = Annotated[Path, typer.Option("-o", "--out", help="Folder for the results.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Grade also what has been graded before and has not changed.")]
Sign = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign each result with this private key of Ed25519, in PEM."),
]

#: So many things that are left out of a class are told on the screen; `intake.csv` has all.
_TOLD = 10


@dataclass(frozen=True)
class Source:
    """Source of submissions: paths, or an assignment in a course of nbgrader's."""

    paths: tuple[str, ...] = ()
    nbgrader: str = ""
    assignment: str = ""
    form: str = ""
    roster: str = ""

    def absolute(self) -> "Source":
        """Return the same source with paths that mean the same from any folder."""
        paths = tuple(str(Path(path).resolve()) for path in self.paths)
        nbgrader, roster = (path and str(Path(path).resolve()) for path in (self.nbgrader, self.roster))
        return replace(self, paths=paths, nbgrader=nbgrader, roster=roster)

    def take_in(self, catalog: Catalog) -> Intake:
        """Return what was handed in, under the names of the roster if there is one.

        Raises:
            UsageError: a path, the roster or the assignment cannot be read.
        """
        if self.assignment:
            raise ValueError("an assignment of nbgrader's is taken in by its gradebook")
        intake = take_in(map(Path, self.paths), tuple(catalog.modules), self.form)
        return match(intake, read_roster(Path(self.roster))) if self.roster else intake


def _save(out: Path, source: Source, spec: GradingSpec) -> None:
    """Keep for `regrade` what was graded and by what; the secret and the course are read anew."""
    kept = {
        **asdict(source.absolute()),
        **{"units": spec.units, "seed": spec.seed, "device": spec.device, "require": spec.require},
    }
    write_atomically(_saved_in(out), json.dumps(kept, indent=1) + "\n")


def _load(out: Path) -> tuple[Source, GradingSpec]:
    """Return what was graded into a folder, and by what.

    Raises:
        UsageError: no class was graded into it.
    """
    try:
        kept = json.loads(_saved_in(out).read_text(encoding="utf-8"))
        source = Source(*(tuple(kept["paths"]), *(kept[name] for name in ("nbgrader", "assignment", "form", "roster"))))
        units, require = tuple(kept["units"]), tuple(kept["require"])
        seed, device = kept["seed"], kept["device"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{out} holds no graded class; grade one with -o {out} first") from error
    return source, GradingSpec(course_here(), course_secret(), units, seed=seed, device=device, require=require)


def _is_other_class(out: Path, source: Source) -> bool:
    """Return True if a folder holds the results of a class that was graded from other paths."""
    return _saved_in(out).exists() and _load(out)[0].paths != source.absolute().paths


def _saved_in(out: Path) -> Path:
    return out / GRADED


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
    if (nbgrader or assignment) and (not nbgrader or not assignment or paths or units):
        raise UsageError("--nbgrader COURSE and --assignment NAME go together, without PATH and --units")
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
    graded, failures = run.grade(out)
    others = _is_other_class(out, source)
    if len(run.submissions) > 1 or run.book is not None or (_saved_in(out).exists() and not others):
        _save(out, source, spec)
        run.publish_table(graded)
    elif graded:
        print_single(run.spec.catalog, graded[0].result, graded[0].path, run.mark(graded[0].result))
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
    run = _Run.of(*_load(out), out, machines, fresh, again=not publish, published=moments)
    run = replace(run, signer=_signer(sign))
    graded, failures = run.grade(out / "regraded")
    changed = changes((run.published_mark(each.result.name), run.mark(each.result)) for each in graded)
    print_changes(changed, len(graded))
    if publish:
        published = [StoredResult(each.result, run.publish(each.result)) for each in graded]
        run.publish_table(published)
    elif changed:
        terminal.out.print(Text(f"Nothing is published yet: autograder regrade -o {out} --publish"), soft_wrap=True)
    _end(graded, failures)


@dataclass(frozen=True)
class _Run:
    """One run of a class: what is graded, by which spec, by which machines."""

    spec: GradingSpec
    submissions: dict[str, HandIn]
    book: "Assignment | None"
    out: Path
    machines: Machines
    fresh: bool
    manual: tuple[Row, ...]
    decide: Policy | None
    #: Decides published results: by the moments of the hand-ins that they are of.
    decide_published: Policy | None = None
    #: Names of those of whom several attempts have just been graded.
    tried: frozenset[str] = frozenset()
    #: Signs each published result, if that was asked for.
    signer: "Signer | None" = None
    #: Sentences on what `class.toml` decides and nobody has.
    unheeded: tuple[str, ...] = ()
    #: Files of published results that were signed before this run.
    signed: frozenset[Path] = frozenset()

    @classmethod
    def of(
        cls,
        source: Source,
        spec: GradingSpec,
        out: Path,
        machines: Machines,
        fresh: bool,
        *,
        again: bool = False,
        published: Mapping[str, str] = MappingProxyType({}),
    ) -> "_Run":
        _ = spec.chosen  # an unknown unit is reported before any submission is looked for
        book = _assignment(source, spec)
        intake = source.take_in(spec.catalog) if book is None else Intake("nbgrader's assignment", book.submissions())
        manual = read_tables(out, spec.catalog)
        rules = rules_beside([out, *map(Path, source.paths)])
        run = cls(spec, intake.hand_ins, book, out, machines, fresh, manual, None)
        tried = frozenset(intake.earlier) if rules is not None and rules.best else frozenset()
        if rules is not None and tried:
            intake = run._best_attempts(intake, rules)
        if (len(intake.hand_ins) > 1 or intake.left_out or intake.remarks) and not (again and tried):
            one_beside = book is None and len(intake.hand_ins) == 1 and _is_other_class(out, source)
            _tell_intake(intake, out, write=not again and not one_beside)
        moments = {name: hand_in.at for name, hand_in in intake.hand_ins.items()}
        unheeded = (
            () if rules is None else (*_undated(rules, intake), *policy.unheeded(rules, moments, spec.catalog.modules))
        )
        paths = map(run.batch(out).result_path, intake.hand_ins)
        return replace(
            run,
            submissions=intake.hand_ins,
            signed=frozenset(path for path in paths if signature_path(path).exists()),
            decide=policy.decide_by(rules, moments),
            decide_published=policy.decide_by(rules, {**moments, **published}),
            tried=tried,
            unheeded=unheeded,
        )

    def _best_attempts(self, intake: Intake, rules: policy.Policy) -> Intake:
        """Grade all attempts of those who have several. Return the class with the best ones."""
        graded, _ = replace(self, submissions=attempts_of(intake)).grade(self.out / "attempts")
        results = {each.result.name: each.result for each in graded}

        def score(attempt: str, student: str, hand_in: HandIn) -> float | None:
            if attempt not in results:
                return None
            result = replace(results[attempt], name=student)
            return mark(result, self.manual, policy.decide_by(rules, {student: hand_in.at}), self.spec.catalog).score

        return best_attempts(intake, score)

    def batch(self, folder: Path) -> Batch:
        """Return the class, to be graded into a folder."""
        return Batch(self.spec, self.submissions, folder, ResultStore(self.out / "cache"), self.fresh)

    def mark(self, result: "SubmissionResult") -> Mark:
        """Return the mark of a result, with the points by hand."""
        return mark(result, self.manual, self.decide, self.spec.catalog)

    def published_mark(self, name: str) -> Mark | None:
        """Return the mark of the published result of a submission, if there is one."""
        result = read_result(self.batch(self.out).result_path(name))
        return None if result is None else mark(result, self.manual, self.decide_published, self.spec.catalog)

    def grade(self, folder: Path) -> tuple[list[StoredResult], list[Failure]]:
        """Grade the class into a folder. Return the results in its order, and the failures. Ctrl-C ends the program."""
        graded: list[StoredResult] = []
        failures: list[Failure] = []
        try:
            with terminal.Interrupts() as interrupts, terminal.progress() as bars:
                for ending in self._endings(folder, bars, interrupts):
                    if isinstance(ending, Failure):
                        failures.append(ending)
                    else:
                        graded.append(ending)
                        if folder == self.out:  # aside, nothing is published
                            self.settle(ending)
                            self.record(ending.result)
        except KeyboardInterrupt:
            count = f"{len(graded)} of {len(self.submissions)} results are in {folder / 'results'}"
            terminal.errors.print(f"autograder: stopped; {count}", soft_wrap=True)
            raise typer.Exit(130) from None
        order = {name: number for number, name in enumerate(self.submissions)}
        return sorted(graded, key=lambda each: order[each.result.name]), failures

    def _endings(
        self, folder: Path, bars: terminal.Bars, interrupts: terminal.Interrupts
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

        for ending in self.batch(folder).grade(open_grading):
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

    def _unsigned(self, graded: list[StoredResult]) -> Iterator[str]:
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
        known = sum(each.known and each.result.name not in self.tried for each in graded)
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
            *self._unsigned(graded),
            *self.unheeded,
            *unknown_submissions(self.manual, self.submissions),
        ):
            terminal.errors.print(Text(sentence), soft_wrap=True)


def _undated(rules: policy.Policy, intake: Intake) -> Iterator[str]:
    """Yield a sentence if there is a deadline, and hand-ins of which nobody can say if they came before it."""
    without = sum(not hand_in.at and not hand_in.problem for hand_in in intake.hand_ins.values())
    if rules.due is not None and without:
        yield f"class.toml has a deadline, and {without} of {len(intake.hand_ins)} hand-ins tell no moment: these are not late"


def _tell_intake(intake: Intake, out: Path, *, write: bool) -> None:
    """Print what was understood and what was left out, and write both into the table of intake if asked to."""
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
    if write:
        write_atomically(out / INTAKE, intake_csv(intake))


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
    for failure in failures:
        terminal.errors.print(Text(f"{failure.submission}: no grade: {failure.reason}"), soft_wrap=True)
    if failures or not graded or any(each.result.errors for each in graded):
        raise typer.Exit(2)
    raise typer.Exit(0 if all(each.result.all_passed for each in graded) else 1)
