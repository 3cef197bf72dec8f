"""Classroom 50: its runner, played here as its pages describe it, runs the bundle in a student's checkout."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.platforms.bundles import Grading, classroom50, classroom50_bundle, write_bundle
from tests.autograder.small_course import KINDS, RIGHT, make_course

BIN = Path(sys.executable).parent
HIDDEN_CHECK = '''

@pytest.mark.hidden
@pytest.mark.points("halve", 0.5)
def test_secret_half(submission):
    """Half of seven comes back."""
    assert_close(submission.halve(torch.tensor(7.0)), torch.tensor(3.5))
'''
DATE = "2026-06-01T14:32:01Z"
ENVIRONMENT = {
    "CLASSROOM": "vision",
    "ASSIGNMENT": "lab-3",
    "ASSIGNMENT_TYPE": "individual",
    "USERNAME": "anna",
    "OWNER": "anna",
    "SUBMISSION_TAG": "submit/2026-06-01T14-32-05Z-a1b2c3d",
    "COMMIT_URL": "https://github.com/uni/vision-lab-3-anna/commit/a1b2c3d",
    "RELEASE_URL": "https://github.com/uni/vision-lab-3-anna/releases/tag/submit",
    "REVIEW_URL": "https://github.com/uni/vision-lab-3-anna/compare/0...a1b2c3d",
    "PAGES_BASE_URL": "https://uni.github.io/classroom50",
    "GITHUB_ACTOR": "anna",
}
KEYS = {
    *("schema", "classroom", "assignment", "assignment_type", "owner", "submission", "commit", "release", "review"),
    *("datetime", "score", "max-score", "tests"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The small course, with a half point in a hidden check."""
    root = make_course(tmp_path_factory.mktemp("classroom50") / "course")
    catalog = root / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("points = 1\n", "points = 1.5\n"))
    checks = root / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text() + HIDDEN_CHECK)
    return read_catalog(root)


