"""`autograder report` and `autograder replay`."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from autograder.cli import terminal
from autograder.cli.terminal import HiddenOption, one_of
from autograder.course.catalog import Catalog, course_here
from autograder.results.mark import Hidden

if TYPE_CHECKING:
    from autograder.results.formats.pages import Picture
    from autograder.results.types import SubmissionResult


def report(
    paths: Annotated[list[Path], typer.Argument(metavar="RESULT...", help="Results, or the folder of a grading.")],
    form: Annotated[str, typer.Option("--as", metavar="FORMAT", help="html, json, markdown, junit, csv, ...")] = "html",
    hidden: HiddenOption = Hidden.POINTS,
    title: Annotated[str, typer.Option("--title", help="What a learning platform calls the assignment.")] = "",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A folder for them; else one is printed.")] = None,
    submissions: Annotated[
        Path | None, typer.Option("--pictures", metavar="CLASS", help="What was graded: pages show what it makes.")
    ] = None,
) -> None:
    """Write results in the form that students, instructors or a platform want."""
    from autograder.results.formats.formats import FORMATS
    from autograder.results.manual import unknown_submissions
    from autograder.results.publish import publish, read_marks, render

    catalog = course_here()
    marks, manual = read_marks(paths, catalog)
    chosen = one_of(FORMATS, form, "--as")
    for sentence in unknown_submissions(manual, [each.name for each in marks.values()]):
        terminal.errors.print(Text(sentence), soft_wrap=True)
    if out is None:
        sys.stdout.write(render(list(marks.values()), chosen, hidden, catalog, title))
        return
    with _pictures(submissions, catalog) as pictures:
        written = publish(marks, chosen, hidden, catalog, out, title, pictures)
    more = f" and {len(written) - 1} more" if written[1:] else ""
    terminal.out.print(Text(f"wrote {written[0]}{more}"), soft_wrap=True)


@contextlib.contextmanager
def _pictures(
    submissions: Path | None, catalog: Catalog
) -> "Iterator[Callable[[SubmissionResult], dict[str, list[Picture]]]]":
    """Yield a function that draws the pictures of a graded submission; without submissions it draws none."""
    if submissions is None:
        yield lambda _: {}
        return
    from autograder.grading.batch import find_submissions
    from autograder.results.formats.pages import Picture
    from autograder.sandbox import Sandbox
    from autograder.student.rewards.graded import pictures_of

    paths = find_submissions([submissions], catalog.units)
    with Sandbox(catalog.preload) as sandbox:

        def drawn(result: "SubmissionResult") -> "dict[str, list[Picture]]":
            if result.name not in paths:
                return {}
            rewards = pictures_of(result, paths[result.name], catalog, sandbox.worker)
            return {unit: [Picture(each.png, each.caption)] for unit, each in rewards.items()}

        yield drawn


def replay(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The JSON file of a result.")],
    submission: Annotated[Path, typer.Argument(metavar="SUBMISSION", help="What was graded.")],
) -> None:
    """Grade a submission again as a result says that it was graded, and compare the two results."""
    from autograder.grading import replay as again
    from autograder.results.mark import mark
    from autograder.results.publish import read_results
    from autograder.results.wording import score_line
    from autograder.sandbox import Sandbox

    catalog, (before,) = course_here(), read_results([result]).values()
    with Sandbox(catalog.preload, gpu=before.device == "cuda") as sandbox:
        outcome = again.replay(before, submission, catalog, sandbox)
    for line in outcome.conditions:
        terminal.out.print(Text(f"Not as it was: {line}"), soft_wrap=True)
    if not outcome.differences:
        count = len(outcome.result.checks)
        words = f"The same outcome again: {score_line(mark(outcome.result))}, and all {count} checks ended as before."
        terminal.out.print(Text(words), soft_wrap=True)
        return
    terminal.out.print(
        Text(f"Another outcome: {score_line(mark(before))} before, {score_line(mark(outcome.result))} now.")
    )
    for line in outcome.differences:
        terminal.out.print(Text(f"  {line}"), soft_wrap=True)
    raise typer.Exit(1)
