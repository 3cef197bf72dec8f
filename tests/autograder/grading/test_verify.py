"""The grader graded: on a small course in which one thing at a time is wrong, verify says which."""

import ast
import json
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.course.skeletons import skeleton
from autograder.errors import GraderError
from autograder.grading.verify import Verification
from autograder.grading.verify import verification as questions
from autograder.grading.verify.authoring import check_problems
from autograder.grading.verify.mutants import mutants_of, read_survivors
from autograder.grading.verify.trials import Bench, Trial, nothing_text
from autograder.grading.verify.validity import Share, Verdict, Verdicts
from tests.autograder.small_course import RIGHT, make_course

ROOT = Path(__file__).parents[3]
CATALOG = """
[course]
title = "Small"
[[unit]]
name = "unit"
title = "Unit"
[unit.functions.shift]
points = 3
hints = ["What?", "So."]
"""
SOLUTION = '''
def shift(x):
    """x shifted by two."""
    # TODO: Add two.
    ### BEGIN SOLUTION
    moved = x + 2
    return moved
    ### END SOLUTION
'''
CHECKS = '''
import pytest
from autograder.compare import assert_equal

@pytest.mark.points("shift", 1)
def test_zero(submission):
    """Zero is shifted to two."""
    assert_equal(submission.shift(0), 2)

@pytest.mark.points("shift", 2)
def test_other(submission):
    """Five is shifted to seven."""
    assert_equal(submission.shift(5), 7)
'''
MISTAKES = """
from autograder.diagnose import mistake

@mistake("shift", "Shifts by one.")
def by_one(x):
    return x + 1
"""


@pytest.fixture
def course(tmp_path):
    """The small course, with some of its texts replaced."""

    def write(**replaced):
        texts = {
            "exercises/catalog.toml": replaced.get("catalog", CATALOG),
            "exercises/unit.py": replaced.get("skeleton", skeleton(SOLUTION, "unit.py")),
            "exercises/lessons/unit.md": replaced.get("lesson", "# Unit"),
            "solutions/unit.py": replaced.get("solution", SOLUTION),
            "solutions/mistakes/unit.py": replaced.get("mistakes", MISTAKES),
            "solutions/shortcuts/unit.py": replaced.get("shortcuts"),
            "solutions/survivors.toml": replaced.get("survivors"),
            "tests/exercises/test_unit.py": replaced.get("checks", CHECKS),
        }
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        return read_catalog(tmp_path)

    return write


@pytest.fixture
def findings(course, sandbox):
    """The findings of a small course, by their question."""

    def verify(seeds=2, only=(), **replaced):
        catalog = course(**replaced)
        bench = Bench(catalog, sandbox)
        units = catalog.select(None)
        verification = Verification(catalog, units, lambda trials: map(bench.run, trials), seeds=seeds, only=only)
        return {finding.question: finding for finding in verification.findings()}

    return verify


@pytest.fixture
def answer(findings):
    """The finding of one question, asked alone."""

    def ask(question, **options):
        return findings(only=[question], **options)[question]

    return ask


def test_a_sound_course_is_sound(findings):
    found = findings()
    assert [finding.question for finding in found.values() if not finding.good] == []
    assert found["mutants"].summary == "2 of 2 killed (100.0%), and 0 survive for a known reason"
    assert found["checks"].summary == "2 of 2 fail for some mistake or mutant"


def test_a_course_that_gives_points_for_examples_is_sound(answer):
    catalog = CATALOG.replace("points = 3", "points = 3\nexamples = 1")
    assert answer("solutions", catalog=catalog).problems == ()
    assert answer("skeletons", catalog=catalog).problems == ()


def test_a_solution_that_has_no_mutants_is_sound(answer):
    found = answer(
        "mutants",
        solution=SOLUTION.replace("moved = x + 2", 'moved = "seven"'),
        checks=CHECKS.replace("shift(0), 2", 'shift(0), "seven"').replace("shift(5), 7", 'shift(5), "seven"'),
        mistakes=MISTAKES.replace("return x + 1", 'return "six"'),
    )
    assert found.good and found.summary.startswith("0 of 0 killed")


def only_problem(finding):
    assert not finding.good
    (problem,) = finding.problems
    return problem


