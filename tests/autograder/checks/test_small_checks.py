"""Checks as an author of a small course writes them, on answers that are wrong: the sentence, the outcome and the mistake."""

from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult, Outcome

HEAD = "import dataclasses, enum, fractions\nimport pytest\nfrom autograder.compare import *\n\n\n"
RIGHT = """
class MyError(Exception):
    pass


def ends(values):
    return values[0], values[-1]


def evens(values):
    return [value for value in values if value % 2 == 0]


def note(path):
    path.write_text("noted")


def counts(words):
    return {word: words.count(word) for word in sorted(words)}


class Box:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side**2

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.side = 0


class Counter:
    def add(self, by=1, times=1):
        return by * times

    def format(self):
        return "0"


def same(value):
    return value


def fails(value):
    raise MyError(value)
"""
MISTAKES = """
from autograder.diagnose import mistake


@mistake("ends", "Only the first is returned.")
def returns_first(values):
    return values[0]


@mistake("note", "Nothing is written.")
def writes_nothing(path):
    pass


@mistake("counts", "The words are not in the order of the alphabet.")
def counts_as_given(words):
    return {word: words.count(word) for word in words}
"""


def results(root: Path, module: str, *checks: str, function: str = "same") -> list[CheckResult]:
    """Return the results of checks, each given by its lines, on a module that is right but for these definitions."""
    body = "".join(
        f'@pytest.mark.points("{function}", 1)\ndef test_{number}(submission, reference, folder):\n    """Line."""\n'
        + "".join(f"    {line}\n" for line in lines.splitlines())
        + "\n\n"
        for number, lines in enumerate(checks)
    )
    files = {
        "exercises/catalog.toml": f'[course]\ntitle = "C"\n[[unit]]\nname = "unit"\ntitle = "U"\nseconds = 5\n'
        f"[unit.functions.{function}]\npoints = {len(checks)}\n",
        "tests/exercises/test_unit.py": HEAD + body,
        "solutions/unit.py": RIGHT,
        "solutions/mistakes/unit.py": MISTAKES,
        "handed in/unit.py": RIGHT + module,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    spec = GradingSpec(read_catalog(root), seed="a seed", require=())
    return list(Grader(spec, InThisProcess()).grade_path(root / "handed in").checks)


def sentences(root: Path, module: str, *checks: str, outcome: Outcome = Outcome.FAILED) -> list[str]:
    found = results(root, module, *checks)
    assert {check.outcome for check in found} == {outcome}, [check.message for check in found]
    return [check.message for check in found]


def test_a_method_with_the_name_of_an_operator_is_told_as_a_method(tmp_path):
    told = sentences(
        tmp_path,
        "",
        "assert submission.Counter().add() == 2",
        "assert submission.Counter().add(2, 3) == 2",
        "assert submission.Counter().format() == 2",
    )
    assert [text.partition(" returned ")[0] for text in told] == [
        "Counter().add()",
        "Counter().add(2, 3)",
        "Counter().format()",
    ]


@pytest.mark.parametrize(
    ("function", "module", "check"),
    [
        ("ends", "def ends(values):\n    return values[0]\n", "first, last = submission.ends([1, 2, 3])"),
        ("note", "def note(path):\n    return None\n", "submission.note(folder / 'a')\n(folder / 'a').read_text()"),
    ],
)
def test_a_mistake_is_named_although_the_check_stumbles_over_the_answer(tmp_path, function, module, check):
    (found,) = results(tmp_path, module, check, function=function)
    assert found.outcome is Outcome.FAILED and found.mistake is not None, found.message


@pytest.mark.parametrize(("code", "kind"), [("filter(None, values)", "filter"), ("(v for v in values)", "generator")])
def test_an_iterator_that_is_compared_with_a_list_is_told_as_one(tmp_path, code, kind):
    told = sentences(
        tmp_path,
        f"def evens(values):\n    return {code}\n",
        "assert submission.evens([1, 2]) == [2]",
        "assert [2] == submission.evens([1, 2])",
    )
    assert told == [f"evens([1, 2]) returned a {kind}, expected a list: list(...) makes one of it"] * 2


def test_pytest_explains_an_assert_without_asking_the_object(tmp_path):
    module = "class Box:\n    def __init__(self, side):\n        self.side = side\n    def __iter__(self):\n        return iter([1])\n"
    (told,) = sentences(tmp_path, module, "assert submission.Box(2) == [1]")
    assert told == "Box(2) == [1] returned False, which does not hold: assert Box(2) == [1]"


def test_the_end_of_a_with_statement_is_no_call_that_a_check_asks_about(tmp_path):
    told = sentences(
        tmp_path,
        "class Box(Box):\n    def area(self):\n        return 6\n",
        "with submission.Box(2) as box: assert box.area() == 4",
        "with submission.Box(2) as box: assert_equal(box.area() + 1, 5)",
        "with submission.Box(2) as box: first, last = box.area()",
    )
    assert told == [
        "Box(2).area() returned 6, which does not hold: assert 6 == 4",
        "Box(2).area() returned 7, expected 5",
        "Box(2).area() returned 6, which the check cannot work with (TypeError: cannot unpack non-iterable int object)",
    ]


def test_a_class_of_the_students_as_an_exception_is_the_checks_fault(tmp_path):
    told = sentences(
        tmp_path,
        "",
        "with pytest.raises(submission.MyError): submission.fails(1)",
        "submission.same(1)\nwith pytest.raises(submission.MyError): submission.fails(1)",
        "submission.same(1)\ntry: submission.fails(1)\nexcept submission.MyError: pass",
        outcome=Outcome.ERROR,
    )
    assert all("assert_raises(submission.NAME, ...) takes it" in text for text in told), told
