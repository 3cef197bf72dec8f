"""A class from end to end, by the commands that an instructor types, on a small course."""

import csv
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.results.manual import COLUMNS
from benchmarks.memory import while_grading
from tests.autograder.small_course import QUICK, add_unreadable, make_class, make_course

_TIMES = re.compile(r'^ *"(seconds|started)": .*$', re.MULTILINE)


def autograder(course, *args, **options):
    """`autograder ARGS`, started in a course's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "autograder", *map(str, args)],
        cwd=course,
        env={**os.environ, "IDEALCAT_SECRET": "of the tests", "COLUMNS": "200", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(course, *args):
    """The exit code of a command, and what it prints."""
    out, err = (process := autograder(course, *args)).communicate(timeout=300)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    return folder, make_class(folder, len(QUICK)) | add_unreadable(folder)


@pytest.fixture(scope="module")
def graded(course, students, tmp_path_factory):
    """A class, graded by two jobs: the folder, and what was printed."""
    out = tmp_path_factory.mktemp("graded") / "out"
    return out, *run(course, "grade", students[0], "-o", out, "--jobs", "2")


@pytest.fixture
def published(graded, tmp_path):
    """A copy of it, to be changed."""
    shutil.copytree(graded[0], tmp_path / "out")
    return tmp_path / "out"


def scores(out):
    rows = csv.DictReader((out / "grades.csv").read_text().splitlines())
    return {row["submission"]: float(row["score"]) for row in rows}


def results(out):
    return {path.stem: path.read_text() for path in (out / "results").glob("*.json")}


def test_each_submission_has_its_points_in_the_order_of_the_class(graded, students):
    out, code, printed, errors = graded
    assert code == 1, errors
    assert scores(out) == students[1]
    assert list(scores(out)) == sorted(students[1])
    assert f"The results, and {len(students[1])} grades in grades.csv, are in {out}/" in printed
    assert results(out).keys() == students[1].keys()


def test_progress_has_a_rate_and_the_time_left(graded, students):
    lines = [line for line in graded[3].splitlines() if line.startswith("Graded: ")]
    assert re.fullmatch(rf"Graded: 1 of {len(students[1])} in \d+:\d\d, [\d.]+ a minute, \d+:\d\d left", lines[0])
    assert re.fullmatch(rf"Graded: {len(students[1])} of {len(students[1])} in \d+:\d\d, [\d.]+ a minute", lines[-1])


def test_a_second_run_grades_nothing_and_does_not_wait_for_torch(course, published, students):
    program = f"""
import sys
from autograder import cli
sys.argv = ["autograder", "grade", {str(students[0])!r}, "-o", {str(published)!r}]
try:
    cli.main()
finally:
    assert "torch" not in sys.modules and "nbformat" not in sys.modules
