"""The command as it is typed: what it prints, what it writes, how it ends."""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.cli.terminal import Interrupts
from autograder.sandbox.sandbox import KEEPS
from tests.autograder.cli.lent import Lent
from tests.autograder.small_course import RIGHT, make_course

ROOT = Path(__file__).parents[3]
SUBMISSIONS = Path(__file__).parents[1] / "samples"
UNITS = ("--units", "variation_loss,adversarial_attack")


TRIPLES = """
from autograder.diagnose import mistake

@mistake("double", "Triples.")
def triples(x):
    return 3 * x
"""


@pytest.fixture
def grade_ann(autograder, tmp_path, monkeypatch):
    """The exit code and the output for a submission to a small course."""
    course = make_course(tmp_path / "course")
    (course / "solutions" / "mistakes").mkdir()
    (course / "solutions" / "mistakes" / "doubling.py").write_text(TRIPLES)
    monkeypatch.chdir(course)

    def grade(source):
        (tmp_path / "ann").mkdir()
        (tmp_path / "ann" / "doubling.py").write_text(source)
        return autograder("grade", tmp_path / "ann", "-o", tmp_path / "out")[:2]

    return grade


def test_everything_passed_is_0(grade_ann, tmp_path):
    code, out = grade_ann(RIGHT)
    assert code == 0
    result = tmp_path / "out" / "results" / "ann.json"
    assert f"Result: {result}" in out
    assert json.loads(result.read_text())["score"] == 3.0


def test_something_failed_is_1_and_says_what(grade_ann):
    code, out = grade_ann(RIGHT.replace("2 * x", "3 * x"))
    assert code == 1
    wrong, mistake = out.splitlines()[4:6]
    assert re.fullmatch(r" +double\(.*\) returned .*, expected .*", wrong)
    assert mistake.strip() == "Known mistake: Triples."


def test_a_unit_that_was_not_handed_in_is_told_in_one_line(autograder, tmp_path):
    _, out, _ = autograder("grade", SUBMISSIONS / "one_unit", "-o", tmp_path, *UNITS)
    title, reason, after = out[out.index("Adversarial attack") :].splitlines()[:3]
    assert title.endswith(": 0 of 32 points") and (reason, after) == ("  adversarial_attack.py was not handed in", "")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["grade", "nowhere"], "nowhere does not exist; give a submission or a folder of submissions"),
        (["grade", "exercises", "--units", "knitting"], "no unit is called 'knitting'; the course has quiz, "),
        (["grade", "exercises", "--units", " , "], "' , ' has no name in it; give names with commas between them"),
        (["grade", ""], "it is empty; give a submission, or . for this folder"),
        (["grade"], "Missing argument"),
        (["knit"], "No such command 'knit'"),
    ],
)
def test_nothing_graded_is_2_and_says_why(autograder, tmp_path, monkeypatch, args, words):
    monkeypatch.chdir(ROOT)
    code, out, err = autograder(*args, *(["-o", tmp_path] if len(args) > 1 else []))
    assert code == 2
    assert words in out + err
    assert "Traceback" not in err
    assert not (tmp_path / "results").exists() or not list((tmp_path / "results").iterdir())


def test_a_course_without_units_is_not_verified(autograder, tmp_path, monkeypatch):
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "catalog.toml").write_text('[course]\ntitle = "Empty"\n')
    monkeypatch.chdir(tmp_path)
    code, _, err = autograder("verify")
    assert code == 2 and "this course has no units to verify yet; `autograder new-unit NAME` makes one" in err


def test_a_class_of_which_nothing_can_be_taken_is_2(autograder, tmp_path, monkeypatch):
    monkeypatch.chdir(make_course(tmp_path / "course"))
    (tmp_path / "class" / "ann").mkdir(parents=True)
    (tmp_path / "class" / "ann" / "doubling.py").symlink_to(tmp_path / "course" / "solutions" / "doubling.py")
    (tmp_path / "class" / "bob").symlink_to(tmp_path / "class" / "ann")
    (tmp_path / "class" / "ann").rename(tmp_path / "elsewhere")
    assert autograder("grade", tmp_path / "class", "-o", tmp_path / "out")[0] == 2


