"""What `autograder watch` makes of saves, deletions and results, without a process and without waiting."""

import gc
import io
import json
import shutil
import tempfile
from dataclasses import replace

import pytest

from autograder.course.catalog import read_catalog
from autograder.errors import GraderError
from autograder.results.types import CheckResult, Outcome
from autograder.student.helping import solution_diff
from autograder.student.progress import fingerprint, read_progress, update_progress
from autograder.student.runner import Deleted, Pressed, Refused, Saved, StillRunning, WatchedRun
from autograder.student.screen import wrap
from autograder.student.warm_runner import _UnitRunner
from autograder.student.watch import _Watching
from tests.autograder.small_course import CATALOG, CHECKS, RIGHT, make_course

SKELETON = "def double(x):\n    raise NotImplementedError\n\n\ndef halve(x):\n    raise NotImplementedError\n"


class Screen:
    """A terminal that keeps what it shows since it was last cleared."""

    def __init__(self):
        self.lines = []

    def say(self, lines, *, code=False):
        self.lines += lines

    def clear(self):
        self.lines = []

    @property
    def text(self):
        return "\n".join(self.lines)


class Runner:
    """Takes note of requests."""

    def __init__(self):
        self.requests = []
        self.current = (None, "")
        self.number = 0

    def request(self, unit, changed=()):
        self.requests.append((unit, tuple(changed)))
        return self.number

    def draw(self, unit):
        pass


@pytest.fixture
def course(tmp_path):
    root = make_course(tmp_path)
    second = CATALOG.partition("[[unit]]")[2].replace("doubling", "tripling").replace("double", "triple")
    (root / "exercises" / "catalog.toml").write_text(f"{CATALOG}\n[[unit]]{second.replace('halve', 'third')}")
    (root / "tests" / "exercises" / "test_tripling.py").write_text(CHECKS.replace("double", "triple"))
    (root / "exercises" / "tripling.py").write_text("def triple(x):\n    raise NotImplementedError\n")
    shutil.copytree(root / "exercises", root / "exercises" / "skeletons", ignore=shutil.ignore_patterns("*.toml"))
    for path in (root / "exercises" / "skeletons").iterdir():
        path.rename(path.with_suffix(".txt"))
    return read_catalog(root)


@pytest.fixture
def watching(course):
    made = _Watching(course, Screen(), Runner(), lambda event: None)
    made.begin(course.units["doubling"])
    return made


def result(unit, **outcomes):
    checks = [
        CheckResult(f"{unit}::test_{name}", unit, name, f"{name} is right", 1.0).with_outcome(
            outcome, f"{name} went wrong"
        )
        for name, outcome in outcomes.items()
    ]
    return WatchedRun(unit, {check.id: check for check in checks})


def save(watching, course, unit, text):
    course.exercise(unit).write_text(text)
    watching.handle(Saved(unit))


def test_what_was_saved_is_judged_first_and_shown_in_full(watching, course):
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.NOT_WRITTEN))
    assert "double went wrong" in watching._terminal.text
    save(
        watching,
        course,
        "doubling",
        SKELETON.replace("halve(x):\n    raise NotImplementedError", "halve(x):\n    return x"),
    )
    assert watching._runner.requests[-1] == ("doubling", ("halve",))
    watching.handle(result("doubling", double=Outcome.TIMED_OUT, halve=Outcome.FAILED))
    assert "halve went wrong" in watching._terminal.text and "double went wrong" not in watching._terminal.text
    # It stays in view while nothing changes, and where the file is no Python; once it passes the first open one is shown.
    save(watching, course, "doubling", "def double(x:\n")
    assert watching._runner.requests[-1] == ("doubling", ("halve",))
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert "double went wrong" in watching._terminal.text


def test_two_files_that_are_saved_together_are_both_judged(watching, course):
    save(watching, course, "doubling", RIGHT)
    save(watching, course, "tripling", "def triple(x):\n    return 2 * x\n")
    assert [unit for unit, _ in watching._runner.requests] == ["doubling", "doubling", "tripling"]
    watching.handle(result("tripling", triple=Outcome.FAILED))
    assert watching._runner.requests[-1][0] == "doubling"
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert "triple went wrong" in watching._terminal.text and "double went wrong" in watching._terminal.text
    assert len(watching._runner.requests) == 4
    save(watching, course, "doubling", RIGHT)
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert "triple went wrong" not in watching._terminal.text  # the screen was cleared


def test_a_result_of_an_earlier_save_is_no_result_of_a_later_one(watching, course):
    right = result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED)
    save(watching, course, "doubling", RIGHT)
    watching._runner.number = 1
    save(watching, course, "doubling", SKELETON)
    watching.handle(right)
    assert read_progress(course.root).next_unit(course).name == "doubling"
    watching.handle(replace(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED), number=1))
    assert "double went wrong" in watching._terminal.text


def test_what_was_saved_while_a_run_ended_has_not_passed(watching, course):
    save(watching, course, "doubling", RIGHT)
    judged = fingerprint(course, "doubling")
    course.exercise("doubling").write_text(SKELETON)  # and the event of this save is still to come
    watching.handle(result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED))
    assert read_progress(course.root).of("doubling", "double").file == judged


