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
from autograder.grading.batch import Batch, Failure
from autograder.grading.spec import GradingSpec
from autograder.results.store import ResultStore
from autograder.submissions.intake import take_in
from tests.autograder.small_course import make_class, make_course

door = pytest.importorskip(
    "autograder.grading.cluster", reason="distributed is not installed: pip install idealcat[dask]"
)
pytestmark = pytest.mark.slow
_TIMES = re.compile(r'^ *"(seconds|started)": .*$', re.MULTILINE)


#: A worker that says of each submission that all of it passed.
ROGUE = """
import json
from dataclasses import replace

from autograder.grading import cluster

honest = cluster.honest = getattr(cluster, "honest", cluster.grade_here)  # Dask imports this file twice


def forged(spec, facts, task):
    assert spec.secret == b"", "the secret has left the grader"
    reply = honest(spec, facts, task)
    result = json.loads(reply.text)
    for check in result["checks"]:
        check["outcome"], check["points"] = "passed", 50.0
        check["max_points"] = 50.0
    result["score"] = result["max_score"] = 50.0 * len(result["checks"])
    return replace(reply, text=json.dumps(result, indent=1, ensure_ascii=False) + "\\n")


forged.__module__, forged.__qualname__ = cluster.__name__, "grade_here"
cluster.grade_here = forged
"""


