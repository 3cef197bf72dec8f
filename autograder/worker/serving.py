"""The process of a worker: the first calls of PyTorch, which are made before the fork, and the loop that answers requests."""

import contextlib
import functools
import gc
import socket
import sys
from collections.abc import Callable

from autograder.libraries import nn, torch
from autograder.worker import substitutes
from autograder.worker.deadline import Waiting
from autograder.worker.files import Folder
from autograder.worker.protocol import frame, read_frame
from autograder.worker.session import Session


def warm_up() -> None:
    """Make the first calls of torch that import or set up things: forward, backward, a step of the usual optimizers.

    It computes in one thread, for a process from which others are forked.
    """
    torch.set_num_threads(1)
    substitutes.step_without_compiler()
    open_device("cpu")


def open_device(device: str) -> None:
    """Compute for the first time on a device, which sets up libraries: on a GPU it takes seconds that are not the student's.

    On the CPU it computes no gradients where there is a GPU: PyTorch starts a thread for it then, and a process that is forked
    afterwards can compute none.

    Raises:
        RuntimeError: the device cannot be used.
    """
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).to(device)
    logits = net(torch.zeros(2, 3, 8, 8, device=device))
    if device == "cpu" and torch.cuda.device_count():
        return
    loss = nn.functional.cross_entropy(logits, torch.tensor([0, 1], device=device))
    loss.backward()  # type: ignore[no-untyped-call] # torch gives it no types
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        optimizer(net.parameters(), lr=0.1).step()


def serve(connection: socket.socket, waiting: Waiting) -> None:
    """Answer requests on a connection until it closes; `waiting` is of this thread."""
    streams = sys.stdout, sys.stderr
    files = Folder()
    receive = functools.partial(_receive, connection)
    gc.freeze()  # what came after the fork; collections between checks skip it
    with contextlib.suppress(EOFError), files.working_inside():
        session = Session(sandboxed=True, waiting=waiting, files=files)
        while True:
            nonce, message = read_frame(receive)
            reply = session.answer(message, functools.partial(_ask, connection, receive, nonce))
            for stream in streams:
                with contextlib.suppress(OSError, ValueError):  # the student's code may have closed it
                    stream.flush()
            connection.sendall(frame(nonce, reply))


def _ask(connection: socket.socket, receive: Callable[[int], bytes], nonce: bytes, question: bytes) -> bytes:
    """Put a question to the grader during a request, and return the answer."""
    connection.sendall(frame(nonce, question))
    return read_frame(receive, expected=nonce)[1]


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes.

    Raises:
        EOFError: the other side has closed.
    """
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 2**20))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