def test_a_file_that_is_nested_too_deep_ends_no_watch(watching, course):
    save(watching, course, "doubling", f"x = {'-' * 100_000}1\n")
    assert watching.goes_on and watching._runner.requests[-1][0] == "doubling"


def test_a_deleted_file_is_said_and_comes_back_with_r(watching, course):
    path = course.exercise("tripling")
    path.unlink()
    watching.handle(Deleted("tripling"))
    assert "exercises/tripling.py was deleted" in watching._terminal.text
    assert "autograder reset tripling" in watching._terminal.text
    watching.handle(Pressed("r"))
    watching.handle(Pressed("u"))
    assert path.read_text() == "def triple(x):\n    raise NotImplementedError\n"


def test_the_result_of_a_unit_is_shown_if_another_is_deleted_while_it_runs(watching, course):
    course.exercise("tripling").unlink()
    watching.handle(Deleted("tripling"))
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert "double went wrong" in watching._terminal.text
    assert "exercises/tripling.py was deleted" in watching._terminal.text
    watching.handle(Saved("doubling"))
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert {unit for unit, _ in watching._runner.requests} == {"doubling"}


def test_f_resets_a_function_alone_that_is_called_like_its_unit(course):
    named = course.exercise("doubling").with_name("catalog.toml")
    named.write_text(named.read_text().replace("functions.double]", "functions.doubling]"))
    course.solution("doubling").unlink()
    course.skeleton("doubling").write_text(SKELETON.replace("double", "doubling"))
    course.exercise("doubling").write_text(RIGHT.replace("double", "doubling"))
    watching = _Watching(read_catalog(course.root), Screen(), Runner(), lambda event: None)
    watching.begin(watching._catalog.units["doubling"])
    watching.handle(Pressed("r"))
    watching.handle(Pressed("f"))
    assert course.exercise("doubling").read_text() == RIGHT.replace("double", "doubling").replace(
        "return 2 * x", "raise NotImplementedError"
    )


def test_f_resets_the_function_of_the_unit_that_is_watched(course):
    """Two units may each have a function of one name."""
    named = course.exercise("doubling").with_name("catalog.toml")
    named.write_text(named.read_text().replace("triple", "double"))
    course.skeleton("tripling").write_text(SKELETON)
    for unit in ("doubling", "tripling"):
        course.exercise(unit).write_text(RIGHT)
    watching = _Watching(read_catalog(course.root), Screen(), Runner(), lambda event: None)
    watching.begin(watching._catalog.units["tripling"])
    watching.handle(Pressed("r"))
    watching.handle(Pressed("f"))
    assert course.exercise("doubling").read_text() == RIGHT
    assert course.exercise("tripling").read_text() == RIGHT.replace("return 2 * x", "raise NotImplementedError")


@pytest.mark.parametrize("last", [False, True])
def test_what_was_asked_about_is_reset_whatever_passes_meanwhile(watching, course, last):
    doubling, tripling = course.exercise("doubling"), course.exercise("tripling")
    course.solution("doubling").unlink()
    doubling.write_text(RIGHT)
    tripling.write_text("def triple(x):\n    return 3 * x\n")
    if last:
        watching.handle(Saved("tripling"))
        watching.handle(result("tripling", triple=Outcome.PASSED))
        watching.handle(Saved("doubling"))
    watching.handle(Pressed("r"))
    watching.handle(result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED))
    watching.handle(Pressed("u"))
    assert doubling.read_text() == SKELETON and "3 * x" in tripling.read_text()


def test_a_result_is_shown_where_progress_cannot_be_stored(watching, monkeypatch):
    def refuse(path, content):
        raise GraderError(f"{path} cannot be written")

    monkeypatch.setattr("autograder.student.progress.write_atomically", refuse)
    watching.handle(result("doubling", double=Outcome.PASSED, halve=Outcome.FAILED))
    assert "halve went wrong" in watching._terminal.text and "1 of 4 functions" in watching._terminal.text
    assert "Your progress was not saved: " in watching._terminal.text
    watching.handle(result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED))
    assert "Doubling: done." in watching._terminal.text and watching._unit.name == "tripling"


def test_a_result_is_shown_where_progress_cannot_be_read(course, watching, monkeypatch):
    def refuse(root):
        raise GraderError("progress.json cannot be read now")

    monkeypatch.setattr("autograder.student.progress.read_progress", refuse)
    monkeypatch.setattr("autograder.student.watch.read_progress", refuse)
    watching.begin(course.units["doubling"])
    watching.handle(result("doubling", double=Outcome.PASSED, halve=Outcome.FAILED))
    assert "halve went wrong" in watching._terminal.text
    assert "Your progress was not saved: progress.json cannot be read now" in watching._terminal.text