def test_a_missing_hint_lesson_or_docstring_is_found(answer):
    hintless = CATALOG.replace('"What?", ', "")
    assert only_problem(answer("course", catalog=hintless)) == "unit, shift: needs two hints in the catalog"
    silent = SOLUTION.replace('    """x shifted by two."""\n', "")
    assert "has no docstring" in only_problem(answer("course", solution=silent))


def test_a_missing_lesson_is_found(answer):
    assert only_problem(answer("course", lesson=None)) == "unit: there is no lesson unit.md"


def test_a_leaked_solution_is_found(answer):
    leaky = skeleton(SOLUTION, "unit.py").replace("raise", "# moved = x + 2\n    moved = x + 2\n    raise")
    problem = only_problem(answer("course", skeleton=leaky))
    assert problem == "unit: the skeleton holds a line of the solution: moved = x + 2"


def test_a_function_that_is_called_like_one_of_another_unit_is_found(course):
    catalog = course(catalog=CATALOG + CATALOG[CATALOG.index("[[unit]]") :].replace('"unit"', '"other"'))
    (problem,) = check_problems(catalog, catalog.units["unit"])
    assert problem.startswith("unit, shift: other has a function of that name too")


def test_a_skeleton_that_passes_a_check_is_found(answer):
    generous = "def shift(x):\n    if x == 0:\n        return 2\n    raise NotImplementedError\n"
    assert only_problem(answer("skeletons", skeleton=generous)) == "unit::test_zero: passed on the skeleton "


def test_a_solution_that_fails_is_found(answer):
    flaky = SOLUTION.replace("x + 2", "x + 2 - (x == 5)")
    problems = answer("solutions", solution=flaky).problems
    assert [problem.partition(":")[0] for problem in problems] == ["unit", "unit"]
    assert "unit::test_other on seed 1: shift(5) returned 6, expected 7" in problems


def test_points_that_do_not_add_up_are_found(answer):
    uneven = CATALOG.replace("points = 3", "points = 4")
    assert only_problem(answer("solutions", catalog=uneven)) == "unit, shift: 4 points in the catalog, 3 in its checks"


def test_a_mistake_that_passes_is_found(answer):
    harmless = MISTAKES.replace("x + 1", "x + 2")
    assert only_problem(answer("mistakes", mistakes=harmless)) == "unit, by_one: no check of shift fails"


def test_a_mistake_that_is_not_named_is_found(answer):
    twice = MISTAKES + '@mistake("shift", "The same again.")\ndef also_by_one(x):\n    return 1 + x\n'
    problems = answer("mistakes", mistakes=twice).problems
    assert problems == ("unit, by_one: is not named", "unit, also_by_one: is not named")


def test_mistakes_are_judged_on_every_seed_and_named_on_the_first(course, sandbox):
    bench, tried = Bench(course(), sandbox), []

    def run_trials(trials):
        tried.extend(trials)
        return map(bench.run, tried)

    verification = Verification(bench.catalog, bench.catalog.select(None), run_trials, seeds=questions.NAMED_SEEDS + 1)
    assert verification.mistakes().summary == "1 caught on 4 seeds, and named on 3"
    assert [(trial.seed, trial.named) for trial in tried] == [
        ("seed 0", True),
        ("seed 1", True),
        ("seed 2", True),
        ("seed 3", False),
    ]


@pytest.mark.slow
def test_surviving_mutants_and_idle_checks_are_found(findings):
    lax = CHECKS.replace("assert_equal(submission.shift(0), 2)", "submission.shift(0)")
    lax = lax.replace("assert_equal(submission.shift(5), 7)", "assert_equal(submission.shift(5) > 4, True)")
    found = findings(checks=lax)
    assert "unit.py:6 shift: 2 -> 3 survives" in found["mutants"].problems
    assert "unit::test_zero is failed by no mistake and no mutant" in found["checks"].problems


