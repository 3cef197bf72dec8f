"""Pages in HTML: one file each, without a network, for a student, a class and a gallery.

Every text goes through the templates' escaping; a page's policy lets it load nothing and, for a student, run nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.course.catalog import Catalog
from autograder.course.skeletons import bare_lines
from autograder.messages import language, tr, tr_plural
from autograder.results.formats.gradebooks import unit_points
from autograder.results.formats.overview import class_statistics, row
from autograder.results.labels import show_picture
from autograder.results.mark import FunctionMark, Mark, UnitMark, units_of
from autograder.results.summary import next_check
from autograder.results.templates import render_page, template_text
from autograder.results.types import CheckResult, Outcome, Picture, SubmissionResult, points_text
from autograder.results.wording import SIGNS, WORDS, diagnosis, manual_points_line, message, score, score_line

#: Package whose templates these are.
_HERE = "autograder.results.formats"
_WAITING = (Outcome.NOT_WRITTEN, Outcome.BLOCKED, Outcome.NOT_RUN)


def student_page(mark: Mark, catalog: Catalog, pictures: Mapping[str, Sequence[Picture]] | None = None) -> str:
    """Return what a student reads about a submission.

    Args:
        mark: the mark of the submission, with what is to be shown of hidden checks.
        catalog: for titles and hints.
        pictures: by unit, what the student's own functions have made.
    """
    checks = {unit: list(mark.checks_of(unit)) for unit in mark.units}
    is_open = any(check.outcome is not Outcome.PASSED for check in mark.result.checks)
    return _render(
        "student.html",
        course=catalog.title,
        mark=mark,
        result=mark.result,
        score=score_line(mark),
        by_hand=manual_points_line(mark),
        next_step=" ".join(next_check(catalog, checks)).removeprefix(tr("Next:")).strip() if is_open else "",
        units=[
            {**_unit(catalog, unit, checks[unit.name], (pictures or {}).get(unit.name, ())), **_by_hand(mark, unit)}
            for unit in mark.units.values()
        ],
        facts=_facts(mark.result),
    )


def class_page(marks: Sequence[Mark], catalog: Catalog, links: Mapping[str, str] | None = None) -> str:
    """Return what an instructor reads about a class.

    Args:
        marks: the marks of the class.
        catalog: for its title.
        links: by submission, the address of its own page.
    """
    units = units_of(marks)
    numbers = class_statistics(marks)
    return _render(
        "class.html",
        script=template_text(_HERE, "class.js"),
        course=catalog.title,
        rows=[_row(mark, units, (links or {}).get(mark.name, "")) for mark in marks],
        units=units,
        numbers=numbers,
        largest_bin=max(1, *numbers.bins),
        max_score=points_text(max((mark.max_score for mark in marks), default=0)),
    )


def gallery_page(course: str, headline: str, pictures: Sequence[tuple[str, Picture]]) -> str:
    """Return the pictures that a student has earned.

    Args:
        course: its title.
        headline: how far the student is.
        pictures: with the titles of their units.
    """
    return _render("gallery.html", course=course, headline=headline, pictures=pictures)


@dataclass(frozen=True)
class AlikeFunction:
    """One function of two submissions: its name, and for each side its lines, with True for those that stand in both."""

    name: str
    sides: tuple[Sequence[tuple[bool, str]], Sequence[tuple[bool, str]]]


@dataclass(frozen=True)
class AlikePair:
    """Two submissions to look at: names, likeness in percent, functions side by side, checks failed with the same words."""

    first: str
    second: str
    likeness: str
    functions: Sequence[AlikeFunction]
    values: Sequence[str]


def likeness_page(course: str, pairs: Sequence[AlikePair]) -> str:
    """Return the pairs of submissions that a person should look at, side by side."""
    return _render("likeness.html", course=course, pairs=pairs)


@dataclass(frozen=True)
class ExamQuestion:
    """A question on a student's code: the call it is about, what is asked, answers to choose from, the right one."""

    number: int
    call: str
    text: str
    options: Sequence[str]
    key: str


@dataclass(frozen=True)
class ExamFunction:
    """A function that is asked about: the file it stands in, the number of its first line, its lines, the questions."""

    filename: str
    first: int
    lines: Sequence[str]
    questions: Sequence[ExamQuestion]


def viva_page(course: str, name: str, seed: int, functions: Sequence[ExamFunction]) -> str:
    """Return questions to print on a submission's own code, and on a page of their own the answers.

    Args:
        course: its title.
        name: the name of the submission.
        seed: asks the same questions again.
        functions: with their questions.
    """
    return _render("viva.html", course=course, submission=name, seed=seed, functions=functions)


def validity_page(course: str, validity: object, facts: str, kinds: Mapping[str, Sequence[str]]) -> str:
    """Return what an author reads about how true the marks of a course are.

    Args:
        course: its title.
        validity: the figures, as `verify` has them.
        facts: a sentence about the run that they are from.
        kinds: the kinds of the modules that were handed in, those that are `right` and those that are `wrong`.
    """
    return _render(
        "validity.html", course=course, validity=validity, facts=facts, right=kinds["right"], wrong=kinds["wrong"]
    )


