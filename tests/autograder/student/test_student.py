"""The student's commands, typed in the folder of a course: where one stands, hints, resets, solutions."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.messages import speaking, tr
from autograder.results.summary import function_lines, summary
from autograder.results.types import CheckResult, Outcome
from autograder.student.progress import FunctionProgress, Progress, fingerprint, read_progress, update_progress
from autograder.student.runner import WatchedRun
from autograder.student.screen import run_lines
from autograder.student.standing import bars, headline, listing, next_step, overview, place
from tests.autograder.conftest import ROOT
from tests.autograder.small_course import RIGHT, make_course

UNIT = "variation_loss"
CHECK_THAT_EARNS_NOTHING = '''

@pytest.mark.points("double", 0)
def test_double_returns_something(submission):
    """Something comes back."""
    assert submission.double(torch.ones(2)) is not None
'''
FUNCTIONS = ("total_variation", "isotropic_variation", "variation_loss", "denoise")


@pytest.fixture
def exercise(own_course):
    return own_course / "exercises" / f"{UNIT}.py"


@pytest.fixture
def solve(own_course, exercise, student_pytest):
    """Writes the whole unit as a student would, and runs pytest on it."""
    text = (own_course / "solutions" / f"{UNIT}.py").read_text()

    def solve(*arguments):
        exercise.write_text("".join(line for line in text.splitlines(keepends=True) if "### " not in line))
        return student_pytest(f"exercises/{UNIT}.py", *arguments, cwd=own_course)

    return solve


def passed(root):
    return {name for name, standing in read_progress(root).units.get(UNIT, {}).items() if standing.passed}


_UPDATING = """
import sys
from pathlib import Path
from autograder.student.progress import FunctionProgress, update_progress

for number in range(30):
    with update_progress(Path(sys.argv[1])) as progress:
        progress.units.setdefault("unit", {})[f"{sys.argv[2]}_{number}"] = FunctionProgress(hints=1)
