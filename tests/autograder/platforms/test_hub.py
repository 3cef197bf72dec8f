"""A hub: the students' release lies there for everybody to read, and a student may write nothing but their home."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from autograder.course.catalog import read_catalog
from autograder.platforms.bundles import student_bundle, write_bundle
from tests.autograder.platforms.nbgrader_class import Class
from tests.autograder.platforms.nbgrader_course import environment, released_course
from tests.autograder.shades_course import UNIT

pytest.importorskip("nbgrader")
pytestmark = pytest.mark.slow
NOBODY = 65534
#: As root a test cannot see what a student may not write; with this one capability all can still be read, as on a hub.
AS_STUDENT = [
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all,+dac_read_search"),
    *("--ambient-caps=+dac_read_search", "--bounding-set=-all,+dac_read_search"),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub with an instructor's release, and a student's home with two notebooks: a right one and another."""
    folder = tmp_path_factory.mktemp("hub")
    course = released_course(folder / "instructor")
    catalog = read_catalog(folder / "instructor")
    write_bundle(student_bundle(catalog), folder / "srv")
    students = Class(course)
    home = folder / "home"
    home.mkdir()
    notebooks = {"right": students.right(), "wrong": dict(students.mistaken())["negates"]}
    for name, answers in notebooks.items():
        nbformat.write(students.notebook(answers), home / f"{name}.ipynb")
    shutil.rmtree(folder / "instructor")
    if os.geteuid() == 0:
        for path in (home, *home.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    return folder


@pytest.fixture
def type_command(hub):
    """Runs a command as the student."""

    def run(*args):
        variables = {"HOME": str(hub / "home"), "PYTHONPATH": str(hub / "srv"), "PYTHONDONTWRITEBYTECODE": "1"}
        env = environment(**variables)
        for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            env.pop(name, None)
        prefix = AS_STUDENT if os.geteuid() == 0 else []
        command = [*prefix, sys.executable, "-m", *args]
        ended = subprocess.run(command, cwd=hub / "home", env=env, capture_output=True, text=True, timeout=600)
        return ended.stdout + ended.stderr

    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("no setpriv, so root cannot be a student")
    if os.geteuid() != 0:
        for path in (hub / "srv").rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
    return run


def test_validate_passes_a_right_notebook_and_no_other(type_command):
    assert "Success! Your notebook passes all the tests." in type_command("nbgrader", "validate", "right.ipynb")
    text = type_command("nbgrader", "validate", "wrong.ipynb")
    assert "VALIDATION FAILED ON 1 CELL(S)" in text and 'check("invert")' in text, text


def test_hints_are_counted_in_the_home(type_command, hub):
    for _ in range(2):
        text = type_command("autograder", "hint", "invert")
        assert "hint 1 of 1: What becomes of white?" in text, text
    assert not (hub / "srv" / ".autograder").exists()
    assert len(list((hub / "home" / ".local" / "share" / "idealcat").rglob("progress.json"))) == 1


def test_the_solutions_and_hidden_checks_are_not_there(hub):
    srv = hub / "srv"
    own = [path for folder in ("exercises", "tests", "docs") for path in (srv / folder).rglob("*") if path.is_file()]
    text = "".join(path.read_text(errors="replace") for path in own)
    assert UNIT in text and "Black becomes white" in text
    assert "return 1 - images" not in text and "Random images have the right" not in text
    assert not (srv / "solutions").exists()
