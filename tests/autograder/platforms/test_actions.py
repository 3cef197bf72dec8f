"""The teacher's workflow on GitHub: its very steps, run here against bare repositories that lie beside them."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from autograder.course.catalog import read_catalog
from autograder.platforms.bundles import Grading, actions_bundle, actions_teacher_bundle, gitlab_bundle, write_bundle
from tests.autograder.small_course import KINDS, RIGHT, make_course

BIN = Path(sys.executable).parent
HIDDEN = '''

@pytest.mark.hidden
@pytest.mark.points("double", 1)
def test_secret(submission):
    """Twice seven is fourteen."""
    assert_close(submission.double(torch.tensor(7.0)), torch.tensor(14.0))
'''
DUE = "2026-06-01T12:00:00+02:00"
BEFORE, AFTER = "2026-06-01T09:59:59Z", "2026-06-01T10:00:01Z"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("teacher") / "course")
    catalog = root / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("points = 2\n", "points = 3\n"))
    checks = root / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text() + HIDDEN)
    return read_catalog(root)


@pytest.fixture
def teacher(course, tmp_path):
    """The teacher's repository, and students' repositories on a server that is a folder."""
    folder = tmp_path / "teacher"
    write_bundle(actions_teacher_bundle(course, Grading("doubling", "points", "of the tests")), folder)
    return folder


@pytest.fixture
def step(teacher, tmp_path):
    """A step of the workflow, as GitHub runs it: its exit code and what it printed."""
    workflow = yaml.safe_load((teacher / ".github" / "workflows" / "grade.yml").read_text())
    steps = {each.get("name"): each for each in workflow["jobs"]["grade"]["steps"]}

    def run(name, **environment):
        variables = {**os.environ, "SERVER": str(tmp_path / "server"), "AUTOGRADER_BIN": str(BIN), **environment}
        variables.pop("IDEALCAT_SECRET", None)
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps[name]["run"]]
        done = subprocess.run(command, cwd=teacher, env=variables, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def push(tmp_path):
    """Make a student's repository, or add to it: for each moment, files of a commit."""

    def pushed(name, *commits):
        bare, work = tmp_path / "server" / "uni" / name, tmp_path / "work" / name
        if not bare.exists():
            git(tmp_path, "init", "-q", "--bare", "--initial-branch=main", bare)
            git(tmp_path, "clone", "-q", bare, work)
        for moment, files in commits:
            for path, content in files.items():
                (work / path).parent.mkdir(parents=True, exist_ok=True)
                (work / path).write_text(content)
            git(work, "add", "-A")
            dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
            git(work, "commit", "-q", "--allow-empty", "-m", moment, **dates)
        git(work, "push", "-q", "origin", "HEAD:main")
        return git(work, "rev-parse", "HEAD").strip()

    return pushed


