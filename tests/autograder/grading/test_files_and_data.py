"""A unit of several files whose code reads a file of data, in the whole course's life."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import join_files, starting_text, write_skeletons
from autograder.errors import CatalogError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec, course_hashes
from autograder.grading.verify import Verification, open_benches
from autograder.platforms.bundles import Grading, gradescope_bundle, student_bundle, try_out
from autograder.platforms.nbgrader.assignment import write_notebooks
from autograder.student.helping import reset

CATALOG = """
[course]
title = "Index"
preload = []

[[unit]]
name = "index"
title = "Index: where does a word stand?"
files = ["postings.py"]
data = ["texts/poem.txt"]

[unit.functions.postings]
points = 2
hints = ["Which words has a line?", "`str.split` and a dict of lists."]

[unit.functions.lookup]
points = 3
hints = ["Where is the poem?", "`open` and `postings`."]

[unit.functions.main]
points = 1
hints = ["Where is the word?", "`input`."]
"""
FILES = {
    "exercises/catalog.toml": CATALOG,
    "exercises/texts/poem.txt": "the fox\na dog\nthe dog\n",
    "exercises/lessons/index.md": "# Index\n",
    "solutions/postings.py": '''"""Postings: the lines of each word."""

import collections


def postings(text):
    """Return the numbers of the lines, from 1, in which each word stands."""
    # TODO: Split.
    ### BEGIN SOLUTION
    found = collections.defaultdict(list)
    for number, line in enumerate(text.splitlines(), 1):
        for word in line.split():
            found[word].append(number)
    return dict(found)
    ### END SOLUTION
''',
    "solutions/index.py": '''"""Index: look a word up in the poem, which is in `texts/poem.txt`."""

from postings import postings


def lookup(word):
    """Return the numbers of the poem's lines with a word; none for a word that it lacks."""
    # TODO: Read the poem and look the word up.
    ### BEGIN SOLUTION
    with open("texts/poem.txt") as file:
        return postings(file.read()).get(word, [])
    ### END SOLUTION


def main():
    """Read a word and print its lines."""
    # TODO: Print what lookup gives.
    ### BEGIN SOLUTION
    print(*lookup(input()))
    ### END SOLUTION


if __name__ == "__main__":
    main()
''',
    "solutions/mistakes/index.py": """from autograder.diagnose import mistake


@mistake("postings", "Lines are counted from 1.")
def counts_from_zero(text):
    found = {}
    for number, line in enumerate(text.splitlines()):
        for word in line.split():
            found.setdefault(word, []).append(number)
    return found


@mistake("lookup", "A word that the poem lacks has no lines.")
def fails_for_others(word):
    with open("texts/poem.txt") as file:
        lines = [line.split() for line in file]
    found = [number for number, words in enumerate(lines, 1) if word in words]
    if not found:
        raise KeyError(word)
    return found


@mistake("main", "The numbers are printed, without brackets.")
def prints_a_list():
    print(lookup(input()))
""",
    "tests/exercises/test_index.py": '''import pytest


@pytest.mark.points("postings", 2)
def test_postings(submission):
    """Each word has its lines."""
    assert submission.postings("a b\\\\nb") == {"a": [1], "b": [1, 2]}


@pytest.mark.points("lookup", 2)
def test_lookup(submission, reference):
    """A word of the poem has its lines."""
    for word in ("the", "dog", "fox"):
        assert submission.lookup(word) == reference.lookup(word) != []


@pytest.mark.points("lookup", 1)
@pytest.mark.depends_on("test_lookup")
def test_another_word(submission):
    """A word that the poem lacks has none."""
    assert submission.lookup("the") and submission.lookup("cat") == []


@pytest.mark.points("main", 1)
def test_main(submission):
    """The program prints the lines."""
    assert submission.run(stdin="dog\\\\n").output == "2 3\\\\n"
'''.replace("\\\\", "\\"),
}


@pytest.fixture
def course(tmp_path):
    root = tmp_path / "course"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text.lstrip("\n"))
    catalog = read_catalog(root)
    write_skeletons(catalog, catalog.select(None))
    return catalog


def outcomes(course, workers, folder):
    result = Grader(GradingSpec(course, require=()), workers).grade_path(folder)
    return {check.id.partition("::")[2]: (check.outcome.value, check.message, check.mistake) for check in result.checks}


def work(course, tmp_path, **changes):
    """Write the solutions as a student's files, with changes: text and what stands in its place, by module."""
    folder = tmp_path / "ann"
    folder.mkdir(exist_ok=True)
    for name in ("index", "postings"):
        text = course.solution(name).read_text().replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", "")
        old, new = changes.get(name, ("", ""))
        assert old in text
        (folder / f"{name}.py").write_text(text.replace(old, new) if old else text)
    return folder


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
    with pytest.raises(
        CatalogError, match=r"own.py line 1: a file of a unit imports another by `from ... import name`"
    ):
        join_files({"own": "import part\n", "part": part})


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