def test_the_advice_on_a_survivor_is_toml(answer, tmp_path):
    quoting = SOLUTION.replace("shift", "größer").replace("x + 2", "x + len('\\'\"')")
    checks = CHECKS.replace("shift", "größer").replace("assert_equal(submission.größer(5), 7)", "submission.größer(5)")
    checks = checks.replace("assert_equal(submission.größer(0), 2)", "submission.größer(0)")
    catalog = CATALOG.replace("functions.shift", 'functions."größer"')
    texts = {"catalog": catalog, "skeleton": skeleton(quoting, "unit.py"), "mistakes": None}
    (advice,) = answer("mutants", solution=quoting, checks=checks, **texts).details
    table, line = advice.partition("survivors.toml: ")[2].split(", and below ")
    assert table == '[unit."größer"]' and line.endswith(' = "why"')
    path = tmp_path / "survivors.toml"
    path.write_text(f"{table}\n{line}\n")
    ((unit, function, change),) = read_survivors(path)
    assert (unit, function) == ("unit", "größer") and change.startswith("x + len('\\'\"') -> ")


LAX = """
import pytest
from autograder.compare import assert_close, assert_equal

@pytest.mark.points("shift", 1)
def test_kind(submission):
    \"\"\"A number comes back.\"\"\"
    assert isinstance(submission.shift(0), int)

@pytest.mark.points("shift", 2)
def test_other(submission):
    \"\"\"Five is shifted to seven.\"\"\"
    assert_equal(submission.shift(5), 7)
"""


def test_what_does_nothing_and_earns_points_is_found(answer):
    problems = answer("nothing", checks=LAX).problems
    assert "unit, shift that returns zeros, earns 1 points: test_kind" in problems
    assert "unit, shift that returns its first argument, earns 1 points: test_kind" in problems
    assert not any("returns nothing" in problem or "raises" in problem for problem in problems)


VALUES = """
import collections, dataclasses, decimal, enum, fractions
import numpy
from PIL import Image

@dataclasses.dataclass(frozen=True)
class Pair:
    left: int
    right: list

class Level(enum.IntEnum):
    LOW = 3

def give():
    return VALUE
"""


def do_nothing(way, value):
    """Return what a function that returns a value returns once it does nothing."""
    names = {}
    exec(nothing_text(VALUES.replace("VALUE", value), "give", way), names)
    return names["give"]()


