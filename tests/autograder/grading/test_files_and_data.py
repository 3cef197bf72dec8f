"""A unit of several files whose code reads a file of data, in the whole course's life."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import join_files, starting_text
from autograder.errors import CatalogError
from autograder.grading.grade import InThisProcess
from autograder.grading.spec import course_hashes
from autograder.grading.verify import Verification, open_benches
from autograder.platforms.bundles import Grading, gradescope_bundle, student_bundle, try_out
from autograder.platforms.nbgrader.assignment import write_notebooks
from autograder.student.helping import reset
from tests.autograder.index_course import CATALOG, FILES, make_course, outcomes, work


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


@pytest.mark.parametrize("sandboxed", [False, True])
def test_it_is_graded_with_all_its_files(course, sandbox, tmp_path, sandboxed):
    workers = sandbox if sandboxed else InThisProcess()
    here = Path.cwd()
    found = outcomes(course, workers, course.root / "exercises")
    assert {outcome for outcome, *_ in found.values()} == {"not_written"}, found
    found = outcomes(course, workers, work(course, tmp_path))
    assert {outcome for outcome, *_ in found.values()} == {"passed"}, found
    assert Path.cwd() == here


@pytest.mark.parametrize("sandboxed", [False, True])
def test_data_is_found_beside_the_file_too(course, sandbox, tmp_path, sandboxed):
    beside = "import pathlib\n    with (pathlib.Path(__file__).parent / 'texts' / 'poem.txt').open() as file:"
    folder = work(course, tmp_path, index=('with open("texts/poem.txt") as file:', beside))
    found = outcomes(course, sandbox if sandboxed else InThisProcess(), folder)
    assert [found[check][0] for check in ("test_lookup", "test_another_word")] == ["passed"] * 2, found


def test_what_a_student_writes_into_the_data_changes_nothing(course, sandbox, tmp_path):
    spoilt = 'open("texts/poem.txt", "w").close()\n    with open("texts/poem.txt") as file:'
    folder = work(course, tmp_path, index=('with open("texts/poem.txt") as file:', spoilt))
    (folder / "texts").mkdir()
    (folder / "texts" / "poem.txt").write_text("cat\n")
    for workers in (sandbox, InThisProcess()):
        outcomes(course, workers, folder)
        assert course.data("index")["texts/poem.txt"].read_text() == FILES["exercises/texts/poem.txt"]
    found = outcomes(course, sandbox, work(course, tmp_path))
    assert {outcome for outcome, *_ in found.values()} == {"passed"}, found


def test_a_mistake_in_any_file_is_named(course, tmp_path):
    found = outcomes(course, InThisProcess(), work(course, tmp_path, postings=("splitlines(), 1)", "splitlines())")))
    assert found["test_postings"][2] == "counts_from_zero"
    found = outcomes(course, InThisProcess(), work(course, tmp_path, index=(".get(word, [])", "[word]")))
    assert found["test_another_word"][2] == "fails_for_others"
    found = outcomes(course, InThisProcess(), work(course, tmp_path, index=("print(*lookup", "print(lookup")))
    assert found["test_main"][2] == "prints_a_list"


def test_a_file_that_is_missing_is_the_students(course, tmp_path):
    folder = work(course, tmp_path)
    (folder / "postings.py").unlink()
    outcome, message, _ = outcomes(course, InThisProcess(), folder)["test_lookup"]
    assert outcome == "failed" or outcome == "error"
    assert "postings" in message


def test_data_and_files_are_part_of_the_key(course):
    before = course_hashes(course, course.units.values())
    course.data("index")["texts/poem.txt"].write_text("another\n")
    after = course_hashes(course, course.units.values())
    assert {name for name in before if before[name] != after[name]} == {"exercises' data"}
    other = dataclasses.replace(course, units={"index": dataclasses.replace(course.units["index"], data=())})
    assert "exercises' data" not in course_hashes(other, other.units.values())


def test_a_release_has_them_all(course):
    files = student_bundle(course)
    assert files["exercises/texts/poem.txt"] == FILES["exercises/texts/poem.txt"].encode()
    assert files["exercises/postings.py"] == starting_text(course, "postings").encode()
    assert files["exercises/skeletons/postings.txt"] == files["exercises/postings.py"]
    assert not any(name.startswith("solutions/") for name in files)
    graded = gradescope_bundle(course, Grading("", "points", "of the tests"))
    assert {"solutions/postings.py", "exercises/texts/poem.txt"} <= {name.removeprefix("source/") for name in graded}


def test_both_files_are_reset(course):
    for name in ("index", "postings"):
        course.exercise(name).write_text(f"{starting_text(course, name)}    return 1\n")
    reset(course, "postings")
    assert course.exercise("postings").read_text() == starting_text(course, "postings")
    assert course.exercise("index").read_text() != starting_text(course, "index")
    reset(course, "index")
    assert course.exercise("index").read_text() == starting_text(course, "index")


def test_a_notebook_holds_them_both(course, tmp_path):
    pytest.importorskip("nbformat")
    write_notebooks(course, course.select(None), tmp_path / "class")
    text = (tmp_path / "class" / "source" / "index" / "index.ipynb").read_text()
    assert "def postings" in text
    assert "from postings" not in text
    assert (tmp_path / "class" / "source" / "index" / "texts" / "poem.txt").is_file()


def test_files_are_joined():
    own = """'Own.'

