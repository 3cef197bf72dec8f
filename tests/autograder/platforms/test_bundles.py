"""What students and platforms get: nothing that is not for them, and all that it takes to run."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

from autograder.course.catalog import read_catalog
from autograder.errors import CatalogError, UsageError
from autograder.grading.session import collected_tests
from autograder.messages import entries
from autograder.platforms.bundles import (
    Grading,
    actions_bundle,
    gitlab_bundle,
    gradescope_bundle,
    leaks,
    release_secret,
    student_bundle,
    write_bundle,
)
from autograder.platforms.bundles.public_checks import public_checks
from autograder.student.progress import Progress
from autograder.student.standing import headline
from tests.autograder.small_course import CATALOG, make_course
from tools.translations.extract import check_titles
from tools.translations.sentences import sentences

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent

CHECKS = '''"""Checks."""

import pytest

SEEN = 3
# What only the hidden one knows.
KEY = "b"


@pytest.fixture(autouse=True)
def always():
    pass


@pytest.fixture
def images():
    return helper()


def helper():
    return SEEN


def judge():
    return KEY


# --- f


@pytest.mark.points("f", 1)
def test_open(submission, images):
    """It works."""


# A comment that gives away what is asked.
@pytest.mark.points("f", 1)
@pytest.mark.hidden
def test_secret(submission):
    """It is right."""
    judge()


@pytest.mark.points("f", 1)
def test_as_the_solution(submission, reference):
    """It is as good."""
'''


@pytest.fixture(scope="module")
def files(catalog):
    return student_bundle(catalog)


@pytest.mark.slow
def test_a_release_has_the_translations_of_what_its_checks_say_and_of_no_hidden_one(files, catalog):
    known = dict(entries((ROOT / "exercises" / "locale" / "course.pot").read_text(encoding="utf-8")))
    released = [text.decode() for path, text in files.items() if path.startswith("tests/exercises/test_")]
    whole = [catalog.checks(unit).read_text(encoding="utf-8") for unit in catalog.units]
    titles, all_titles = ({title for text in texts for title in check_titles(text)} for texts in (released, whole))
    said = {text for source in released for _, text in sentences(source)} & known.keys()
    assert len(titles) > 200 and len(said) > 100 and len(all_titles - titles) > 50
    for name in ("course.pot", "lt/LC_MESSAGES/course.po"):
        kept = dict(entries(files[f"exercises/locale/{name}"].decode())).keys()
        assert titles <= kept and said <= kept and not (all_titles - titles) & kept


@pytest.mark.parametrize("odd", ["\x0c\n", "# a\x0cb\n", "# a\u2028b\n"])
def test_a_mark_that_ends_no_line_moves_no_hidden_check(odd):
    text = public_checks(CHECKS.replace("# --- f\n", f"# --- f\n{odd}"), {"test_secret", "test_as_the_solution"})
    assert "def test_open" in text and "test_secret" not in text and "gives away" not in text and '"b"' not in text


def test_students_have_the_checks_that_are_not_hidden():
    text = public_checks(CHECKS, {"test_secret", "test_as_the_solution"})
    names = [line.split("(")[0][4:] for line in text.splitlines() if line.startswith("def ")]
    assert names == ["always", "images", "helper", "test_open"]
    assert "SEEN = 3" in text and "KEY" not in text and "gives away" not in text and "only the hidden" not in text
    compile(text, "checks", "exec")


def test_a_comment_above_a_hidden_method_is_not_released():
    body = (
        "    def test_open(self): ...\n\n    # sevens give\n    # it away\n    @mark\n    def test_secret(self): ...\n"
    )
    text = public_checks(f"class TestBoth:\n    # is seen\n{body}", {"TestBoth.test_secret"})
    assert "test_open" in text and "is seen" in text and "#" not in text.replace("# is seen", "")


def test_the_courses_own_release_gives_nothing_away(files, catalog):
    assert leaks(files, catalog) == []
    assert {
        "README.md",
        "Makefile",
        "pyproject.toml",
        "exercises/quiz.py",
        "exercises/skeletons/quiz.txt",
    } <= files.keys()
    course = [name for name in files if not name.startswith("autograder/")]
    assert not any("solutions" in name or "mistakes" in name for name in course)
    text = b"".join(content for name, content in files.items() if not name.endswith((".png", ".safetensors")))
    for place in (ROOT, Path.home()):  # where it was made is nobody's business
        assert f"{place}/".encode() not in text


@pytest.mark.parametrize(
    "build", [pytest.param(each, marks=pytest.mark.slow) for each in (student_bundle, actions_bundle, gitlab_bundle)]
)
def test_a_weekly_release_holds_nothing_of_other_units(build, catalog):
    week = ["head_training", "variation_loss"]
    files = build(catalog, week)
    course = {path: text for path, text in files.items() if not path.startswith(("autograder/", "data/"))}
    for unit in set(catalog.units) - set(week):
        assert not [path for path in course if unit in PurePosixPath(path).stem and not path.endswith(".png")]
        assert f'name = "{unit}"' not in files["exercises/catalog.toml"].decode()
    text = files["exercises/lessons/head_training.md"].decode()
    assert "Before: feature_extraction." in text and "feature_extraction.md" not in text
    pictures = {path for path in files if path.startswith("docs/pictures/")}
    assert pictures == {"docs/pictures/head_curves.png", "docs/pictures/variation_loss.png"}
    assert "exercises/pictures/draw_variation_loss.py" in files and "exercises/pictures/draw_robustness.py" not in files
    assert "notebooks/start.ipynb" not in files  # it works on a function of another unit


@pytest.mark.slow
def test_a_weekly_release_is_a_course(catalog, tmp_path):
    write_bundle(student_bundle(catalog, ["training_tricks"]), tmp_path / "week")
    week = read_catalog(tmp_path / "week")
    assert list(week.units) == ["training_tricks"]
    ours, theirs = catalog.units["training_tricks"], week.units["training_tricks"]
    # A release tells of each function how many points its hidden checks have, which are not there.
    assert {name: each.points for name, each in theirs.functions.items()} == {
        name: each.points for name, each in ours.functions.items()
    }
    assert (tmp_path / "week" / "notebooks" / "start.ipynb").is_file()


def test_a_leak_of_each_kind_is_found(files, catalog):
    def found(name, text):
        return leaks({**files, name: text.encode()}, catalog)

    quiz = catalog.solution("quiz").read_text()
    checks = catalog.checks("quiz").read_text()
    assert "solutions/quiz.py is not for students" in found("solutions/quiz.py", "")
    assert any("holds a line of the solution of quiz" in each for each in found("exercises/quiz.py", quiz))
    assert any("holds a line of the solution of quiz" in each for each in found("tests/exercises/test_quiz.py", quiz))
    assert any("holds the hidden check test_pre_1 of quiz" in each for each in found("tests/x.py", checks))


def test_a_course_that_would_leak_is_not_released(catalog, monkeypatch):
    monkeypatch.setattr("autograder.platforms.bundles.student.public_checks", lambda source, *_: source)
    with pytest.raises(CatalogError, match=r"tests/exercises/test_quiz\.py holds the hidden check"):
        student_bundle(catalog, ["quiz"])


WAYS_TO_HIDE = {
    "an alias": """