def git(folder, *arguments, **environment):
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    alone = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    variables = {**os.environ, **who, **alone, **environment}
    done = subprocess.run(["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return done.stdout


def students(teacher, *lines):
    (teacher / "students.csv").write_text("login,repository,due,commit\n" + "".join(f"{line}\n" for line in lines))


def commits(teacher):
    with (teacher / "commits.csv").open(newline="") as file:
        return {row["login"]: row for row in csv.DictReader(file)}


def handed_in(teacher, login):
    path = teacher / "class" / f"grades--{login}" / "exercises" / "doubling.py"
    return path.read_text() if path.is_file() else None


def test_each_student_is_taken_as_of_the_deadline(teacher, step, push):
    early, late = {"exercises/doubling.py": "# early\n"}, {"exercises/doubling.py": "# late\n"}
    push("lab-anna", (BEFORE, early), (AFTER, late))
    push("lab-bob", (BEFORE, early), (AFTER, late))
    push("lab-carl", (AFTER, late))
    kept = push("lab-dora", (BEFORE, early))
    push("lab-dora", (BEFORE, {"exercises/doubling.py": "# dated back\n"}))
    students(
        teacher,
        "anna,uni/lab-anna,,",
        "bob,uni/lab-bob,2026-06-02T12:00:00+02:00,",
        "carl,uni/lab-carl,,\r",
        f"dora,uni/lab-dora,,{kept}",
        "erin,uni/lab-erin,,",
    )
    code, said = step("Clone", DUE=DUE)
    assert code == 0, said
    told = [handed_in(teacher, name) for name in ("anna", "bob", "carl", "dora", "erin")]
    assert told == ["# early\n", "# late\n", None, "# early\n", None]
    rows = commits(teacher)
    assert rows["dora"]["commit"] == kept and rows["anna"]["date"].startswith("2026-06-01T09:59:59")
    assert rows["carl"]["reason"] == f"no commit before {DUE}" and rows["erin"]["reason"] == "cannot be cloned"
    assert step("Clone", DUE=DUE)[0] == 0  # once more, over what is there


def test_a_list_from_excel_and_a_login_with_an_underscore_can_be_read(teacher, step, push):
    push("lab-ada", (BEFORE, {"exercises/doubling.py": "# hers\n"}))
    (teacher / "students.csv").write_text("login,repository,due,commit\nada_uni,uni/lab-ada,,\n", encoding="utf-8-sig")
    code, said = step("Clone", DUE=DUE)
    assert code == 0, said
    assert handed_in(teacher, "ada_uni") == "# hers\n" and commits(teacher).keys() == {"ada_uni"}


@pytest.mark.parametrize(
    ("line", "due", "sentence"),
    [
        ("anna,uni/lab-anna,,", "", "set the variable DUE"),
        ("anna,uni/lab-anna,soon,", DUE, "anna: no date: soon"),
        ("../anna,uni/lab-anna,,", DUE, "no login and repository: ../anna"),
        ("anna,--upload-pack=x/y,,", DUE, "anna: no"),
        ("anna,uni/lab-anna,,\nanna,uni/other,,", DUE, "students.csv: anna stands in two lines; keep one"),
        ("anna,uni/lab-anna,,\nAnna,uni/lab-anna,,", DUE, "students.csv: anna stands in two lines; keep one"),
    ],
)
def test_what_makes_no_sense_stops_the_job(line, due, sentence, teacher, step, push):
    push("lab-anna", (BEFORE, {}))
    students(teacher, line)
    code, said = step("Clone", DUE=due)
    assert code != 0 and (sentence in said or line.startswith("anna,--"))
    assert not list(teacher.glob("class/*"))


def test_no_clone_keeps_the_token_and_nothing_of_a_repository_is_executed(teacher, step, push, tmp_path):
    ran = tmp_path / "ran"
    hook = f"#!/bin/sh\ntouch {ran}\n"
    files = {".gitattributes": "* filter=evil\n", ".githooks/post-checkout": hook, "post-checkout": hook}
    push("lab-anna", (BEFORE, {**files, "exercises/doubling.py": RIGHT}))
    work = tmp_path / "work" / "lab-anna"
    (work / "link").symlink_to("/etc/passwd")
    push("lab-anna", (BEFORE, {}))
    students(teacher, "anna,uni/lab-anna,,")
    code, said = step("Clone", DUE=DUE, TOKEN="the-token")
    assert code == 0, said
    assert not ran.exists() and not (teacher / "class" / "grades--anna" / "link").is_symlink()
    everything = b"".join(path.read_bytes() for path in teacher.rglob("*") if path.is_file())
    assert b"the-token" not in everything and b"eC1hY2Nlc3MtdG9rZW46" not in everything


@pytest.mark.slow
def test_students_are_graded_by_all_checks_and_get_their_own_page(teacher, step, push, tmp_path):
    tampering = {"exercises/doubling.py": KINDS["wrong"][0], "conftest.py": "raise SystemExit(0)\n"}
    tampering |= {"tests/exercises/test_doubling.py": "", "class.toml": '[units]\nbonus = ["doubling"]\n'}
    push("lab-a-anna", (BEFORE, {"exercises/doubling.py": RIGHT}))
    push("lab-a-bob", (BEFORE, tampering))
    push("lab-carl", (BEFORE, {}))
    students(teacher, "a-anna,uni/lab-a-anna,,", "a-bob,uni/lab-a-bob,,", "a-carl,uni/lab-carl,,")
    assert step("Clone", DUE=DUE)[0] == 0
    code, said = step("Grade")
    assert code == 0, said
    with (teacher / "out" / "grades.csv").open(newline="") as file:
        rows = {row[0]: row[1:3] for row in csv.reader(file)}
    assert {name: rows[name] for name in ("a-anna", "a-bob", "a-carl")} == {
        "a-anna": ["4", "4"],
        "a-bob": ["1", "4"],
        "a-carl": ["0", "4"],
    }
    assert "4 of 4 points" in (teacher / "pages" / "submissions" / "a-anna.html").read_text()
    code, said = step("Hand back")
    assert code == 0, said
    for name, points in (("lab-a-anna", "4 of 4"), ("lab-a-bob", "1 of 4"), ("lab-carl", "0 of 4")):
        bare = tmp_path / "server" / "uni" / name
        assert git(bare, "ls-tree", "--name-only", "grades").split() == ["README.md", "grade.html"]
        assert f"{points} points" in git(bare, "show", "grades:README.md")
    assert "anna" not in git(tmp_path / "server" / "uni" / "lab-a-bob", "show", "grades:grade.html")
    # A repository that has gone is an error of the job; the others have their marks all the same.
    students(teacher, "a-anna,uni/lab-a-anna,,", "erin,uni/lab-erin,,")
    assert step("Clone", DUE=DUE)[0] == 0
    code, said = step("Grade")
    assert code == 1 and "not every repository is graded" in said
    assert (teacher / "pages" / "submissions" / "a-anna.html").is_file()


def test_every_workflow_and_its_steps_can_be_read(course):
    workflows = {
        ".github/workflows/grade.yml": actions_teacher_bundle(course, Grading("", "points", "s")),
        ".github/workflows/checks.yml": actions_bundle(course),
    }
    for name, files in workflows.items():
        workflow = yaml.safe_load(files[name])
        assert workflow["permissions"] == {"contents": "read"}
        (job,) = workflow["jobs"].values()
        assert all(("run" in step) != ("uses" in step) for step in job["steps"])
        scripts = [step["run"].encode() for step in job["steps"] if "run" in step]
        scripts += [content for name, content in files.items() if name.count("/") == 0 and name.endswith(".sh")]
        for script in scripts:
            read = subprocess.run(["bash", "-n"], input=script, capture_output=True)
            assert (read.returncode, read.stderr) == (0, b"")
    # `on` is True to a reader of YAML 1.1.
    triggers = yaml.safe_load(workflows[".github/workflows/grade.yml"][".github/workflows/grade.yml"])[True]
    assert set(triggers) == {"schedule", "workflow_dispatch"}
    assert set(triggers["workflow_dispatch"]["inputs"]) == {"due", "hand_back"}
    for line in yaml.safe_load(gitlab_bundle(course)[".gitlab-ci.yml"])["checks"]["script"]:
        assert subprocess.run(["bash", "-n", "-c", line]).returncode == 0