def test_a_file_and_a_pipe_get_utf_8_whatever_the_terminal_is_set_to(tmp_path):
    course = make_course(tmp_path / "course")
    catalog = course / "exercises" / "catalog.toml"
    catalog.write_text(
        catalog.read_text().replace("[course]\ntitle = ", "[course]\ntitle = 'Žygis' #", 1), encoding="utf-8"
    )
    for encoding in ("ascii", "cp1252"):
        env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        ended = subprocess.run(
            [sys.executable, "-m", "autograder"], cwd=course, env=env, capture_output=True, timeout=120
        )
        assert "Žygis" in ended.stdout.decode("utf-8"), ended.stderr


@pytest.mark.slow
def test_a_class_has_a_table_and_a_csv(autograder, tmp_path, monkeypatch):
    students = tmp_path / "class"
    for case in ("perfect", "wrong_file_name", "zipped"):
        shutil.copytree(SUBMISSIONS / case, students / case)
    shutil.copy(SUBMISSIONS / "notebook" / "variation_loss.ipynb", students / "erin_variation_loss.ipynb")
    (students / "[bold]mallory").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, _ = autograder("grade", "class", "-o", "out", "--jobs", "1", *UNITS)
    assert code == 1
    for name, points in [
        ("perfect", "58 / 58"),
        ("zipped", "58 / 58"),
        ("erin", "26 / 58"),
        ("[bold]mallory", "0 / 58"),
    ]:
        (line,) = [line for line in out.splitlines() if line.strip().startswith(name)]
        assert points in line and f"results/{name}.json" in line
    assert "The results, and 5 grades in grades.csv, are in out/" in out
    lines = list(csv.DictReader((tmp_path / "out" / "grades.csv").read_text().splitlines()))
    assert {line["submission"]: line["score"] for line in lines}["zipped"] == "58"
    assert len(list((tmp_path / "out" / "results").iterdir())) == 5


def test_our_own_fault_is_2_and_no_grade(autograder, tmp_path, monkeypatch):
    course = tmp_path / "course"
    shutil.copytree(ROOT / "exercises", course / "exercises")
    (course / "tests" / "exercises").mkdir(parents=True)
    for unit in ("variation_loss", "adversarial_attack"):
        checks = "import pytest\n@pytest.mark.points('denoise', 1)\ndef test_it(submission):\n    1 / 0\n"
        (course / "tests" / "exercises" / f"test_{unit}.py").write_text(checks)
    monkeypatch.chdir(course)
    code, out, _ = autograder("grade", SUBMISSIONS / "perfect", "-o", tmp_path / "out", *UNITS)
    assert code == 2
    assert "the check itself failed with ZeroDivisionError" in out


def test_skeletons_in_step_are_left_alone(autograder, monkeypatch):
    monkeypatch.chdir(ROOT)
    code, out, _ = autograder("release", "skeletons")
    assert (code, out.strip()) == (0, "Every skeleton is in step with its solution.")


def test_help_does_not_wait_for_torch():
    program = "import sys; from autograder import cli; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_help_keeps_what_stands_in_brackets(autograder):
    _, out, _ = autograder("report", "--help")
    assert "by the rules under [term] in the class.toml" in re.sub(r"[^!-~]+", " ", out)


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_behind(tmp_path, sandbox):
    """The real command, interrupted while an endless loop runs."""
    course = make_course(tmp_path / "course")
    catalog = course / "exercises" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace("seconds = 1\n", "seconds = 1000\n"))
    (tmp_path / "doubling.py").write_text("def double(x):\n    while True:\n        pass\n")
    environment = {**os.environ, "IDEALCAT_SECRET": "x"}
    command = [sys.executable, "-m", "autograder", "grade", tmp_path / "doubling.py", "-o", tmp_path / "out"]
    grader = subprocess.Popen(
        command,
        cwd=course,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    # The zygote, the server, which in a pid namespace has a parent that waits for it, and a worker below it.
    while len(descendants(grader.pid)) < (4 if "pid_namespace" in sandbox.isolation else 3):
        assert grader.poll() is None
        time.sleep(0.01)
    below = descendants(grader.pid)
    os.killpg(grader.pid, signal.SIGINT)
    out, _ = grader.communicate(timeout=60)
    assert grader.returncode == 130, out
    assert "autograder: stopped; 0 of 1 results are in" in out and "Traceback" not in out
    # Those that die with their parent do so one after another.
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in below):
        assert time.monotonic() < deadline, below
        time.sleep(0.01)


