"""The isolation ladder: what each rung stops by itself, that a missing one is noticed, and that it holds for any user.

Each attack runs in a child of this process, which has climbed one rung and no other.
"""

import contextlib
import ctypes
import fcntl
import functools
import mmap
import os
import re
import resource
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest
import torch

from autograder.errors import SandboxError, UsageError
from autograder.sandbox import REQUIRED, kernel, namespaces, rungs
from autograder.sandbox.confines import Allowance, Confines, readable_paths
from autograder.sandbox.kernel import reason_against
from autograder.sandbox.sandbox import KEEPS, diagnosis
from autograder.worker.serving import warm_up

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the ladder is for Linux")
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can")
HERE = Path(__file__)
OUTSIDE = Path("/etc/passwd")
SYSCALLS = {"io_uring_setup": 425, "process_vm_readv": 310, "userfaultfd": 323, "keyctl": 250, "bpf": 321}


@pytest.fixture
def confines(tmp_path):
    return Confines(
        allowance=Allowance(data_bytes=100 * 2**20, threads=3),
        readable=(*readable_paths(), tmp_path),
        uid=2**30 + 12345 if os.geteuid() == 0 else None,
        counted_apart=os.geteuid() == 0,
        data_in_use=kernel.data_in_use(),
        gpu=False,
    )


def kill_parent():
    os.kill(os.getppid(), 0)


def signal_everybody():
    os.kill(-1, signal.SIGCONT)


def trace_parent():
    libc = ctypes.CDLL(None, use_errno=True)
    attach, detach = 16, 17
    if libc.ptrace(attach, os.getppid(), None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(os.getppid(), 0x40000000)
    libc.ptrace(detach, os.getppid(), None, None)


def fork():
    if not os.fork():
        os._exit(0)
    os.wait()


def many_threads():
    wait = threading.Event()
    threads = [threading.Thread(target=wait.wait) for _ in range(20)]
    try:
        for thread in threads:
            thread.start()
    except RuntimeError as error:
        raise OSError(11, str(error)) from error
    finally:
        wait.set()


def raw(name):
    return functools.partial(kernel.syscall, SYSCALLS[name], 0, 0, 0, 0, 0)


def own_descriptor():
    """The owner of a descriptor is sent a signal, of any number, when there is something to read."""
    read, _ = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETOWN, os.getppid())


def local_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def shared_memory():
    mmap.mmap(-1, 4096).close()  # shared, without a file


def write(path):
    return functools.partial(Path(path).write_text, "x")


def flood_memory():
    try:
        bytearray(400 * 2**20)
    except MemoryError as error:
        raise OSError(12, "memory") from error


STOPPED = [
    ("own_uid", kill_parent, "Operation not permitted"),
    ("own_uid", trace_parent, "ptrace|not permitted"),
    ("own_uid", lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(), "Permission denied"),
    ("own_uid", functools.partial(HERE.chmod, 0o777), "Operation not permitted"),
    ("own_uid", write("/etc/idealcat-test"), "Permission denied"),
    ("no_capabilities", functools.partial(os.chroot, "/"), "Operation not permitted"),
    ("no_capabilities", functools.partial(kernel.mount, "none", "/mnt", "tmpfs", 0), "Operation not permitted"),
    ("rlimits", flood_memory, "memory"),
    ("rlimits", write("new"), "File too large"),
    ("rlimits", lambda: [os.dup(0) for _ in range(100)], "Too many open files"),
    ("landlock", OUTSIDE.read_bytes, "Permission denied"),
    ("landlock", functools.partial(os.listdir, "/"), "Permission denied"),
    ("landlock", write("new"), "Permission denied"),
    ("landlock", functools.partial(os.symlink, "/", "new"), "Permission denied"),
    ("landlock", kill_parent, "Operation not permitted"),
    ("landlock", trace_parent, "ptrace|not permitted"),
    ("landlock", lambda: os.execv("/bin/true", ["true"]), "Permission denied"),
    ("landlock", local_network, "Permission denied"),
    ("seccomp", kill_parent, "Operation not permitted"),
    ("seccomp", signal_everybody, "Operation not permitted"),
    ("seccomp", own_descriptor, "Operation not permitted"),
    ("seccomp", trace_parent, "ptrace|not permitted"),
    ("seccomp", fork, "Operation not permitted"),
    ("seccomp", lambda: os.execv("/bin/true", ["true"]), "Operation not permitted"),
    ("seccomp", local_network, "Operation not permitted"),
    ("seccomp", socket.socketpair, "Operation not permitted"),
    ("seccomp", shared_memory, "Operation not permitted"),
    ("seccomp", lambda: os.memfd_create("x"), "Operation not permitted"),
    ("seccomp", functools.partial(kernel.unshare, kernel.CLONE_NEWUSER), "Operation not permitted"),
    ("seccomp", functools.partial(HERE.chmod, 0o777), "Operation not permitted"),
    ("seccomp", functools.partial(os.mkdir, "new"), "Operation not permitted"),
    ("seccomp", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)), "not allowed"),
    *(("seccomp", raw(name), "Operation not permitted") for name in SYSCALLS),
]