def started(cwd, *args, **variables):
    command = [sys.executable, "-m", *map(str, args)]
    given = {"IDEALCAT_SECRET": "of the tests", **variables}
    environment = {**os.environ, **given, "COLUMNS": "200", "NO_COLOR": "1"}
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
def certificates(tmp_path):
    """Variables by which Dask finds certificates that were made for this run."""
    security = door.Security.temporary()
    (tmp_path / "ca.pem").write_text(security.tls_ca_file)
    (tmp_path / "key.pem").write_text(security.tls_client_key)
    names = {"CA_FILE": "ca.pem"}
    for part in ("SCHEDULER", "WORKER", "CLIENT"):
        names |= {f"{part}__CERT": "ca.pem", f"{part}__KEY": "key.pem"}
    found = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(tmp_path / file) for name, file in names.items()}
    return {**found, "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "True"}


@pytest.fixture
def cluster(course, tmp_path):
    """Starts a scheduler; the functions to start workers and to get at its address."""
    with opened_cluster(course, tmp_path) as worker:
        yield worker


@contextlib.contextmanager
def opened_cluster(course, tmp_path, protocol="tcp", **variables):
    place, processes = tmp_path / "scheduler.json", []
    options = ("--no-dashboard", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", place)
    processes.append(started(course, "dask", "scheduler", "--protocol", protocol, *options, **variables))
    while not place.exists() or not place.read_text():
        assert processes[0].poll() is None
        time.sleep(0.01)
    address = json.loads(place.read_text())["address"]

    def worker(folder=course, *more, **other):
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", tmp_path / "dask", *more)
        processes.append(
            started(folder, "dask", "worker", address, *options, **{**variables, "IDEALCAT_SECRET": "", **other})
        )
        return processes[-1]

    worker.address, worker.scheduler = address, processes[0]
    try:
        yield worker
    finally:
        for process in reversed(processes):
            process.kill()
            process.communicate()


def graded(course, students, out, *args, **variables):
    process = started(course, "autograder", "grade", students[0], "-o", out, *args, **variables)
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
    process = started(
        course, "autograder", "grade", students[0], "-o", out, "--cluster", cluster.address, "--insecure-cluster"
    )
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
    code, text = graded(course, students, tmp_path / "out", "--cluster", cluster.address, "--insecure-cluster")
    assert code == 1 and scores(tmp_path / "out") == students[1], text
    sent = re.search(r"worker (tcp://\S+) was sent away: it has other checks than the machine that sends", text)
    assert sent, text

    cluster(other)
    code, text = graded(other, students, tmp_path / "again", "--cluster", cluster.address, "--insecure-cluster")
    assert code == 1, text  # it is the other worker that has other checks now


def test_a_killed_scheduler_costs_nothing_but_time(cluster, course, students, tmp_path):
    cluster()
    out = tmp_path / "out"
    process = started(
        course, "autograder", "grade", students[0], "-o", out, "--cluster", cluster.address, "--insecure-cluster"
    )
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
    """A stopped process that still exists: the scheduler takes it for alive."""
    stuck, _ = cluster(), cluster()
    spec = GradingSpec(read_catalog(course), b"of the tests", ("doubling",))
    batch = Batch(spec, take_in([students[0]], spec.catalog.units).hand_ins, tmp_path, ResultStore(tmp_path / "cache"))
    with (
        door.Cluster(cluster.address, spec, insecure=True, patience=2.0) as grade_tasks,
        door.Client(cluster.address) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        stuck.send_signal(signal.SIGSTOP)
        endings = list(batch.grade(lambda *_: contextlib.nullcontext(grade_tasks)))
    assert [each for each in endings if isinstance(each, Failure)] == []
    assert sorted(each.result.name for each in endings) == sorted(students[1])
    assert scores(tmp_path) == students[1]


def test_no_scheduler_is_a_sentence(course, students, tmp_path):
    code, text = graded(course, students, tmp_path / "out", "--cluster", "tcp://127.0.0.1:1", "--insecure-cluster")
    assert code == 2 and "no scheduler of Dask answers at tcp://127.0.0.1:1" in text, text
    assert "Traceback" not in text and not Path(tmp_path / "out" / "results").exists()


def test_a_worker_that_forges_results_is_sent_away_and_gains_nothing(cluster, course, students, tmp_path):
    (tmp_path / "rogue.py").write_text(ROGUE)
    cluster(course, "--preload", tmp_path / "rogue.py"), cluster()
    with door.Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=60)
    out = tmp_path / "out"
    code, text = graded(course, students, out, "--cluster", cluster.address, "--insecure-cluster")
    assert code == 1 and scores(out) == students[1], text
    assert re.search(
        r"worker tcp://\S+ was sent away: it sent a result with another number of points for double", text
    ), text


def test_only_who_has_a_certificate_reaches_the_cluster(certificates, course, students, tmp_path):
    with opened_cluster(course, tmp_path, "tls", **certificates) as cluster:
        assert cluster.address.startswith("tls://")
        cluster()
        out = tmp_path / "out"
        code, text = graded(course, students, out, "--cluster", cluster.address, **certificates)
        assert code == 1 and scores(out) == students[1], text

        stranger = cluster(course, **dict.fromkeys(certificates, ""))  # a worker without a certificate does not start
        other = door.Security.temporary()
        for security in (None, other):
            address = cluster.address if security else cluster.address.replace("tls://", "tcp://")
            with pytest.raises((OSError, ValueError)):
                door.Client(address, security=security, timeout=2)
        with door.Client(cluster.address, security=_security(tmp_path)) as client:
            assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
        stranger.kill()


def _security(folder):
    key, cert = (folder / "key.pem").read_text(), (folder / "ca.pem").read_text()
    return door.Security(tls_ca_file=cert, tls_client_cert=cert, tls_client_key=key, require_encryption=True)


def test_a_cluster_without_certificates_is_refused(course, students, tmp_path):
    for address, words in (
        ("tcp://127.0.0.1:1", "is a scheduler without TLS: whoever reaches it can run programs as you"),
        ("tls://127.0.0.1:1", "needs certificates: set distributed.comm.tls.ca-file"),
        ("local:many", "say how many jobs this machine may run, as in local:4"),
    ):
        code, text = graded(course, students, tmp_path / "out", "--cluster", address)
        assert code == 2 and words in text and "Traceback" not in text, text


def test_a_cluster_of_this_machine_listens_for_nobody(course, students, tmp_path):
    out = tmp_path / "out"
    process = started(course, "autograder", "grade", students[0], "-o", out, "--cluster", "local:2")
    listening = set()
    while process.poll() is None:
        listening |= listened_by(process.pid)
    text, _ = process.communicate(timeout=500)
    assert process.returncode == 1 and scores(out) == students[1], text
    assert listening == set()


def listened_by(pid):
    """Sockets of the network on which a process, or one that it has started, waits for others."""
    tables = [
        table.read_text().splitlines()[1:] for table in map(Path, ("/proc/net/tcp", "/proc/net/tcp6")) if table.exists()
    ]
    waiting = {f"socket:[{line.split()[9]}]" for table in tables for line in table if line.split()[3] == "0A"}
    held = set()
    for each in family(pid):
        with contextlib.suppress(OSError):
            held |= {str(link.readlink()) for link in Path(f"/proc/{each}/fd").iterdir()}
    return held & waiting


def family(pid):
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {pid}.union(*(family(int(child)) for child in children))
    return set()
