"""Checks as an author of a small course writes them, on answers that are wrong: the sentence, the outcome and the mistake."""

from pathlib import Path

import pytest

from autograder.checks.faults import program_end
from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.messages import parse_sentence, show_sentence, speaking
from autograder.results.types import CheckResult, Outcome
from autograder.submissions import Module

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
    module = "class Box(Box):\n    def __iter__(self):\n        return iter([1])\n"
    module += "\n\n@dataclasses.dataclass\nclass Span:\n    start: int\n"
    told = sentences(
        tmp_path,
        f"import dataclasses\n\n\n{module}",
        "assert submission.Box(2) == [1]",
        "assert submission.Span(1) == submission.Span(2)",
        "assert submission.same(submission.Span(1)) == submission.Span(2)",
    )
    assert told[:2] == [
        "Box(2) == [1] returned False, which does not hold: assert Box(2) == [1]",
        "Span(1) == Span(2) returned False, which does not hold: assert Span(1) == Span(2)",
    ]
    assert " == " in told[2].partition(" returned False")[0]


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


def test_classes_of_python_cross_and_others_are_the_checks_fault(tmp_path):
    module = (
        "def of_kind(values, kind):\n    return [value for value in values if isinstance(value, kind)]\n\n\n"
        "def retry(action, kinds):\n    try:\n        return action()\n    except kinds as error:\n"
        "        return type(error).__name__\n\n\n"
        "class Odd(Exception):\n    kind = int\n    size = 5\n\n\ndef odd():\n    raise Odd\n\n\n"
        "def hands_over(function):\n    return function(int)\n"
    )
    right = results(
        tmp_path,
        module,
        "assert submission.of_kind([1, 'a', True], int) == [1, True]",
        "assert submission.of_kind([1, 'a', True], (str, bool)) == ['a', True]",
        "def fail(): raise KeyError('a')\nassert submission.retry(fail, (ValueError, KeyError)) == 'KeyError'",
        "assert submission.retry(lambda: 1, ValueError) == 1",
        "with pytest.raises(Exception) as info: submission.odd()\nassert info.value.size == 5",
    )
    assert {check.message for check in right} == {""}
    (told,) = sentences(tmp_path, module, "submission.of_kind([1], fractions.Fraction)", outcome=Outcome.ERROR)
    assert "the check passes the class Fraction, and only Python's own classes cross" in told
    (told,) = sentences(tmp_path, module, "submission.hands_over(lambda value: 1)")
    assert "was called with the class int itself" in told


CRASHES = """
def main():
    total = 0
    print("sum")
    total += input()


if __name__ == "__main__":
    main()
"""


def test_the_exception_that_ends_a_program_is_told(tmp_path):
    line = (RIGHT + CRASHES).splitlines().index("    total += input()") + 1
    error = "TypeError: unsupported operand type(s) for +=: 'int' and 'str'"
    told = sentences(
        tmp_path,
        CRASHES,
        "assert submission.run(stdin='4').output == '4'",
        "assert_equal(submission.run(stdin='4').output, '4')",
        "program = submission.run(stdin='4')\nassert program.exit_code == 0",
    )
    end = f"; the program ended with {error} (unit.py:{line})"
    assert told == [
        r"unit.py with the input '4' returned exit code 1 and the output 'sum\n', which does not hold: "
        rf"assert 'sum\n' == '4'{end}",
        rf"unit.py with the input '4' printed 'sum\n', expected '4'{end}",
        rf"unit.py with the input '4' returned exit code 1 and the output 'sum\n', which does not hold: assert 1 == 0{end}",
    ]


@pytest.mark.parametrize(
    ("complaint", "end"),
    [
        ("total 5\n", ""),
        (
            'Traceback (most recent call last):\n  File "unit.py", line 3, in f\n    f()\nKeyError: 1\n',
            "KeyError: 1 (unit.py:3)",
        ),
        (
            '  File "unit.py", line 2\n    f(\n     ^\nSyntaxError: it was never closed\n',
            "SyntaxError: it was never closed (unit.py:2)",
        ),
        (f'  File "json.py", line 2\n{"E" * 999}\x1b\n', f"{'E' * 297}..."),
    ],
)
def test_what_ended_a_program_is_read_from_its_traceback(complaint, end):
    assert program_end(complaint, Module("unit", "unit.py", "")) == end


def test_a_mistake_in_the_order_of_keys_alone_is_named(tmp_path):
    check = "assert list(submission.counts(['b', 'a'])) == ['a', 'b']"
    wrong = "def counts(words):\n    return {word: 1 for word in words}\n"
    (found,) = results(tmp_path, wrong, check, function="counts")
    assert found.mistake == "counts_as_given"
    other = "def counts(words):\n    return {word: 1 for word in 2 * words[::-1] + ['c']}\n"
    (found,) = results(tmp_path, other, check, function="counts")
    assert found.outcome is Outcome.FAILED and found.mistake is None


def test_a_value_that_a_check_cannot_pass_is_told_without_advice_for_students(tmp_path):
    told = sentences(
        tmp_path,
        "",
        "submission.same(ValueError('x'))",
        "class Stranger: pass\nsubmission.same(Stranger())",
        outcome=Outcome.ERROR,
    )
    assert told == [
        "the check itself failed with CheckError: the check passes a ValueError to same(ValueError('x')): it cannot cross",
        "the check itself failed with CheckError: the check passes a tests.exercises.test_unit.test_1.<locals>.Stranger "
        "to same(Stranger): it cannot cross",
    ]


LANGUAGE = """
msgid "returned {value}, which does not hold: {problem}"
msgstr "grąžino {value}, o tai netinka: {problem}"
"""


def test_the_sentence_of_a_plain_assert_is_translated(tmp_path):
    path = tmp_path / "locale" / "lt" / "LC_MESSAGES" / "course.po"
    path.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    for each in (path, tmp_path / "locale" / "course.pot"):
        each.write_text(head + LANGUAGE, encoding="utf-8")
    (english,) = sentences(tmp_path, "def same(value):\n    return 3\n", "assert submission.same(2) == 2")
    assert english == "same(2) returned 3, which does not hold: assert 3 == 2"
    stored = parse_sentence(english, path.parents[2], call="same(2)")
    with speaking("lt", path.parents[2]):
        assert show_sentence(stored, english) == "same(2) grąžino 3, o tai netinka: assert 3 == 2"
