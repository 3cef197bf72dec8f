"""`autograder report`, `replay`, `likeness` and `viva`."""

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from autograder.cli import terminal
from autograder.cli.terminal import (
    HiddenOption,
    Require,
    Units,
    file_to_write,
    folder_to_fill,
    names_in,
    one_of,
    rungs_required,
)
from autograder.course.catalog import Catalog, course_here, speak
from autograder.errors import UsageError
from autograder.results.mark import Hidden

if TYPE_CHECKING:
    from autograder.results.mark import Mark
    from autograder.results.types import Picture, SubmissionResult
    from autograder.submissions.students import Student

#: Form of `report` that is no form of a mark: the questions that wait for people, as a table to fill in.
_TO_FILL = "by-hand"
_EXPORTED = "--gradebook FILE: it fills the file that the platform exported"
#: What else has to be given for a form that is none of a mark.
_NEEDS = {
    "table": "--roster FILE: it sums up a term for each student of the roster",
    "brightspace": _EXPORTED,
    "blackboard": _EXPORTED,
}


def report(
    paths: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Results, or the folder of a grading.")],
    form: Annotated[
        str, typer.Option("--as", metavar="FORMAT", help="html, json, markdown, junit, csv, ...; table for a term.")
    ] = "",
    hidden: HiddenOption = Hidden.POINTS,
    lang: Annotated[str, typer.Option("--lang", metavar="LANGUAGE", help="What to write in, such as lt.")] = "",
    title: Annotated[str, typer.Option("--title", help="What a learning platform calls the assignment.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", parser=folder_to_fill, metavar="FOLDER", help="A folder for them; else one is printed."
        ),
    ] = None,
    gradebook: Annotated[
        Path | None,
        typer.Option("--gradebook", metavar="FILE", help="What the platform exported; its column is filled."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster", help="Sum the assignments up for each of these students, by the table `term` of class.toml."
        ),
    ] = None,
    submissions: Annotated[
        Path | None, typer.Option("--pictures", metavar="CLASS", help="What was graded: pages show what it makes.")
    ] = None,
) -> None:
    """Write results in the form that students, instructors or a platform want."""
    from autograder.results.formats.formats import FORMATS
    from autograder.results.publish import publish, read_marks, render, unheeded_decisions

    catalog = course_here()
    speak(catalog, lang)
    if roster is not None:
        _report_term(paths, catalog, form, title, out, roster, gradebook)
        return
    marks = read_marks(paths, catalog)
    _tell(unheeded_decisions(paths, marks.values(), catalog))
    if gradebook is not None:
        _fill_gradebook(list(marks.values()), _students_of(paths), form, gradebook, title, out)
        return
    if form in _NEEDS:
        raise UsageError(f"--as {form} needs {_NEEDS[form]}")
    chosen = one_of((*FORMATS, _TO_FILL), form or "html", "--as")
    _tell_uneven(list(marks.values()), chosen)
    if chosen == _TO_FILL:
        _list_questions(list(marks.values()), out and out / f"{_TO_FILL}.csv")
        return
    if out is None:
        sys.stdout.write(render(list(marks.values()), chosen, hidden, catalog, title))
        return
    with _pictures(submissions, catalog) as pictures:
        written = publish(marks, chosen, hidden, catalog, out, title, pictures)
    more = f" and {len(written) - 1} more" if written[1:] else ""
    terminal.out.print(Text(f"wrote {written[0]}{more}"), soft_wrap=True)


def _tell_uneven(marks: "list[Mark]", platform: str) -> None:
    """Print a sentence if a platform's one column holds marks that count up to different points."""
    from autograder.results.formats.overview import uneven_maxima
    from autograder.results.tables import FILLERS

    sentence = uneven_maxima(marks) if platform in FILLERS else ""
    if sentence:
        terminal.errors.print(Text(sentence), soft_wrap=True)


