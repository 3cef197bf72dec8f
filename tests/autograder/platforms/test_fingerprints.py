"""A student release names known mistakes by what they return, and holds no code of them."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from autograder.checks.answers import VALUES
from autograder.checks.fingerprints import FingerprintDiagnosis, fingerprint_of, fingerprints_text
from autograder.checks.mistakes import Mistake, known_mistakes, variant_text
from autograder.checks.remote import Call
from autograder.checks.replays import CheckCalls
from autograder.course.catalog import read_catalog
from autograder.course.skeletons import whole_solution
from autograder.errors import CatalogError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.platforms.bundles import fingerprint_files, leaks, student_bundle, write_bundle
from autograder.platforms.bundles.fingerprints import MISTAKES_A_PROCESS, make_fingerprints
from autograder.submissions import Module, Submission
from autograder.worker.protocol import Answer
from tests.autograder.small_course import RIGHT, make_course

MISTAKES = """
from autograder.diagnose import mistake

@mistake("double", "Squares instead.")
def squares(x):
    return x * x

@mistake("double", "Triples a number; three fingers are too many.", varies="it does")
def triples(x):
    return x + x + x

@mistake("double", "Refuses everything.")
def refuses(x):
    raise ValueError("x is odd")

@mistake("halve", "Changes what it was given.")
def in_place(x):
    x /= 2
    return x
