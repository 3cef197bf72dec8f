"""`autograder report`: write marks for people and platforms, sum up a term, fill an exported gradebook."""

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autograder.cli import terminal
from autograder.cli.terminal import HiddenOption, folder_to_fill, one_of
from autograder.course.catalog import Catalog, course_here, speak
from autograder.errors import UsageError
from autograder.results.mark import Hidden

if TYPE_CHECKING:
    from autograder.results.mark import Mark
    from autograder.results.types import Picture, SubmissionResult
    from autograder.submissions.students import Student

#: Form that shows no marks: a table of the questions that wait for points by hand, to be filled in.
_TO_FILL = "by-hand"
_EXPORTED = "--gradebook FILE: it fills the file that the platform exported"
#: By form: the option without which it cannot be written, and why.
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
            "-o",
            "--out",
            parser=folder_to_fill,
            metavar="FOLDER",
            help="Folder for the files; without it one form is printed.",
        ),
    ] = None,
    gradebook: Annotated[
        Path | None,
        typer.Option("--gradebook", metavar="FILE", help="What the platform exported; its column is filled."),
    ] = None,
    roster: Annotated[
        Path | None,
        typer.Option(
            "--roster",
            help="Sum up a term for these students, by the rules under \\[term] in the class.toml beside it.",
        ),
    ] = None,
    submissions: Annotated[
        Path | None,
        typer.Option(
            "--pictures", metavar="CLASS", help="The graded submissions: pages then show the pictures that they make."
        ),
    ] = None,
) -> None:
    """Write results in the form that students, instructors or a platform want."""
    from autograder.results.formats.formats import FORMATS
    from autograder.results.publish import left_out_results, publish, read_marks, render, unheeded_decisions
    from autograder.results.types import first_and_more

    if submissions is not None and (out is None or form not in ("", "html") or roster or gradebook):
        raise UsageError("--pictures CLASS is for pages alone; give -o FOLDER, and no --as but html")
    catalog = course_here()
    speak(catalog, lang)
    _refuse_results_as_target(paths, out)
    if roster is not None:
        _report_term(paths, catalog, form, title, out, roster, gradebook)
        return
    marks = read_marks(paths, catalog)
    _tell(left_out_results(paths, marks))
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
    terminal.say(f"wrote {first_and_more(written)}")


def _refuse_results_as_target(paths: list[Path], out: Path | None) -> None:
    """Raise if the files were written among the results themselves, whose names they may have."""
    from autograder.results.publish import graded_folders

    if out is not None and out.resolve() in [folder / "results" for folder in graded_folders(paths)]:
        raise UsageError(f"{out} holds the results themselves; name another folder with -o")


def _tell_uneven(marks: "list[Mark]", platform: str) -> None:
    """Print a sentence if a platform has one column for the marks, and their maxima differ."""
    from autograder.results.foreign_tables import FILLERS
    from autograder.results.formats.overview import uneven_maxima

    sentence = uneven_maxima(marks) if platform in FILLERS else ""
    if sentence:
        _tell([sentence])


