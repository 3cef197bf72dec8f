"""The example course in `examples/`: small, verified, and released in every way."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import starting_text
from autograder.errors import GraderError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.grading.verify import Verification, open_benches
from autograder.platforms.bundles import Grading, gradescope_bundle, student_bundle, try_out, write_bundle
from autograder.platforms.nbgrader.assignment import write_notebooks
from tests.autograder.platforms.nbgrader_course import command, exported, marks, nbgrader

COURSE = Path(__file__).parents[3] / "examples" / "words_and_trees"
POINTS = {"words": 10.0, "attention": 8.0, "trees": 10.0}
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def example():
    return read_catalog(COURSE)


def test_it_is_small(example):
    files = [
        path
        for path in COURSE.rglob("*")
        if path.suffix in (".py", ".toml", ".md") and ".pytest_cache" not in path.parts
    ]
    assert sum(len(path.read_text().splitlines()) for path in files) < 800
    assert {unit.name: unit.points for unit in example.units.values()} == POINTS


def test_its_skeletons_are_in_step_and_ask_the_question(example):
    for unit in POINTS:
        assert (COURSE / "exercises" / f"{unit}.py").read_text() == starting_text(example, unit)
    assert "### BEGIN ANSWER exclusive_or" in starting_text(example, "trees")


@pytest.mark.parametrize("folder", ["exercises", "solutions"])
def test_it_is_graded(example, sandbox, folder):
    result = Grader(GradingSpec(example, require=()), sandbox).grade_path(COURSE / folder)
    assert {check.outcome.value for check in result.checks} == {"not_written" if folder == "exercises" else "passed"}
    assert (result.score, result.max_score) == (0.0 if folder == "exercises" else 28.0, 28.0)


def test_a_mistake_in_a_program_and_in_a_class_is_named(example, tmp_path):
    words = (COURSE / "solutions" / "words.py").read_text()
    trees = (COURSE / "solutions" / "trees.py").read_text()
    (tmp_path / "words.py").write_text(
        words.replace('with open("words.txt", "w") as file:\n        file.writelines(lines)', "pass")
    )
    (tmp_path / "trees.py").write_text(
        trees.replace("parts = (labels[low], labels[~low])", "parts = (labels[~low], labels[low])")
    )
    spec = GradingSpec(example, units=("words", "trees"), require=())
    checks = Grader(spec, InThisProcess()).grade_path(tmp_path).checks
    assert {check.mistake for check in checks if check.outcome.value == "failed"} == {"writes_nothing", "Swapped"}
    failed = {check.id: check for check in checks if check.outcome.value == "failed"}
    assert failed["words::test_the_program_writes"].points == 0.5
    assert failed["trees::test_a_stump_predicts"].message.startswith("Stump().predict(array of shape (4, 2)) returned ")


@pytest.mark.slow
def test_verify_is_clean(example):
    with open_benches(COURSE, 2) as run_trials:
        findings = list(Verification(example, list(example.units.values()), run_trials, 2).findings())
    assert [problem for finding in findings for problem in finding.problems] == []


@pytest.mark.slow
def test_the_students_release_starts(example, tmp_path):
    files = student_bundle(example)
    try_out(files, example)
    assert "tests/exercises/conftest.py" in files
    assert not any(name.startswith("data/") for name in files)
    broken = files | {"tests/exercises/test_trees.py": b"import trees_of_the_course\n"}
    with pytest.raises(GraderError, match=r"nothing was released: .* trees .* the skeleton: .*No module named"):
        try_out(broken, example)
    del files["tests/exercises/conftest.py"]
    files["tests/exercises/test_words.py"] = b"import words_of_the_course\n"
    with pytest.raises(GraderError, match=r"nothing was released: .* words .* the skeleton: .*No module named"):
        try_out(files, example)


@pytest.mark.slow
def test_gradescope_grades_it(example, tmp_path):
    files = gradescope_bundle(example, Grading("", "points", "of the tests"))
    try_out(files, example)
    write_bundle(files, tmp_path / "base" / "source")
    (tmp_path / "base" / "submission").mkdir()
    for unit in POINTS:
        shutil.copy(COURSE / "solutions" / f"{unit}.py", tmp_path / "base" / "submission")
    environment = {**os.environ, "AUTOGRADER": str(tmp_path / "base"), "AUTOGRADER_BIN": str(BIN)}
    run = [tmp_path / "base" / "source" / "run_autograder"]
    subprocess.run(run, env=environment, check=True, capture_output=True, timeout=600)
    results = json.loads((tmp_path / "base" / "results" / "results.json").read_text())
    assert results["score"] == sum(POINTS.values())


@pytest.mark.slow
@pytest.mark.parametrize("unit", list(POINTS))
def test_nbgrader_grades_it(tmp_path, unit):
    pytest.importorskip("nbgrader")
    root = shutil.copytree(COURSE, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    catalog = read_catalog(root)
    write_notebooks(catalog, catalog.select([unit]), root / "class")
    nbgrader(root / "class", "generate_assignment", unit)
    assert "SOLUTION" not in (root / "class" / "release" / unit / f"{unit}.ipynb").read_text()
    for student, part in {"alice": "source", "bob": "release"}.items():
        handed_in = root / "class" / "submitted" / student / unit
        handed_in.mkdir(parents=True)
        shutil.copy(root / "class" / part / unit / f"{unit}.ipynb", handed_in)
    nbgrader(root / "class", "autograde", unit)
    assert marks(root / "class") == {"alice": POINTS[unit], "bob": 0.0}


#: Print the points of the question in nbgrader's gradebook; with an argument, grade it there by hand first.
IN_THE_GRADEBOOK = """
import sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db") as book:
    grade = book.find_grade("answer-exclusive_or", "trees", "trees", "alice")
    for points in sys.argv[1:]:
        grade.manual_score = float(points)
        book.db.commit()
    print(grade.max_score, grade.auto_score, grade.manual_score, grade.needs_manual_grade)