def test_a_ctrl_c_that_a_library_lets_vanish_is_not_forgotten():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        interrupts.check()
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert signal.getsignal(signal.SIGINT) is before


def descendants(pid):
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # it has ended meanwhile
        return []
    return children + [below for child in children for below in descendants(child)]


def test_doctor_tells_what_holds(autograder, sandbox):
    code, out, err = autograder("doctor", "--require", "rlimits")
    assert code == 0 and err == ""
    assert [line.split()[1] for line in out.splitlines() if line.startswith("+ ")] == [
        name for name in KEEPS if name in sandbox.isolation
    ]
    assert out.endswith("Untrusted work can be graded here.\n")


def test_what_is_required_and_missing_is_refused_with_2(monkeypatch, autograder, tmp_path, another_sandbox):
    with another_sandbox(without=frozenset({"seccomp"})) as weak:
        monkeypatch.setattr("autograder.sandbox.Sandbox", lambda *_, **__: Lent(weak))
        code, out, err = autograder("grade", SUBMISSIONS / "perfect", "-o", tmp_path, *UNITS)
        assert (code, out) == (2, "")
        assert "untrusted work is not graded here: seccomp does not hold (switched off)" in err
        assert not list(tmp_path.iterdir())
        code, out, _ = autograder(
            "grade", SUBMISSIONS / "perfect", "-o", tmp_path, "--units", "variation_loss", "--trusted"
        )
        assert code == 0 and "Note: It was graded as trusted work" in out
        code, _, err = autograder("doctor")
        assert code == 2 and "seccomp does not hold" in err
    result = json.loads((tmp_path / "results" / "perfect.json").read_text())
    assert "seccomp" not in result["isolation"] and "trusted work" in " ".join(result["notes"])


def test_trusted_and_required_at_once(autograder, tmp_path):
    code, _, err = autograder("grade", SUBMISSIONS / "perfect", "-o", tmp_path, "--trusted", "--require", "seccomp")
    assert code == 2 and "give one of them" in err


def test_a_fault_of_the_checks_is_said_once_for_a_class(course, autograder):
    (course / "tests" / "exercises" / "test_doubling.py").write_text("import no_such_module\n")
    for name in ("a", "b"):
        (course / "class" / name).mkdir(parents=True)
        (course / "class" / name / "doubling.py").write_text(f"{name} = 1\n")
    code, _, err = autograder("grade", "class", "--jobs", "1")
    said = "tests/exercises/test_doubling.py:1 raised ModuleNotFoundError: No module named 'no_such_module'"
    assert code == 2 and f"a, b: no grade: the checks could not be run: {said}; mend them, and grade again\n" in err
    assert "Traceback" not in err


def test_a_bundle_for_some_units_is_tried_with_these_alone_and_says_so(autograder, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    tried = []
    monkeypatch.setattr("autograder.platforms.bundles.try_out", lambda _, catalog: tried.append(list(catalog.units)))
    code, _, err = autograder("release", "gradescope", tmp_path / "bundle", "--units", "quiz")
    assert (code, tried) == (0, [["quiz"]])
    assert err == (
        "Trying it out: the checks of 1 unit run on the skeletons and the solutions, which may take minutes\n"
    )