"""


def test_two_processes_lose_nothing_of_the_progress(tmp_path):
    command = [sys.executable, "-c", _UPDATING, str(tmp_path)]
    running = [subprocess.Popen([*command, name]) for name in ("watch", "pytest")]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(read_progress(tmp_path).units["unit"]) == 60


def test_a_file_that_cannot_be_read_at_the_moment_has_no_fingerprint(tmp_path, monkeypatch):
    catalog = read_catalog(make_course(tmp_path))
    assert fingerprint(catalog, "doubling")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)  # on Windows, while an editor saves it
    assert fingerprint(catalog, "doubling") == ""


def test_the_place_of_a_coroutine_has_its_line(tmp_path):
    catalog = read_catalog(make_course(tmp_path))
    file = catalog.exercise("doubling")
    file.write_text(file.read_text().replace("def double(", "async def double("))
    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if "def double(" in text)
    assert place(catalog, "doubling", "double") == f"exercises/doubling.py:{line}"
    assert catalog.module_of("doubling", "double") == "doubling"


def test_in_the_beginning_it_says_what_is_first(command, own_course):
    code, out = command()
    assert code == 0
    assert out.startswith(
        "idealcat: 0 of 11 units done, 0 of 334.5 points\n  > Quiz: before and after the lecture: 0 of 13"
    )
    line = (own_course / "exercises" / "quiz.py").read_text().split("def answers")[0].count("\n") + 1
    assert f"Next: answers in exercises/quiz.py:{line}\n" in out
    assert "autograder watch" in out and "pytest exercises/quiz.py" in out and "exercises/lessons/quiz.md" in out
    assert not (own_course / ".autograder").exists()  # to look changes nothing


def test_where_everything_passes_it_says_what_is_judged_later():
    catalog = read_catalog(ROOT).only(["quiz"])
    (unit,) = catalog.units.values()
    later = replace(unit, functions={"answers": replace(unit.functions["answers"], later=12.0)})
    released = replace(catalog, units={"quiz": later})
    progress = Progress({"quiz": {"answers": FunctionProgress(passed="2026-01-01T10:00:00")}})
    said = "12 more points are given when it is graded, by checks that are not here."
    assert list(next_step(released, progress))[1:] == [said]
    assert len(list(next_step(catalog, progress))) == 1
    assert "+ answers 1 of 1 visible points; 12 more when graded  passed" in "\n".join(listing(released, progress))
    passes = CheckResult("quiz::test", "quiz", "answers", "It is read", 1, outcome=Outcome.PASSED)
    assert list(summary(released, [passes], brief=True, verbose=False))[1:] == ["Everything passes. Well done.", said]


def test_each_function_says_what_is_judged_later_and_part_of_a_course_is_not_everything():
    catalog = read_catalog(ROOT).only(["quiz", "variation_loss"])
    units = dict(catalog.units)
    answers = replace(units["quiz"].functions["answers"], later=13.0)
    released = replace(catalog, units=units | {"quiz": replace(units["quiz"], functions={"answers": answers})})
    passes = CheckResult("quiz::test", "quiz", "answers", "It is read", 0, outcome=Outcome.PASSED)
    worth = "13 points when graded"
    lines = list(summary(released, [passes], brief=False, verbose=False))
    assert lines[:2] == [f"Quiz: before and after the lecture: {worth}", f"  answers: {worth}"]
    assert "Every check that was run passes." in lines and not any("Everything" in line for line in lines)
    run = WatchedRun("quiz", {"quiz::test": passes})
    assert f"  + answers: {worth}" in list(run_lines(released, Progress(), run))


EXAMPLES_AND_QUESTION = """examples = 2
[unit.questions.why]
text = "Why?"
points = 4
"""


def test_points_for_examples_and_answers_are_told_as_those_that_come_later(tmp_path):
    path = make_course(tmp_path) / "exercises" / "catalog.toml"
    path.write_text(f"{path.read_text()}{EXAMPLES_AND_QUESTION}\n[later]\ndouble = 0.5\n")
    catalog, progress = read_catalog(tmp_path), Progress()
    assert headline(catalog, progress) == "small: 0 of 1 units done, 0 of 2.5 visible points; 6.5 more when graded"
    assert re.search(r"- halve +0 of 1 visible points; 2 more when graded", "\n".join(listing(catalog, progress)))
    passes = [
        CheckResult(f"doubling::{name}", "doubling", name, "It is right", points, outcome=Outcome.PASSED)
        for name, points in (("double", 1.5), ("halve", 1.0))
    ]
    lines = list(run_lines(catalog, progress, WatchedRun("doubling", {check.id: check for check in passes})))
    assert lines[1] == "Doubling: 2.5 of 2.5 visible points; 6.5 more when graded"
    assert lines[3] == "  + halve: 1 of 1 visible points; 2 more when graded"
    progress.record(passes, "")
    assert list(next_step(catalog, progress))[1:] == ["6.5 more points are given when it is graded."]


def test_the_function_that_ended_the_process_is_shown_in_place_of_one_that_was_not_run(tmp_path):
    catalog = read_catalog(make_course(tmp_path))
    crash = "double ended the whole process with exit code 3"
    checks = {
        "a": CheckResult("a", "doubling", "double", "It doubles", 1.0, outcome=Outcome.CRASHED, message=crash),
        "b": CheckResult("b", "doubling", "halve", "It halves", 1.0),
    }
    lines = list(run_lines(catalog, Progress(), WatchedRun("doubling", checks, broken=True), "halve"))
    assert any(crash in line for line in lines) and "  - halve: not run yet" in lines
    lines = list(run_lines(catalog, Progress(), WatchedRun("doubling", checks), "halve"))
    assert "  - halve: not run yet" in lines and not any("write it" in line for line in lines)


def test_where_a_file_has_changed_since_it_passed_not_everything_passes(own_course):
    catalog = read_catalog(own_course).only(["quiz"])
    for file, said in (("old", False), (fingerprint(catalog, "quiz"), True)):
        done = Progress({"quiz": {"answers": FunctionProgress(passed="2026-01-01T10:00:00", file=file)}})
        lines = list(overview(catalog, done))
        assert any("Everything passes" in line for line in lines) is said
        assert any("has changed since its last run" in line for line in lines) is not said


def test_a_run_of_pytest_counts(command, own_course, solve):
    assert solve().code == 0
    assert passed(own_course) == set(FUNCTIONS)
    _, out = command()
    assert "idealcat: 1 of 11 units done, 26 of 334.5 points" in out
    assert "  + Variation loss: how much neighbouring pixels differ: 26 of 26 points" in out
    _, listing = command("list")
    assert re.search(r"\+ total_variation +8 of 8 points  passed 20\d\d-\d\d-\d\d \d\d:\d\d", listing)
    assert re.search(r"- answers +0 of 13 points  open", listing)
    _, bars = command("progress")
    assert re.search(r"^variation_loss +#{20}  4 of 4  last passed 20", bars, re.MULTILINE)
    assert re.search(r"^quiz +-{20}  0 of 1$", bars, re.MULTILINE)


def test_a_part_of_a_functions_checks_says_nothing_of_it(own_course, solve, student_pytest):
    solve("-k", "constant")
    assert passed(own_course) == set()
    student_pytest(f"exercises/{UNIT}.py::test_denoise_keeps_the_shape", cwd=own_course)
    assert passed(own_course) == set()


def test_the_checks_that_failed_last_say_nothing_of_a_function(tmp_path, student_pytest):
    """`--lf` does not run again what has passed before, so it may be broken by now."""
    root, cached = make_course(tmp_path), ("-p", "cacheprovider", "--import-mode=importlib", "exercises")
    file = root / "exercises" / "doubling.py"
    (root / "pytest.ini").write_text("[pytest]\n")
    file.write_text("def double(x):\n    return 2 * x + 1 * (x.sum() == 0)\n")
    run = student_pytest(*cached, cwd=root)
    assert run.checks["doubling::test_double"].outcome is Outcome.PASSED
    file.write_text("def double(x):\n    return 0 * x\n")
    run = student_pytest("--lf", *cached, cwd=root)
    doubled = {name: check.outcome for name, check in run.checks.items() if check.function == "double"}
    assert doubled == {"doubling::test_double_of_nothing": Outcome.PASSED}
    assert not any(standing.passed for standing in read_progress(root).units.get("doubling", {}).values())


def test_a_language_that_there_is_not_costs_no_summary(tmp_path, student_pytest, monkeypatch):
    root = make_course(tmp_path)
    (root / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("IDEALCAT_LANG", "xx")
    run = student_pytest("--import-mode=importlib", "exercises", cwd=root)
    assert "IDEALCAT_LANG xx: there is no such language" in run.text
    assert "Next: write double in doubling.py, then run: pytest exercises/doubling.py" in run.text


@pytest.fixture
def half_released(command, tmp_path, monkeypatch):
    """A small course as students get it if all the checks of `double` are hidden."""
    root = make_course(tmp_path / "small")
    catalog, checks = root / "exercises" / "catalog.toml", root / "tests" / "exercises" / "test_doubling.py"
    catalog.write_text(f"{catalog.read_text()}\n[later]\ndouble = 2.0\n")
    imports, *_, halve = checks.read_text().split("\n\n\n")
    checks.write_text(f"{imports}\n\n\n{halve}")
    monkeypatch.chdir(root)
    return read_catalog(root)


def test_a_function_without_checks_here_is_not_what_is_next(half_released, command):
    progress, unit = Progress(), half_released.units["doubling"]
    assert "Next: halve in exercises/doubling.py:5" in next_step(half_released, progress)
    assert command("hint")[1].startswith("halve, hint 1 of 2")
    assert "doubling  --------------------  0 of 1" in command("progress")[1]
    progress.of("doubling", "halve").passed = "2026-01-01T10:00:00"
    assert progress.open_functions(half_released, unit) == []
    assert next(next_step(half_released, progress)) == "Everything passes. Well done. Your pictures: autograder gallery"


def test_a_function_whose_checks_here_earn_nothing_is_open_until_it_passes(half_released):
    """As the answers to the quiz."""
    checks = half_released.checks("doubling")
    checks.write_text(checks.read_text() + CHECK_THAT_EARNS_NOTHING)
    assert Progress().open_functions(half_released, half_released.units["doubling"]) == ["double", "halve"]


def test_a_solution_is_for_those_who_pass_what_has_checks_here(half_released, command):
    half_released.exercise("doubling").write_text(RIGHT)
    with update_progress(half_released.root) as progress:
        passes = CheckResult("doubling::test_halve", "doubling", "halve", "Half", 1, outcome=Outcome.PASSED)
        progress.record([passes], fingerprint(half_released, "doubling"))
    assert command("solution", "doubling") == (0, RIGHT)


def test_no_solution_of_a_unit_without_checks_here_is_given(half_released, command):
    catalog = half_released.root / "exercises" / "catalog.toml"
    catalog.write_text(f"{catalog.read_text()}halve = 1.0\n")
    half_released.checks("doubling").unlink()
    assert command()[1].startswith("small: 1 of 1 units done, 3 points when graded")
    assert command("progress")[0] == 0
    assert command("solution", "doubling")[0] == 2


@pytest.mark.slow
def test_what_fails_again_is_open_again(own_course, exercise, solve, student_pytest):
    solve()
    exercise.write_text(exercise.read_text() + "\n\ndef denoise(images):\n    return images\n")
    student_pytest(f"exercises/{UNIT}.py", cwd=own_course)
    assert passed(own_course) == set(FUNCTIONS) - {"denoise"}


def test_a_run_of_others_files_does_not_count(own_course, student_pytest):
    student_pytest(f"solutions/{UNIT}.py", cwd=own_course)
    assert not (own_course / ".autograder").exists()


def test_a_file_that_changed_since_is_named(command, exercise, solve):
    solve()
    exercise.write_text(exercise.read_text() + "\n")
    assert "exercises/variation_loss.py has changed since its last run; run its checks again: pytest" in command()[1]


def test_progress_outlives_an_update_of_the_course(own_course, solve, command):
    """Units and functions come, go and move: what is passed stays passed, and what went comes back as it was."""
    solve()
    catalog = own_course / "exercises" / "catalog.toml"
    text = catalog.read_text()
    catalog.write_text(text.replace("[unit.functions.denoise]", "[unit.functions.smooth]"))
    assert "3 of 4" in command("progress")[1]
    command("hint", "smooth")
    catalog.write_text(text)
    assert re.search(r"variation_loss +#{20}  4 of 4", command("progress")[1])


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"schema": 2, "units": {}}',
        '{"schema": 1, "units": {"quiz": 3}}',
        '{"schema": 1, "units": {"quiz": {"answers": {"passed": "yesterday"}}}}',
        '{"schema": 1, "units": {"quiz": {"answers": {"passed": null}}}}',
        '{"schema": 1, "units": {"quiz": {"answers": {"hints": Infinity}}}}',
        "[]",
    ],
)
def test_a_broken_progress_file_is_put_aside(command, own_course, text):
    folder = own_course / ".autograder"
    folder.mkdir()
    (folder / "progress.json").write_text(text)
    code, out = command()
    assert code == 0 and "progress.json could not be read" in out and "run your checks again" in out
    (kept,) = folder.glob("progress.broken-*.json")
    assert kept.name in out and kept.read_text() == text


def test_no_more_hints_are_read_than_there_are(tmp_path):
    catalog = read_catalog(make_course(tmp_path))
    for hints, words in ((7, "2 of 2 hints read"), (1, "1 of 2 hints read")):
        assert words in "\n".join(listing(catalog, Progress({"doubling": {"double": FunctionProgress(hints=hints)}})))


def test_a_course_without_units_and_a_unit_without_functions_can_be_listed(tmp_path):
    catalog = read_catalog(make_course(tmp_path))
    unit = replace(catalog.units["doubling"], functions={})
    asks = replace(catalog, units={"doubling": unit})
    assert "\n".join(listing(asks, Progress())) == "+ doubling: 0 of 0 points"
    assert list(bars(catalog.only([]), Progress())) == ["small: 0 of 0 units done, 0 of 0 points"]


@pytest.mark.slow
def test_progress_that_cannot_be_read_now_stays_where_it_is(own_course, command, solve, monkeypatch):
    solve()
    path = own_course / ".autograder" / "progress.json"
    before, read_text = path.read_bytes(), Path.read_text

    def refuse(self, *arguments, **options):
        if self.name == "progress.json":
            raise PermissionError(13, "Permission denied")
        return read_text(self, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    code, said = command()
    assert code == 2 and "progress.json cannot be read now (Permission denied); it was left as it is" in said
    run = solve()
    assert run.code == 0 and "26 of 26 points" in run.text and "Your progress was not saved: " in run.text
    assert path.read_bytes() == before and list(path.parent.glob("progress.broken-*")) == []


def test_progress_that_cannot_be_kept_is_said_and_costs_nothing(own_course, solve):
    (own_course / ".autograder").write_text("a file where the folder should be")
    run = solve()
    assert run.code == 0
    assert "Your progress was not saved: " in run.text and "cannot be written" in run.text


def test_hints_come_one_by_one(command, own_course):
    hints = read_catalog(own_course).units[UNIT].functions["denoise"].hints
    for number, last in ((1, "Ask again for the next one."), (2, "There are no more hints."), (2, "There are no more")):
        code, out = command("hint", "denoise")
        assert code == 0
        assert [hint in out for hint in hints] == [True, number == 2]
        assert last in out
    assert "2 of 2 hints read" in command("list")[1]


def test_a_hint_without_a_name_is_for_what_is_next(command):
    assert command("hint")[1].startswith("answers, hint 1 of 2: ")


def test_a_name_that_is_none_is_answered_with_one_that_is(command):
    code, out = command("hint", "total_variatoin")
    assert code == 2 and out == "autograder: the course has no function 'total_variatoin'; is it total_variation?\n"


def test_a_hint_for_a_unit_is_answered_with_its_functions(command):
    code, out = command("hint", "quiz")
    assert code == 2 and out == "autograder: quiz is a unit; name one of its functions: answers\n"


def test_a_unit_is_reset_and_nothing_is_lost(command, own_course, exercise, solve):
    untouched = exercise.read_text()
    solve()
    mine = exercise.read_text()
    code, out = command("reset", UNIT)
    assert (code, out) == (
        0,
        "exercises/variation_loss.py is the skeleton again; your version is now exercises/variation_loss.py.bak.\n",
    )
    assert exercise.read_text() == untouched
    assert exercise.with_name("variation_loss.py.bak").read_text() == mine
    assert passed(own_course) == set()
    assert "nothing was changed" in command("reset", UNIT)[1]


def test_a_file_that_cannot_be_written_is_said(command, exercise):
    exercise.unlink()
    exercise.mkdir()
    code, out = command("reset", UNIT)
    assert code == 2 and "variation_loss.py cannot be written (Is a directory)" in out


def test_a_function_is_reset_alone(command, own_course, exercise, solve):
    untouched = exercise.read_text()
    solve()
    before = exercise.read_text()
    _, out = command("reset", "denoise")
    assert "denoise in exercises/variation_loss.py is the skeleton again" in out and ".bak" in out
    after = exercise.read_text()
    start = untouched.index("def denoise")
    assert after.endswith(untouched[start:]) and after.startswith(before[: before.index("def denoise")])
    assert passed(own_course) == set(FUNCTIONS) - {"denoise"}


def test_a_function_that_is_missing_is_added(command, exercise):
    text = exercise.read_text()
    exercise.write_text(text[: text.index("def denoise")])
    command("reset", "denoise")
    assert exercise.read_text() == text


def test_a_function_in_a_file_that_is_not_python_is_not_guessed(command, exercise):
    exercise.write_text("def total_variation(:\n")
    code, out = command("reset", "total_variation")
    assert code == 2 and "variation_loss.py is not valid Python" in out and "autograder reset variation_loss" in out
    assert exercise.read_text() == "def total_variation(:\n"


def test_a_file_in_another_encoding_is_reset_and_becomes_utf_8(command, exercise):
    text = exercise.read_text()
    head = "# -*- coding: latin-1 -*-\n# \xe9t\xe9\n"
    exercise.write_bytes((head + text[: text.index("def denoise")]).encode("latin-1"))
    assert command("reset", "denoise")[0] == 0
    assert exercise.read_bytes().decode("utf-8") == head.replace("latin-1", "utf-8") + text


def test_a_file_that_is_no_utf_8_says_so(command, exercise):
    exercise.write_bytes(b"# \x93x\x94\n")
    words = "variation_loss.py is not UTF-8 text; save it again as UTF-8"
    assert command("reset", "denoise") == (2, f"autograder: {words}\n")
    assert exercise.read_bytes() == b"# \x93x\x94\n"


@pytest.fixture
def released(command, tmp_path, monkeypatch):
    """Two units as students get them, without solutions and hidden checks."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("autograder.platforms.bundles.try_out", lambda *_: None)  # it has a test of its own
    monkeypatch.setattr("autograder.platforms.bundles.fingerprint_files", lambda *_: {})  # and so have they
    assert command("release", "student", tmp_path / "released", "--units", f"{UNIT},quiz")[0] == 0
    monkeypatch.chdir(tmp_path / "released")
    return tmp_path / "released"


