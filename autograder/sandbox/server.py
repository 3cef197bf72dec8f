"""The fork server: a warm process from which every worker is forked.

It is forked from a zygote, which this module runs: started by a clean exec, that imports torch and the course's data, and
never imports a check or a solution, so that a fork of it holds none in its memory. It has one thread and never touches CUDA,
because a child forked after either would hang or fail. A server speaks with its grader over one socket, first of its `Setup`:

    ready  its answer to that: the rungs that hold, and why others do not
    start  with the worker's socket and the write end of its output pipe: forks, answers with the pid
    end    kills a worker and all that it started, answers with how it ended

The socket's end is the server's end, and the server's end is that of all workers (`PR_SET_PDEATHSIG`).
"""

import contextlib
import fcntl
import importlib
import io
import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import msgpack

from autograder.sandbox import kernel, namespaces, rungs, seccomp
from autograder.sandbox.confines import Confines, Setup, gpu_paths, readable_paths
from autograder.sandbox.kernel import reason_of
from autograder.sandbox.zygote import MANY, serve_forks
from autograder.worker import quick_imports, restorer, serving, substitutes
from autograder.worker.deadline import Waiting

_MESSAGE = 65536
#: Far from the users that a machine has; each server takes a thousand of its own.
_FIRST_UID = 2**30
_READY = "ready"
#: The descriptors of a worker, beside its stdin, stdout and stderr.
_CONNECTION, _WAITING, _PRESSURE, _PROBLEM = 3, 4, 5, 6
#: Each worker gets the process number after this one.
_LAST_PID = 999


def main() -> None:
    """Serve a zygote of fork servers: the descriptor of its socket, `FEW` or `MANY` workers, then the modules to import."""
    control, modules = socket.socket(fileno=int(sys.argv[1])), sys.argv[3:]
    os.environ.pop("PYTHONPATH", None)  # it has done its work, and may name folders of the grader's
    quick_imports.quicken()
    for name in modules:
        importlib.import_module(name)
    if "torch" in modules:
        serving.warm_up()
        substitutes.draw_in_memory()
    # Read once and remove: the variable names a folder of the grader's.
    os.environ.pop("MPLCONFIGDIR", None)
    substitutes.install()
    restorer.known_modules()  # before the forks, of which each would copy what this writes to
    if sys.argv[2] == MANY:
        kernel.gather_in_huge_pages()  # some 15 ms less for each worker
    serve_forks(control, serve)


def serve(control: socket.socket) -> None:
    """Serve one grader as its fork server, in a process of its own."""
    setup = Setup.from_dict(msgpack.unpackb(control.recv(_MESSAGE)))
    without = setup.without | (_without_for_gpu() if setup.gpu else set())
    missing = namespaces.enter(without)
    proc = _Proc()  # soon there is no /proc
    if setup.gpu and "pid_namespace" not in missing:
        namespaces.show_own_processes()
    confines = _limits_of_workers(setup, missing)
    missing = missing | _confine_server(setup, confines, missing)
    seccomp.prepare(gpu=setup.gpu)
    missing |= rungs.missing_rungs(replace(confines, readable=(*confines.readable, Path(setup.folder))), without)
    holding = tuple(name for name in rungs.LADDER if name not in missing)
    outer = [name for name in namespaces.KINDS if name not in missing]
    control.send(msgpack.packb({"ready": [*outer, *holding], "missing": missing}))
    _Server(control, confines, holding, "pid_namespace" in outer, proc).serve()


def _without_for_gpu() -> set[str]:
    """Return the namespaces in which CUDA does not start here.

    It looks for its devices and drivers in more places than a confined view has, and for itself in `/proc`.
    """
    refused = os.geteuid() or kernel.reason_against(namespaces.show_own_processes)
    return {"mount_namespace", *(["pid_namespace"] if refused else [])}


def _limits_of_workers(setup: Setup, missing: dict[str, str]) -> Confines:
    """Return the limits that all workers have."""
    ordinary = os.geteuid() != 0
    return Confines(
        allowance=setup.allowance,
        readable=readable_paths() + (gpu_paths() if setup.gpu else ()),
        uid=None if ordinary else _FIRST_UID + secrets.randbelow(2**19) * 2**10,
        # An ordinary user has namespaces only inside a user namespace of its own.
        counted_apart=not ordinary or not namespaces.KINDS.keys() <= missing.keys(),
        data_in_use=kernel.data_in_use(),
        gpu=setup.gpu,
    )


def _confine_server(setup: Setup, confines: Confines, missing: dict[str, str]) -> dict[str, str]:
    """Confine the server itself, for all its workers at once. Return the rungs that do not hold then, and why."""
    # If memory runs out, the kernel should kill a worker and not the grader.
    Path("/proc/self/oom_score_adj").write_text("1000")
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # what a worker leaves behind becomes a child of the server
    if "mount_namespace" in missing:
        return {}
    reason = namespaces.reason_against_view(confines.readable, Path(setup.folder))
    if reason:
        return {"mount_namespace": reason}
    namespaces.confine_view(confines.readable, Path(setup.folder))
    return {}