hide = pytest.mark.hidden


@hide
@pytest.mark.points("double", 1)
def test_secret(submission):
    assert_close(submission.double(torch.ones(1)), 2 * torch.ones(1))
""",
    "a case": """
@pytest.mark.points("double", 1)
@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.hidden)])
def test_secret(submission, n):
    assert_close(submission.double(torch.tensor(n)), torch.tensor(2 * n))
""",
    "a class": """
@pytest.mark.hidden
class TestSecrets:
    @pytest.mark.points("double", 1)
    def test_secret(self, submission):
        assert_close(submission.double(torch.ones(1)), 2 * torch.ones(1))
""",
    "a method": """
class TestBoth:
    @pytest.mark.points("double", 1)
    def test_open(self, submission):
        assert_close(submission.double(torch.zeros(1)), torch.zeros(1))

    @pytest.mark.points("double", 1)
    @pytest.mark.hidden
    def test_secret(self, submission):
        assert_close(submission.double(torch.ones(1)), 2 * torch.ones(1))
""",
    "a decorator of the author's": """
def worth(function, points, secret):
    def decorate(test):
        marked = pytest.mark.points(function, points)(test)
        return pytest.mark.hidden(marked) if secret else marked
    return decorate


@worth("double", 1, True)
def test_secret(submission):
    assert_close(submission.double(torch.ones(1)), 2 * torch.ones(1))
