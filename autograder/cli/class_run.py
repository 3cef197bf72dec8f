"""One run of a class: take it in, grade it, and publish results, marks and tables."""

import contextlib
import functools
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from autograder.cli import terminal
from autograder.cli.machines import Machines
from autograder.cli.tables import print_class
from autograder.course.catalog import Catalog
from autograder.errors import UsageError
from autograder.grading.batch import Batch, Failure, StoredResult, attempts_of, best_attempts
from autograder.grading.jobs import GradeTasks
from autograder.grading.source import Class, Source, take_in_class
from autograder.grading.spec import GradingSpec
from autograder.results import policy
from autograder.results.class_file import FILENAME, find_rules
from autograder.results.formats.gradebooks import grades_csv
from autograder.results.manual import ManualRow, read_tables
from autograder.results.mark import Mark, mark, unheeded_rows
from autograder.results.store import (
    EARLIER,
    ResultStore,
    put_aside,
    read_result,
    signature_path,
    write_atomically,
    write_result,
)
from autograder.submissions.hand_in import HandIn, Intake

if TYPE_CHECKING:
    from autograder.platforms.nbgrader.gradebook import GradebookAssignment
    from autograder.results.signature import Signer
    from autograder.results.types import SubmissionResult

#: The screen names at most so many students or files of one kind; `intake.csv` names all.
MOST_NAMED = 10


