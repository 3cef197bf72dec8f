"""A class with lateness, exemptions, a bonus and points by hand: every form holds the same points."""

import csv
import io
import json
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree

import pytest

from autograder.course.catalog import read_catalog
from autograder.results.formats.gradebooks import canvas, grades_csv, hand_table, moodle
from autograder.results.formats.overview import class_statistics, uneven_maxima
from autograder.results.formats.pages import student_page
from autograder.results.manual import ManualPoints
from autograder.results.mark import Hidden, mark
from autograder.results.policy import LateRule, Policy, decider_by
from autograder.results.publish import render
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from tests.autograder.results.test_by_hand import QUESTION
from tests.autograder.small_course import make_course

RULES = Policy(
    due=datetime(2026, 11, 20, 12),
    late=LateRule(percent=10),
    exempt={"dora": ("doubling",), "eve": ()},
    bonus=("extra",),
)
BY_HAND = (
    ManualPoints("bob", "why", 4.0, "great"),
    ManualPoints("bob", "", 1.0, "a mistake found"),
    ManualPoints("cy", "why", 2.0, "", ("two",)),
)
#: Points that count and those that can be had; nothing of who is exempt.
SCORES = {"ann": ("10", "11"), "bob": ("13.5", "11"), "cy": ("9", "11"), "dora": ("4", "4"), "eve": ("", "11")}


def check(unit, function, points):
    return CheckResult(f"{unit}::test_{function}", unit, function, "t", points, outcome=Outcome.PASSED)


def result(name):
    checks = (check("doubling", "double", 2.0), check("doubling", "halve", 1.0), check("shape", "area", 4.0))
    return SubmissionResult(name, (*checks, check("extra", "more", 3.0)))


@pytest.fixture
def own_catalog(tmp_path):
    root = make_course(tmp_path / "course")
    path = root / "exercises" / "catalog.toml"
    path.write_text(path.read_text() + QUESTION)
    return read_catalog(root)


@pytest.fixture
def marks(own_catalog):
    *others, more = result("cy").checks
    results = {name: result(name) for name in SCORES}
    results["cy"] = SubmissionResult("cy", (*others, replace(more, outcome=Outcome.FAILED)))
    results["dora"] = SubmissionResult("dora", tuple(others))
    decide = decider_by(RULES, {"bob": "2026-11-20T13:00:00"})
    return [mark(each, BY_HAND, decide, own_catalog) for each in results.values()]


def test_every_form_has_the_same_points(marks, own_catalog):
    assert [(each.name, each.score) for each in marks if each.score is not None] == [
        (name, float(score)) for name, (score, _) in SCORES.items() if score
    ]
    rows = {
        row["submission"]: (row["score"], row["max_score"]) for row in csv.DictReader(io.StringIO(grades_csv(marks)))
    }
    assert rows == SCORES
    _, possible, *rows = csv.reader(io.StringIO(canvas(marks, "Lab")))
    assert possible[-1] == "11" and [row[-1] for row in rows] == [score for score, _ in SCORES.values()]
    assert [row["Lab"] for row in csv.DictReader(io.StringIO(moodle(marks, "Lab")))] == [s for s, _ in SCORES.values()]
    for each in marks:
        score, most = SCORES[each.name]
        line = f"{score} of {most} points" if score else "exempt"
        for form in ("html", "markdown", "github", "gitlab"):
            assert line in render([each], form, Hidden.POINTS, own_catalog, ""), form
        assert json.loads(render([each], "json", Hidden.POINTS, own_catalog, ""))["mark"]["score"] == each.score
        document = json.loads(render([each], "gradescope", Hidden.POINTS, own_catalog, ""))
        assert document.get("score") == each.score
        root = ElementTree.fromstring(render([each], "junit", Hidden.POINTS, own_catalog, ""))
        told = {case.get("name") for case in root.findall("testsuite[@name='score']/testcase")}
        assert bool(told) is bool(each.trail) and all(name.startswith(line) for name in told)
        if not told:
            numbers = [float(each.get("value")) for each in root.iter("property") if each.get("name") == "points"]
            assert sum(numbers) == each.score


def test_whoever_is_exempt_raises_no_maximum_and_waits_for_no_points(marks):
    assert [row["submission"] for row in csv.DictReader(io.StringIO(hand_table(marks)))] == ["ann", "dora"]
    assert class_statistics(marks).ungraded == 0 and max(each.max_score for each in marks) == 11.0


def test_marks_out_of_fewer_points_are_named(marks):
    assert uneven_maxima(marks).startswith(
        "exempt from a part, and written as they are into a column that counts up to 11 for everybody: dora (4 / 4);"
    )
    assert uneven_maxima([each for each in marks if each.name != "dora"]) == ""


def test_points_that_are_a_number_say_nothing_of_the_rubric(marks, own_catalog):
    by_number, by_rubric = (student_page(each, own_catalog) for each in marks[1:3])
    assert "4 of 4 points" in by_number and "not found in the answer" not in by_number
    assert "2 of 4 points" in by_rubric and "not found in the answer" in by_rubric
