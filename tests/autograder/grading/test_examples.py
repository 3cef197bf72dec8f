"""Examples that students write: they must hold for right versions, and are worth something if a wrong one fails."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autograder.cli.app import app
from autograder.course.catalog import read_catalog
from autograder.errors import UsageError
from autograder.grading.examples import TOP_LEVEL, read_examples, try_examples
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.grading.verify.authoring import shortcomings
from autograder.results.types import Outcome
from autograder.sandbox import Sandbox
from autograder.submissions import read_module
from autograder.submissions.submission import EXAMPLES

CATALOG = """
[course]
title = "Small"
[[unit]]
name = "unit"
title = "Unit"
seconds = 1
[unit.functions.shift]
points = 3
hints = ["What?", "So."]
[unit.functions.turn]
points = 1
hints = ["What?", "So."]
"""
SOLUTION = "def shift(x):\n    return x + 2\n\n\ndef turn(x):\n    return -x\n"
ALTERNATIVE = "def shift(x):\n    return sum((x, 1, 1))\n\n\ndef turn(x):\n    return 0 - x\n"
MISTAKES = """
from autograder.diagnose import mistake

@mistake("shift", "Shifts by one.")
def by_one(x):
    return x + 1

@mistake("shift", "Doubles instead of shifting.")
def doubles(x):
    return 2 * x