""",
}


@pytest.mark.parametrize("way", WAYS_TO_HIDE)
def test_a_hidden_check_is_not_released_however_its_mark_is_written(way, tmp_path):
    root = make_course(tmp_path / "course")
    checks = root / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text() + "\n" + WAYS_TO_HIDE[way])
    text = student_bundle(read_catalog(root))["tests/exercises/test_doubling.py"].decode()
    assert "test_secret" not in text and "test_halve" in text and ("test_open" in text) == (way == "a method")
    compile(text, "checks", "exec")


def test_a_check_that_a_hook_of_conftest_hides_is_not_released(tmp_path):
    root = make_course(tmp_path / "course")
    checks = root / "tests" / "exercises" / "test_doubling.py"
    secret = WAYS_TO_HIDE["an alias"].replace("@hide\n", "")
    checks.write_text(checks.read_text() + "\n" + secret)
    checks.with_name("conftest.py").write_text(
        "import pytest\n\n\ndef pytest_collection_modifyitems(items):\n    for item in items:\n"
        "        if 'secret' in item.name:\n            item.add_marker(pytest.mark.hidden)\n"
    )
    text = student_bundle(read_catalog(root))["tests/exercises/test_doubling.py"].decode()
    assert "test_secret" not in text and "test_halve" in text


SECRETS = """
import pytest
import torch
from autograder.compare import assert_close


@pytest.mark.points("double", 1)
@pytest.mark.hidden
def test_secret(submission):
    sevens = torch.full((1,), 7.0)
    assert_close(submission.double(sevens), 2 * sevens)


@pytest.mark.points("double", 1)
def test_of_ours(submission):
    assert_close(submission.double(torch.zeros(1)), torch.zeros(1))


class TestSecrets:
    @pytest.mark.points("double", 1)
    @pytest.mark.hidden
    def test_other(self, submission):
        assert_close(submission.double(torch.full((1,), 8.0)), torch.full((1,), 16.0))
"""


def test_a_hidden_check_from_another_module_is_not_released(tmp_path, monkeypatch):
    root = make_course(tmp_path / "course")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "kept_secrets.py").write_text(SECRETS)
    monkeypatch.syspath_prepend(tmp_path / "lib")
    checks = root / "tests" / "exercises" / "test_doubling.py"
    lines = "from kept_secrets import test_secret\nfrom kept_secrets import TestSecrets, test_of_ours, test_secret as test_7\n"
    checks.write_text(lines + checks.read_text())
    files = student_bundle(read_catalog(root))
    text = files["tests/exercises/test_doubling.py"].decode()
    assert [line for line in text.splitlines() if "kept_secrets" in line] == ["from kept_secrets import test_of_ours"]
    # In a package of the course, and under another name.
    renamed = SECRETS.replace("def test_secret", "def seven").encode()
    found = leaks({**files, "kit/checks.py": renamed}, read_catalog(root))
    assert "kit/checks.py holds the hidden check test_other of doubling" in found
    assert any(each.startswith("kit/checks.py holds lines of the hidden check test_secret") for each in found)


def test_a_check_may_be_called_like_a_hidden_one_of_another_unit(tmp_path):
    root = make_course(tmp_path / "course")
    entries_of_course = root / "exercises" / "catalog.toml"
    unit = CATALOG[CATALOG.index("[[unit]]") : CATALOG.index("[unit.functions.halve]")]
    entries_of_course.write_text(CATALOG + unit.replace("doubling", "tripling").replace("double", "triple"))
    body = "def triple(x):\n    {}\n"
    (root / "solutions" / "tripling.py").write_text(body.format("return 3 * x"))
    (root / "exercises" / "tripling.py").write_text(body.format("raise NotImplementedError"))
    hidden = """
import pytest
from autograder.compare import assert_equal


@pytest.mark.points("triple", 1)
def test_triple(submission):
    assert_equal(submission.triple(2), 6)


@pytest.mark.points("triple", 1)
@pytest.mark.hidden
def test_double(submission):
    assert_equal(submission.triple(4), 12)