"""
ANSWER = "Each half has both labels; a tree of depth two."


@pytest.mark.slow
def test_a_question_goes_from_nbgraders_notebook_to_its_gradebook(tmp_path):
    """The whole way: answers, the table that an assistant fills in, and points given in nbgrader's own form grader."""
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("nbgrader")
    root = shutil.copytree(COURSE, tmp_path / "course", ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))
    course, catalog = root / "class", read_catalog(root)
    write_notebooks(catalog, catalog.select(["trees"]), course)
    nbgrader(course, "generate_assignment", "trees")
    assert "leaves labels of both kinds" not in (course / "release" / "trees" / "trees.ipynb").read_text()
    notebook = nbformat.read(course / "source" / "trees" / "trees.ipynb", 4)
    (cell,) = [cell for cell in notebook.cells if cell.id == "answer-exclusive_or"]
    assert cell.metadata.nbgrader.grade and cell.metadata.nbgrader.solution and cell.metadata.nbgrader.points == 4
    for student, answer in {"alice": ANSWER, "bob": cell.source}.items():
        cell.source = answer
        (course / "submitted" / student / "trees").mkdir(parents=True)
        nbformat.write(notebook, course / "submitted" / student / "trees" / "trees.ipynb")
    (course / "gradebook_of_alice.py").write_text(IN_THE_GRADEBOOK)

    def grade():
        command(course, "autograder", "grade", "--nbgrader", course, "--assignment", "trees", "-o", course / "out")
        with (course / "out" / "grades.csv").open() as file:
            rows = {row["submission"]: row for row in csv.DictReader(file)}
        return [float(rows["alice"][column]) for column in ("score", "max_score")], rows["alice"]["trail"]

    score, trail = grade()
    assert score == [10.0, 14.0] and "graded by hand" in trail
    assert command(course, "gradebook_of_alice") == (0, "4.0 None None True\n")
    _, text = command(course, "autograder", "report", "out", "--as", "by-hand")
    waiting = {row["submission"]: row for row in csv.DictReader(io.StringIO(text))}
    assert waiting["alice"]["answer"] == ANSWER and waiting["alice"]["most"] == "4"
    (course / "out" / "manual-ann.csv").write_text(
        "submission,function,points,comment,rubric\nalice,exclusive_or,,which halves?,halves;deeper\n"
    )
    assert grade()[0] == [14.0, 14.0]
    assert command(course, "gradebook_of_alice") == (0, "4.0 4.0 None False\n")
    command(course, "gradebook_of_alice", 1.5)
    assert grade()[0] == [11.5, 14.0]
    assert command(course, "gradebook_of_alice") == (0, "4.0 4.0 1.5 True\n")
    assert [row["score"] for row in exported(course) if row["student_id"] == "alice"] == ["11.5"]