@pytest.mark.slow
def test_a_release_without_solutions_can_be_reset_and_says_that_it_has_none(command, released):
    exercise = released / "exercises" / f"{UNIT}.py"
    untouched = exercise.read_text()
    exercise.write_text("mine\n")
    assert command("reset", UNIT)[0] == 0
    assert exercise.read_text() == untouched
    code, out = command("solution", UNIT)
    assert code == 2 and "this release of the course holds no solution of variation_loss" in out
    shutil.rmtree(released / "exercises" / "skeletons")
    code, out = command("reset", "quiz")
    assert code == 2 and "skeletons/quiz.txt cannot be read" in out


def test_a_solution_is_for_those_who_have_one(command, solve, exercise):
    code, out = command("solution", UNIT)
    assert code == 2 and "variation_loss does not pass yet (total_variation is open); run its checks: pytest" in out
    solve()
    code, out = command("solution", UNIT)
    assert code == 0 and "return vertical.sum(dim=(1, 2, 3)) + horizontal.sum(dim=(1, 2, 3))" in out
    assert "###" not in out
    exercise.write_text(exercise.read_text() + "\n")
    code, out = command("solution", UNIT)
    assert code == 2 and "variation_loss.py has changed since it passed" in out


def test_outside_of_a_course_it_says_where_to_go(command, tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.course.catalog.find_course", lambda *_: None)
    words = "there is no course here; run this in a folder with exercises/catalog.toml, or set IDEALCAT_COURSE"
    assert command() == (2, f"autograder: {words}\n")


def test_the_file_is_plain_and_documented(own_course, solve):
    solve()
    document = json.loads((own_course / ".autograder" / "progress.json").read_text())
    assert document["schema"] == 1
    assert set(document["units"][UNIT]["denoise"]) == {"passed", "file", "hints"}


@pytest.mark.parametrize(
    "name",
    [
        *("", "hint", "watch"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("list", "progress", "reset", "solution", "gallery", "examples")
        ),
    ],
)
def test_help_is_in_the_readers_language(name, command):
    """But for the commands of instructors, which come last, and the isolation that only they insist on."""
    shown = {}
    for language in ("en", "lt", "ms", "my", "sr", "tl"):
        with speaking("en"):
            code, out = command("--lang", language, *filter(None, [name]), "--help")
            shown[language] = out.partition(tr("Commands for instructors"))[0].replace("Isolation to insist on", "")
        assert code == 0
    english = set(re.findall(r"Usage:|─ \w+ ─|\[required\]|[A-Z][a-z]+ [a-z]+ [a-z']+", shown.pop("en")))
    assert {"Usage:", "─ Options ─", "Show this message"} <= english
    assert [(language, text) for language, out in shown.items() for text in english if text in out] == []


def test_help_goes_by_the_variable_and_the_option(command, monkeypatch):
    with speaking("en"):
        monkeypatch.setenv("IDEALCAT_LANG", "sr")
        assert "Употреба: autograder" in command("--help")[1]
        assert "Naudojimas: autograder" in command("--lang", "lt", "--help")[1]
        code, out = command("--lang", "xx", "hint", "--help")
        assert code == 2 and "there is no such language" in out


def test_checks_that_wait_for_the_same_one_have_one_line_and_a_count():
    def check(name, outcome=Outcome.BLOCKED, message='waits for "It begins"'):
        return CheckResult(f"quiz::{name}", "quiz", "answers", f"It {name}", 1, outcome=outcome, message=message)

    checks = [
        check("begins", Outcome.FAILED, "returned 1, expected 2"),
        check("goes on"),
        check("turns", message='waits for "It goes on"'),
        check("runs"),
        check("ends"),
    ]
    lines = list(function_lines(checks, set(), verbose=False))
    assert lines[3:] == [
        '  ~ It goes on: waits for "It begins"',
        "  ~ 2 more checks wait for that",
        '  ~ It turns: waits for "It goes on"',
    ]
    assert [line for line in function_lines(checks, set(), verbose=True) if "waits" in line] == [
        f'  ~ It {name}: waits for "It {of}"'
        for name, of in (("goes on", "begins"), ("turns", "goes on"), ("runs", "begins"), ("ends", "begins"))
    ]