"""
    (root / "tests" / "exercises" / "test_tripling.py").write_text(hidden)
    catalog = read_catalog(root)
    files = student_bundle(catalog)
    assert leaks(files, catalog) == []
    found = leaks({**files, "kit/checks.py": hidden.replace("test_double", "seven").encode()}, catalog)
    assert any("holds lines of the hidden check test_double of tripling" in each for each in found)


def test_a_check_whose_fixture_takes_the_solution_stays_with_the_teacher(tmp_path):
    root = make_course(tmp_path / "course")
    checks = root / "tests" / "exercises" / "test_doubling.py"
    fixture = "@pytest.fixture\ndef right(reference):\n    return reference.double\n"
    check = '@pytest.mark.points("double", 1)\ndef test_as_right(submission, right):\n    assert right\n'
    checks.write_text(f"{checks.read_text()}\n\n{fixture}\n\n{check}")
    text = student_bundle(read_catalog(root))["tests/exercises/test_doubling.py"].decode()
    assert "test_as_right" not in text and "reference" not in text


def test_a_release_tells_the_points_that_are_not_in_it(files, catalog, tmp_path):
    path = tmp_path / "exercises" / "catalog.toml"
    path.parent.mkdir()
    path.write_bytes(files["exercises/catalog.toml"])
    released = read_catalog(tmp_path)
    assert released.points == catalog.points and sum(unit.later for unit in catalog.units.values()) == 0
    for unit in catalog.units.values():
        tests = collected_tests(catalog, unit.name)
        private = [test for test in tests if test.hidden or test.needs_solution]
        assert released.units[unit.name].later == pytest.approx(sum(sum(test.points.values()) for test in private))
        assert sum(sum(test.points.values()) for test in tests) == pytest.approx(unit.points)
    assert "visible points; " in headline(released, Progress())
    later, total = (sum(getattr(unit, name) for unit in released.units.values()) for name in ("later", "points"))
    assert 1 / 5 < later / total < 1 / 4, "docs/platforms.md says how large the hidden part is"


def test_a_bundle_is_a_folder_and_a_zip_of_the_same(tmp_path):
    files = {"a/run": b"#!/bin/sh\n", "b.txt": b"text"}
    archive = write_bundle(files, tmp_path / "course")
    with zipfile.ZipFile(archive) as opened:
        assert {name: opened.read(name) for name in opened.namelist()} == files
        assert [entry.external_attr >> 16 & 0o777 for entry in opened.infolist()] == [0o755, 0o644]
    assert os.access(tmp_path / "course" / "a" / "run", os.X_OK)
    assert write_bundle(files, tmp_path / "again").read_bytes() == archive.read_bytes()
    with pytest.raises(UsageError, match="name a new folder, or remove them first"):
        write_bundle(files, tmp_path / "course")


def test_an_empty_folder_may_be_named_by_a_dot(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    assert write_bundle({"b.txt": b"text"}, Path()) == tmp_path / "course.zip"
    assert (tmp_path / "course" / "b.txt").read_bytes() == b"text"


def run(*command, cwd, **environment):
    variables = {**os.environ, "IDEALCAT_SECRET": "x", **environment}
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_a_student_installs_the_zip_solves_it_and_gets_full_marks(files, catalog, tmp_path, sandbox):
    """In an environment of its own, which has the libraries of this one but not its course."""
    with zipfile.ZipFile(write_bundle(files, tmp_path / "released")) as archive:
        archive.extractall(tmp_path / "course")
    course = tmp_path / "course"
    venv.create(course / ".venv")
    (site,) = (course / ".venv").glob("lib/python*/site-packages")
    shared = [path for path in sys.path if "site-packages" in path]
    (site / "shared.pth").write_text("\n".join(shared))
    options = ("--no-deps", "--no-index", "--no-build-isolation", "-q")
    code, said = run(course / ".venv/bin/python", "-m", "pip", "install", *options, "-e", ".", cwd=course)
    assert code == 0, said
    (course / ".venv" / "installed").touch()
    code, said = run("make", "check", cwd=course)
    assert code == 2 and "not written" in said and "failed" not in said.splitlines()[-2]
    for unit in catalog.units:
        shutil.copy(catalog.solution(unit), course / "exercises")
    code, said = run("make", "check", cwd=course)
    assert code == 0 and "Everything passes. Well done." in said
    code, said = run(course / ".venv/bin/autograder", "grade", "exercises", "-o", "out", cwd=course)
    result = json.loads((course / "out" / "results" / "exercises.json").read_text())
    assert code == 0 and result["score"] == result["max_score"] > 0


@pytest.fixture
def gradescope(catalog, tmp_path):
    """Run a container like Gradescope's on the given submission and return what it wrote."""
    bundle = gradescope_bundle(catalog, Grading("variation_loss", "points", "of the tests"))

    def grade(submission):
        write_bundle(bundle, tmp_path / "source")
        shutil.copytree(submission, tmp_path / "submission")
        script = tmp_path / "source" / "run_autograder"
        code, said = run(script, cwd=tmp_path, AUTOGRADER=str(tmp_path), AUTOGRADER_BIN=str(BIN))
        return code, said, json.loads((tmp_path / "results" / "results.json").read_text())

    return grade