from __future__ import annotations

import re
from exercises.part import (
    a,
    b as c,
)


def f():
    from .part import a
    return a(c)
"""
    part = """'Part.'

import os


def a(x):
    return x


b = 2

if __name__ == "__main__":
    a(1)
"""
    text = join_files({"own": own, "part": part})
    namespace = {"__name__": "own"}
    exec(compile(text, "own.py", "exec"), namespace)
    assert namespace["f"]() == 2
    assert (namespace["__doc__"], text.count("__main__"), text.count("import re")) == ("Own.", 0, 1)


@pytest.mark.parametrize("line", ["import part", "from exercises import part", "from . import part"])
def test_a_file_of_a_unit_that_imports_another_as_a_whole_is_refused(line):
    with pytest.raises(
        CatalogError, match=r"own.py line 1: a file of a unit imports another by `from ... import name`"
    ):
        join_files({"own": f"{line}\n", "part": "part = 1\n"})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('files = ["a/postings.py"]', "unit index: files holds 'a/postings.py', which is no name of a Python file"),
        ('files = ["index.py"]', "the file index.py of index is one of another unit too"),
        ('data = ["texts/other.txt"]', "unit index: data names exercises/texts/other.txt, which is not there"),
        ('data = ["../secret.txt"]', "unit index: data holds '../secret.txt', which is no path of a file of data"),
    ],
)
def test_a_wrong_name_is_told(course, line, problem):
    key = line.partition(" ")[0]
    lines = [line if each.startswith(f"{key} =") else each for each in CATALOG.splitlines()]
    (course.root / "exercises" / "catalog.toml").write_text("\n".join(lines))
    with pytest.raises(CatalogError) as raised:
        read_catalog(course.root)
    assert problem in str(raised.value)


@pytest.mark.slow
def test_verify_is_clean(course):
    with open_benches(course.root, 2) as run_trials:
        verification = Verification(course, list(course.units.values()), run_trials, 2)
        problems = [problem for finding in verification.findings() for problem in finding.problems]
    assert problems == []


@pytest.mark.slow
@pytest.mark.parametrize("file", ["index.py", "postings.py"])
def test_pytest_runs_the_unit_for_any_of_its_files(course, file):
    for name in ("index", "postings"):
        course.exercise(name).write_text(course.solution(name).read_text())
    environment = {**os.environ, "IDEALCAT_COURSE": str(course.root), "XDG_STATE_HOME": str(course.root / "state")}
    run = [sys.executable, "-m", "pytest", "-q", f"exercises/{file}", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        run, cwd=course.root, env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "4 passed" in ended.stdout


@pytest.mark.slow
def test_its_release_starts(course):
    try_out(student_bundle(course), course)