def _unit(
    catalog: Catalog, mark: UnitMark, checks: Sequence[CheckResult], pictures: Sequence[Picture]
) -> dict[str, object]:
    unit = catalog.units.get(mark.name)
    hints = {each.name: tuple(map(tr, each.hints)) for each in unit.functions.values()} if unit is not None else {}
    seen = {check.function for check in checks}
    functions = [
        _function(each, [check for check in checks if check.function == each.name], hints.get(each.name, ()))
        for each in mark.functions.values()
        if each.question is None and (each.name in seen or each.manual is not None)
    ]
    title = tr(unit.title) if unit is not None else mark.name
    facts = {"functions": functions, "pictures": pictures, "absent": _absent(mark, checks)}
    return {"name": mark.name, "title": title, **_points(mark), **facts}


def _by_hand(mark: Mark, unit: UnitMark) -> dict[str, object]:
    """Return what people judge in a unit: its questions with answers, and the student's file with comments on its lines."""
    comments: dict[int, list[str]] = {}
    for comment in (comment for comment in mark.comments if comment.unit == unit.name):
        comments.setdefault(comment.line, []).append(comment.comment)
    lines = bare_lines(mark.result.sources.get(unit.name, ""))
    beyond = [(number, text) for number, texts in comments.items() if number > len(lines) for text in texts]
    return {
        "questions": [
            _question(each, mark.result.answers.get(each.name, "")) for each in unit.functions.values() if each.question
        ],
        "lines": [(line, comments.get(number, [])) for number, line in enumerate(lines, 1)],
        "commented": bool(comments),
        "beyond": beyond,
    }


def _question(mark: FunctionMark, answer: str) -> dict[str, object]:
    assert mark.question is not None
    given = mark.manual.rubric if mark.manual is not None else ()
    # Points that were given as a number say nothing of the items, unless there are none.
    by_rubric = mark.manual is not None and (bool(given) or not mark.manual.points)
    return {
        **{"name": mark.name, "text": mark.question.text, "answer": answer, **_points(mark)},
        "graded": mark.manual is not None,
        "rubric": [
            (item.text, points_text(item.points), name in given)
            for name, item in mark.question.rubric.items()
            if by_rubric
        ],
        "comment": mark.manual.comment if mark.manual is not None else "",
    }


def _absent(mark: UnitMark, checks: Sequence[CheckResult]) -> str:
    """Return the one reason why no check of a unit was run, such as that it was not handed in; empty if there is none."""
    reasons = {message(check) for check in checks if check.message}
    by_hand = any(function.manual is not None for function in mark.functions.values())
    alone = len(reasons) == 1 and all(check.outcome is Outcome.NOT_RUN for check in checks)
    return reasons.pop() if alone and not by_hand else ""


def _function(mark: FunctionMark, checks: Sequence[CheckResult], hints: Sequence[str]) -> dict[str, object]:
    opened = [_check(check) for check in checks if check.outcome is not Outcome.PASSED]
    passed = [_check(check) for check in checks if check.outcome is Outcome.PASSED]
    comment = None if mark.manual is None else mark.manual.comment
    facts = {"open": opened, "passed": passed, "hints": hints if opened else (), "comment": comment}
    return {"name": mark.name, **_points(mark), **facts}


def _check(check: CheckResult) -> dict[str, object]:
    tone = "passed" if check.outcome is Outcome.PASSED else "waiting" if check.outcome in _WAITING else "failed"
    facts = {"picture": show_picture(check.picture), "output": check.output}
    texts = {"title": tr(check.title), "message": message(check), "diagnosis": diagnosis(check)}
    return {**facts, **texts, "tone": tone, "sign": SIGNS[check.outcome], "words": tr(WORDS[check.outcome])}


def _points(mark: UnitMark | FunctionMark) -> dict[str, str]:
    return {"points": points_text(mark.points), "max_points": points_text(mark.max_points)}


def _row(mark: Mark, units: Sequence[str], link: str) -> dict[str, object]:
    told = row(mark)
    return {
        "name": told.name,
        "points": told.points,
        "score": score(mark),
        "units": [unit_points(mark, unit) for unit in units],
        "remarks": told.remarks,
        "link": link,
    }


def _facts(result: SubmissionResult) -> list[tuple[str, str]]:
    return [
        (tr("Isolation"), ", ".join(result.isolation) or tr("none")),
        (tr("Device"), result.device),
        (tr("Seed of the random inputs"), result.seed),
        (tr("Seconds"), points_text(result.seconds)),
        *((tr("Version of {name}", name=name), version) for name, version in result.versions.items()),
        *((tr("sha256 of the {name}", name=name), digest) for name, digest in result.hashes.items()),
        *((tr("Not taken"), name) for name in result.not_taken),
    ]


def _render(template: str, script: str = "", **values: object) -> str:
    facts = {"_": tr, "ngettext": tr_plural, "language": language()}
    return render_page(_HERE, template, script, **facts, **values)