@pytest.mark.slow
def test_gradescope_grades_a_submission(gradescope):
    _, said, results = gradescope(Path(__file__).parents[1] / "samples" / "only_horizontal")
    assert results["score"] == 14.5, said
    assert sum(test["score"] for test in results["tests"]) == 14.5


#: Runs a command as a container does that gives no namespaces, under Docker's usual filter.
NO_NAMESPACES = """
import errno, os, sys
import pyseccomp

rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
for call in ("unshare", "setns", "mount", "pivot_root"):
    rules.add_rule(pyseccomp.ERRNO(errno.EPERM), call)
rules.load()
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="Gradescope's container is root's")
def test_gradescopes_harness_grades_as_root_without_namespaces(tmp_path):
    """In its folders: the zip unpacked into source/, `run_autograder` copied beside it, submission/ and its metadata."""
    root = make_course(tmp_path / "course")
    catalog = root / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("points = 1\n", "points = 1.5\n"))
    checks = root / "tests" / "exercises" / "test_doubling.py"
    hidden = "def test_secret(submission):\n    assert_close(submission.halve(torch.ones(1)), torch.ones(1) / 2)\n"
    checks.write_text(f'{checks.read_text()}\n\n@pytest.mark.hidden\n@pytest.mark.points("halve", 0.5)\n{hidden}')
    place = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (place / name).mkdir(parents=True)
    bundle = gradescope_bundle(read_catalog(root), Grading("", "points", "of the tests"))
    with zipfile.ZipFile(write_bundle(bundle, tmp_path / "released")) as archive:
        archive.extractall(place / "source")
    shutil.copy(place / "source" / "run_autograder", place)
    (place / "submission" / "doubling.py").write_text(
        "def double(x):\n    return x\n\n\ndef halve(x):\n    return x / 2\n"
    )
    (place / "submission_metadata.json").write_text('{"id": 1, "users": []}')
    variables = {"AUTOGRADER": str(place), "AUTOGRADER_BIN": str(BIN)}
    _, said = run(sys.executable, "-c", NO_NAMESPACES, "/bin/bash", place / "run_autograder", cwd=place, **variables)
    results = json.loads((place / "results" / "results.json").read_text())
    assert results["score"] == 2.5, said
    assert results["output"].startswith("2 of 3 visible points; 0.5 more when graded")
    seen = [(test["visibility"], test["max_score"]) for test in results["tests"]]
    assert seen == [("visible", 1), ("visible", 1), ("visible", 1), ("after_published", 0.5)]
    held = results["extra_data"]["isolation"]
    assert {"no_capabilities", "seccomp", "landlock"} <= set(held) and not [
        rung for rung in held if "namespace" in rung
    ]


@pytest.mark.slow
def test_two_folders_in_gradescope_are_one_submission(gradescope, tmp_path):
    for name in ("part 1", "part 2"):
        (tmp_path / "two" / name).mkdir(parents=True)
    shutil.copy(ROOT / "tests/autograder/samples/perfect/variation_loss.py", tmp_path / "two" / "part 1")
    _, said, results = gradescope(tmp_path / "two")
    assert results["score"] == 26, said


@pytest.mark.slow
def test_where_gradescope_cannot_grade_nobody_has_points(gradescope, tmp_path, catalog):
    (tmp_path / "empty").mkdir()
    broken = gradescope_bundle(catalog, Grading("no_such_unit", "points", "of the tests"))
    write_bundle(broken, tmp_path / "source")
    (tmp_path / "submission").mkdir()
    script = tmp_path / "source" / "run_autograder"
    run(script, cwd=tmp_path, AUTOGRADER=str(tmp_path), AUTOGRADER_BIN=str(BIN))
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    assert "score" not in results and "tell your instructor" in results["output"]


@pytest.mark.slow
def test_githubs_job_gives_points_annotations_and_a_summary(catalog, tmp_path):
    """The very script of the workflow's step, with a wrong answer in the exercises."""
    course = tmp_path / "course"
    write_bundle(actions_bundle(catalog), course)
    (course / ".venv").symlink_to(BIN.parent)
    shutil.copy(ROOT / "tests/autograder/samples/only_horizontal/variation_loss.py", course / "exercises")
    workflow = yaml.safe_load((course / ".github/workflows/checks.yml").read_text())
    (judge,) = [step for step in workflow["jobs"]["checks"]["steps"] if step.get("id") == "judge"]
    outputs = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    code, said = run("bash", "-eo", "pipefail", "-c", judge["run"], cwd=course, PYTHONPATH=str(course), **outputs)
    assert code == 0, said
    assert "::error file=exercises/variation_loss.py,line=" in said
    assert "| variation\\_loss |" in (tmp_path / "summary").read_text()
    seen = r"[\d.]+ of [\d.]+ visible points; [\d.]+ more when graded"
    assert re.search(f"::notice title=Points::{seen}", said) and re.search(seen, (tmp_path / "summary").read_text())
    pipeline = yaml.safe_load(gitlab_bundle(catalog)[".gitlab-ci.yml"])["checks"]
    report = next(line for line in pipeline["script"] if line.endswith("--as gitlab"))
    code, said = run("bash", "-c", report, cwd=course, PYTHONPATH=str(course))
    assert code == 0 and re.search(seen, said.splitlines()[-1])
    assert re.search(pipeline["coverage"].strip("/"), said.splitlines()[-1])


