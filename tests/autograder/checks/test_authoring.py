"""Checks as people write tests with pytest: the same at home and graded."""

from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.results.types import Outcome

COURSE = {
    "exercises/catalog.toml": """
[course]
title = "Words"

[[unit]]
name = "words"
title = "Words"
seconds = 2

[unit.functions.count]
points = 7
""",
    "tests/exercises/conftest.py": '''"""Shared fixtures."""
import pytest


@pytest.fixture
def seed(rng):
    return rng.initial_seed()


@pytest.fixture
def fable(rng, seed):
    return "a fox and a crow"
''',
    "tests/exercises/test_words.py": '''"""Checks of words."""
import pytest
from hypothesis import given, settings, strategies

SEEN = []


@pytest.mark.points("count", 1)
def test_conftest(submission, fable):
    """A fable."""
    assert submission.count(fable)["a"] == 2


@pytest.mark.points("count", 1)
def test_file(submission, tmp_path):
    """A file."""
    (tmp_path / "fable.txt").write_text("a b a")
    assert submission.count_file(tmp_path / "fable.txt") == {"a": 2, "b": 1}


@pytest.mark.points("count", 1)
def test_raises(submission):
    """An error."""
    with pytest.raises(ValueError, match="empty"):
        submission.count("")


@pytest.mark.points("count", 1)
def test_fail(submission):
    """Words of the author's."""
    if submission.count("b")["b"] != 1:
        pytest.fail("b is one word")


@pytest.mark.points("count", 1)
@settings(max_examples=5)
@given(strategies.text("ab ", min_size=1))
def test_any_text(submission, text):
    """Any text."""
    SEEN.append(text)
    assert sum(submission.count(text + "a").values()) >= 1


@pytest.mark.points("count", 1)
def test_partial(submission, partial):
    """In two steps."""
    assert submission.count("c")["c"] == 1
    partial(0.6)
    assert submission.count("C")["c"] == 1


@pytest.mark.points("count", 1)
def test_stumbles(submission):
    """A value that the check cannot work with."""
    assert next(iter(submission.count("d"))) == "d"
''',
    "solutions/words.py": "",
}
RIGHT = """
from collections import Counter
from pathlib import Path


def count(text):
    if not text:
        raise ValueError("the text is empty")
    return dict(Counter(text.lower().split()))


def count_file(path):
    return count(Path(path).read_text())
"""
WRONG = """
def count(text):
    return {word: 2 for word in text.split() if word != "d"}


def count_file(path):
    return {}
"""


@pytest.fixture
def course(tmp_path):
    for name, text in COURSE.items():
        path = tmp_path / "course" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip())
    return tmp_path / "course"


def graded(course: Path, text: str, workers=None, seed: str = "a seed"):
    folder = course.parent / "handed in"
    folder.mkdir(exist_ok=True)
    (folder / "words.py").write_text(text)
    spec = GradingSpec(read_catalog(course), seed=seed, require=())
    return {
        check.id.partition("::")[2]: check
        for check in Grader(spec, workers or InThisProcess()).grade_path(folder).checks
    }


@pytest.mark.parametrize("kind", ["in process", pytest.param("sandboxed", marks=pytest.mark.slow)])
def test_a_right_answer_passes(course, kind, request):
    workers = request.getfixturevalue("sandbox") if kind == "sandboxed" else None
    checks = graded(course, RIGHT, workers)
    assert {name: check.message for name, check in checks.items() if check.outcome is not Outcome.PASSED} == {}


def test_a_wrong_answer_is_told_after_its_call(course):
    checks = graded(course, WRONG)
    assert {check.outcome for check in checks.values()} == {Outcome.FAILED, Outcome.PASSED}
    told = {name: check.message for name, check in checks.items()}
    assert told["test_file"].startswith("count_file(")
    assert "returned {}, which does not hold: assert {} ==" in told["test_file"]
    assert told["test_raises"] == "count('') returned {}, expected ValueError"
    assert told["test_fail"] == "count('b') returned {'b': 2}, which does not hold: b is one word"
    assert told["test_stumbles"] == "count('d') returned {}, which the check cannot work with (StopIteration)"


def test_an_error_with_other_words_is_quoted(course):
    message = graded(course, RIGHT.replace("the text is empty", "odd"))["test_raises"].message
    assert message.startswith("Regex pattern did not match. Expected regex: 'empty' Actual message: ")


def test_a_check_gives_a_part_of_its_points(course):
    check = graded(course, RIGHT.replace(".lower()", ""))["test_partial"]
    assert (check.outcome, check.points) == (Outcome.FAILED, 0.6)
    assert check.from_dict(check.to_dict()) == check


def test_hypothesis_draws_from_the_seed_of_the_submission(course):
    log = course.parent / "drawn.txt"
    noted = f"    open({str(log)!r}, 'a').write(repr(text))\n"
    text = f"{RIGHT}\n_count = count\ndef count(text):\n{noted}    return _count(text)\n"
    drawn = []
    for seed in ("one", "one", "two"):
        graded(course, text, seed=seed)
        drawn.append(log.read_text())
        log.unlink()
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.slow
def test_at_home_it_is_the_same(course, student_pytest):
    (course / "exercises" / "words.py").write_text(RIGHT)
    run = student_pytest("exercises/words.py", cwd=course)
    assert {check.message for check in run.checks.values()} == {""}, run.text
    (course / "exercises" / "words.py").write_text(WRONG)
    run = student_pytest("exercises/words.py", cwd=course)
    assert run.checks["words::test_raises"].message == "count('') returned {}, expected ValueError"