@pytest.mark.parametrize(
    ("value", "zeros", "ones", "empty"),
    [
        ("decimal.Decimal('2.5')", "Decimal('0')", "Decimal('1')", "Decimal('0')"),
        ("fractions.Fraction(1, 3)", "Fraction(0, 1)", "Fraction(1, 1)", "Fraction(0, 1)"),
        ("2 + 3j", "0j", "(1+0j)", "0j"),
        ("numpy.float32(2)", "np.float32(0.0)", "np.float32(1.0)", "np.float32(0.0)"),
        ("numpy.bool_(True)", "np.False_", "np.True_", "np.False_"),
        ("Level.LOW", "0", "1", "0"),
        ("b'ab'", "b''", "b'1'", "b''"),
        ("bytearray(b'ab')", "bytearray(b'')", "bytearray(b'1')", "bytearray(b'')"),
        ("collections.deque([5, 'a'])", "deque([0, ''])", "deque([1, '1'])", "deque([])"),
        ("Pair(5, [7])", "Pair(left=0, right=[0])", "Pair(left=1, right=[1])", "Pair(left=0, right=[])"),
        ("numpy.array([5, 7])", "array([0, 0])", "array([1, 1])", "array([], dtype=int64)"),
        ("numpy.array(['a'])", "array([''], dtype='<U1')", "array([''], dtype='<U1')", "array([], dtype='<U1')"),
        ("{'a': [5.5]}", "{'a': [0.0]}", "{'a': [1.0]}", "{}"),
        ("object()", "None", "None", "None"),
    ],
)
def test_what_does_nothing_has_the_kind_of_the_answer(value, zeros, ones, empty, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert repr(do_nothing("returns zeros", value)) == zeros
    assert repr(do_nothing("returns ones", value)) == ones
    assert repr(do_nothing("returns something empty", value)) == empty
    assert (do_nothing("returns random numbers", value) is None) == (ones == "None")


def test_an_image_of_nothing_has_one_colour():
    extrema = {way: do_nothing(f"returns {way}", "Image.new('L', (2, 3), 7)").getextrema() for way in ("zeros", "ones")}
    assert extrema == {"zeros": (0, 0), "ones": (255, 255)}


def test_a_program_that_does_nothing_neither_ends_nor_prints_nor_writes(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value = """[__import__('pathlib').Path('a').write_text('a'), print('out'),
    print('error', file=__import__('sys').stderr), __import__('sys').exit(3)]"""
    assert do_nothing("returns zeros", value) is None
    assert capsys.readouterr() == ("", "") and list(tmp_path.iterdir()) == []


def test_a_check_of_errors_alone_pays_for_always_raising(answer):
    strict = SOLUTION.replace("    moved", "    if x < 0:\n        raise ValueError(f'x is {x}')\n    moved", 1)
    checks = (
        CHECKS
        + '''
from autograder.errors import Raised

@pytest.mark.points("shift", 1)
def test_negative(submission):
    """A negative x is refused."""
    with pytest.raises(Raised, match="x"):
        submission.shift(-1)
'''
    )
    catalog = CATALOG.replace("points = 3", "points = 4")
    (problem,) = answer("nothing", checks=checks, solution=strict, catalog=catalog).problems
    assert problem == "unit, shift that raises ValueError, earns 1 points: test_negative"


SHORTCUT = """
from autograder.diagnose import mistake

@mistake("shift", "Knows two answers by heart.")
def by_heart(x):
    return {0: 2, 5: 7}[x]
"""


def test_a_shortcut_that_earns_points_is_found(answer):
    found = answer("shortcuts", shortcuts=SHORTCUT)
    assert found.problems == ("unit, by_heart, earns 3 points: test_zero, test_other",)
    assert answer("shortcuts").good


SEEDED = CHECKS.replace("def test_other(submission):", "def test_other(submission, rng):").replace(
    "submission.shift(5), 7", "submission.shift(x := int(rng.initial_seed() % 2)), x + 2"
)
ONCE = MISTAKES.replace("return x + 1", "return 2 if x == 0 else 9").replace(
    '"Shifts by one."', '"Shifts by one."VARIES'
)


@pytest.mark.parametrize("varies", ["", ", varies='It is right about nothing.'"])
def test_a_mistake_that_loses_other_points_on_another_seed_is_found_unless_it_says_why(answer, varies):
    always = SEEDED.replace("submission.shift(0), 2", "submission.shift(1), 3")
    problems = answer("mistakes", checks=always, mistakes=ONCE.replace("VARIES", varies), seeds=8).problems
    assert any("points, and" in problem for problem in problems) == (not varies)


@pytest.mark.slow
def test_a_survivor_with_a_reason_is_no_problem_and_a_reason_without_a_survivor_is_one(answer):
    lax = CHECKS.replace("assert_equal(submission.shift(5), 7)", "assert submission.shift(5) in (3, 7)")
    lax = lax.replace("assert_equal(submission.shift(0), 2)", "assert submission.shift(0) in (-2, 2)")
    listed = '[unit.shift]\n"x + 2 -> x - 2" = "The sign is free."\n'
    assert answer("mutants", checks=lax).problems == ("unit.py:6 shift: x + 2 -> x - 2 survives",)
    found = answer("mutants", checks=lax, survivors=listed)
    assert found.problems == () and found.summary == "1 of 2 killed (50.0%), and 1 survive for a known reason"
    stale = answer("mutants", survivors=listed)
    assert stale.problems == ("survivors.toml: unit: shift: x + 2 -> x - 2 does not survive",)


def test_a_list_of_survivors_of_another_form_is_a_sentence(answer):
    with pytest.raises(GraderError, match=r"survivors\.toml does not list changes and reasons by unit and function"):
        answer("mutants", survivors="unit = 3\n")


def test_a_unit_that_imports_another_is_verified_with_it(course, sandbox):
    catalog = course(solution="from other import TWO\n" + SOLUTION.replace("x + 2", "x + TWO"))
    other = replace(catalog.units["unit"], name="other")
    (catalog.root / "solutions" / "other.py").write_text("TWO = 2\n")
    bench = Bench(replace(catalog, units={"other": other, **catalog.units}), sandbox)
    checks = bench.run(Trial("unit", catalog.solution("unit").read_text())).checks
    assert [check.message for check in checks if not check.points] == []


TWO = """
from autograder.diagnose import mistake

@mistake("shift", "Shifts by one.")
def by_one(x):
    moved = x + 1
    return moved

@mistake("shift", "Returns the double.")
def doubled(x):
    moved = x + 2
    return moved * 2

@mistake("shift", "Returns five.")
def five(x):
    moved = x + 2
    return 5
"""


def test_two_mistakes_at_once_are_named(findings):
    found = findings(only=["mixtures"], mistakes=TWO)["mixtures"]
    assert found.good and found.summary.startswith("2 pairs tried, 2 named truly, 0 falsely, 0 not")
    assert found.details == (f"unit: {found.summary}",)
    nameless = TWO.replace("doubled(x):\n    moved = x + 2", "doubled(x):\n    moved = x + 2\n    moved = moved")
    assert findings(only=["mixtures"])["mixtures"].summary == "no two can be merged", nameless


def test_of_many_mixtures_a_sample_is_tried_and_the_same_each_time(findings, monkeypatch):
    monkeypatch.setattr(questions, "MIXTURES_TRIED", 1)
    first, again = (findings(only=["mixtures"], mistakes=TWO)["mixtures"] for _ in range(2))
    assert first.summary.startswith("1 pairs tried, 1 named truly")
    assert first.summary.partition(" in ")[0] == again.summary.partition(" in ")[0]


def test_chosen_questions_are_answered_with_those_that_they_need(course, sandbox):
    catalog = course()
    bench = Bench(catalog, sandbox)

    def asked(*only):
        chosen = Verification(catalog, catalog.select(None), lambda trials: map(bench.run, trials), 1, only=only)
        return [finding.question for finding in chosen.findings() if finding.good]

    assert asked("mixtures", "mutants") == ["mixtures", "mutants"]
    assert asked("checks") == ["solutions", "mistakes", "mutants", "checks"]


def test_mistakes_are_named_only_where_a_question_asks_for_names(course, sandbox):
    bench = Bench(course(), sandbox)
    wrong = SOLUTION.replace("x + 2", "x + 1")
    names = [
        {check.mistake for check in bench.run(Trial("unit", wrong, named=named)).checks} for named in (True, False)
    ]
    assert names == [{"by_one"}, {None}]


@pytest.fixture
def verified(course, sandbox, tmp_path):
    """A verification of the small course with modules of one's own, after all questions were answered."""
    modules = {
        "right/a/unit.py": "def shift(x):\n    return 2 + x\n",
        "wrong/b/unit.py": "def shift(x):\n    return 2\n",
    }
    modules["wrong/c/unit.py"] = "def shift(x):\n    return {0: 2, 5: 7}[x]\n"
    for name, text in modules.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    catalog = course()
    bench = Bench(catalog, sandbox)
    folders = {"right": tmp_path / "right", "wrong": tmp_path / "wrong"}
    verification = Verification(
        catalog, catalog.select(None), lambda trials: map(bench.run, trials), seeds=2, **folders
    )
    return verification, {finding.question: finding for finding in verification.findings()}


@pytest.mark.slow
def test_modules_of_ones_own_are_counted_and_the_page_shows_them(verified):
    verification, found = verified
    assert [problem.rpartition("/")[2] for problem in found["modules"].problems] == [
        "unit.py: keeps all points of what it has"
    ]
    assert found["modules"].summary.endswith("of 1 wrong ones that lose points 0 are named")
    validity = verification.validity()
    assert validity.loses == {"solution": Share(0, 1), "given as right": Share(0, 1)}
    assert validity.keeps["given as wrong"] == Share(1, 2)
    assert validity.keeps["known mistake"] == Share(0, 1)
    page = replace(verification, catalog=replace(verification.catalog, title="Small <course>")).report("On 2 seeds.")
    assert "Small &lt;course&gt;: how true the marks are" in page
    assert "1 of 2<br>" in page and "keeps its points" in page and "http:" not in page and "https:" not in page


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0), (0, 0, 0.0, 1.0)],
)
def test_shares_have_wilsons_interval(count, total, low, high):
    assert Share(count, total).interval == pytest.approx((low, high), abs=1e-4)


