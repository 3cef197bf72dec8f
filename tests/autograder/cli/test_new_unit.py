"""A new unit: its start as a command writes it, and docs/author.md followed to the letter."""

import re
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.verify import Verification, open_benches
from tests.autograder.conftest import ROOT

AUTHOR = (ROOT / "docs" / "author.md").read_text()
#: The file that a block is for is named right before it.
BLOCKS = re.findall(r"`([\w/]+\.\w+)`[^`]*:\n\n```(\w+)\n(.*?)```", AUTHOR, re.DOTALL)


def findings(root, name, seeds=2):
    catalog = read_catalog(root)
    with open_benches(root, 1) as run_trials:
        return list(Verification(catalog, catalog.select([name]), run_trials, seeds).findings())


@pytest.mark.slow
def test_the_start_of_a_unit_is_whole(own_course, command):
    code, out = command("new-unit", "solarize")
    assert code == 0
    written = [Path(line.removeprefix("wrote ")) for line in out.splitlines() if line.startswith("wrote ")]
    assert {path.relative_to(own_course).as_posix() for path in written} == {
        "solutions/solarize.py",
        "exercises/solarize.py",
        "tests/exercises/test_solarize.py",
        "solutions/mistakes/solarize.py",
        "exercises/lessons/solarize.md",
        "exercises/catalog.toml",
    }
    assert "autograder verify --units solarize --seeds 2" in out
    assert list(read_catalog(own_course).units)[-1] == "solarize"
    problems = [problem for finding in findings(own_course, "solarize") for problem in finding.problems]
    assert problems == []


def test_a_student_meets_the_new_unit(own_course, command, student_pytest):
    command("new-unit", "solarize")
    run = student_pytest("exercises/solarize.py", cwd=own_course)
    assert "- Zero becomes one, and one becomes zero: not written yet (" in run.text
    assert "  - Solarize: 0 of 2 points" in command()[1]
    assert "Which question leads there?" in command("hint", "solarize")[1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Solarize", "'Solarize' cannot be the name of a unit; take small letters, digits and underscores"),
        ("class", "'class' cannot be the name of a unit, as it is a keyword of Python; take another name"),
        ("../quiz", "cannot be the name of a unit"),
        ("quiz", "the course has a unit or a function quiz already; take another name"),
        ("denoise", "the course has a unit or a function denoise already"),
        ("autograder", "is the name of a package that the autograder imports, which the student's file would hide"),
    ],
)
def test_a_name_that_cannot_be_is_refused(own_course, command, name, words):
    before = (own_course / "exercises" / "catalog.toml").read_text()
    code, out = command("new-unit", name)
    assert code == 2 and words in out
    assert (own_course / "exercises" / "catalog.toml").read_text() == before


@pytest.mark.parametrize(
    "place", ["solutions/solarize.py", "solutions/mistakes/solarize.py", "exercises/lessons/solarize.md"]
)
def test_a_file_that_is_there_is_kept(own_course, command, place):
    (own_course / place).write_text("mine\n")
    code, out = command("new-unit", "solarize")
    assert code == 2 and "is there already; take another name, or move it away" in out
    assert (own_course / place).read_text() == "mine\n"


def test_the_next_command_after_a_new_course_can_be_typed_as_it_is_shown(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert 'cd "a new course"; autograder verify' in command("new-course", "a new course")[1]


def test_the_authors_page_is_a_unit_in_a_hundred_lines():
    assert [name for name, _, _ in BLOCKS] == [
        "solutions/solarize.py",
        "tests/exercises/test_solarize.py",
        "solutions/mistakes/solarize.py",
        "exercises/lessons/solarize.md",
        "exercises/catalog.toml",
    ]
    lines = [line for _, _, text in BLOCKS for line in text.splitlines() if line.strip()]
    assert len(lines) < 100


@pytest.mark.slow
def test_the_authors_page_followed_to_the_letter(own_course, command):
    command("new-unit", "solarize")
    for name, _, text in BLOCKS:
        path = own_course / name
        if path.name == "catalog.toml":
            text = path.read_text().rpartition("[[unit]]")[0] + text
        path.write_text(text)
    assert command("release", "skeletons", "--units", "solarize")[0] == 0
    code, out = command("verify", "--units", "solarize", "--seeds", 2, "--jobs", 1)
    assert code == 0, out
    shown = re.findall(r"^\+ .*$", AUTHOR, re.MULTILINE)
    assert shown == [line for line in out.splitlines() if line.startswith("+ ")]


def test_a_new_course_is_whole(command, student_pytest, tmp_path, monkeypatch):
    code, out = command("new-course", tmp_path / "word games")
    assert code == 0, out
    course = tmp_path / "word games"
    assert read_catalog(course).title == "Word games"
    assert (course / "pyproject.toml").read_text().startswith('[project]\nname = "word-games"\n')
    run = student_pytest("exercises", cwd=course)
    assert {check.outcome.value for check in run.checks.values()} == {"not_written"}
    run = student_pytest("tests", cwd=course)
    assert (run.code, len(run.checks)) == (0, 2)
    assert command("new-course", course)[0] == 2


def test_a_new_course_may_have_any_name(command, tmp_path):
    course = tmp_path / 'My "A" \\ course'
    assert command("new-course", course)[0] == 0
    assert read_catalog(course).title == "My  a    course"


def test_a_unit_is_made_in_the_course_of_the_working_directory_alone(command, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, out = command("new-unit", "tokens")
    assert (code, "there is no course in this folder" in out) == (2, True)


@pytest.mark.parametrize("entries", ["[course]\ntitle = 'Text'\n", "unit = []\n[course]\ntitle = 'Text'\n"])
def test_the_first_unit_of_a_catalog(command, tmp_path, monkeypatch, entries):
    (tmp_path / "text" / "exercises").mkdir(parents=True)
    (tmp_path / "text" / "exercises" / "catalog.toml").write_text(entries)
    monkeypatch.chdir(tmp_path / "text")
    assert command("new-unit", "tokens")[0] == 0
    assert list(read_catalog(tmp_path / "text").units) == ["tokens"]