"""


@pytest.fixture
def course(tmp_path):
    files = {
        "exercises/catalog.toml": CATALOG,
        "exercises/unit.py": "def shift(x):\n    return x + 2\n",
        "solutions/unit.py": SOLUTION,
        "solutions/mistakes/unit.py": MISTAKES,
        "tests/alternatives/unit/other.py": ALTERNATIVE,
        "tests/exercises/test_unit.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "course" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "course"


def judge(course, text, function="shift", workers=None):
    path = course / "exercises" / "my_checks.py"
    path.write_text(text)
    own = None if (course / "solutions").is_dir() else path.with_name("unit.py")
    lend = (workers or InThisProcess()).worker
    return try_examples(read_catalog(course), function, read_examples(read_module(path, EXAMPLES)), lend, own)


def test_mistakes_are_caught_or_missed(course):
    found = judge(course, "from unit import shift\n\n\ndef test_two():\n    assert shift(2) == 4\n")
    assert found.right == ("test_two",)
    assert [each.name for each in found.caught] == ["by_one"]
    assert [each.name for each in found.missed] == ["doubles"]
    assert found.share == 0.5
    assert list(found.lines()) == [
        "shift: 1 of 1 examples hold for every right version.",
        "They catch 1 of 2 wrong versions.",
        "Not caught, for one: Doubles instead of shifting.",
    ]


def test_an_example_that_a_right_version_fails_is_worth_nothing(course):
    text = "from unit import shift\n\ndef test_two():\n    assert shift(2) == 4\n\ndef test_no():\n    assert shift(1) == 4\n"
    found = judge(course, text)
    assert found.wrong == {"test_no": 6}
    assert found.share == 0.0
    assert "  line 6: test_no fails for a right version." in found.lines()


def test_examples_beyond_the_first_twenty_are_told_to_count_for_nothing(course):
    idle = "".join(f"def test_{number}():\n    assert shift(0) != 9\n" for number in range(20))
    found = judge(course, f"from unit import shift\n{idle}def test_last():\n    assert shift(2) == 4\n")
    assert (found.caught, len(found.right)) == ((), 20)
    assert (
        "The first 20 examples are run, and 1 more counts for nothing: put what they say into fewer." in found.lines()
    )


def test_a_right_alternative_counts_as_the_solution_does(course):
    text = "import unit\n\ndef test_code():\n    assert unit.shift.__code__.co_names == ()\n"
    assert judge(course, text).wrong == {"test_code": 3}


@pytest.mark.parametrize(
    "look",
    [
        "unit.shift.__name__ == 'shift'",
        "unit.shift.__qualname__ == 'shift'",
        "unit.shift.__code__.co_name == 'shift'",
        "unit.shift and 'mistake' not in vars(unit)",
        "unit.shift.__code__.co_firstlineno == 1",
        "unit.shift.__defaults__ is None",
    ],
)
def test_an_example_that_looks_at_the_function_in_place_of_calling_it_catches_nothing(course, look):
    assert judge(course, f"import unit\n\n\ndef test_a():\n    assert {look}\n").caught == ()


def test_a_class_keeps_its_name_in_wrong_versions(course):
    (course / "solutions" / "unit.py").write_text(
        "class shift:\n    def __init__(self, x):\n        self.x = x + 2\n\n\ndef turn(x):\n    return -x\n"
    )
    shutil.rmtree(course / "tests" / "alternatives")
    mistakes = course / "solutions" / "mistakes" / "unit.py"
    mistakes.write_text(
        "from autograder.diagnose import mistake\n\n\n@mistake('shift', 'Shifts by one.')\nclass By:\n"
        "    def __init__(self, x):\n        self.x = x + 1\n"
    )
    looks, calls = (
        f"from unit import shift\n\n\ndef test_a():\n    assert {what}\n"
        for what in ("type(shift(1)).__name__ == 'shift'", "shift(1).x == 3")
    )
    assert judge(course, looks).caught == () and len(judge(course, calls).caught) == 1


@pytest.mark.parametrize(
    "text",
    [
        "from unit import shift\nassert shift(0) == 2\n",
        "from exercises.unit import shift as move\nfor number in (0, 5):\n    assert move(number) == number + 2\n",
        "import unit\nexpected = 7\nassert unit.shift(5) == expected\n",
        "import unit\nx = 0\nassert unit.shift(x) == 2\nx = 5\nassert unit.shift(x) == 7\n",
        "import unit\nx = 5\nassert unit.shift(x) == 7\nfor x in (0, 1):\n    assert unit.shift(x) == x + 2\nx = 9\n",
        "import unit\nx: int = 0\nassert unit.shift(x) == 2\nx += 5\nassert unit.shift(x) == 7\n",
        "import unit\nclass C: n = 0\nC.n += 1\nassert unit.shift(C.n) == 3\nassert C.n == 1\n",
        "try:\n    from nothing import *\nexcept ImportError:\n    from unit import *\n"
        "x = 0\ndef at():\n    return shift(x)\nassert at() == 2\nx = 5\nassert at() == 7\n",
    ],
)
def test_asserts_at_the_top_level_are_an_example(course, text):
    found = judge(course, text)
    assert found.right == (TOP_LEVEL,)
    assert found.share == 1.0


def test_a_helper_of_the_file_calls_for_an_example(course):
    text = "from unit import shift, turn\ndef holds(x):\n    return shift(x) == x + 2\ndef test_a():\n    assert holds(0)\n"
    text += "def test_of_turn():\n    assert turn(1) == -1\n"
    assert judge(course, text).right == ("test_a",)
    assert judge(course, text, "turn").right == ("test_of_turn",)


def test_a_helper_class_of_the_file_calls_for_an_example(course):
    text = "from unit import shift\nclass Holds:\n    def of(self, x):\n        return shift(x) == x + 2\n"
    assert judge(course, f"{text}def test_a():\n    assert Holds().of(0)\n").right == ("test_a",)


def test_a_helper_that_is_a_coroutine_calls_for_an_example(course):
    text = "import asyncio\nfrom unit import shift\nasync def run(x):\n    return shift(x)\n"
    assert judge(course, text + "def test_a():\n    assert asyncio.run(run(0)) == 2\n").right == ("test_a",)


def test_an_example_may_expect_an_exception(course):
    text = (
        "import pytest\nfrom unit import shift\ndef test_a():\n    with pytest.raises(TypeError):\n        shift('a')\n"
    )
    assert [each.name for each in judge(course, text).caught] == ["doubles"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def test_a(:\n", "my_checks.py:1 is not valid Python"),
        ("from unit import turn\ndef test_a():\n    assert turn(1) == -1\n", "my_checks.py has no example of shift"),
        ("import unit\nunit.shift(0)\n", "my_checks.py has no example of shift"),
        (
            "import pytest\nfrom unit import shift\n"
            "@pytest.mark.parametrize('x', [1, 2])\ndef test_a(x):\n    assert shift(x) == x + 2\n",
            "my_checks.py:4: test_a takes arguments, and an example is called without any",
        ),
        ("from unit import shift\nraise ValueError('no')\n\ndef test_a():\n    assert shift(1)\n", "ValueError: no"),
        (
            f"from unit import shift\ndef test_a():\n    assert shift({'+'.join('1' * 800)})\n",
            "my_checks.py has an expression that is nested too deep; write it in several statements",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(course, text, sentence):
    with pytest.raises(UsageError, match=sentence):
        judge(course, text)


def test_a_file_that_is_missing_says_so(course):
    with pytest.raises(UsageError, match=r"my_checks.py cannot be read \(No such file or directory\)"):
        read_examples(read_module(course / "my_checks.py", EXAMPLES))


def test_where_there_are_no_solutions_the_own_version_stands_for_them(course):
    shutil.rmtree(course / "solutions")
    found = judge(course, "from unit import shift\nassert shift(0) == 2\n\ndef test_no():\n    assert shift(0) == 3\n")
    assert list(found.lines()) == [
        "shift: 1 of 2 examples hold for your own version.",
        "  line 4: test_no fails for your version.",
        "How many wrong versions they catch is seen where the course has its solutions.",
    ]


HOSTILE = """
import inspect, os, unit