"""
FILE = "exercises/fingerprints/doubling.json"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = make_course(tmp_path_factory.mktemp("course"))
    (root / "solutions" / "mistakes").mkdir()
    (root / "solutions" / "mistakes" / "doubling.py").write_text(MISTAKES)
    checks = root / "tests" / "exercises" / "test_doubling.py"
    more = 'def test_input(submission):\n    """It stays."""\n    submission.halve(torch.ones(2))\n'
    more += '    assert_holds(not submission.last.changed, "changed its input")\n'
    text = checks.read_text().replace("import assert_close", "import assert_close, assert_holds")
    checks.write_text(f'{text}\n\n@pytest.mark.points("halve", 1)\n{more}')
    return read_catalog(root)


@pytest.fixture(scope="module")
def released(course, tmp_path_factory):
    """The folder of a student release."""
    folder = tmp_path_factory.mktemp("fresh") / "course"
    write_bundle(student_bundle(course, fingerprints=fingerprint_files(course)), folder)
    return folder


def named_at_home(folder, text):
    (folder / "exercises" / "doubling.py").write_text(text)
    code = "import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"
    plugins = ["-p", "autograder.plugin", "-p", "autograder.student.plugin", "-p", "no:cacheprovider", "-v"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "IDEALCAT_COURSE"))}
    ended = subprocess.run(
        [sys.executable, "-c", code, *plugins, "exercises/doubling.py"],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(folder), "IDEALCAT_LANG": "en"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_pytest_names_a_mistake_in_a_fresh_folder(released):
    wrong = RIGHT.replace("2 * x", "sum([x, x, x])").replace("return x / 2", "x.mul_(0.5)\n    return x")
    text = named_at_home(released, wrong)
    assert "Triples a number; three fingers are too many." in text
    assert "Changes what it was given." in text
    assert not (released / "solutions").exists()


REFUSE = "def refuse(why):\n    raise ValueError(why)\n"


def graded(catalog, text, seed="student", unit="doubling", function=""):
    """The names of known mistakes that the visible checks give."""
    functions = frozenset({function} - {""})
    spec = GradingSpec(catalog, units=(unit,), functions=functions, hidden=False, seed=seed, require=())
    modules = {unit: Module(unit, f"{unit}.py", text)}
    checks = Grader(spec, InThisProcess()).grade(Submission(unit, modules)).checks
    return {check.mistake for check in checks if check.mistake}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("x ** 2", "squares"),
        ("3 * x", "triples"),
        ("x * 1.0000001 * 3", "triples"),  # it rounds otherwise
        ("x + 3", None),
        ("(3 * x).double()", None),
        ("[3 * x]", None),
        ("x / 0", None),
        ("int('odd')", None),
        ("refuse('x is odd')", "refuses"),
        ("refuse('even')", None),
    ],
)
def test_the_names_at_home_are_those_of_a_mark(course, released, body, name):
    text = f"{RIGHT.replace('2 * x', body)}\n\n{REFUSE}"
    assert graded(course, text) == graded(read_catalog(released), text) == ({name} if name else set())


@pytest.mark.parametrize(
    ("body", "name"),
    [("x", "halves"), ("refuse('x is even')", "refuses_what_is_allowed"), ("(2 * x).double()", "gives_float64")],
)
def test_a_mistake_that_any_function_can_have_is_named_in_a_mark_alone(course, released, body, name):
    text = f"{RIGHT.replace('2 * x', body)}\n\n{REFUSE}"
    assert (graded(course, text), graded(read_catalog(released), text)) == ({name}, set())


def test_a_mistake_that_a_check_recognises_is_named_at_home_too(tmp_path):
    root = make_course(tmp_path)
    (root / "solutions" / "mistakes").mkdir()
    of_one = "    return 2 * x if x.dim() else x * x\n"
    known = f'{MISTAKES}\n@mistake("double", "Squares a single number.")\ndef squares_one(x):\n{of_one}'
    (root / "solutions" / "mistakes" / "doubling.py").write_text(known)
    checks = root / "tests" / "exercises" / "test_doubling.py"
    more = 'def test_of_three(submission):\n    """It is six."""\n    result = float(submission.double(torch.tensor(3.0)))\n'
    more += '    assert_holds(result == 6, "is not six", mistake="squares_one" if result == 9 else "")\n'
    text = checks.read_text().replace("import assert_close", "import assert_close, assert_holds")
    checks.write_text(f'{text}\n\n@pytest.mark.points("double", 1)\n{more}')
    catalog = read_catalog(root)
    write_bundle(student_bundle(catalog, fingerprints=fingerprint_files(catalog)), tmp_path / "week")
    text = RIGHT.replace("2 * x", "2 * x if x.dim() else 3 * x")
    assert graded(catalog, text) == graded(read_catalog(tmp_path / "week"), text) == {"squares_one"}


def test_other_inputs_have_other_fingerprints(released):
    text = RIGHT.replace("2 * x", "3 * x")
    assert graded(read_catalog(released), text, seed="another") == set()


def answered(value, function="double"):
    return [Call(function, (), {}, answer=Answer(value))]


def test_two_mistakes_that_fit_are_both_unnamed(course, tmp_path):
    ((_, prints),) = make_fingerprints(course, ["doubling"])
    first, second, *_ = prints
    path = tmp_path / "doubling.json"
    path.write_text(fingerprints_text({first: prints[first], second: prints[first]}))
    diagnosis = FingerprintDiagnosis("double", path)
    (seed, *_) = prints[first]
    assert diagnosis.add(CheckCalls(answered(torch.ones(1)), seed)) and diagnosis.mistakes() == ()
    assert not diagnosis.add(CheckCalls([], seed))
    assert not diagnosis.add(CheckCalls(answered(1.0, "halve"), seed))
    diagnosis = FingerprintDiagnosis("double", path)
    assert diagnosis.add(CheckCalls([], seed, recognised=second.name))
    assert [known.name for known in diagnosis.mistakes()] == [second.name]


def test_a_mistake_that_fails_what_has_passed_is_not_named(tmp_path):
    calls = answered(3.0)
    same = fingerprint_of(calls, VALUES)
    first, second = (Mistake(name, "double", f"It {name}.") for name in ("triples", "trebles"))
    path = tmp_path / "doubling.json"
    path.write_text(fingerprints_text({first: {1: same, 2: same}, second: {1: same}}))
    diagnosis = FingerprintDiagnosis("double", path)
    assert diagnosis.add(CheckCalls(calls, 1)) and diagnosis.mistakes() == ()
    diagnosis.add_passed(CheckCalls(calls, 2))
    assert diagnosis.mistakes() == (second,)


def test_the_checks_that_passed_tell_mistakes_of_a_mark_apart(catalog):
    """A deviation that is not positive goes through, but a wrong length does not: not everything goes through."""
    unit, mistakes = "feature_extraction", catalog.mistakes("feature_extraction")
    known = next(each for each in known_mistakes(mistakes) if each.name == "trusts_std")
    text = variant_text(whole_solution(catalog, unit), mistakes, known)
    assert graded(catalog, text, unit=unit, function="normalize") == {"trusts_std"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0])),
        (torch.ones(300), torch.ones(300).index_fill(0, torch.tensor([7]), 1.5)),
        (torch.tensor([1.0, float("nan")]), torch.tensor([1.0, float("inf")])),
        (torch.tensor([1, 2]), torch.tensor([1, 3])),
        (torch.ones(2, 3), torch.ones(3, 2)),
        ({"a": 1.0}, {"a": 1.1}),
        ([1.0, (2,)], [1.0, (3,)]),
        (1, True),
        (1, 1.0),
        ("a", "b"),
        (torch.tensor([1 + 2j]), torch.tensor([1 - 2j])),
        (np.array([1.0, 2.0]), np.array([2.0, 1.0])),
        (np.array([1.0, np.nan]), np.array([1.0, np.inf])),
        (np.array([1, 2]), np.array([1, 3])),
        (np.ones((2, 3)), np.ones((3, 2))),
        (np.ones(2), torch.ones(2, dtype=torch.float64)),
    ],
)
def test_a_fingerprint_tells_values_apart(one, other):
    prints = fingerprint_of(answered(one), "values")
    assert prints.explains(CheckCalls(answered(one))) and not prints.explains(CheckCalls(answered(other)))
    assert not fingerprint_of(answered(other), "values").explains(CheckCalls(answered(one)))


def test_rounding_does_not_change_a_fingerprint():
    image = torch.rand(1, 3, 32, 32)
    nearly = image.double().mul(3).div(3.00001).float()
    assert fingerprint_of(answered(image), "values").explains(CheckCalls(answered(nearly)))
    assert fingerprint_of(answered(0.1 + 0.2), "values").explains(CheckCalls(answered(0.3)))


def test_the_fingerprints_of_arrays_need_no_torch(monkeypatch):
    array = np.random.default_rng(1).random((4, 3))
    expected = fingerprint_of(answered(array), VALUES)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert fingerprint_of(answered(array), VALUES) == expected
    assert expected.explains(CheckCalls(answered(array * 3 / 3)))


def test_the_leak_check_looks_at_the_file(course):
    files = student_bundle(course, fingerprints=fingerprint_files(course))
    assert leaks(files, course) == []
    (entry, *others) = json.loads(files[FILE])

    def found(**change):
        return leaks({**files, FILE: json.dumps([{**entry, **change}, *others]).encode()}, course)

    assert found(code="return 2 * x") and found(sentence="return 2 * x") and found(name="mine")
    assert found(checks={"1": {"exact": "def double(x): return 2 * x"}})
    assert found(checks={"1": {"exact": "ab" * 10, "source": "x"}})
    assert leaks({**files, FILE: MISTAKES.encode()}, course)


def test_fingerprints_are_made_once_for_each_state_of_a_course(course, monkeypatch):
    def make(catalog, units, *others):
        made.extend(units)
        return make_fingerprints(catalog, units, *others)

    made = []
    kept = course.root / ".autograder" / "fingerprints" / "doubling.json"
    kept.unlink(missing_ok=True)
    monkeypatch.setattr("autograder.platforms.bundles.fingerprints.make_fingerprints", make)
    first = fingerprint_files(course)
    assert fingerprint_files(course, progress=pytest.fail) == first and made == ["doubling"]  # no progress of nothing
    with course.mistakes("doubling").open("a") as file:
        file.write("# changed\n")
    assert fingerprint_files(course) == first and made == ["doubling"] * 2
    kept.write_text("{}")
    assert fingerprint_files(course) == first and made == ["doubling"] * 3


@pytest.mark.slow
def test_several_processes_make_the_same_fingerprints_and_progress_is_told(course):
    def progress(what, total):
        told.append((what, total))
        return lambda: told.append(1)

    told, count = [], 2 * MISTAKES_A_PROCESS
    path = course.mistakes("doubling")
    text = path.read_text()
    more = (f"\n\n@mistake('double', 'It triples.')\ndef triples_{n}(x):\n    return 3 * x\n" for n in range(count))
    path.write_text(text + "".join(more))
    try:
        there = list(make_fingerprints(course, ["doubling"], jobs=2, progress=progress))
        here = list(make_fingerprints(course, ["doubling"]))
        count = len(known_mistakes(path))
    finally:
        path.write_text(text)
    assert there == here and told == [("Known mistakes", count), *[1] * count]


def test_the_letters_of_a_quiz_have_no_fingerprints(catalog):
    assert fingerprint_files(catalog, ["quiz"]) == {}  # one of four is guessed by trying


def test_a_file_that_is_no_fingerprints_is_named(tmp_path):
    path = tmp_path / "doubling.json"
    path.write_text('[{"name": "x"}]')
    with pytest.raises(CatalogError, match=r"doubling\.json is not as a release writes it"):
        FingerprintDiagnosis("double", path)


@pytest.mark.slow
def test_the_names_of_a_whole_unit_are_those_of_its_visible_checks(catalog, tmp_path, monkeypatch):
    """On a slow machine there is as much time to name a mistake as it takes."""
    monkeypatch.setattr("autograder.grading.grade.NAMING_SECONDS", 60.0)
    unit = "variation_loss"
    write_bundle(student_bundle(catalog, [unit], fingerprints=fingerprint_files(catalog, [unit])), tmp_path / "week")
    home, named = read_catalog(tmp_path / "week"), 0
    for known in known_mistakes(catalog.mistakes(unit)):
        text = variant_text(catalog.solution(unit).read_text(), catalog.mistakes(unit), known)
        here = graded(catalog, text, unit=unit, function=known.function)
        assert graded(home, text, unit=unit, function=known.function) == here, known.name
        named += known.name in here
    assert named >= 35
