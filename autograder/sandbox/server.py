"""The fork server: a warm process from which every worker is forked.

It is started by a clean exec (`python -P -s -m autograder.sandbox.server`), imports torch and the course's data, and never
imports a check or a solution: a fork of it therefore holds none in its memory. It has one thread and never touches CUDA,
because a child forked after either would hang or fail. It speaks with the grader over one socket:

    start  with the worker's socket and the write end of its output pipe: forks, answers with the pid
    end    kills a worker and all that it started, answers with how it ended

The socket's end is the server's end, and the server's end is that of all workers (`PR_SET_PDEATHSIG`).
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys

import msgpack
import torch
from torch import nn
from torch.nn import functional

from autograder import worker
from autograder.sandbox import rungs

_MESSAGE = 65536


def main() -> None:
    """Serves the socket whose descriptor is the first argument; the others name modules to import."""
    control = socket.socket(fileno=int(sys.argv[1]))
    torch.set_num_threads(1)
    for name in sys.argv[2:]:
        importlib.import_module(name)
    _warm()
    # What is alive now stays: without this every child's first collection would copy the whole heap.
    gc.collect()
    gc.freeze()
    control.send(msgpack.packb({"ready": list(rungs.LADDER)}))
    serve(control)


def serve(control: socket.socket) -> None:
    """Answers requests until the grader closes the socket."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, _MESSAGE, 2)
        if not message:
            return
        request = msgpack.unpackb(message)
        if request["op"] == "start":
            pid = _fork(control, descriptors, rungs.Allowance(**request["allowance"]))
            control.send(msgpack.packb({"pid": pid}))
        else:
            control.send(msgpack.packb({"status": _end(request["pid"])}))


def _fork(control: socket.socket, descriptors: list[int], allowance: rungs.Allowance) -> int:
    pid = os.fork()
    if pid:
        for descriptor in descriptors:
            os.close(descriptor)
        return pid
    status = 1
    try:
        control.close()
        connection, output = descriptors
        _become_worker(connection, output, allowance)
        status = 0
    finally:
        os._exit(status)


def _become_worker(connection: int, output: int, allowance: rungs.Allowance) -> None:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(connection, 3)
    os.closerange(4, 65536)
    rungs.climb(allowance)
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    worker.serve(socket.socket(fileno=3))


def _end(pid: int) -> int:
    """Kills the worker's session and reaps it: its exit code, or minus the signal that ended it."""
    # Not yet reaped, the pid cannot have been given to anyone else.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _warm() -> None:
    """First calls of torch that import or set up things: paid here once instead of in every worker."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        steps = optimizer(net.parameters(), lr=0.1)
        functional.cross_entropy(net(torch.zeros(2, 3, 8, 8)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
        steps.step()


if __name__ == "__main__":
    main()