def _list_questions(marks: "list[Mark]", path: Path | None) -> None:
    """Write the questions that wait for points, or print them; what people have filled into the file stays in it."""
    from autograder.results.formats.tables import hand_table
    from autograder.results.manual import filled_in

    filled = {} if path is None else filled_in(path)
    given = {(each.name, line.function) for each in marks for line in each.manual}
    waiting = {(each.name, question) for each in marks for question in each.open_questions()}
    lost = next((key for key in filled if key not in given | waiting), None)
    if lost is not None:
        raise UsageError(
            f"{path} is filled in for {lost[1]} of {lost[0]}, which waits for no points in these results; move the file away"
        )
    _write(hand_table(marks, filled), path)
    if not waiting:
        _tell(["no question waits for a person's points, so the table lists none"])


def _write(text: str, path: Path | None) -> None:
    """Write a table into a file, or print it."""
    from autograder.results.store import write_atomically

    if path is None:
        sys.stdout.write(text)
        return
    write_atomically(path, text)
    terminal.out.print(Text(f"wrote {path}"), soft_wrap=True)


def _tell(sentences: Iterable[str]) -> None:
    """Print sentences for the instructor."""
    for sentence in sentences:
        terminal.errors.print(Text(sentence), soft_wrap=True)


def _report_term(
    paths: list[Path], catalog: Catalog, form: str, title: str, out: Path | None, roster: Path, gradebook: Path | None
) -> None:
    """Sum up the assignments of a term and write or print them."""
    from autograder.cli.tables import print_term
    from autograder.grading.term import take_in_term
    from autograder.results.formats.formats import FORMATS

    term = take_in_term(paths, roster, catalog)
    _tell(term.remarks)
    if gradebook is not None:
        _fill_gradebook(term.marks, term.enrolled, form, gradebook, title, out)
        return
    tables = {name: each.of_class for name, each in FORMATS.items() if each.of_class is not None}
    if one_of(["table", *tables], form or "table", "--as, with --roster,") == "table":
        print_term(term.marks)
        return
    text = tables[form](term.marks, title or catalog.title)
    _write(text, out and out / f"{form}.csv")


def _students_of(paths: list[Path]) -> "dict[str, Student]":
    """Return what the tables of intake beside some results tell of the students, by the names of their submissions."""
    from autograder.results.publish import graded_folders
    from autograder.submissions.hand_in import read_students

    tables = [read_students(folder) for folder in graded_folders(paths)]
    return {name: each for table in tables for name, each in table.items()}