@pytest.mark.parametrize(("name", "attack", "words"), STOPPED)
def test_what_a_rung_stops_alone(name, attack, words, confines, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if os.geteuid() and name == "own_uid":
        pytest.skip("only root can")
    if os.geteuid() and attack is signal_everybody:
        pytest.skip("it would reach the user's other processes where it is not stopped")
    reason = reason_against(functools.partial(rungs.climb, (name,), confines), attack)
    assert re.search(words, reason), f"it was not stopped: {reason!r}"


@pytest.mark.parametrize(
    "attack", [kill_parent, own_descriptor, fork, local_network, shared_memory, OUTSIDE.read_bytes, many_threads]
)
def test_without_the_ladder_the_attack_succeeds(attack):
    assert reason_against(attack) == ""


@root
def test_threads_are_counted_for_each_worker(confines):
    climbed = functools.partial(rungs.climb, ("own_uid", "thread_limit"), confines)
    assert "start new thread" in reason_against(climbed, many_threads)


def test_the_session_is_the_workers_own(confines):
    def own_session():
        assert os.getsid(0) == os.getpid()

    assert reason_against(functools.partial(rungs.climb, ("session",), confines), own_session) == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="a process that has seen a GPU cannot compute in its children")
def test_computing_goes_on_under_the_whole_ladder(confines):
    def compute():
        net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 2))
        torch.optim.Adam(net.parameters()).step(lambda: net(torch.rand(2, 3, 8, 8)).sum())
        threading.Thread(target=print).start()
        assert os.urandom(4) and Path(os.__file__).read_bytes()

    warm_up()  # as the fork server does: what an optimizer imports makes folders
    missing = rungs.missing_rungs(confines, frozenset())
    names = tuple(name for name in rungs.LADDER if name not in missing)
    assert reason_against(functools.partial(rungs.climb, names, confines), compute) == ""


NAMESPACES = [
    ("network_namespace", local_network, "unreachable"),
    ("pid_namespace", lambda: os.kill(PYTEST, 0), "No such process"),
]
PYTEST = os.getpid()


@pytest.mark.parametrize(("name", "attack", "words"), NAMESPACES)
def test_what_a_namespace_stops_alone(name, attack, words):
    missing = {}

    def enter():
        missing.update(namespaces.enter(set(namespaces.KINDS) - {name}))
        if name in missing:
            raise OSError(0, f"not to be had: {missing[name]}")

    reason = reason_against(enter, attack)
    if "not to be had" in reason:
        pytest.skip(reason)
    assert words in reason