def _list_questions(marks: "list[Mark]", path: Path | None) -> None:
    """Write or print the table of questions that wait for points. What people have filled in stays in the file."""
    from autograder.results.formats.gradebooks import hand_table
    from autograder.results.manual import differs, read_filled_in

    filled = {} if path is None else read_filled_in(path)
    given = {(each.name, line.function): line for each in marks for line in each.manual}
    waiting = {(each.name, question) for each in marks for question in each.open_questions()}
    lost = next((key for key in filled if key not in given.keys() | waiting), None)
    if lost is not None:
        raise UsageError(
            f"{path} is filled in for {lost[1]} of {lost[0]}, which waits for no points in these results; move the file away"
        )
    changed = next((key for key in filled.keys() & given.keys() if differs(filled[key], given[key])), None)
    if changed is not None:
        raise UsageError(
            f"{path} has other points for {changed[1]} of {changed[0]} than {given[changed].file}, which counts; copy them"
            " there, or move the file away"
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
    terminal.say(f"wrote {path}")


def _tell(sentences: Iterable[str]) -> None:
    """Print sentences for the instructor."""
    for sentence in sentences:
        terminal.warn(sentence)


def _report_term(
    paths: list[Path], catalog: Catalog, form: str, title: str, out: Path | None, roster: Path, gradebook: Path | None
) -> None:
    """Sum up the assignments of a term and write or print them."""
    from autograder.cli.tables import print_term
    from autograder.grading.term import take_in_term
    from autograder.results.formats.formats import FORMATS
    from autograder.results.publish import refuse_exported

    term = take_in_term(paths, roster, catalog)
    _tell(term.remarks)
    if gradebook is not None:
        _fill_gradebook(term.marks, term.enrolled, form, gradebook, title, out)
        return
    tables = {name: each.of_class for name, each in FORMATS.items() if each.of_class is not None}
    if one_of(["table", *tables], form or "table", "--as, with --roster,") == "table":
        print_term(term.marks)
        return
    target = out and out / f"{form}.csv"
    if target is not None:
        refuse_exported(target, form)
    _write(tables[form](term.marks, title or catalog.title), target)


def _students_of(paths: list[Path]) -> "dict[str, Student]":
    """Return the students by the names of their submissions, from the `intake.csv` beside each result."""
    from autograder.results.publish import graded_folders
    from autograder.submissions.hand_in import read_students

    tables = [read_students(folder) for folder in graded_folders(paths)]
    return {name: each for table in tables for name, each in table.items()}


def _fill_gradebook(
    marks: "list[Mark]", students: "dict[str, Student]", platform: str, path: Path, title: str, out: Path | None
) -> None:
    """Fill the assignment's column of a gradebook that a platform exported. Write it as a new file.

    Args:
        marks: to be filled in.
        students: what is known of each, by the name of the submission.
        platform: that exported the gradebook.
        path: the path of the gradebook.
        title: the title of the assignment on the platform; needed if the gradebook has several.
        out: folder of the new file, which keeps its name; without it `filled-NAME` is written here.
    """
    from autograder.results.foreign_tables import (
        FILLERS,
        Grade,
        Table,
        fill,
        kept_comments,
        kept_grades,
        maximum_warning,
    )
    from autograder.results.store import write_atomically
    from autograder.results.types import points_text
    from autograder.results.wording import beside_score, score
    from autograder.submissions.matching import Finder, rows_of
    from autograder.submissions.roster import students_in
    from autograder.submissions.students import Student

    if not platform:
        raise UsageError(f"--gradebook needs --as, the platform that exported it: {', '.join(FILLERS)}")
    one_of(FILLERS, platform, "--as, with --gradebook,")
    table = Table.read(path)
    grades = {each.name: Grade(score(each), points_text(each.max_score), beside_score(each)) for each in marks}
    known = {name: students.get(name, Student(name)) for name in grades}
    finder = Finder(students_in(table, str(path)), path.name)
    _tell(finder.remarks)
    rows, missing = rows_of(known, finder)
    kept, commented = kept_grades(table, platform, title, rows, grades), kept_comments(table, platform, rows, grades)
    heading, strangers = fill(table, platform, title, rows, grades)
    warning = maximum_warning(table, platform, title, rows, grades)
    if warning:
        _tell([f"{path.name}: {warning}"])
    _tell_uneven(marks, platform)
    _tell(f"{path.name} has no row for {name} alone: {finder.why_not(known[name], name)}" for name in strangers)
    if missing:
        _tell([f"{path.name} has students without a submission, whose cells stay as they are: {', '.join(missing)}"])
    if kept:
        _tell([f"{path.name} has excused students or locked grades, whose cells stay as they are: {', '.join(kept)}"])
    if commented:
        _tell([f"{path.name} has feedback already, which stays as it is: {', '.join(commented)}"])
    target = (out or Path()) / path.name
    if out is None or target.resolve() == path.resolve():
        target = target.with_name(f"filled-{path.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, table.to_bytes())
    count = len(grades) - len(strangers) - len(kept)
    terminal.say(f"wrote {target}: {count} grades in the column {heading}")


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

        def draw(result: "SubmissionResult") -> "dict[str, list[Picture]]":
            submission = work.find(result)
            if submission is None and not result.score:
                return {}  # this student may have handed in nothing, so there is nothing to draw
            if submission is None:
                _tell([f"{result.name}: no pictures, as {submissions} does not hold what was graded"])
                return {}
            pictures = pictures_of(result, submission, catalog, sandbox.worker)
            return {unit: [each] for unit, each in pictures.items()}

        yield draw
