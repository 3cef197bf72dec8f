"""A real cluster: Dask's own scheduler and workers, started by their commands, and what becomes of a class when some die."""

import contextlib
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

from autograder.course.catalog import read_catalog
from autograder.grading.batch import Batch, Failure, find_submissions
from autograder.grading.spec import GradingSpec
from autograder.results.store import ResultStore
from tests.autograder.small_course import make_class, make_course

door = pytest.importorskip(
    "autograder.grading.cluster", reason="distributed is not installed: pip install idealcat[dask]"
)
pytestmark = pytest.mark.slow
_TIMES = re.compile(r'^ *"(seconds|started)": .*$', re.MULTILINE)


def started(cwd, *args):
    command = [sys.executable, "-m", *map(str, args)]
    environment = {**os.environ, "IDEALCAT_SECRET": "of the tests", "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    return folder, make_class(folder, 24)


@pytest.fixture
def cluster(course, tmp_path):
    """Starts a scheduler; the functions to start workers and to get at its address."""
    place, processes = tmp_path / "scheduler.json", []
    options = ("--no-dashboard", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", place)
    processes.append(started(course, "dask", "scheduler", *options))
    while not place.exists() or not place.read_text():
        assert processes[0].poll() is None
        time.sleep(0.01)
    address = json.loads(place.read_text())["address"]

    def worker(folder=course):
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", tmp_path / "dask")
        processes.append(started(folder, "dask", "worker", address, *options))
        return processes[-1]

    worker.address, worker.scheduler = address, processes[0]
    yield worker
    for process in reversed(processes):
        process.kill()
        process.communicate()


def graded(course, students, out, *args):
    process = started(course, "autograder", "grade", students[0], "-o", out, *args)
    text, _ = process.communicate(timeout=500)
    return process.returncode, text


def results(out):
    return {path.stem: path.read_text() for path in (out / "results").glob("*.json")}


def scores(out):
    return {name: json.loads(text)["score"] for name, text in results(out).items()}


def when(process, out, count):
    """Waits until so many results are there."""
    while process.poll() is None and len(list((out / "results").glob("*.json"))) < count:
        time.sleep(0.005)


def test_a_worker_is_killed_in_the_middle_and_the_marks_are_those_of_one_machine(cluster, course, students, tmp_path):
    first, second = cluster(), cluster()
    out = tmp_path / "out"
    process = started(course, "autograder", "grade", students[0], "-o", out, "--cluster", cluster.address)
    when(process, out, 5)
    first.kill()
    text, _ = process.communicate(timeout=500)
    assert process.returncode == 1, text
    assert second.poll() is None
    code, text = graded(course, students, tmp_path / "here")
    assert code == 1, text
    there, here = results(out), results(tmp_path / "here")
    assert {name: _TIMES.sub("", text) for name, text in there.items()} == {
        n: _TIMES.sub("", t) for n, t in here.items()
    }
    assert scores(out) == students[1]


def test_a_worker_with_other_checks_is_sent_away_by_name(cluster, course, students, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(course, other)
    checks = other / "tests" / "exercises" / "test_doubling.py"
    checks.write_text(checks.read_text().replace("x / 2", "x / 4"))
    cluster(other), cluster()
    code, text = graded(course, students, tmp_path / "out", "--cluster", cluster.address)
    assert code == 1 and scores(tmp_path / "out") == students[1], text
    sent = re.search(r"worker (tcp://\S+) was sent away: it has other checks than the machine that sends", text)
    assert sent, text

    cluster(other)
    code, text = graded(other, students, tmp_path / "again", "--cluster", cluster.address)
    assert code == 1, text  # it is the other worker that has other checks now


def test_a_killed_scheduler_costs_nothing_but_time(cluster, course, students, tmp_path):
    cluster()
    out = tmp_path / "out"
    process = started(course, "autograder", "grade", students[0], "-o", out, "--cluster", cluster.address)
    when(process, out, 5)
    cluster.scheduler.send_signal(signal.SIGKILL)
    text, _ = process.communicate(timeout=500)
    assert process.returncode == 2, text
    assert "is gone; run the same command again: what is graded is kept" in text, text[-3000:]
    assert "Traceback" not in text, text[:3000]
    kept = results(out)
    assert len(kept) >= 5
    code, text = graded(course, students, out)
    assert code == 1 and scores(out) == students[1], text
    assert {name: results(out)[name] for name in kept} == kept


def test_what_a_worker_does_not_give_back_goes_to_another(cluster, course, students, tmp_path):
    """It is there, and it stands still: for the scheduler it lives."""
    stuck, _ = cluster(), cluster()
    spec = GradingSpec(read_catalog(course), b"of the tests", ("doubling",))
    batch = Batch(spec, find_submissions([students[0]], spec.catalog.units), tmp_path, ResultStore(tmp_path / "cache"))
    with door.Cluster(cluster.address, spec, patience=2.0) as grade_tasks, door.Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=60)
        stuck.send_signal(signal.SIGSTOP)
        endings = list(batch.grade(lambda count: contextlib.nullcontext(grade_tasks)))
    assert [each for each in endings if isinstance(each, Failure)] == []
    assert sorted(each.result.name for each in endings) == sorted(students[1])
    assert scores(tmp_path) == students[1]


def test_no_scheduler_is_a_sentence(course, students, tmp_path):
    code, text = graded(course, students, tmp_path / "out", "--cluster", "tcp://127.0.0.1:1")
    assert code == 2 and "no scheduler of Dask answers at tcp://127.0.0.1:1" in text, text
    assert "Traceback" not in text and not Path(tmp_path / "out" / "results").exists()