@pytest.fixture(scope="module")
def bundle(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "released"
    write_bundle(classroom50_bundle(course, Grading("doubling", "points", "of the tests")), folder)
    return folder


@dataclass(frozen=True)
class Run:
    """Run the autograder and return what the runner reads of it."""

    code: int
    said: str
    status: str
    result: dict | None
    body: str


@pytest.fixture
def checkout(bundle, tmp_path):
    """A student's repository of the template, with some files changed or added, and one commit."""

    def made(files):
        folder = tmp_path / "vision-lab-3-anna"
        for name, content in {"exercises/doubling.py": KINDS["unwritten"][0], **files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        dates = {"GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE, "GIT_CONFIG_GLOBAL": "/dev/null"}
        who = ["-c", "user.name=anna", "-c", "user.email=anna@example.org", "-c", "core.hooksPath=/dev/null"]
        for arguments in (["init", "-q"], ["add", "-A"], [*who, "commit", "-q", "--allow-empty", "-m", "work"]):
            subprocess.run(["git", *arguments], cwd=folder, check=True, env={**os.environ, **dates})
        return folder

    return made


@pytest.fixture
def runner(bundle, tmp_path):
    """Classroom 50's runner: its environment, its working directory, and what it makes of the outcome."""

    def run(folder, **environment):
        output = tmp_path / "output"
        output.write_text("")
        variables = {
            **os.environ,
            **ENVIRONMENT,
            "GITHUB_OUTPUT": str(output),
            "AUTOGRADER_BIN": str(BIN),
            **environment,
        }
        done = subprocess.run(
            [sys.executable, bundle / "teacher" / "autograder.py"],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=300,
        )
        told = dict(line.split("=", 1) for line in output.read_text().splitlines())
        path = folder / "result.json"
        result = json.loads(path.read_text()) if path.is_file() and not path.is_symlink() else None
        status = told.get("status", "") if done.returncode == 0 and result is not None else "error"
        body = folder / "release-body.md"
        return Run(
            done.returncode, done.stdout + done.stderr, status, result, body.read_text() if body.is_file() else ""
        )

    return run


#: Files of a repository that asks for points it has not earned.
TAMPERED = {
    "tests/exercises/test_doubling.py": "def test_nothing():\n    pass\n",
    "conftest.py": "def pytest_collection_modifyitems(items):\n    items.clear()\n",
    "pytest.ini": "[pytest]\naddopts = --collect-only\npython_files = nothing.py\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-k", "nothing"]\n',
    "setup.py": "open('ran', 'w')\n",
    "autograder/__init__.py": "import sys\nopen('ran', 'w')\nsys.exit(0)\n",
    "autograder/__main__.py": "open('ran', 'w')\n",
    "sitecustomize.py": "open('ran', 'w')\n",
    "json.py": "open('ran', 'w')\n",
    "torch/__init__.py": "open('ran', 'w')\n",
    "venv.py": "open('ran', 'w')\n",
    "exercises/catalog.toml": '[course]\ntitle = "mine"\n',
    "solutions/doubling.py": "def double(x):\n    return x\n\n\ndef halve(x):\n    return x\n",
    "class.toml": '[units]\nbonus = ["doubling"]\n',
    "manual.csv": "submission,function,points,comment\nvision-lab-3-anna,,99,please\n",
    "result.json": '{"schema": "classroom50/result/v1", "score": 100, "max-score": 100, "tests": []}',
    "release-body.md": "# 100 of 100 points\n",
    "settings.json": '{"units": "none", "hidden": "everything", "secret": "mine"}',
    "out/results/vision-lab-3-anna.json": '{"schema": 1, "score": 100}',
}
CASES = {
    "right": ({"exercises/doubling.py": RIGHT}, "success", 7),
    "wrong": ({"exercises/doubling.py": KINDS["wrong"][0]}, "failure", 2),
    "crashing": ({"exercises/doubling.py": "import os\nos._exit(0)\n"}, "failure", 0),
    "empty": ({}, "failure", 0),
    "tampering": ({**TAMPERED, "exercises/doubling.py": KINDS["wrong"][0]}, "failure", 2),
    "commands": (
        {
            "exercises/doubling.py": "print('::error::x')\n\n\ndef double(x):\n    raise ValueError('::add-mask::x\\n::y::')\n"
        },
        "failure",
        0,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_a_repository_gets_what_it_has_earned(case, checkout, runner, bundle, tmp_path):
    files, status, score = CASES[case]
    folder = checkout(files)
    precious = tmp_path / "precious"
    precious.write_text("mine")
    if case == "tampering":
        for name in ("result.json", "release-body.md", "exercises/skeletons"):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(precious)
    run = runner(folder)
    assert precious.read_text() == "mine"
    assert (run.code, run.status) == (0, status), run.said
    assert run.result is not None and run.result.keys() == KEYS
    assert (run.result["score"], run.result["max-score"]) == (score, 7)
    assert sum(test["score"] for test in run.result["tests"]) == score
    assert (run.result["owner"], run.result["datetime"]) == ("anna", DATE)
    assert f"{score / 2:g} of 3.5 points" in run.body and "1 point is 2 there" in run.body
    assert "3.5" not in json.dumps(run.result["tests"])  # what the hidden check expects
    assert not [path for place in (folder, bundle) for path in place.rglob("ran")]
    stop = next(line for line in run.said.splitlines() if line.startswith("::stop-commands::"))
    assert run.said.index(f"\n::{stop.removeprefix('::stop-commands::')}::") > run.said.rfind("Result:")


@pytest.mark.slow
def test_where_the_grader_fails_there_is_an_error_and_no_result(checkout, runner, bundle, monkeypatch):
    folder = checkout({"exercises/doubling.py": RIGHT, "result.json": '{"score": 1}'})
    settings = bundle / "teacher" / "settings.json"
    before = settings.read_text()
    for name, broken in (
        ("unit", {"settings": before.replace("doubling", "nowhere")}),
        ("variable", {"environment": {"OWNER": ""}}),
        ("command", {"environment": {"AUTOGRADER_BIN": "/nowhere"}}),
    ):
        settings.write_text(broken.get("settings", before))
        run = runner(folder, **broken.get("environment", {}))
        assert run.code == 2 and run.result is None and run.status == "error", name
        assert "0 of 0" not in run.said
    settings.write_text(before)


def test_nothing_is_written_through_what_lies_in_the_checkout(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    for name in ("link", "folder", "dangling", "file"):
        path = tmp_path / name
        if name == "folder":
            (path / "inner").mkdir(parents=True)
            (path / "inner" / "link").symlink_to(precious)
        elif name == "file":
            path.write_text("old")
        else:
            path.symlink_to(precious if name == "link" else tmp_path / "nowhere")
        classroom50.write(path, "new")
        assert path.read_text() == "new" and not path.is_symlink()
    assert precious.read_text() == "mine" and not (tmp_path / "nowhere").exists()


def test_an_error_leaves_no_result_and_is_told(tmp_path, monkeypatch):
    def fail(checkout):
        (checkout / "result.json").write_text("{}")
        raise OSError("no\nspace")

    (tmp_path / "release-body.md").symlink_to("/nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(classroom50, "grade", fail)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    assert classroom50.main() == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output"]
    assert (tmp_path / "output").read_text().startswith("status=error\nsummary=not graded")


def test_the_bundle_holds_hidden_checks_for_the_teacher_and_none_for_students(course):
    files = classroom50_bundle(course, Grading("", "points", "s"))
    assert b"test_secret_half" in files["teacher/bundle/tests/exercises/test_doubling.py"]
    assert b"test_secret_half" not in files["template/tests/exercises/test_doubling.py"]
    assert not any(name.startswith("template/") and "solutions" in name for name in files)
    runtime = json.loads(files["runtime.json"])
    assert set(runtime) <= {"runs-on", "python", "apt", "container"} and "apt" in runtime
    assert runtime["python"] == "3.11"
    compile(files["teacher/autograder.py"], "autograder.py", "exec")