def test_gitlabs_pipeline_is_one_that_gitlab_reads(tmp_path):
    pipeline = yaml.safe_load(gitlab_bundle(read_catalog(make_course(tmp_path)))[".gitlab-ci.yml"])
    assert pipeline["checks"]["artifacts"]["reports"] == {"junit": "junit.xml"}
    assert any("--as junit > junit.xml" in line for line in pipeline["checks"]["script"])
    assert pipeline["checks"]["artifacts"]["paths"] == ["points.html"]


@pytest.mark.parametrize(
    ("bundle", "name"), [(actions_bundle, ".github/workflows/checks.yml"), (gitlab_bundle, ".gitlab-ci.yml")]
)
def test_a_students_own_job_takes_the_exercises_for_one_submission(bundle, name, tmp_path):
    assert b"grade exercises --from one " in bundle(read_catalog(make_course(tmp_path)))[name]


def test_a_bundle_that_grades_has_the_courses_translations_and_the_right_versions_that_examples_need(tmp_path):
    root = make_course(tmp_path / "course")
    for place in (
        "exercises/locale/lt/LC_MESSAGES/course.po",
        "tests/alternatives/doubling/by_adding.py",
        "tests/alternatives/doubling/in_a_folder/doubling.py",
    ):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text("")
    files = gradescope_bundle(read_catalog(root), Grading("", "points", "s"))
    assert "source/exercises/locale/lt/LC_MESSAGES/course.po" in files
    assert not any("alternatives" in name for name in files)  # no mark depends on them
    catalog_file = root / "exercises" / "catalog.toml"
    catalog_file.write_text(catalog_file.read_text().replace("points = 1\n", "points = 1\nexamples = 2\n"))
    files = gradescope_bundle(read_catalog(root), Grading("", "points", "s"))
    assert "source/tests/alternatives/doubling/by_adding.py" in files
    assert "source/tests/alternatives/doubling/in_a_folder/doubling.py" in files


@pytest.mark.parametrize("language", ["en", "lt", "ms", "my", "sr", "tl"])
def test_a_read_me_names_the_constraints_only_if_there_are_any(language, tmp_path):
    root = make_course(tmp_path / "course")
    catalog = read_catalog(root)
    readme = student_bundle(catalog, language=language)["README.md"].decode()
    assert "pip install -e .`" in readme and "constraints.txt" not in readme
    (root / "constraints.txt").write_text("")
    readme = student_bundle(catalog, language=language)["README.md"].decode()
    assert "pip install -e . -c constraints.txt`" in readme


def test_a_read_me_tells_of_examples_only_if_they_earn_points(tmp_path):
    root = make_course(tmp_path / "course")
    assert "my_checks" not in student_bundle(read_catalog(root))["README.md"].decode()
    path = root / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("points = 1\n", "points = 1\nexamples = 2\n"))
    readme = " ".join(student_bundle(read_catalog(root))["README.md"].decode().split())
    assert "5. write examples of `halve` into `exercises/my_checks.py`" in readme
    assert "`from exercises.doubling import halve`" in readme and "Hand that file in beside the unit's." in readme