@dataclass(frozen=True)
class ClassRun:
    """One run of a class.

    Attributes:
        spec: how it is graded.
        taken: the hand-ins and the rules of the class.
        book: the assignment in nbgrader's gradebook; None if the class does not come from there.
        out: the folder of the published results.
        machines: on which it is graded.
        fresh: True to grade again what has not changed.
        manual: points by hand.
        signer: signs each published result; None if nobody asked for that.
        signed: files of published results that were signed before this run.
    """

    spec: GradingSpec
    taken: Class
    book: "GradebookAssignment | None"
    out: Path
    machines: Machines
    fresh: bool
    manual: tuple[ManualRow, ...]
    signer: "Signer | None" = None
    signed: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, source: Source, spec: GradingSpec, out: Path, machines: Machines, fresh: bool) -> "ClassRun":
        """Take in a class. If its rules count the best attempt, grade all attempts to find it."""
        _ = spec.chosen  # an unknown unit is reported before any submission is looked for
        book = nbgrader_assignment(source, spec)
        taken = take_in_class(source, spec.catalog, out) if book is None else _class_of(book, out)
        run = cls(spec, taken, book, out, machines, fresh, read_tables(out, spec.catalog))
        run = run._with_best_attempts() if taken.names_with_attempts else run
        paths = map(run.published.result_path, run.submissions)
        return replace(run, signed=frozenset(path for path in paths if signature_path(path).exists()))

    def _with_best_attempts(self) -> "ClassRun":
        """Grade all attempts of those who have several. Return the run with the best ones."""
        batch = replace(self.batch(self.out / "attempts"), submissions=attempts_of(self.taken.intake))
        graded, _ = self._grade(batch)
        results = {each.result.name: each.result for each in graded}

        def score(attempt: str, student: str, hand_in: HandIn) -> float | None:
            if attempt not in results:
                return None
            result = replace(results[attempt], name=student)
            return self._mark(result, {student: hand_in.at}).score

        return replace(self, taken=replace(self.taken, intake=best_attempts(self.taken.intake, score)))

    @property
    def submissions(self) -> dict[str, HandIn]:
        """Return the hand-ins that are graded, by name."""
        return self.taken.intake.hand_ins

    def batch(self, folder: Path) -> Batch:
        """Return the class, to be graded into a folder."""
        return Batch(self.spec, self.submissions, folder, ResultStore(self.out / "cache"), self.fresh)

    @functools.cached_property
    def published(self) -> Batch:
        """Return the class, to be graded into the folder of the published results."""
        return self.batch(self.out)

    def mark(self, result: "SubmissionResult") -> Mark:
        """Return the mark of a result, with the points by hand."""
        return self._mark(result, self.taken.moments)

    def published_mark(self, name: str, moments: Mapping[str, str]) -> Mark | None:
        """Return the mark of a submission's published result; None if it has none.

        Args:
            name: the name of the submission.
            moments: when each submission was handed in, as it was known when the result was published.
        """
        result = read_result(self.published.result_path(name))
        return None if result is None else self._mark(result, {**self.taken.moments, **moments})

    def _mark(self, result: "SubmissionResult", moments: Mapping[str, str]) -> Mark:
        rules = self.taken.rules if self.book is None else None  # nbgrader's gradebook decides
        decide = policy.decider_by(rules, moments)
        return mark(result, self.manual, decide, self.spec.catalog)

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
                        if batch.out == self.out:  # in any other folder nothing is published
                            self._hand_on(ending)
        except KeyboardInterrupt:
            count = f"{len(graded)} of {len(batch.submissions)} results are in {batch.out / 'results'}"
            terminal.warn(f"autograder: stopped; {count}")
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
        path = self.published.result_path(result.name)
        write_result(path, result)
        self._hand_on(StoredResult(result, path))
        return path

    def _hand_on(self, published: StoredResult) -> None:
        """Sign a published result if that was asked for, and write its mark into nbgrader's gradebook if there is one."""
        if self.signer is not None:
            self.signer.sign(published.path)
        own_mark = self.mark(published.result)
        if self.book is not None and own_mark.score is not None:
            self.book.record(own_mark)

    def publish_table(self, graded: list[StoredResult]) -> None:
        """Write and print the grades of the class, and print what the instructor should know of them."""
        marks = [self.mark(each.result) for each in graded]
        if self.book is not None:
            marks = list(map(self.book.final, marks))
        write_atomically(self.out / "grades.csv", grades_csv(marks))
        aside = put_aside(self.out, [self.published.result_path(name) for name in self.submissions])
        print_class(marks, [each.path.relative_to(self.out) for each in graded])
        where = f"The results, and {len(marks)} grades in grades.csv, are in {self.out}{os.sep}"
        terminal.say(where)
        known = sum(each.known and each.result.name not in self.taken.names_with_attempts for each in graded)
        if known:
            terminal.out.print(f"{known} had been graded before and have not changed; --fresh grades them again")
        for sentence in self._remarks(marks, graded, aside):
            terminal.warn(sentence)

    def _remarks(self, marks: list[Mark], graded: list[StoredResult], aside: list[str]) -> Iterator[str]:
        """Yield sentences about results put aside, the gradebook, lost signatures, and decisions without an effect."""
        if aside:
            yield f"of nobody in this class, put into {self.out / EARLIER}: {_some(aside)}"
        yield from self.book.remarks if self.book is not None else ()
        unsigned = [each for each in graded if each.path in self.signed and not signature_path(each.path).exists()]
        if unsigned:
            who = _some([each.result.name for each in unsigned])
            yield f"signed before, and not as they are now: {who}; --sign KEY signs them"
        yield from _unheeded_decisions(self.taken, self.spec.catalog)
        yield from unheeded_rows(self.manual, self.submissions, marks)


def _some(names: list[str]) -> str:
    return f"{', '.join(names[:MOST_NAMED])}{' and more' if names[MOST_NAMED:] else ''}"


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
    yield from policy.unheeded_rules(taken.rules, taken.moments, catalog.units)


def _class_of(book: "GradebookAssignment", out: Path) -> Class:
    """Return the class of an assignment of nbgrader's, whose gradebook decides what its marks are."""
    rules = find_rules([out])
    told = "counts in reports alone: nbgrader's gradebook decides on lateness, and grades.csv has its numbers"
    remarks = () if rules is None else (f"{out / FILENAME} {told}",)
    return Class(Intake("nbgrader's assignment", book.submissions()), rules, remarks=remarks)


def nbgrader_assignment(source: Source, spec: GradingSpec) -> "GradebookAssignment | None":
    """Return the assignment of nbgrader's that a source names; None if it names paths.

    Raises:
        UsageError: nbgrader is not installed, or has no such course or assignment.
    """
    if not source.assignment:
        return None
    try:
        from autograder.platforms.nbgrader.gradebook import GradebookAssignment
    except ModuleNotFoundError as error:
        raise UsageError(f"--nbgrader needs {error.name}: pip install 'idealcat[nbgrader]'") from error
    return GradebookAssignment(Path(source.nbgrader), source.assignment, spec)
