"""Pages to look at: one file each, without a network, for a student and for a class. The one door to jinja2.

Every text goes through the templates' escaping; a page's policy lets it load nothing and, for a student, run nothing.
"""

import base64
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from autograder.course.catalog import Catalog
from autograder.results.formats.hidden import Hidden, shown
from autograder.results.formats.overview import row
from autograder.results.formats.statistics import class_statistics
from autograder.results.formats.wording import WORDS, by_unit, score_line
from autograder.results.summary import MARKS, next_step
from autograder.results.types import CheckResult, Outcome, SubmissionResult, storable

_TEMPLATES = files("autograder.results.formats") / "templates"
_WAITING = (Outcome.NOT_WRITTEN, Outcome.BLOCKED, Outcome.NOT_RUN)


@dataclass(frozen=True)
class Picture:
    """A picture that a unit has given: PNG, and what is to be seen."""

    png: bytes
    caption: str

    @property
    def data(self) -> str:
        """The picture in base64."""
        return base64.b64encode(self.png).decode("ascii")


def student_page(
    result: SubmissionResult,
    catalog: Catalog,
    hidden: Hidden = Hidden.POINTS,
    pictures: Mapping[str, Sequence[Picture]] | None = None,
) -> str:
    """What a student reads about a submission.

    Args:
        result: of the submission.
        catalog: for titles and hints.
        hidden: what is shown of hidden checks.
        pictures: by unit, what the student's own functions have made.
    """
    seen = by_unit(shown(result, hidden))
    return _render(
        "student.html",
        course=catalog.title,
        result=result,
        score=score_line(result),
        next_step="" if result.all_passed else " ".join(next_step(catalog, by_unit(result))).removeprefix("Next: "),
        units=[
            _unit(catalog, name, checks, seen.get(name, []), (pictures or {}).get(name, ()))
            for name, checks in by_unit(result).items()
        ],
        facts=_facts(result),
    )


def class_page(results: Sequence[SubmissionResult], catalog: Catalog, links: Mapping[str, str] | None = None) -> str:
    """What an instructor reads about a class.

    Args:
        results: of the class.
        catalog: for titles.
        links: by submission, where its own page is.
    """
    units = [name for name in catalog.units if any(check.unit == name for each in results for check in each.checks)]
    numbers = class_statistics(results)
    return _render(
        "class.html",
        script=_text("class.js"),
        course=catalog.title,
        rows=[_row(result, units, (links or {}).get(result.name, "")) for result in results],
        units=units,
        numbers=numbers,
        largest_bin=max(1, *numbers.bins),
        max_score=f"{max((result.max_score for result in results), default=0):g}",
    )


def _unit(
    catalog: Catalog,
    name: str,
    checks: Sequence[CheckResult],
    seen: Sequence[CheckResult],
    pictures: Sequence[Picture],
) -> dict[str, object]:
    unit = catalog.units.get(name)
    hints = {each.name: each.hints for each in unit.functions.values()} if unit is not None else {}
    names = dict.fromkeys(check.function for check in seen)
    functions = [_function(function, checks, seen, hints.get(function, ())) for function in names]
    title = unit.title if unit is not None else name
    return {"name": name, "title": title, **_points(checks), "functions": functions, "pictures": pictures}


def _function(
    name: str, checks: Sequence[CheckResult], seen: Sequence[CheckResult], hints: Sequence[str]
) -> dict[str, object]:
    own = [check for check in seen if check.function == name]
    opened = [_check(check) for check in own if check.outcome is not Outcome.PASSED]
    passed = [_check(check) for check in own if check.outcome is Outcome.PASSED]
    points = _points([check for check in checks if check.function == name])
    return {"name": name, **points, "open": opened, "passed": passed, "hints": hints if opened else ()}


def _check(check: CheckResult) -> dict[str, object]:
    tone = "passed" if check.outcome is Outcome.PASSED else "waiting" if check.outcome in _WAITING else "failed"
    facts = {name: getattr(check, name) for name in ("title", "message", "diagnosis", "picture", "output")}
    return {**facts, "tone": tone, "mark": MARKS[check.outcome], "words": WORDS[check.outcome]}


def _points(checks: Sequence[CheckResult]) -> dict[str, str]:
    return {
        "points": f"{sum(check.points for check in checks):g}",
        "max_points": f"{sum(check.max_points for check in checks):g}",
    }


def _row(result: SubmissionResult, units: Sequence[str], link: str) -> dict[str, object]:
    told = row(result)
    by_name = {
        unit: "" if result.errors else f"{sum(c.points for c in result.checks if c.unit == unit):g}" for unit in units
    }
    return {
        "name": told.name,
        "points": told.points,
        "score": "" if result.errors else f"{result.score:g}",
        "units": [by_name[unit] for unit in units],
        "remarks": told.remarks,
        "link": link,
    }


def _facts(result: SubmissionResult) -> list[tuple[str, str]]:
    return [
        ("Isolation", ", ".join(result.isolation) or "none"),
        ("Device", result.device),
        ("Seed of the random inputs", result.seed),
        ("Seconds", f"{result.seconds:g}"),
        *((f"Version of {name}", version) for name, version in result.versions.items()),
        *((f"sha256 of the {name}", digest) for name, digest in result.hashes.items()),
        *(("Not taken", name) for name in result.not_taken),
    ]


def _render(template: str, script: str = "", **values: object) -> str:
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    page = (
        _environment()
        .get_template(template)
        .render(
            style=Markup(_text("style.css")),
            script=Markup(script),
            script_source=f"'sha256-{digest}'" if script else "'none'",
            **values,
        )
    )
    return storable(page)


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
