"""Every format that results are written in, with a student who writes what each of them might take for its own."""

import csv
import io
import json
import re
import sys
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
import yaml

from autograder import cli
from autograder.course.catalog import read_catalog
from autograder.errors import GraderError, UsageError
from autograder.messages import speaking
from autograder.platforms.bundles.student import template
from autograder.results.formats.classroom50 import scale
from autograder.results.formats.formats import FORMATS
from autograder.results.formats.gradebooks import grades_csv
from autograder.results.formats.overview import class_statistics
from autograder.results.formats.pages import class_page, student_page
from autograder.results.manual import ManualPoints
from autograder.results.mark import Hidden, mark, visible_mark
from autograder.results.policy import LateRule, Policy, decide, decider_by
from autograder.results.publish import publish, read_marks, read_results, render
from autograder.results.summary import summary
from autograder.results.types import CheckResult, Outcome, SubmissionResult
from autograder.results.wording import score_line
from tests.autograder.small_course import make_course

GOLDEN = Path(__file__).parent / "golden"
EVIL = "<script>alert(1)</script> ]]> | ::error:: %0A *b* `c` \x1b[2J \ud800 {{ 7 * 7 }} =1+1"
SINGLE = [name for name, form in FORMATS.items() if form.of_one is not None]
TABLES = [name for name, form in FORMATS.items() if form.of_class is not None]
#: Forms that name no check of which they have nothing to say.
SILENT = ("github", "gitlab")
#: What Classroom 50's runner and the bundle's autograder tell by variables.
CLASSROOM50 = {
    "CLASSROOM": "vision",
    "ASSIGNMENT": "lab-3",
    "ASSIGNMENT_TYPE": "individual",
    "OWNER": "anna",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://github.com/uni/vision-lab-3-anna/commit/a1b2c3d",
    "RELEASE_URL": "https://github.com/uni/vision-lab-3-anna/releases/tag/submit%2F2026",
    "SUBMISSION_DATETIME": "2026-06-01T14:32:01Z",
}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def check(name, outcome, function="total_variation", hidden=False, **facts):
    born = CheckResult(
        f"variation_loss::test_{name}", "variation_loss", function, f"It has {name}", 2.0, hidden, seconds=0.25
    )
    return born.with_outcome(outcome, facts.pop("message", ""), **facts)


RESULT = SubmissionResult(
    name=EVIL,
    checks=(
        check("shape", Outcome.PASSED),
        check("value", Outcome.FAILED, message=EVIL, mistake="only_horizontal", diagnosis="Only <b>rows</b>.", line=7),
        check("end", Outcome.TIMED_OUT, message="did not finish", output=f"{EVIL}\n2", picture=PNG),
        check(
            "secret",
            Outcome.FAILED,
            hidden=True,
            message="SECRET asked for 3",
            mistake="wraps",
            diagnosis="SECRET wraps",
        ),
        check("rest", Outcome.BLOCKED, "denoise", message="waits for test_end"),
        check("hush", Outcome.PASSED, "denoise", hidden=True),
    ),
    notes=(f"a note {EVIL}",),
    isolation=("process", "rlimits", "deadline"),
    seed="abc",
    hashes={"submission": "12", "checks": "34"},
    versions={"python": "3.11.7"},
    seconds=1.5,
)
UNGRADED = SubmissionResult("bob", (check("shape", Outcome.PASSED), check("value", Outcome.ERROR, message="it broke")))