@dataclass
class _Server:
    """A fork server: it answers requests until the grader closes the socket.

    Attributes:
        alone: no process but this one and its workers can be seen from here.
        proc: the kernel's files about processes.
    """

    control: socket.socket
    confines: Confines
    ladder: tuple[str, ...]
    alone: bool
    proc: "_Proc"
    _used: int = 0
    _living: set[int] = field(default_factory=set)

    def serve(self) -> None:
        """Answer requests until the socket closes."""
        while True:
            message, descriptors, _, _ = socket.recv_fds(self.control, _MESSAGE, 2)
            if not message:
                return
            request = msgpack.unpackb(message)
            answer = (
                self.start(descriptors, request["folder"]) if request["op"] == "start" else self.end(request["pid"])
            )
            self.control.send(msgpack.packb(answer))

    def start(self, descriptors: list[int], folder: str) -> dict[str, object]:
        """Fork a worker. Return its pid once it stands on every rung, or why it does not."""
        uid = None if self.confines.uid is None else self.confines.uid + self._used % 2**10
        self._used += 1
        confines = replace(self.confines, uid=uid, readable=(*self.confines.readable, Path(folder)))
        read, write = os.pipe()
        before = self.proc.children()
        if self.alone:
            self.proc.number_next_process()
        pid = os.fork()
        if not pid:
            connection, output = descriptors
            self._become_worker(connection, output, write, confines)
        process = next(iter(self.proc.children() - before), 0)
        for descriptor in (*descriptors, write):
            os.close(descriptor)
        self._living.add(pid)
        with open(read, "rb") as pipe:
            said = pipe.read().decode("utf-8", "replace")
        return {
            "pid": pid,
            "process": process,
            "problem": "" if said == _READY else said or "its process died before it was ready",
        }

    def end(self, pid: int) -> dict[str, object]:
        """Kill a worker, with all that it started. Return its exit code, or minus the signal."""
        # Not yet reaped, the pid cannot have been given to anyone else.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        self._living.discard(pid)
        self._end_orphans()
        return {"status": os.waitstatus_to_exitcode(status)}

    def _end_orphans(self) -> None:
        """End what a worker has left behind in a session of its own."""
        if self._living:
            return  # nobody can tell which worker left it: it ends with the last one
        self._used = 0  # no process of these users is left
        while True:
            with contextlib.suppress(ProcessLookupError):
                if self.alone:
                    os.kill(-1, signal.SIGKILL)
                else:
                    for pid in self.proc.children():
                        os.kill(pid, signal.SIGKILL)
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return

    def _become_worker(self, connection: int, output: int, problem: int, confines: Confines) -> None:
        """Become a worker. Never returns."""
        status = 1
        try:
            self.control.close()
            _take_places(connection, output, self.proc.waiting(), self.proc.pressure(), problem)
            said = _climb(self.ladder, confines)
            if confines.gpu and said == _READY:
                said = _open_gpu()
            os.write(_PROBLEM, said.encode())
            os.close(_PROBLEM)
            if not confines.gpu:
                substitutes.forbid_cuda()
            if said == _READY:
                serving.serve(socket.socket(fileno=_CONNECTION), Waiting(_WAITING, _PRESSURE))
                status = 0
        finally:
            os._exit(status)


class _Proc:
    """The kernel's files about processes, opened before they are out of sight. They show numbers as the grader has them."""

    def __init__(self) -> None:
        self._folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self._children = open("/proc/thread-self/children")  # noqa: SIM115 # read again and again
        # A machine may show it read-only.
        try:
            self._last_pid: int | None = os.open("/proc/sys/kernel/ns_last_pid", os.O_WRONLY)
        except OSError:
            self._last_pid = None

    def children(self) -> set[int]:
        """Return this process's children."""
        self._children.seek(0)
        return {int(pid) for pid in self._children.read().split()}

    def number_next_process(self) -> None:
        """Give the next process the number that each worker gets, if it is free: others would tell how many came before."""
        if self._last_pid is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._last_pid, b"%d" % _LAST_PID, 0)

    def waiting(self) -> int:
        """Return a descriptor of the file on how long this thread has waited for a core; of the null device without one."""
        return self._open_in_proc("thread-self/schedstat")

    def pressure(self) -> int:
        """Return a descriptor of the file on how long anything on this machine has waited; of the null device without one."""
        return self._open_in_proc("pressure/cpu")

    def _open_in_proc(self, name: str) -> int:
        try:
            return os.open(name, os.O_RDONLY, dir_fd=self._folder)
        except OSError:
            return os.open(os.devnull, os.O_RDONLY)


def _take_places(connection: int, output: int, waiting: int, pressure: int, problem: int) -> None:
    """Close every descriptor but these five, which get their numbers, and an empty stdin."""
    places = (os.open(os.devnull, os.O_RDONLY), output, output, connection, waiting, pressure, problem)
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, len(places)) for each in places]
    for place, each in enumerate(high):
        os.dup2(each, place)
    os.closerange(len(places), 65536)
    sys.stdout, sys.stderr = _stream(1), _stream(2)


class _Buffer(io.BufferedWriter):
    """Buffer that stays open for later checks, even if a student's code closes it or frees a wrapper of it."""

    def close(self) -> None:
        self.flush()


class _Output(io.TextIOWrapper):
    """Text stream from which a student's code cannot take its buffer away."""

    def detach(self) -> Any:
        self.flush()
        return self.buffer


def _stream(place: int) -> TextIO:
    buffer = _Buffer(io.FileIO(place, "w", closefd=False))
    return _Output(buffer, encoding="utf-8", errors="replace", line_buffering=True)


def _climb(ladder: tuple[str, ...], confines: Confines) -> str:
    """Climb the rungs. Return `_READY`, or what went wrong."""
    try:
        rungs.climb(ladder, confines)
    except OSError as error:
        return reason_of(error)
    return _READY


def _open_gpu() -> str:
    """Return `_READY`, or why this process cannot compute on the GPU."""
    try:
        serving.open_device("cuda")
    except Exception as error:  # PyTorch has many ways to say that there is none
        return f"the GPU cannot be used: {error}"
    return _READY


if __name__ == "__main__":
    main()