"""
    before = results(published)
    env = {**os.environ, "IDEALCAT_SECRET": "of the tests"}
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=course, capture_output=True, text=True, env=env, timeout=60
    )
    assert ended.returncode == 1, ended.stderr
    assert f"{len(students[1])} had been graded before and have not changed" in ended.stdout
    assert results(published) == before


@pytest.mark.slow
def test_one_job_writes_the_same_files(course, graded, students, tmp_path):
    code, _, errors = run(course, "grade", students[0], "-o", tmp_path / "out", "--jobs", "1")
    assert code == 1, errors
    one, two = results(tmp_path / "out"), results(graded[0])
    assert {name: _TIMES.sub("", text) for name, text in one.items()} == {n: _TIMES.sub("", t) for n, t in two.items()}
    assert (tmp_path / "out" / "grades.csv").read_text() == (graded[0] / "grades.csv").read_text()


def test_points_by_hand_are_kept_and_counted(course, published, students):
    table = f"{','.join(COLUMNS)}\ns001_half,halve,0.5,the idea is right\nnobody,,1,\n"
    (published / "manual.csv").write_text(table)
    _, printed, errors = run(course, "grade", students[0], "-o", published)
    assert scores(published)["s001_half"] == 2.5
    assert re.search(r"s001_half +2\.5 / 3 +by hand: halve", printed)
    assert "manual.csv: there is no submission nobody" in errors
    assert (published / "manual.csv").read_text() == table
    (published / "manual.csv").write_text(f"{table}s001_half,hälve,1,\n")
    code, printed, errors = run(course, "grade", students[0], "-o", published)
    assert code == 2 and "line 4 of" in errors and "the course has no function hälve" in errors and not printed


def changed_course(course, folder):
    """The same course, in which one more check of `halve` is hard, and one of `double` is worth more."""
    shutil.copytree(course, folder)
    checks = folder / "tests" / "exercises" / "test_doubling.py"
    text = checks.read_text().replace(
        "assert_close(submission.halve(x), x / 2)", "assert_close(submission.halve(x), x / 4)"
    )
    checks.write_text(text.replace('points("double", 1)', 'points("double", 1.5)', 1))
    return folder


@pytest.mark.slow
def test_regrade_shows_who_changes_and_publishes_nothing_by_itself(course, published, students, tmp_path):
    other = changed_course(course, tmp_path / "course")
    before = {path: path.read_bytes() for path in published.rglob("*") if path.is_file()}
    code, printed, errors = run(other, "regrade", "--diff", "-o", published, "--jobs", "1")
    assert code == 1, errors
    assert re.search(r"s000_right +3 +2\.5 +-0\.5 +doubling::test_double: passed, 1 -> 1\.5 of 1\.5", printed)
    assert "doubling::test_halve: passed -> failed, 1 -> 0 of 1" in printed
    assert re.search(r"s007_kills +0 +0 +\+0 +doubling::test_double: \w+, 0 -> 0 of 1\.5", printed)
    assert f"Nothing is published yet: autograder regrade -o {published} --publish" in printed
    assert {path: path.read_bytes() for path in before} == before

    code, printed, errors = run(other, "regrade", "--publish", "-o", published)
    assert code == 1 and "Graded" not in errors, errors  # what was shown is what is published, and is not graded again
    assert scores(published)["s000_right"] == 2.5
    assert json.loads(results(published)["s000_right"])["score"] == 2.5
    code, printed, _ = run(other, "regrade", "-o", published)
    assert f"No mark changes: {len(students[1])} submissions have the results that are published." in printed


def test_there_is_nothing_to_regrade(course, tmp_path):
    code, _, errors = run(course, "regrade", "-o", tmp_path)
    assert code == 2 and "holds no graded class; grade one with -o" in errors
    code, _, errors = run(course, "regrade", "--diff", "--publish")
    assert code == 2 and "give one of them" in errors


def descendants(pid):
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [*children, *(below for child in children for below in descendants(child))]


def finished(out):
    return len(list((out / "results").glob("*.json"))) if (out / "results").is_dir() else 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_it_goes_on(course, students, tmp_path, seed):
    """SIGKILL to the command at random points, until it comes to an end: nothing is lost, nothing is graded twice."""
    chance, out = random.Random(seed), tmp_path / "out"
    kills, seen = 0, {}
    while True:
        process = autograder(course, "grade", students[0], "-o", out)
        goal, delay = finished(out) + chance.randint(0, 3), chance.random() * 0.3
        while process.poll() is None and finished(out) < goal:
            time.sleep(0.001)
        if process.poll() is None and kills < 6:
            time.sleep(delay)
            below = descendants(process.pid)
            process.kill()
            process.communicate()
            kills += 1
            for pid in below:
                while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2:3]:
                    time.sleep(0.001)
        else:
            assert process.communicate()[1] is not None and process.returncode == 1
            break
        now = results(out) if (out / "results").is_dir() else {}
        assert {name: now[name] for name in seen} == seen  # whole, and never written again
        assert all(json.loads(text)["schema"] == 1 for text in now.values())
        seen = now
    assert kills > 0
    assert scores(out) == students[1] and results(out).keys() == students[1].keys()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whichever_process_is_killed_each_submission_has_one_result(course, students, tmp_path, seed):
    """SIGKILL to a zygote, a job, a server or a worker below the command, again and again."""
    chance, out = random.Random(seed), tmp_path / "out"
    process, kills = autograder(course, "grade", students[0], "-o", out, "--jobs", "2"), 0
    goal = 1
    while process.poll() is None:
        below = descendants(process.pid)
        if finished(out) >= goal and below and kills < 5:
            try:
                os.kill(chance.choice(below), signal.SIGKILL)
            except ProcessLookupError:
                continue
            kills, goal = kills + 1, goal + 2
        time.sleep(0.002)
    _, errors = process.communicate()
    assert kills > 0
    lines = re.findall(r"^([\w, ]+): no grade: the process that graded it died", errors, re.MULTILINE)
    without = [name for line in lines for name in line.split(", ")]  # a line for all who have the same reason
    assert sorted([*results(out), *without]) == sorted(students[1]), errors
    code, _, errors = run(course, "grade", students[0], "-o", out)
    assert code == 1, errors
    assert results(out).keys() == students[1].keys()
    # A worker that dies with its server is the submission's own crash, as far as anyone can tell.
    assert all(scores(out)[name] <= points for name, points in students[1].items())


@pytest.mark.slow
def test_a_full_disk_ends_the_run_with_a_sentence(course, students, tmp_path):
    if (
        os.geteuid()
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "x", tmp_path], check=False).returncode
    ):
        pytest.skip("only root can mount a small disk")
    try:
        code, _, errors = run(course, "grade", students[0], "-o", tmp_path / "out")
        assert code == 2 and "cannot be written (No space left on device); make room for it" in errors
        assert "Traceback" not in errors
        kept = results(tmp_path / "out")
        assert kept and all(json.loads(text)["schema"] == 1 for text in kept.values())
        subprocess.run(["mount", "-o", "remount,size=4m", tmp_path], check=True)
        code, _, errors = run(course, "grade", students[0], "-o", tmp_path / "out")
        assert code == 1, errors
        assert scores(tmp_path / "out") == students[1]
        assert {name: results(tmp_path / "out")[name] for name in kept} == kept
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def processor_time_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_three_hundred_of_which_a_third_are_hostile_or_broken(course, tmp_path):
    kinds = ("right", "half", "wrong", "unwritten", "right", "half", "syntax", "exits", "kills")
    points = make_class(tmp_path / "class", 295, kinds) | add_unreadable(tmp_path / "class")
    code, _, errors = run(course, "grade", tmp_path / "class", "-o", tmp_path / "out")
    assert code == 1, errors
    assert scores(tmp_path / "out") == points and len(points) == 300
    used = processor_time_of_children()
    code, printed, _ = run(course, "grade", tmp_path / "class", "-o", tmp_path / "out")
    assert processor_time_of_children() - used < 3  # to import torch and the checks takes longer
    assert code == 1 and "300 had been graded before" in printed


@pytest.mark.slow
def test_a_further_job_takes_less_than_150_mb_and_no_more_after_many_submissions(course, tmp_path):
    make_class(tmp_path / "class", 120, ("right", "half", "wrong"))
    most = {}
    for jobs in (2, 3):
        out = tmp_path / f"out{jobs}"
        command = [sys.executable, "-m", "autograder", "grade", tmp_path / "class", "-o", out, "--jobs", jobs]
        seen = while_grading(command, out, jobs, course)
        third = len(seen) // 3
        assert max(seen[-third:]) < max(seen[:third]) + 50
        most[jobs] = max(seen)
    assert most[3] - most[2] < 150