def test_a_unit_that_cannot_run_does_not_keep_back_the_others(watching, course):
    save(watching, course, "doubling", RIGHT)
    save(watching, course, "tripling", "def triple(x):\n    return 2 * x\n")
    watching.handle(Refused("tripling has no checks here"))
    assert watching._runner.requests[-1][0] == "doubling"
    watching.handle(result("doubling", double=Outcome.FAILED, halve=Outcome.PASSED))
    assert "tripling has no checks here" in watching._terminal.text and "double went wrong" in watching._terminal.text


def test_after_a_second_it_says_what_goes_on(watching, course):
    save(watching, course, "doubling", SKELETON.replace("raise NotImplementedError", "return x"))
    number = watching._requested
    watching.handle(StillRunning(number))
    assert watching._terminal.lines[-1] == "Loading the libraries of the course ..."
    run = result("doubling", double=Outcome.NOT_RUN, halve=Outcome.FAILED)
    watching._runner.current = run, "doubling::test_double"
    watching.handle(StillRunning(number - 1))  # of an earlier run
    assert watching._terminal.lines[-1] == "Loading the libraries of the course ..."
    watching.handle(StillRunning(number))
    assert watching._terminal.lines[-1] == "1 of 2 checks done; double runs ..."
    assert "halve went wrong" in watching._terminal.text  # which has been judged
    watching.handle(run)
    watching._terminal.clear()
    watching.handle(StillRunning(number))
    assert watching._terminal.lines == []


@pytest.mark.parametrize("width", [32, 80])
def test_lines_break_between_words(width):
    line = "      total_variation(2x3x4x5 tensor) returned 3.0, expected 0.0 as all pixels are the same in this image of ones"
    parts = wrap(line, width)
    assert [word for part in parts for word in part.split()] == line.split()
    assert all(part.startswith("      ") and len(part) <= width for part in parts)


def test_paths_and_printed_text_are_not_broken():
    assert wrap("  x in " + "a" * 60, 30)[-1].strip() == "a" * 60
    assert wrap("   | 1  2  3" * 9, 30) == ["   | 1  2  3" * 9]
    assert wrap("a b " * 30, 0) == ["a b " * 30]


def test_ones_own_way_is_shown_beside_the_teachers(course):
    own = 'def double(x):\n    """Mine."""\n    # By adding.\n    return x + x\n\n\ndef halve(x):\n    return x / 2  # so\n'
    course.exercise("doubling").write_text(own)
    mark = fingerprint(course, "doubling")
    with update_progress(course.root) as progress:
        progress.record(result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED).checks.values(), mark)
    lines = solution_diff(course, course.units["doubling"], read_progress(course.root))
    assert lines == [
        "--- double, yours",
        "+++ double, the teacher's",
        " def double(x):",
        "-    return x + x",
        "+    return 2 * x",
    ]
    assert "Mine" in own


def test_a_file_in_another_encoding_is_compared(course):
    course.exercise("doubling").write_text(f"# -*- coding: latin-1 -*-\n# \xe9t\xe9\n{RIGHT}", encoding="latin-1")
    with update_progress(course.root) as progress:
        checks = result("doubling", double=Outcome.PASSED, halve=Outcome.PASSED).checks.values()
        progress.record(checks, fingerprint(course, "doubling"))
    lines = solution_diff(course, course.units["doubling"], read_progress(course.root))
    assert lines == ["You have written it as the teacher did."]


def run_of(course, text):
    """Return what the process behind `watch` reports of a run, by kind."""
    course.exercise("doubling").write_text(text)
    replies = io.StringIO()
    with tempfile.TemporaryFile("w") as last_words:
        _UnitRunner(course.root, replies, last_words).answer({"run": "doubling", "number": 3})
    gc.unfreeze()  # what is frozen at the end of a process leaks, and a library says so
    return [json.loads(line) for line in replies.getvalue().splitlines()]


def test_of_a_unit_without_checks_it_says_so(course):
    course.checks("doubling").write_text('"""Checks of doubling."""\n')
    assert run_of(course, RIGHT) == [{"kind": "refused", "text": "doubling has no checks here"}]


def test_a_compiled_function_runs_as_it_is_written(course):
    """As under pytest: a compiler takes longer than a call may."""
    compiler = "import torch\n\n\ndef refuse(*_):\n    raise RuntimeError('it is compiled')\n\n\n"
    *_, finished = run_of(
        course, compiler + RIGHT.replace("def double", "@torch.compile(backend=refuse)\ndef double", 1)
    )
    assert finished["failed"] == []


def test_a_mistake_is_named_once_all_failures_are_known(course):
    (course.root / "solutions" / "mistakes").mkdir()
    course.mistakes("doubling").write_text(
        'from autograder.diagnose import mistake\n\n@mistake("double", "Triples.")\ndef triples(x):\n    return 3 * x\n'
    )
    *_, finished = run_of(course, RIGHT.replace("2 * x", "3 * x"))
    assert [check["mistake"] for check in finished["failed"]] == ["triples"]
    # The first failure alone would be explained, and the second is not.
    *_, finished = run_of(course, RIGHT.replace("2 * x", "3 * x + 5 * (x.sum() == 0)"))
    assert [check["mistake"] for check in finished["failed"]] == [None, None]
