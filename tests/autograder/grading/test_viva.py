"""Questions on a student's own code: every key agrees with running the code, by means other than those that made it."""

import ast
import os
import shutil
import sys
import textwrap

import pytest
import torch
from typer.testing import CliRunner

from autograder.cli.app import app
from autograder.course.catalog import read_catalog
from autograder.grading.grade import InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.grading.viva import ask
from autograder.grading.viva.questions import EFFECTS, GRAPH, NO_GRAPH, RAISES, SIGNS
from autograder.grading.viva.runs import TAKE_NOTES, noting_source
from autograder.results.formats.pages import ExamFunction, viva_page
from autograder.sandbox import Sandbox
from autograder.submissions import read_for
from autograder.submissions.hand_in import HandIn
from tests.autograder.conftest import ROOT

CATALOG = """
[course]
title = "Small"
preload = ["torch"]
[[unit]]
name = "unit"
title = "Unit"
seconds = 0.2
[unit.functions.energy]
points = 1
[unit.functions.pairs]
points = 1
[unit.functions.inner]
points = 1
"""
OWN = '''
import torch

def energy(images, power=2):
    """Mean of a power of the differences, as a tensor that needs no gradients."""
    if images.dim() != 2:
        raise ValueError("two dimensions")
    with torch.no_grad():
        scale = images * 0 + 1
    steps = images[:, 1:] - images[:, :-1]
    rows = len(steps)
    total = 0 * images.sum()
    for row in steps:
        part = (row ** power).sum()
        total = total + part
    return total / (rows * scale.mean())

def pairs(count):
    total = 0
    first = 0
    while first < count:
        second = first + 1
        total = total + first * second
        first += 1
    return total

def inner(weights):
    held = weights.detach()
    return held * 2
'''
CHECKS = '''
import pytest, torch
from autograder.compare import assert_equal

@pytest.mark.points("energy", 1)
def test_energy(submission, rng):
    """It is a number."""
    images = torch.rand(3, 4, generator=rng)
    assert submission.energy(images, power=2).dim() == 0

@pytest.mark.points("pairs", 1)
def test_pairs(submission):
    """Products of neighbours."""
    assert_equal(submission.pairs(4), 20)

@pytest.mark.points("inner", 1)
def test_inner(submission):
    """Twice as much."""
    assert submission.inner(torch.ones(2, requires_grad=True)).shape == (2,)
'''


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    for name, text in {
        "exercises/catalog.toml": CATALOG,
        "exercises/unit.py": "def energy(images, power=2):\n    raise NotImplementedError\n",
        "tests/exercises/test_unit.py": CHECKS,
        "own/unit.py": textwrap.dedent(OWN),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def questions(course):
    catalog = read_catalog(course)
    submission = read_for(catalog, HandIn.alone(course / "own"))
    return list(ask(GradingSpec(catalog, require=()), submission, InThisProcess(), 1, count=30))


def arguments(question):
    """The arguments of the call: the words name them, but for the entries of a tensor, on which no key tried here depends."""
    tensor = torch.rand(3, 4, generator=torch.Generator().manual_seed(3))
    return {
        "energy": ((tensor,), {"power": 2}),
        "pairs": ((4,), {}),
        "inner": ((torch.ones(2, requires_grad=True),), {}),
    }[question.function]


def run(text, question):
    namespace = {}
    exec(compile(text, "unit.py", "exec"), namespace)
    args, kwargs = arguments(question)
    return namespace[question.function](*args, **kwargs)


def traced(question):
    """The locals of the function each time that a line is about to run, with the line."""
    states = []

    def trace(frame, event, _):
        if frame.f_code.co_name != question.function:
            return None
        if event in ("line", "return"):
            states.append((frame.f_lineno if event == "line" else -1, dict(frame.f_locals)))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        run(OWN, question)
    finally:
        sys.settrace(before)
    return states


def of_kind(questions, *kinds):
    found = [each for each in questions if each.kind in kinds]
    assert found, f"none of {kinds} was asked"
    return found


def test_every_kind_is_asked_and_no_question_twice(questions):
    assert {each.kind for each in questions} == {"shape", "number", "rounds", "sign", "graph", "edit", "edits"}
    first = questions[: len(questions) // 2]
    assert len({(each.text, each.options) for each in first}) >= 8


@pytest.mark.parametrize("kind", ["shape", "number"])
def test_what_a_line_gives(questions, kind):
    for question in of_kind(questions, kind):
        name = question.text.partition(" after ")[0].split()[-1]
        states = traced(question)
        index = next(i for i, (line, _) in enumerate(states) if line == question.line)
        value = states[index + 1][1][name]
        assert question.key == (str(tuple(value.shape)) if kind == "shape" else str(value)), question


def test_how_often_a_loop_runs(questions):
    bodies = {
        node.lineno: node.body[0].lineno for node in ast.walk(ast.parse(OWN)) if isinstance(node, ast.For | ast.While)
    }
    for question in of_kind(questions, "rounds"):
        count = sum(line == bodies[question.line] for line, _ in traced(question))
        assert question.key == str(count)


def notes_of(text, name, *args):
    namespace = {}
    exec(compile(noting_source(textwrap.dedent(text), name), "unit.py", "exec"), namespace)
    namespace[name](*args)
    return namespace[TAKE_NOTES]()


def test_a_function_that_calls_itself_has_the_notes_of_all_its_calls():
    text = """
    def walk(depth):
        for _ in range(2):
            if depth:
                walk(depth - 1)
    """
    # 2 rounds of the call, 4 of those that it makes, 8 of theirs.
    assert sum(kind == "round" for _, kind, *_ in notes_of(text, "walk", 2)) == 14
    assert sum(kind == "round" for _, kind, *_ in notes_of(text, "walk", 0)) == 2


@pytest.mark.slow
def test_rounds_are_not_asked_for_where_the_notes_are_cut_off(course, tmp_path):
    for name in ("exercises/catalog.toml", "exercises/unit.py", "tests/exercises/test_unit.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((course / name).read_text())
    own = textwrap.dedent(OWN).replace(
        "        second = first + 1\n", "        second = first + 1\n        for n in range(400):\n            m = n\n"
    )
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "unit.py").write_text(own)
    catalog = read_catalog(tmp_path)
    submission = read_for(catalog, HandIn.alone(tmp_path / "own"))
    asked = list(ask(GradingSpec(catalog, require=()), submission, InThisProcess(), 1, count=60))
    assert {each.function for each in asked if each.kind == "rounds"} == {"energy"}
    assert "pairs" in {each.function for each in asked}


def outcome(text, question):
    """Return what an edited call returns; None if it raises an exception."""
    steps = 0

    def count(*_):
        nonlocal steps
        steps += 1
        if steps > 10_000:
            raise RecursionError("endless")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return run(text, question)
    except Exception:
        return None
    finally:
        sys.settrace(before)


def test_what_an_edit_does(questions):
    for question in of_kind(questions, "edit", "graph"):
        before, after = outcome(OWN, question), outcome(question.edits[0].text, question)
        if question.key == RAISES:
            assert after is None
        elif question.key in (GRAPH, NO_GRAPH):
            assert torch.equal(before, after)
            assert after.requires_grad is (question.key == GRAPH)
        elif isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor):
            same_shape = before.shape == after.shape
            equal = same_shape and torch.allclose(before, after)
            assert EFFECTS.index(question.key) == (0 if equal else 1 if same_shape else 2), question
        else:
            assert (question.key == EFFECTS[0]) == (before == after), question


def test_which_of_two_edits_keeps_the_result(questions):
    for question in of_kind(questions, "edits"):
        kept = []
        for edit in question.edits:
            before, after = outcome(OWN, question), outcome(edit.text, question)
            tensors = isinstance(before, torch.Tensor) and isinstance(after, torch.Tensor)
            kept.append(torch.allclose(before, after) if tensors and before.shape == after.shape else before is after)
            if not tensors:
                kept[-1] = before == after
        assert kept.count(True) == 1, question
        assert question.options.index(question.key) == kept.index(True)


@pytest.mark.slow
def test_the_sign_of_a_gradient(questions, course):
    catalog = read_catalog(course)
    for question in of_kind(questions, "sign"):
        assert question.options == SIGNS
    text = OWN.replace(
        "return total / (rows * scale.mean())", "return (images * torch.arange(-5.0, 7).view(3, 4)).sum()"
    )
    (course / "other").mkdir(exist_ok=True)
    (course / "other" / "unit.py").write_text(text)
    submission = read_for(catalog, HandIn.alone(course / "other"))
    asked = [
        each
        for seed in range(3)
        for each in ask(GradingSpec(catalog, require=()), submission, InThisProcess(), seed, 30)
        if each.kind == "sign"
    ]
    assert asked
    for question in asked:
        row, column = (int(part) for part in question.text.partition("[")[2].partition("]")[0].split(","))
        assert question.key == SIGNS[4 * row + column - 5 < 0], question


@pytest.mark.slow
def test_another_seed_asks_other_questions(course):
    catalog = read_catalog(course)
    submission = read_for(catalog, HandIn.alone(course / "own"))
    one, again, other = (
        ask(GradingSpec(catalog, require=()), submission, InThisProcess(), seed, 8) for seed in (5, 5, 6)
    )
    assert one == again
    assert one != other


def test_examples_that_were_handed_in_are_not_asked_about(course, tmp_path):
    shutil.copytree(course, tmp_path / "course")
    path = tmp_path / "course" / "exercises" / "catalog.toml"
    path.write_text(path.read_text().replace("[unit.functions.pairs]", "examples = 1\n[unit.functions.pairs]"))
    own = tmp_path / "course" / "own"
    (own / "my_checks.py").write_text("from unit import energy\nassert energy\n")
    catalog = read_catalog(tmp_path / "course")
    submission = read_for(catalog, HandIn.alone(own))
    asked = ask(GradingSpec(catalog, require=()), submission, InThisProcess(), 1, count=3)
    assert {each.function for each in asked} <= {"energy", "pairs", "inner"} and len(asked) == 3


def test_the_page_escapes_what_a_student_has_written():
    page = viva_page("Course", "<b>", 1, [ExamFunction("unit.py", 3, ["x = '<script>'"], [])])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.usefixtures("commands_share_the_sandbox")
def test_the_command_writes_a_page_with_the_answers_apart(course, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "IDEALCAT_COURSE", str(course))
    page = tmp_path / "viva.html"
    run = CliRunner().invoke(app, ["viva", str(course / "own"), "-o", str(page), "--seed", "4", "--questions", "8"])
    assert run.exit_code == 0, run.output
    assert "8 questions" in run.stdout
    questions, _, answers = page.read_text().partition('<section class="keys">')
    assert questions.count("<article>") == answers.count("<li ") == 8


@pytest.mark.slow
def test_a_right_submission_of_any_unit_gives_at_least_eight_questions():
    catalog = read_catalog(ROOT)
    found = {}
    with Sandbox(catalog.preload) as sandbox:
        for unit in catalog.units:
            submission = read_for(catalog, HandIn.alone(catalog.solution(unit)))
            found[unit] = len(ask(GradingSpec(catalog, units=(unit,)), submission, sandbox, seed=1, count=8))
    del found["quiz"]  # its one function reads nothing and computes nothing
    assert found == dict.fromkeys(found, 8)