def test_a_confined_view_holds_nothing_else_and_cannot_be_changed(tmp_path):
    def enter():
        if "mount_namespace" in namespaces.enter(set(namespaces.KINDS) - {"mount_namespace"}):
            raise OSError(0, "not to be had")
        namespaces.confine_view(readable_paths(), tmp_path)

    if "not to be had" in reason_against(enter):
        pytest.skip("no mount namespace here")
    (tmp_path / "for_the_worker.txt").write_text("read me")
    assert reason_against(enter, (tmp_path / "for_the_worker.txt").read_text) == ""
    assert reason_against(enter, functools.partial(open, os.__file__)) == ""
    assert "No such file" in reason_against(enter, OUTSIDE.read_bytes)
    assert "No such file" in reason_against(enter, HERE.read_bytes)  # a test of the project's own
    for attack in (
        write("/new"),
        write(tmp_path / "new"),
        functools.partial(os.chmod, os.__file__, 0o777),
        functools.partial(os.mkdir, "/usr/new"),
    ):
        assert "Read-only file system" in reason_against(enter, attack) or "No such file" in reason_against(
            enter, attack
        )


def test_what_a_worker_may_read_holds_no_check_and_no_solution(catalog, monkeypatch):
    monkeypatch.delitem(
        sys.modules, "inspections", raising=False
    )  # checks of another test, which a worker never imports
    secret = [catalog.root, catalog.root / "solutions", catalog.root / "tests", catalog.root / "exercises"]
    for path in readable_paths():
        assert path not in secret and not any(path in place.parents or place in path.parents for place in secret[1:])


@pytest.mark.parametrize(
    "without",
    [
        {"landlock"},
        {"mount_namespace"},
        set(namespaces.KINDS),
        {"seccomp"},
        {"own_uid"},
        {*rungs.LADDER, *namespaces.KINDS},
    ],
    ids=lambda names: "-".join(sorted(names))[:40],
)
def test_it_works_without(another_sandbox, without):
    with another_sandbox(without=frozenset(without)) as weak:
        assert without <= weak.missing.keys()
        assert not without & set(weak.isolation)
        assert all(weak.missing[name] == "switched off" for name in without)
        with weak.worker() as worker:
            assert worker.pid


def test_what_is_required_is_refused_by_name(another_sandbox):
    with another_sandbox(without=frozenset({"landlock", "mount_namespace"})) as weak:
        weak.require(())
        weak.require(("rlimits", "seccomp"))
        with pytest.raises(SandboxError) as refused:
            weak.require(REQUIRED)
        with pytest.raises(UsageError, match="there is no rung called moat; `autograder doctor` lists them"):
            weak.require(("moat",))
    said = str(refused.value)
    assert "landlock does not hold (switched off)" in said and "mount_namespace does not hold" in said


def test_of_alternatives_one_is_enough(another_sandbox):
    for one in ("landlock", "mount_namespace"):
        with another_sandbox(without=frozenset({one})) as weak:
            weak.require((f"{one}/{'landlock' if one == 'mount_namespace' else 'mount_namespace'}",))


def test_every_rung_is_explained():
    assert KEEPS.keys() == {"process", *namespaces.KINDS, *rungs.LADDER, "deadline"}


def test_the_diagnosis_says_what_holds_and_why_not():
    lines = list(diagnosis(["process", "seccomp"], {"landlock": "Function not implemented"}))
    assert [line.split()[:2] for line in lines] == [["+", "process"], ["x", "landlock"], ["+", "seccomp"]]
    assert lines[1].endswith("missing: Function not implemented")
    assert all(len(line) <= 100 for line in lines)


def test_a_rung_without_effect_does_not_count(monkeypatch, confines):
    hollow = rungs.Rung(lambda _: None, rungs.LADDER["seccomp"].proof)
    monkeypatch.setitem(rungs.LADDER, "seccomp", hollow)
    assert rungs.missing_rungs(confines, frozenset())["seccomp"] == "it can still open a socket"


def test_a_worker_that_cannot_climb_runs_nothing(another_sandbox, monkeypatch):
    with another_sandbox() as sandbox, contextlib.ExitStack() as stack:
        sandbox.isolation  # noqa: B018 - asking for it starts the server
        monkeypatch.setattr(sandbox, "_ask", lambda *_: {"pid": 0, "problem": "No child processes"})
        with pytest.raises(SandboxError, match=r"a worker could not begin: No child processes; `autograder doctor`"):
            stack.enter_context(sandbox.worker())