def _fill_gradebook(
    marks: "list[Mark]", students: "dict[str, Student]", platform: str, path: Path, title: str, out: Path | None
) -> None:
    """Fill the assignment's column of a gradebook that a platform exported, into a file of the same name in a folder."""
    from autograder.results.store import write_atomically
    from autograder.results.tables import FILLERS, Grade, Table, fill, maximum_warning
    from autograder.results.wording import points, remarks, score
    from autograder.submissions.matching import Finder, rows_of
    from autograder.submissions.roster import students_in
    from autograder.submissions.students import Student

    if not platform:
        raise UsageError(f"--gradebook needs --as, the platform that exported it: {', '.join(FILLERS)}")
    one_of(FILLERS, platform, "--as, with --gradebook,")
    table = Table.read(path)
    grades = {each.name: Grade(score(each), points(each.max_score), remarks(each)) for each in marks}
    known = {name: students.get(name, Student(name)) for name in grades}
    finder = Finder(students_in(table, str(path)), path.name)
    _tell(finder.remarks)
    rows, missing = rows_of(known, finder)
    heading, strangers = fill(table, platform, title, rows, grades)
    warning = maximum_warning(table, platform, title, rows, grades)
    if warning:
        terminal.errors.print(Text(f"{path.name}: {warning}"), soft_wrap=True)
    _tell_uneven(marks, platform)
    for name in strangers:
        why = finder.why_not(known[name], name)
        terminal.errors.print(Text(f"{path.name} has no row for {name} alone: {why}"), soft_wrap=True)
    if missing:
        said = f"{path.name} has students without a submission, whose cells stay as they are: {', '.join(missing)}"
        terminal.errors.print(Text(said), soft_wrap=True)
    target = (out or Path()) / (path.name if out is not None else f"filled-{path.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, table.to_bytes())
    count = len(grades) - len(strangers)
    terminal.out.print(Text(f"wrote {target}: {count} grades in the column {heading}"), soft_wrap=True)


@contextlib.contextmanager
def _pictures(
    submissions: Path | None, catalog: Catalog
) -> "Iterator[Callable[[SubmissionResult], dict[str, list[Picture]]]]":
    """Yield a function that draws the pictures of a graded submission; without submissions it draws none."""
    if submissions is None:
        yield lambda _: {}
        return
    from autograder.grading.source import GradedWork
    from autograder.sandbox import Sandbox
    from autograder.student.drawing import pictures_of

    work = GradedWork([submissions], catalog)
    with Sandbox(catalog.preload) as sandbox:

        def drawn(result: "SubmissionResult") -> "dict[str, list[Picture]]":
            submission = work.find(result)
            if submission is None and not result.score:
                return {}  # such as of a student who handed in nothing: there is nothing to draw
            if submission is None:
                words = f"{result.name}: no pictures, as {submissions} does not hold what was graded"
                terminal.errors.print(Text(words), soft_wrap=True)
                return {}
            pictures = pictures_of(result, submission, catalog, sandbox.worker)
            return {unit: [each] for unit, each in pictures.items()}

        yield drawn


def replay(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The JSON file of a result.")],
    submission: Annotated[Path | None, typer.Argument(metavar="[SUBMISSION]", help="What was graded.")] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="KEY", help="Public key of who signed: has one byte of RESULT been changed?"),
    ] = None,
) -> None:
    """Grade a submission again as a result says that it was graded, and compare the two results."""
    if submission is None and verify is None:
        raise UsageError("Missing argument SUBMISSION: give what was graded; only --verify KEY alone does without")
    genuine = verify is None or _verify_signature(result, verify)
    if submission is not None and not _same_again(result, submission):
        genuine = False
    if not genuine:
        raise typer.Exit(1)


def _verify_signature(result: Path, key: Path) -> bool:
    """Print if a result is, to the byte, what was signed. Return True if it is."""
    try:
        from autograder.results.signature import verify
    except ModuleNotFoundError as error:
        raise UsageError(f"--verify needs {error.name}: pip install 'idealcat[sign]'") from error
    genuine = verify(result, key)
    words = (
        f"Signed with this key, and not one byte has been changed: {result.name}"
        if genuine
        else f"Not what was signed: {result.name} or its signature was changed, or another key signed it"
    )
    terminal.out.print(Text(words), soft_wrap=True)
    return genuine


def _same_again(result: Path, submission: Path) -> bool:
    """Grade again and print what comes out. Return True if it is the same."""
    from autograder.sandbox.zygote import ONE_THREAD

    os.environ.update(ONE_THREAD)  # for torch, which is imported now: as a grading has it
    from autograder.grading import replay as again
    from autograder.results.mark import mark
    from autograder.results.publish import read_results
    from autograder.results.wording import score_line
    from autograder.sandbox import Sandbox

    if result.is_dir():
        raise UsageError(f"{result} is a folder; give the JSON file of one result")
    catalog, (before,) = course_here(), read_results([result]).values()
    with Sandbox(catalog.preload, gpu=before.device == "cuda") as sandbox:
        outcome = again.replay(before, submission, catalog, sandbox)
    for line in outcome.conditions:
        terminal.out.print(Text(f"Not as it was: {line}"), soft_wrap=True)
    if not outcome.differences:
        count = len(outcome.result.checks)
        words = f"The same outcome again: {score_line(mark(outcome.result))}, and all {count} checks ended as before."
        terminal.out.print(Text(words), soft_wrap=True)
        return True
    terminal.out.print(
        Text(f"Another outcome: {score_line(mark(before))} before, {score_line(mark(outcome.result))} now.")
    )
    for line in outcome.differences:
        terminal.out.print(Text(f"  {line}"), soft_wrap=True)
    return False