@pytest.mark.parametrize("language", ["en", "lt", "ms", "my", "sr", "tl"])
def test_only_a_course_that_needs_pytorch_tells_its_size(language, tmp_path):
    root = make_course(tmp_path / "course")
    with_torch = student_bundle(read_catalog(root), language=language)
    (root / "pyproject.toml").write_text('[project]\nname = "plain"\ndependencies = ["idealcat"]\n')
    without = student_bundle(read_catalog(root), language=language)
    for name in ("README.md", "Makefile"):
        assert b"PyTorch" in with_torch[name] and b"PyTorch" not in without[name]
        assert b"()" not in without[name]


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".gif", ".svg", ".webp"])
def test_a_lessons_picture_is_released_whatever_its_format(suffix, tmp_path):
    root = make_course(tmp_path / "course")
    for place in (f"docs/pictures/cat{suffix}", f"exercises/lessons/dog{suffix}"):
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(b"a picture")
    files = student_bundle(read_catalog(root))
    assert files[f"docs/pictures/cat{suffix}"] == files[f"exercises/lessons/dog{suffix}"] == b"a picture"


def test_the_bundles_of_a_course_keep_their_secret_where_git_does_not_look(tmp_path, monkeypatch):
    monkeypatch.delenv("IDEALCAT_SECRET", raising=False)
    course = read_catalog(make_course(tmp_path / "course"))
    first = release_secret(course)
    assert len(first) == 64 and release_secret(course) == first
    assert release_secret(read_catalog(make_course(tmp_path / "other"))) != first
    subprocess.run(["git", "init", "-q", course.root], check=True)
    told = subprocess.run(["git", "-C", course.root, "status", "--short", "-uall"], capture_output=True, text=True)
    assert "exercises/catalog.toml" in told.stdout and "autograder" not in told.stdout
    assert (course.root / ".autograder" / "release-secret").stat().st_mode & 0o077 == 0
    files = student_bundle(course)
    assert not any(name.startswith(".autograder") for name in files)
    assert not any(first.encode() in content for content in files.values())
    graded = gradescope_bundle(course, Grading("", "points", release_secret(course)))
    assert graded["run_autograder"] == gradescope_bundle(course, Grading("", "points", first))["run_autograder"]
    assert first.encode() in graded["run_autograder"]
    monkeypatch.setenv("IDEALCAT_SECRET", "a $secret of 'mine'")
    script = gradescope_bundle(course, Grading("", "points", release_secret(course)))["run_autograder"].decode()
    (line,) = [line for line in script.splitlines() if line.startswith("export IDEALCAT_SECRET=")]
    told = subprocess.run(["bash", "-c", f'{line}; printf %s "$IDEALCAT_SECRET"'], capture_output=True, text=True)
    assert told.stdout == "a $secret of 'mine'"


@pytest.mark.parametrize("name", ["run_autograder", "setup.sh"])
def test_gradescopes_scripts_are_shell(name, catalog):
    script = gradescope_bundle(catalog, Grading("quiz", "points", "s"))[name]
    assert subprocess.run(["bash", "-n"], input=script, capture_output=True).returncode == 0


def test_every_file_of_the_courses_own_package_is_released(tmp_path):
    root = make_course(tmp_path / "course")
    (root / "words").mkdir()
    (root / "words" / "__init__.py").write_text("")
    (root / "words" / "words.csv").write_text("cat,dog\n")
    catalog_file = root / "exercises" / "catalog.toml"
    catalog_file.write_text(catalog_file.read_text().replace('["torch"]', '["torch", "words"]'))
    files = student_bundle(read_catalog(root))
    assert files["words/words.csv"] == b"cat,dog\n"
    # setuptools leaves out of a wheel what it is not told of.
    assert '"words" = ["**/*"]' in files["pyproject.toml"].decode()


def test_an_installed_release_has_its_translations(files):
    kinds = tomllib.loads(files["pyproject.toml"].decode())["tool"]["setuptools"]["package-data"]["*"]
    translations = [name for name in files if name.startswith("autograder/locale/")]
    assert translations and all(f"*{Path(name).suffix}" in kinds for name in translations)


def test_the_engine_imports_no_package_of_the_course(tmp_path):
    hide_data = "import sys; sys.modules['data'] = None; import autograder.plugin"
    code, said = run(sys.executable, "-c", hide_data, cwd=tmp_path)
    assert code == 0, said
