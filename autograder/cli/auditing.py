"""`autograder replay`, `likeness` and `viva`: look at a mark, a class or a submission again."""

import os
import secrets
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from autograder.cli import terminal
from autograder.cli.terminal import Require, Trusted, Units, file_to_write, names_in, rungs_required
from autograder.course.catalog import course_here
from autograder.errors import UsageError


def replay(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="The JSON file of a result.")],
    submission: Annotated[Path | None, typer.Argument(metavar="[SUBMISSION]", help="What was graded.")] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="KEY", help="The signer's public key: check that RESULT is unchanged."),
    ] = None,
    require: Require = "",
    trusted: Trusted = False,
) -> None:
    """Grade a submission again as a result says that it was graded, and compare the two results."""
    rungs = rungs_required(require, trusted) if require or trusted else None
    if submission is None and verify is None:
        raise UsageError("Missing argument SUBMISSION: give what was graded; only --verify KEY alone does without")
    unchanged = verify is None or _verify_signature(result, verify)
    repeated = submission is None or _same_again(result, submission, rungs)
    if not (unchanged and repeated):
        raise typer.Exit(1)


def _verify_signature(result: Path, key: Path) -> bool:
    """Print whether a result is exactly what was signed. Return True if it is."""
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
    terminal.say(words)
    return genuine


def _same_again(result: Path, submission: Path, rungs: tuple[str, ...] | None) -> bool:
    """Grade a submission again, on these rungs of isolation, and print how the outcome differs from a result.

    Return True if it is the same.
    """
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
        outcome = again.replay(before, submission, catalog, sandbox, rungs)
    for line in outcome.conditions:
        terminal.say(f"Not as it was: {line}")
    if not outcome.differences:
        count = len(outcome.result.checks)
        words = f"The same outcome again: {score_line(mark(outcome.result))}, and all {count} checks ended as before."
        terminal.say(words)
        return True
    terminal.out.print(
        Text(f"Another outcome: {score_line(mark(before))} before, {score_line(mark(outcome.result))} now.")
    )
    for line in outcome.differences:
        terminal.say(f"  {line}")
    return False


def likeness(
    paths: Annotated[list[Path], typer.Argument(metavar="CLASS", help="The submissions, as for `grade`.")],
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="OUT", help="Folder of `grade`; lists also pairs with the same rare values."),
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
        terminal.say(f"{pair.likeness:4.0%}  {pair.first} and {pair.second}{shared}")
    write_atomically(out, likeness_page(catalog.title, [alike_pair(pair, submissions, release) for pair in pairs]))
    count = "no pair" if not pairs else "1 pair" if len(pairs) == 1 else f"{len(pairs)} pairs"
    terminal.say(f"{count} of {len(submissions)} submissions to look at, side by side in {out}")


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
    asked = names_in(units)
    chosen = tuple(unit.name for unit in catalog.select(asked) if unit.name in read.modules)
    if not chosen:  # a spec without units would ask about all of them
        of = ", ".join(asked or ["this course"])
        raise UsageError(f"{read.name} has handed in nothing of {of}; there is nothing to ask about")
    seed = secrets.randbelow(10**6) if seed is None else seed
    with Sandbox(catalog.preload) as sandbox:
        spec = GradingSpec(catalog, units=chosen, require=rungs_required(require, trusted=False))
        questions = ask(spec, read, sandbox, seed, count)
    if not questions:
        raise UsageError(f"{read.name} has no function that answers a visible check: there is nothing to ask about")
    page = viva_page(catalog.title, read.name, seed, printed_functions(questions, read.sources))
    write_atomically(out, page)
    asked_for = "1 question" if len(questions) == 1 else f"{len(questions)} questions"
    words = f"wrote {out}: {asked_for}, the answers on the last page; --seed {seed} asks them again"
    terminal.say(words)