def test_the_worst_seed_counts_and_a_check_that_alone_catches_is_known(course):
    verdicts = Verdicts()
    for kind, failed in [("solution", ""), ("solution", "a"), ("known mistake", "ab"), ("known mistake", "a")]:
        verdicts.add(Verdict(kind, "unit", "shift", "m", frozenset(failed), frozenset("ab") - frozenset(failed)))
    (function,) = verdicts.validity(course().select(None), {"a": 1.0, "b": 2.0}).functions
    assert function.loses == {"solution": Share(1, 1)} and function.keeps == {"known mistake": Share(0, 1)}
    assert function.alone == [("a", 1)]
    # Of three points the mistake keeps two; drawn anew it is 0 (aa), 2 (ab, ba) or 3 (bb): moves of -2, 0, 1.
    assert function.redrawn.typical == pytest.approx(1.118, abs=0.15)
    assert function.redrawn.most == pytest.approx(2.0)


def test_checks_that_are_worth_nothing_move_no_mark(course):
    verdicts = Verdicts()
    verdicts.add(Verdict("known mistake", "unit", "shift", "m", frozenset("a"), frozenset("b")))
    (function,) = verdicts.validity(course().select(None), {"a": 0.0, "b": 0.0}).functions
    assert function.redrawn.most == 0.0