def test_source():
    assert False, inspect.getsource(unit) + str(unit.shift(0))

def test_death():
    unit.shift
    os._exit(0)

def test_endless():
    while unit.shift:
        pass

def test_two():
    assert unit.shift(2) == 4
"""


@pytest.mark.slow
def test_examples_that_misbehave_in_the_sandbox_tell_and_stop_nothing(course):
    with Sandbox() as sandbox:
        found = judge(course, HOSTILE, workers=sandbox)
    assert set(found.wrong) == {"test_source", "test_death", "test_endless"}
    assert [each.name for each in found.caught] == ["by_one"]
    assert "x + 2" not in "".join(found.lines())


def test_without_a_file_of_examples_the_command_says_what_to_write(course, monkeypatch):
    monkeypatch.setitem(os.environ, "IDEALCAT_COURSE", str(course))
    error = CliRunner().invoke(app, ["examples", "shift"]).exception
    assert "my_checks.py is not there; write it with a function test_... that calls shift and asserts" in str(error)


def test_the_command(course, monkeypatch):
    monkeypatch.setitem(os.environ, "IDEALCAT_COURSE", str(course))
    Path(course, "exercises", "my_checks.py").write_text("from unit import shift\nassert shift(0) == 2\n")
    run = CliRunner().invoke(app, ["examples", "shift"])
    assert run.exit_code == 0
    assert "They catch 2 of 2 wrong versions." in run.stdout
    Path(course, "exercises", "my_checks.py").write_text("from unit import shift\nassert shift(0) == 3\n")
    assert CliRunner().invoke(app, ["examples", "shift"]).exit_code == 1


@pytest.mark.parametrize("known", [True, False])
def test_points_for_examples_that_nobody_can_earn_are_found(course, known):
    path = course / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("points = 3\n", "points = 3\nexamples = 4\n"))
    if not known:
        (course / "solutions" / "mistakes" / "unit.py").unlink()
    catalog = read_catalog(course)
    found = [problem for problem in shortcomings(catalog, catalog.units["unit"]) if "examples" in problem]
    sentence = (
        "unit, shift: no examples can earn its examples = 4, as it has no known mistake to catch;"
        " write one in solutions/mistakes/unit.py, or leave `examples` out"
    )
    assert found == ([] if known else [sentence])


@pytest.mark.parametrize(
    ("text", "outcome", "points", "message"),
    [
        ("from unit import shift\nassert shift(0) == 2\n", Outcome.PASSED, 4.0, ""),
        ("from unit import shift\nassert shift(2) == 4\n", Outcome.FAILED, 2.0, "They catch 1 of 2 wrong versions"),
        ("from unit import shift\nassert shift(2) == 5\n", Outcome.FAILED, 0.0, "line 2: test_top_level fails"),
        ("import unit\n", Outcome.FAILED, 0.0, "my_checks.py has no example of shift"),
        (None, Outcome.NOT_RUN, 0.0, "my_checks.py was not handed in"),
    ],
)
def test_the_catalog_gives_points_for_examples(course, tmp_path, text, outcome, points, message):
    entries = (course / "exercises" / "catalog.toml").read_text()
    (course / "exercises" / "catalog.toml").write_text(entries.replace("points = 3\n", "points = 3\nexamples = 4\n"))
    (course / "tests" / "exercises" / "test_unit.py").write_text(
        "import pytest\n@pytest.mark.points('shift', 3)\ndef test_a(submission):\n    assert submission.shift(0) == 2\n"
    )
    folder = tmp_path / "alice"
    folder.mkdir()
    (folder / "unit.py").write_text("def shift(x):\n    return x + 2\n")
    if text is not None:
        (folder / "my_checks.py").write_text(text)
    result = Grader(GradingSpec(read_catalog(course), require=()), InThisProcess()).grade_path(folder)
    check = result.checks[-1]
    assert (check.id, check.outcome, check.points, check.max_points) == ("unit::my_checks[shift]", outcome, points, 4.0)
    assert message in check.message
    assert (result.score, result.max_score) == (3.0 + points, 7.0)
    assert result.not_taken == ()


def test_a_mark_by_hand_may_be_as_high_as_checks_and_examples_together(course):
    path = course / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("points = 3\n", "points = 3\nexamples = 4\n"))
    assert read_catalog(course).points == {"shift": 7.0, "turn": 1.0}