def likeness(
    paths: Annotated[list[Path], typer.Argument(metavar="CLASS", help="The submissions, as for `grade`.")],
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="OUT", help="Of `grade`: also pairs with the same rare values."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o", "--out", parser=file_to_write, metavar="FILE", help="The page with both sides of each pair."
        ),
    ] = Path("likeness.html"),
    at_least: Annotated[
        float, typer.Option("--at-least", min=0.0, max=1.0, help="Least likeness of a pair that is listed.")
    ] = 0.8,
) -> None:
    """List pairs of submissions that share more than the release and the usual way explain: look at these."""
    from autograder.course.skeletons import untouched_texts
    from autograder.grading.likeness import alike_pair, find_alike_pairs
    from autograder.results.formats.pages import likeness_page
    from autograder.results.publish import read_results
    from autograder.results.store import write_atomically
    from autograder.submissions import read_for
    from autograder.submissions.intake import take_in

    catalog = course_here()
    hand_ins = take_in(paths, catalog.modules).hand_ins
    if len(hand_ins) < 2:
        given = ", ".join(map(str, paths))
        raise UsageError(f"likeness compares submissions, and {given} holds {len(hand_ins)}; give a class")
    submissions = {name: read_for(catalog, each, name).modules for name, each in hand_ins.items()}
    release = list(untouched_texts(catalog).values())
    known = {each.name: each for each in read_results([results]).values()} if results is not None else {}
    pairs = find_alike_pairs(submissions, release, known, at_least)
    for pair in pairs:
        shared = f": {', '.join(pair.functions)}" if pair.functions else ""
        terminal.out.print(Text(f"{pair.likeness:4.0%}  {pair.first} and {pair.second}{shared}"), soft_wrap=True)
    write_atomically(out, likeness_page(catalog.title, [alike_pair(pair, submissions, release) for pair in pairs]))
    count = "no pair" if not pairs else "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    terminal.out.print(
        Text(f"{count} of {len(submissions)} submissions to look at, side by side in {out}"), soft_wrap=True
    )


def viva(
    submission: Annotated[Path, typer.Argument(metavar="SUBMISSION", help="What one student handed in.")],
    out: Annotated[
        Path, typer.Option("-o", "--out", parser=file_to_write, metavar="FILE", help="The page to print.")
    ] = Path("viva.html"),
    count: Annotated[int, typer.Option("--questions", min=1, help="How many questions at most.")] = 10,
    seed: Annotated[int | None, typer.Option("--seed", help="Ask the questions of this number again.")] = None,
    units: Units = "",
    require: Require = "",
) -> None:
    """Write questions on a submission's own code, for an oral exam: other ones each time, with the answers."""
    from autograder.grading.spec import GradingSpec
    from autograder.grading.viva import ask, printed_functions
    from autograder.results.formats.pages import viva_page
    from autograder.results.store import write_atomically
    from autograder.sandbox import Sandbox
    from autograder.submissions import read_for
    from autograder.submissions.intake import take_in

    catalog = course_here()
    hand_ins = take_in([submission], catalog.modules).hand_ins
    if len(hand_ins) != 1:
        some = f", such as {min(hand_ins)}'s" if hand_ins else ""
        raise UsageError(f"{submission} holds {len(hand_ins)} submissions; give that of one student{some}")
    ((name, hand_in),) = hand_ins.items()
    read = read_for(catalog, hand_in, name)
    if read.problem:
        raise UsageError(read.problem)
    chosen = tuple(unit.name for unit in catalog.select(names_in(units)) if unit.name in read.modules)
    seed = secrets.randbelow(10**6) if seed is None else seed
    with Sandbox(catalog.preload) as sandbox:
        spec = GradingSpec(catalog, units=chosen, require=rungs_required(require, trusted=False))
        questions = ask(spec, read, sandbox, seed, count)
    if not questions:
        raise UsageError(f"{read.name} has no function that answers a visible check: there is nothing to ask about")
    page = viva_page(catalog.title, read.name, seed, printed_functions(questions, read.sources))
    write_atomically(out, page)
    words = f"wrote {out}: {len(questions)} questions, the answers on the last page; --seed {seed} asks them again"
    terminal.out.print(Text(words), soft_wrap=True)