@pytest.fixture(autouse=True)
def classroom50(monkeypatch):
    """The variables that one of the forms is made of."""
    for name, value in CLASSROOM50.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def autograder(monkeypatch, capsys):
    """`autograder ARGS`, in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["autograder", *map(str, args)])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def as_text(catalog):
    def text(form, hidden=Hidden.POINTS, result=RESULT, manual=()):
        return render([mark(result, manual)], form, hidden, catalog, "Lab 1")

    return text


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_as_it_was(form, as_text, request):
    path = GOLDEN / f"{form}.txt"
    text = as_text(form)
    if request.config.getoption("--update-goldens"):
        path.write_text(text, encoding="utf-8", newline="")
    assert text == path.read_bytes().decode("utf-8")


@pytest.mark.parametrize("form", SINGLE)
@pytest.mark.parametrize("hidden", [Hidden.NOTHING, Hidden.POINTS])
def test_by_default_nothing_that_a_hidden_check_says_is_shown(form, hidden, as_text):
    text = as_text(form, hidden)
    assert "SECRET" not in text and "wraps" not in text
    assert ("It has secret" in text) == (hidden is Hidden.POINTS and form not in SILENT)
    told = as_text(form, Hidden.SENTENCE)
    assert ("SECRET asked for 3" in told) == (form != "gitlab")


@pytest.mark.parametrize("hidden", Hidden)
def test_the_platforms_sums_hold_whatever_is_shown(hidden, as_text):
    assert json.loads(as_text("gradescope", hidden))["score"] == 4
    document = json.loads(as_text("gradescope", hidden))
    assert sum(test["score"] for test in document["tests"]) == 4
    assert sum(test["max_score"] for test in document["tests"]) == 12
    document = json.loads(as_text("classroom50", hidden))
    assert sum(test["score"] for test in document["tests"]) == document["score"] == 4
    assert sum(test["max-score"] for test in document["tests"]) == document["max-score"] == 12


def test_before_publication_gradescope_shows_the_visible_points_alone(as_text):
    for hidden in Hidden:
        document = json.loads(as_text("gradescope", hidden))
        assert document["output"].splitlines()[0] == "2 of 8 visible points; 4 more when graded"
        later = [test for test in document["tests"] if test["visibility"] == "after_published"]
        assert sum(test["max_score"] for test in later) == 4
        assert len(later) == (1 if hidden is Hidden.NOTHING else 2)
    by_hand = json.loads(as_text("gradescope", manual=MANUAL))["output"]
    assert by_hand.startswith("6.13 of 10 visible points; 2 more when graded")


def test_a_release_for_students_tells_in_every_form_what_is_still_to_come(tmp_path):
    root = make_course(tmp_path / "course")
    catalog = root / "exercises" / "catalog.toml"
    text = catalog.read_text()
    catalog.write_text(f"{text}\n[later]\ndouble = 1.0\nhalve = 0.5\n")
    course = read_catalog(root)
    checks = (CheckResult("doubling::a", "doubling", "double", "It doubles", 1.5, outcome=Outcome.PASSED),)
    seen = mark(SubmissionResult("anna", checks), catalog=course)
    sentence = "1.5 of 1.5 visible points; 1.5 more when graded"
    for form in ("html", "markdown", "gradescope", "github", "gitlab", "moodle"):
        assert sentence in render([seen], form, Hidden.POINTS, course, "Lab"), form
    lines = list(summary(course, checks, brief=False, verbose=False))
    assert lines[0] == f"Doubling: {sentence}"
    # Of a run that left checks out nobody can tell which are hidden.
    assert next(summary(course, checks, brief=True, verbose=False, whole=False)) == "Doubling: 1.5 of 1.5 points"
    catalog.write_text(text)  # as the instructor's, which has every check
    course = read_catalog(root)
    assert "visible" not in render(
        [mark(SubmissionResult("anna", checks), catalog=course)], "gitlab", Hidden.POINTS, course, ""
    )


def test_the_share_of_the_points_is_what_gitlab_reads_as_coverage(as_text):
    pattern = yaml.safe_load(template("gitlab-ci.yml"))["checks"]["coverage"].strip("/")
    assert [re.findall(pattern, line) for line in as_text("gitlab").splitlines()][-1] == ["33.3"]
    assert re.findall(pattern, as_text("gitlab", result=UNGRADED)) == []


MANUAL = (
    ManualPoints(EVIL, "total_variation", 1.126, "the idea is right"),
    ManualPoints(EVIL, "", 5, "handed in on paper"),
    ManualPoints("bob", "denoise", 1, "not for this one"),
)


@pytest.mark.parametrize("form", [name for name in FORMATS if name not in ("json", "exercism", *SILENT, "classroom50")])
def test_points_by_hand_and_their_comments_are_in_every_form(form, as_text):
    """1.13 for total_variation in place of 2, 2 for denoise, 5 added: of 12."""
    text = as_text(form, manual=MANUAL)
    assert "the idea is right" in text and "handed in on paper" in text and "not for this one" not in text
    if form in ("csv", "canvas", "moodle", "html", "markdown", "gradescope"):
        assert "8.13" in text or json.loads(text)["score"] == 8.126
    assert "1.126" in text or "1.13" in text


@pytest.mark.parametrize("hidden", Hidden)
def test_the_platforms_sums_hold_with_points_by_hand(hidden, as_text):
    assert json.loads(as_text("gradescope", hidden, manual=MANUAL))["score"] == 8.126
    document = json.loads(as_text("gradescope", hidden, manual=MANUAL))
    assert sum(test["score"] for test in document["tests"]) == pytest.approx(8.126)
    assert sum(test["max_score"] for test in document["tests"]) == 12
    document = json.loads(as_text("classroom50", hidden, manual=MANUAL))
    assert (document["score"], document["max-score"]) == (813, 1200)
    assert "1 point is 100 there" in as_text("classroom50-body", hidden, manual=MANUAL)
    properties = ElementTree.fromstring(as_text("junit", manual=MANUAL)).iter("property")
    assert sum(float(each.get("value")) for each in properties if each.get("name") == "points") == pytest.approx(8.13)


def test_a_unit_that_was_not_graded_is_in_no_form(as_text, catalog):
    other = next(name for name in catalog.units if name != "variation_loss")
    manual = [ManualPoints(EVIL, next(iter(catalog.units[other].functions)), 3, "for later")]
    for form in FORMATS:
        text = as_text(form, manual=manual)
        assert text == as_text(form)
        assert other not in text


def test_a_form_shows_as_much_of_hidden_checks_as_is_wanted_and_all_points():
    full = mark(RESULT)
    for hidden in Hidden:
        seen = visible_mark(full, hidden)
        assert (seen.score, seen.max_score, seen.units) == (4.0, 12.0, full.units)
    assert visible_mark(full, Hidden.NOTHING).withheld == (2.0, 4.0) and visible_mark(full, Hidden.POINTS).withheld == (
        0.0,
        0.0,
    )


def test_a_policy_has_the_last_word():
    capped = mark(RESULT, decide=lambda full: replace(full, score=min(full.score, 3.0)))
    assert grades_csv([capped]).splitlines()[-1].split(",")[-3:] == ["3", "12", "4"]


def test_without_a_grade_no_platform_gets_one(as_text):
    assert "score" not in json.loads(as_text("gradescope", result=UNGRADED))
    assert json.loads(as_text("exercism", result=UNGRADED))["status"] == "error"
    for nothing in (UNGRADED, SubmissionResult("bob")):
        with pytest.raises(GraderError, match="nothing to give to Classroom 50"):
            as_text("classroom50", result=nothing)
    for form in TABLES:
        line = as_text(form, result=UNGRADED).splitlines()[-1].split(",")
        assert line[0] == "bob" and not {"2", "4"} & set(line[1:2] if form != "canvas" else line[5:])
    assert "no grade" in as_text("html", result=UNGRADED)


@pytest.mark.parametrize("hidden", Hidden)
def test_without_a_grade_gradescope_has_no_points_to_add_up(hidden, as_text):
    checks = (*UNGRADED.checks, check("hush", Outcome.PASSED, hidden=True))
    document = as_text("gradescope", hidden, replace(UNGRADED, checks=checks), [ManualPoints("bob", "", 5)])
    tests = json.loads(document)["tests"]
    assert len(tests) == 4 and not any({"score", "max_score"} & set(test) for test in tests)


GRADESCOPE_SCHEMA = {  # what Gradescope's autograder specification says of results.json
    "type": "object",
    "required": ["tests"],
    "additionalProperties": False,
    "properties": {
        "score": {"type": "number"},
        "execution_time": {"type": "number"},
        "output": {"type": "string"},
        "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "stdout_visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **{name: {"type": "number"} for name in ("score", "max_score")},
                    **{name: {"type": "string"} for name in ("name", "number", "output")},
                    "status": {"enum": ["passed", "failed"]},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "visibility": {"enum": ["hidden", "after_due_date", "after_published", "visible"]},
                },
            },
        },
    },
}
EXERCISM_SCHEMA = {  # exercism's interface of test runners, version 3
    "type": "object",
    "required": ["version", "status", "tests"],
    "properties": {
        "version": {"const": 3},
        "status": {"enum": ["pass", "fail", "error"]},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "status", "test_code"],
                "properties": {
                    "name": {"type": "string"},
                    "status": {"enum": ["pass", "fail", "error"]},
                    "task_id": {"type": "integer"},
                    "output": {"type": "string", "maxLength": 500},
                },
            },
        },
    },
    "if": {"properties": {"status": {"const": "error"}}},
    "then": {"required": ["message"]},
}


LINK = {"type": "string", "minLength": 1}
WHOLE = {"type": "integer", "minimum": 0}
CLASSROOM50_SCHEMA = {  # classroom50/result/v1, as its own fields are described
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("schema", "classroom", "assignment", "assignment_type", "owner", "submission"),
        *("commit", "release", "review", "datetime", "score", "max-score", "tests"),
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        **dict.fromkeys(("classroom", "assignment", "owner", "commit", "release", "review"), LINK),
        "assignment_type": {"enum": ["individual", "group"]},
        "submission": {"type": "string", "pattern": "^submit/"},
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$"},
        "score": WHOLE,
        "max-score": WHOLE,
        "tests": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {
                    "test-name": {"type": "string", "minLength": 1, "maxLength": 100},
                    "passed": {"type": "boolean"},
                    "score": WHOLE,
                    "max-score": WHOLE,
                },
            },
        },
    },
}


def test_what_classroom_50_gets_is_what_it_describes(as_text):
    for hidden in Hidden:
        for manual in ((), MANUAL, (ManualPoints(EVIL, "", -9),), (ManualPoints(EVIL, "", 99),)):
            document = json.loads(as_text("classroom50", hidden, manual=manual))
            jsonschema.validate(document, CLASSROOM50_SCHEMA)
            assert all(test["score"] <= test["max-score"] for test in [document, *document["tests"]])
            assert len({test["test-name"] for test in document["tests"]}) == len(document["tests"])


def test_no_half_point_is_lost_on_the_way_to_classroom_50(as_text, catalog):
    for unit in catalog.units.values():
        for part in (0.5, 0.25, 0.01, 1 / 3, 1.0):
            checks = tuple(
                CheckResult(f"{unit.name}::{f.name}{i}", unit.name, f.name, f.name, worth, outcome=outcome)
                for f in unit.functions.values()
                for i, (worth, outcome) in enumerate(
                    [(round(f.points * part, 2), Outcome.PASSED), (round(f.points * (1 - part), 2), Outcome.FAILED)]
                )
            )
            made = mark(SubmissionResult("anna", checks))
            document, factor = json.loads(as_text("classroom50", result=made.result)), scale(made)
            assert document["score"] / factor == pytest.approx(made.score, abs=1e-9)
            assert document["max-score"] / factor == pytest.approx(made.max_score, abs=1e-9)
            assert sum(test["score"] for test in document["tests"]) == document["score"]
    halves = (CheckResult("u::a", "u", "f", "f", 2.5, outcome=Outcome.PASSED), CheckResult("u::b", "u", "f", "f", 1.5))
    assert scale(mark(SubmissionResult("anna", halves))) == 2


def test_outside_classroom_50_its_form_says_what_is_missing(as_text, monkeypatch):
    monkeypatch.delenv("OWNER")
    with pytest.raises(UsageError, match="OWNER is not set"):
        as_text("classroom50")


@pytest.mark.parametrize(("form", "schema"), [("gradescope", GRADESCOPE_SCHEMA), ("exercism", EXERCISM_SCHEMA)])
@pytest.mark.parametrize("result", [RESULT, UNGRADED], ids=["graded", "ungraded"])
def test_the_document_is_what_its_platform_describes(form, schema, result, as_text):
    jsonschema.validate(json.loads(as_text(form, result=result)), schema)


def test_exercism_cuts_what_is_printed(as_text):
    long = SubmissionResult("a", (check("x", Outcome.FAILED, message="wrong", output="y" * 501),))
    (test,) = json.loads(as_text("exercism", result=long))["tests"]
    assert test["output"] == "y" * 500


def test_junit_is_read_by_others(as_text):
    (suite,) = junitparser.JUnitXml.fromstring(as_text("junit").encode())
    assert (suite.name, suite.tests, suite.failures, suite.skipped, suite.errors) == ("variation_loss", 6, 3, 1, 0)
    case = list(suite)[1]
    assert case.classname == "variation_loss.total_variation" and "Only <b>rows</b>." in case.result[0].text


def test_every_sentence_of_junit_is_in_the_readers_language(as_text):
    sentence = {"text": "{unit}.py was not handed in", "values": {"unit": "quiz"}}
    absent = check("x", Outcome.NOT_RUN, message="quiz.py was not handed in", sentence=sentence)
    with speaking("lt"):
        document = as_text("junit", result=SubmissionResult("a", (absent, check("y", Outcome.NOT_RUN))))
    assert "was not handed in" not in document and 'message="not run"' not in document


def test_junit_keeps_the_spaces_of_width_zero_that_burmese_needs(as_text):
    burmese = "\u1000\u200b\u1001\u200c\u200d"
    result = SubmissionResult("a", (check("x", Outcome.FAILED, message=burmese),))
    assert f'message="{burmese}"' in as_text("junit", result=result)


def test_an_annotation_is_one_line_at_the_students_line(as_text):
    points, *lines = as_text("github").splitlines()
    assert points == "::notice title=Points::4 of 12 points"
    assert lines[0].startswith("::error file=exercises/variation_loss.py,line=7,title=total_variation::<script>")
    assert len(lines) == 2 and "%250A" in lines[0]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.text = [], ""

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def test_a_page_escapes_all_that_it_is_told(as_text):
    tags = _Tags()
    tags.feed(as_text("html"))
    assert [tag for tag, _ in tags.found if tag in ("script", "b", "link", "iframe")] == []
    assert "{{ 7 * 7 }}" in tags.text and "<script>alert(1)</script>" in tags.text
    assert all(not value.startswith("http") for _, facts in tags.found for value in facts.values() if value)
    assert sum(tag == "img" for tag, _ in tags.found) == 1


def test_tables_are_no_formulas(as_text, catalog):
    evil = SubmissionResult("=1+1,\n@x", RESULT.checks)
    for form in TABLES:
        rows = list(csv.reader(io.StringIO(render([mark(evil)], form, Hidden.POINTS, catalog, "-Lab"), newline="")))
        assert rows[-1][0] == "'=1+1,\n@x" and not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


def test_statistics_of_a_class():
    def student(name, *outcomes, **facts):
        checks = [check(f"c{i}", outcome, **facts) for i, outcome in enumerate(outcomes)]
        return SubmissionResult(name, tuple(checks), isolation=("process",), hashes={"submission": name[0]})

    passed, failed = Outcome.PASSED, Outcome.FAILED
    results = [student(f"{i}", passed, passed, failed) for i in range(4)]
    results += [student("x1", passed, failed, failed), student("x2", passed, passed, Outcome.BLOCKED), UNGRADED]
    numbers = class_statistics(list(map(mark, results)))
    assert numbers.bins == (0, 0, 0, 1, 0, 0, 5, 0, 0, 0) and numbers.ungraded == 1
    assert [(each.id[-2:], each.failed, each.ran) for each in numbers.failing] == [("c2", 5, 5), ("c1", 1, 6)]
    assert [each.id[-2:] for each in numbers.idle] == ["c0", "c2"]
    assert [name[-2:] for name in numbers.unsteady] == ["c1", "c2"]
    assert numbers.isolation == ((("process",), 6), ((), 1))


def test_an_exemption_is_no_fault_of_the_grader(catalog):
    exempt = decide(mark(replace(RESULT, name="dora")), Policy(exempt={"dora": ()}))
    assert exempt.score is None and class_statistics([exempt]).ungraded == 0
    assert "own fault" not in class_page([exempt], catalog)
    assert json.loads(render([exempt], "exercism", Hidden.POINTS, catalog, ""))["message"] == "exempt"
    assert json.loads(render([exempt], "gradescope", Hidden.POINTS, catalog, ""))["output"].startswith("exempt")


@pytest.mark.parametrize(("count", "words"), [(1, "1 check ended"), (2, "2 checks ended")])
def test_faults_of_the_grader_are_counted_in_words_that_fit(count, words):
    broken = [check(f"c{number}", Outcome.ERROR) for number in range(count)]
    assert score_line(mark(SubmissionResult("bob", tuple(broken)))) == f"no grade: {words} by the grader's own fault"


def test_the_command_writes_a_page_for_each_and_one_for_all(autograder, tmp_path):
    results = tmp_path / "out" / "results"
    results.mkdir(parents=True)
    for name in ("alice", "b ob"):
        (results / f"{name}.json").write_text(SubmissionResult(name, RESULT.checks).to_json())
    code, out, _ = autograder("report", tmp_path / "out", "-o", tmp_path / "pages")
    assert code == 0 and "index.html and 2 more" in out
    assert sorted(path.name for path in (tmp_path / "pages").rglob("*.html")) == [
        "alice.html",
        "b ob.html",
        "index.html",
    ]
    assert 'href="submissions/b%20ob.html"' in (tmp_path / "pages" / "index.html").read_text()


def test_the_command_counts_in_the_points_by_hand_beside_the_results(autograder, tmp_path):
    results = tmp_path / "out" / "results"
    results.mkdir(parents=True)
    for name in ("alice", "s20003", "Bob Müller"):
        (results / f"{name}.json").write_text(SubmissionResult(name, RESULT.checks).to_json())
    (tmp_path / "out" / "manual.csv").write_text(
        "Submission; Function ;POINTS;Comment\nalice;denoise;0,5;looks copied\ns20003;;5;on paper\n"
        "Bob Müller;;-2;two days late\nBob Muller;;1;\n",
        encoding="utf-8",
    )
    for place in ("out", "out/results"):
        code, out, err = autograder("report", tmp_path / place, "--as", "canvas", "--title", "Lab")
        assert code == 0
        assert err == "line 5 of manual.csv: there is no submission Bob Muller; is it Bob Müller?\n"
        assert out.splitlines()[0].endswith("Section,Notes,Lab")
        assert [line.split(",")[-2:] for line in out.splitlines()[2:]] == [
            ["denoise: 0.5 (looks copied)", "2.5"],
            ["added: -2 (two days late)", "2"],
            ["added: 5 (on paper)", "9"],
        ]
    code, out, _ = autograder("report", results / "alice.json", "--as", "markdown")
    assert "2.5 of 12 points" in out and "looks copied" in out


def test_a_table_is_written_into_a_folder_too(autograder, tmp_path):
    (tmp_path / "a.json").write_text(RESULT.to_json())
    code, *_ = autograder("report", tmp_path / "a.json", "--as", "moodle", "-o", tmp_path / "tables")
    assert code == 0 and (tmp_path / "tables" / "moodle.csv").read_text().startswith("username,")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere"], "nowhere does not exist; name files of results"),
        (["."], "there are no results in empty; name files"),
        (["broken.json"], "broken.json holds no result of this grader"),
        (["good.json", "--as", "pdf"], "--as is one of html, json,"),
        (
            ["good.json", "--hidden", "some"],
            "'some' is not one of 'nothing', 'points', 'sentence', 'everything'",
        ),
        (["good.json", "other.json", "--as", "junit"], "junit is for one submission and there are 2"),
        (["good.json", "inner/good.json"], "there are two results called good.json"),
    ],
)
def test_what_cannot_be_reported_has_a_sentence(autograder, tmp_path, arguments, sentence):
    (tmp_path / "broken.json").write_text("{}")
    (tmp_path / "inner").mkdir()
    for name in ("good", "other", "inner/good"):
        (tmp_path / f"{name}.json").write_text(RESULT.to_json())
    (tmp_path / "empty").mkdir()
    paths = [tmp_path / "empty" if each == "." else tmp_path / each if ".json" in each else each for each in arguments]
    code, _, err = autograder("report", *paths)
    assert code == 2 and sentence in err.replace("\n", " ").replace(str(tmp_path) + "/", "")


def test_results_are_read_as_they_were_written(tmp_path, catalog):
    (tmp_path / "a.json").write_text(SubmissionResult("a", RESULT.checks).to_json())
    marks = read_marks([tmp_path], catalog)
    publish(marks, "json", Hidden.EVERYTHING, catalog, tmp_path / "again")
    assert read_results([tmp_path / "again"]) == {"a": marks["a"].result}


def test_each_result_is_decided_by_the_rules_of_its_own_folder(tmp_path, catalog):
    for name, percent, login in (("alice", 10, "al"), ("bob", 50, "bo"), ("carl", 0, "ca")):
        folder = tmp_path / name
        (folder / "results").mkdir(parents=True)
        (folder / "results" / f"{name}.json").write_text(SubmissionResult(name, RESULT.checks).to_json())
        (folder / "class.toml").write_text(f"[deadline]\ndue = 2026-11-20T12:00:00\n[late]\npercent = {percent}\n")
        (folder / "intake.csv").write_text(
            f"student,path,submitted,late,reason,id,login\n{name},x,2026-11-21T11:00:00,,,,{login}\n"
        )
    (tmp_path / "carl" / "class.toml").unlink()
    marks = read_marks([tmp_path / "alice", tmp_path / "bob" / "results", tmp_path / "carl"], catalog)
    assert [(made.name, made.score, made.login) for made in marks.values()] == [
        ("alice", pytest.approx(3.6), "al"),
        ("bob", 2.0, "bo"),
        ("carl", 4.0, "ca"),
    ]


def test_results_are_in_the_order_in_which_a_class_is_graded(tmp_path):
    for name in ("alice", "Bob", "carl", "alice-2"):
        (tmp_path / f"{name}.json").write_text(SubmissionResult(name).to_json(), encoding="utf-8")
    assert list(read_results([tmp_path])) == ["alice", "alice-2", "Bob", "carl"]


def test_a_page_does_not_say_that_everything_passes_while_a_check_that_it_hides_has_failed(catalog):
    seen = CheckResult("variation_loss::test_a", "variation_loss", "denoise", "Seen", 1.0, outcome=Outcome.PASSED)
    unseen = replace(seen, id="variation_loss::test_b", hidden=True, outcome=Outcome.FAILED)
    for hidden in (Hidden.NOTHING, Hidden.POINTS):
        page = student_page(visible_mark(mark(SubmissionResult("alice", (seen, unseen))), hidden), catalog)
        assert "Everything passes" not in page and "check that was run" not in page
        assert ("<strong>Next:</strong>" in page) is (hidden is Hidden.POINTS)


def test_gradescope_tells_lateness_before_the_grades_are_published():
    """Its first line has the visible points alone; what lateness takes off all of them stands below."""
    rules = Policy(due=datetime(2026, 11, 20, 12), late=LateRule(percent=10))
    late = mark(replace(RESULT, name="alice"), decide=decider_by(rules, {"alice": "2026-11-21T10:00:00"}))
    assert len(late.trail) == 2
    lines = json.loads(render([late], "gradescope", Hidden.POINTS, None, ""))["output"].splitlines()
    assert lines[1] == "The total also counts: one day late: -10 %" and late.trail[0] not in lines[1]
    on_time = json.loads(render([mark(RESULT)], "gradescope", Hidden.POINTS, None, ""))["output"]
    assert "The total also counts" not in on_time