@pytest.mark.parametrize(
    ("line", "changes"),
    [
        ("return x + 2", {"x + 2 -> x - 2", "2 -> 3"}),
        ("return x ** 0.5", {"x ** 0.5 -> x * 0.5", "0.5 -> 1.0"}),
        ("return x <= 1", {"x <= 1 -> x < 1", "1 -> 2"}),
        ("return -x", {"-x -> x"}),
        ("return True", {"True -> False"}),
        ("return x.abs()", {"x.abs() -> x"}),
        ("return f(x, y)", {"f(x, y) -> f(y, x)"}),
        ("return max(x, y)", set()),
        ("return f(x, x)", set()),
        ("return zip(x, strict=True)", set()),
        ("x.clear()", {"x.clear() -> pass"}),
        ("x += 1", {"x += 1 -> x -= 1", "x += 1 -> pass", "1 -> 2"}),
        ("if x: raise E", {"if x: raise E -> if not x: raise E", "if x: raise E -> pass"}),
        ("raise ValueError(f'{x + 1}')", set()),
        ("'words'", set()),
        ("return 1e999", set()),
    ],
)  # fmt: skip
def test_mutants_change_one_thing(line, changes):
    source = f"def f(x, y=1):\n    '''Doc: 1 + 1.'''\n    {line}\n"
    mutants = list(mutants_of(source))
    assert {mutant.change for mutant in mutants} == changes
    for mutant in mutants:
        assert (mutant.function, mutant.line) == ("f", 3)
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(source))


def test_numbers_of_functions_judged_by_their_outcome_are_free():
    source = "def fit(x):\n    return rate(x) * 3\n\ndef rate(x):\n    return x + 2\n"
    changes = {mutant.change for mutant in mutants_of(source, free={"fit", "rate"})}
    assert changes == {"rate(x) * 3 -> rate(x) / 3", "x + 2 -> x - 2"}


@pytest.mark.parametrize("option", ["--right", "--wrong"])
def test_a_folder_in_which_no_module_is_called_as_a_unit_is_refused(command, tmp_path, monkeypatch, option):
    root = make_course(tmp_path / "small")
    (root / "mine").mkdir()
    (root / "mine" / "doubling_of_mine.py").write_text(RIGHT)
    monkeypatch.chdir(root)
    code, out = command("verify", "--jobs", 1, option, "mine")
    assert code == 2 and f"{option} mine: no file in it is named as a unit; name them doubling.py" in out


@pytest.mark.slow
def test_the_command(course, tmp_path):
    """The real command, with processes of its own."""
    course()
    program = textwrap.dedent("from autograder.cli import main\nmain()\n")
    command = [
        sys.executable,
        "-c",
        program,
        "verify",
        "--seeds",
        "1",
        "--jobs",
        "1",
        "--json",
        str(tmp_path / "f.json"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "+ mutants    2 of 2 killed (100.0%), and 0 survive for a known reason" in done.stdout
    assert {finding["good"] for finding in json.loads((tmp_path / "f.json").read_text())} == {True}
    shutil.rmtree(tmp_path / "exercises" / "lessons")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "there is no lesson unit.md" in done.stdout
