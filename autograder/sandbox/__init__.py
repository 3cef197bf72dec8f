"""The sandbox: workers in processes of their own, forked from a warm server, limited, watched and killed.

with Sandbox(preload=("torch", "data")) as sandbox, sandbox.worker() as worker:
    reply = worker.exchange(request, seconds=10)
"""

import contextlib
import dataclasses
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgpack

from autograder.errors import Crashed, SandboxError, TimedOut
from autograder.sandbox.output import Tail
from autograder.sandbox.rungs import Allowance

__all__ = ["Allowance", "Sandbox", "Worker"]

_LENGTH = struct.Struct("<Q")
_CHUNK = 2**20
_START_SECONDS = 120
#: The worker's own deadline comes first, with the line that was running; this much later comes the end of the process.
GRACE_SECONDS = 1.0
REPLY_BYTES = 300 * 2**20
# A fork copies the page table entry of every page. With all of Python's memory taken from malloc, and malloc's from huge
# pages, there are far fewer of them: starting and ending a worker costs half the time.
_HUGE_PAGES = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
_KEPT_VARIABLES = ("IDEALCAT_CACHE", "IDEALCAT_WEIGHTS", "OXFORD_PETS", "TORCH_HOME")


class Sandbox:
    """The fork server, seen from the grader. It starts at the first worker and again should it die."""

    def __init__(self, preload: tuple[str, ...] = (), allowance: Allowance | None = None) -> None:
        self.preload = preload
        self.allowance = allowance or Allowance()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._rungs: tuple[str, ...] = ()

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def isolation(self) -> tuple[str, ...]:
        """The rungs that every worker stands on."""
        self._ready()
        return ("process", *self._rungs, "deadline")

    def close(self) -> None:
        """Ends the server, and with it every worker."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stderr is not None:
                self._process.stderr.close()
        self._control = self._process = None

    @contextlib.contextmanager
    def worker(self) -> Iterator["Worker"]:
        """A fresh worker; it is killed on the way out, with everything that it started.

        Raises:
            SandboxError: no worker can be had.
        """
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        with ours, open(read, "rb", buffering=0) as output:
            # The worker must hold the only other ends: their closing is how its death is seen.
            with theirs, open(write, "wb", buffering=0):
                pid = self._start(theirs.fileno(), write)
            worker = Worker(self, pid, ours, output.fileno())
            try:
                yield worker
            finally:
                worker.end()

    def end(self, pid: int) -> int | None:
        """Kills a worker: its exit code, minus its signal, or nothing where the server itself has died."""
        try:
            return int(self._ask({"op": "end", "pid": pid})["status"])
        except OSError:
            self.close()  # the workers have died with their server
            return None

    def _start(self, connection: int, output: int) -> int:
        request = {"op": "start", "allowance": dataclasses.asdict(self.allowance)}
        with contextlib.suppress(OSError):
            self._ready()
            return int(self._ask(request, [connection, output])["pid"])
        self.close()
        self._ready()
        try:
            return int(self._ask(request, [connection, output])["pid"])
        except OSError as error:
            raise SandboxError(f"the fork server died twice in a row ({error}); is there memory left?") from error

    def _ask(self, request: dict[str, Any], descriptors: list[int] | None = None) -> dict[str, Any]:
        if self._control is None:
            raise ConnectionError("the fork server is gone")
        socket.send_fds(self._control, [msgpack.packb(request)], descriptors or [])
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._control is not None
        message = self._control.recv(65536)
        if not message:
            raise ConnectionError("the fork server is gone")
        answer: dict[str, Any] = msgpack.unpackb(message)
        return answer

    def _ready(self) -> None:
        if self._process is not None:
            return
        if not sys.platform.startswith("linux"):
            raise SandboxError(f"there is no sandbox on {sys.platform}; grade on Linux")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _launch(theirs, self.preload)
        self._control = ours
        ours.settimeout(_START_SECONDS)
        try:
            self._rungs = tuple(self._answer()["ready"])
        except OSError as error:
            said = self._last_words()
            self.close()
            raise SandboxError(f"the fork server did not start: {said or error}") from error

    def _last_words(self) -> str:
        assert self._process is not None and self._process.stderr is not None
        self._process.kill()
        lines = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


class Worker:
    """One worker process: takes a request, gives a reply, within a deadline."""

    def __init__(self, sandbox: Sandbox, pid: int, connection: socket.socket, output: int) -> None:
        self.pid = pid
        self._sandbox = sandbox
        self._connection = connection
        self._output = output
        self._printed = Tail()
        self._over = False
        connection.setblocking(False)
        os.set_blocking(output, False)

    @property
    def output(self) -> str:
        """What the student's code has printed so far, as the student's own words: untrusted."""
        self._drain()
        return self._printed.text()

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """The worker's reply. Everything in it is the student's answer, whoever wrote it.

        Raises:
            TimedOut: no whole reply within `seconds` and a moment of grace.
            Crashed: the process ended, or replied with more than a reply may be.
        """
        if self._over:
            raise Crashed("its process had ended before")
        deadline = time.monotonic() + seconds + GRACE_SECONDS
        try:
            self._send(_LENGTH.pack(len(request)) + request, deadline)
            (size,) = _LENGTH.unpack(self._receive(_LENGTH.size, deadline))
            if size > REPLY_BYTES:
                raise _TooMuch
            return self._receive(size, deadline)
        except (TimeoutError, ConnectionError, _TooMuch) as error:
            raise self._verdict(error, seconds) from error

    def end(self) -> int | None:
        """Kills it, with everything that it started: its exit code, or minus its signal."""
        if self._over:
            return None
        self._over = True
        return self._sandbox.end(self.pid)

    def _verdict(self, error: Exception, seconds: float) -> Crashed | TimedOut:
        status = self.end()
        if isinstance(error, TimeoutError):
            return TimedOut(f"did not finish within {seconds:g} s and was stopped")
        if isinstance(error, _TooMuch):
            return Crashed(f"its answer was larger than {REPLY_BYTES // 2**20} MB")
        return Crashed(_cause(status))

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            self._wait(select.POLLOUT, deadline)
            view = view[self._connection.send(view[:_CHUNK]) :]

    def _receive(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._wait(select.POLLIN, deadline)
            piece = self._connection.recv(min(size - len(data), _CHUNK))
            if not piece:
                raise ConnectionError
            data += piece
        return bytes(data)

    def _wait(self, event: int, deadline: float) -> None:
        """Until the connection is ready, reading along what is printed, so that no print can block the worker."""
        poll = select.poll()
        poll.register(self._connection, event)
        poll.register(self._output, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            ready = dict(poll.poll(left * 1000))
            if self._output in ready and not self._drain():
                poll.unregister(self._output)
            if self._connection.fileno() in ready:
                return

    def _drain(self) -> bool:
        """Reads what is there to read; whether there may be more later."""
        for _ in range(64):  # a worker that prints without end must not keep the grader here
            try:
                data = os.read(self._output, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._printed.add(data)
        return True


class _TooMuch(Exception):
    """A reply longer than replies may be."""


def _launch(control: socket.socket, preload: tuple[str, ...]) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    single = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return subprocess.Popen(
        # -I, isolated from all that is not given here, would also leave out PYTHONMALLOC: -P and -s are the rest of it.
        [sys.executable, "-P", "-s", "-B", "-m", "autograder.sandbox.server", str(control.fileno()), *preload],
        pass_fds=[control.fileno()],
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", **single, **_HUGE_PAGES, **kept},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C at the terminal is the grader's to handle
    )


def _cause(status: int | None) -> str:
    if status is None:
        return "its process was ended together with the fork server"
    if status >= 0:
        return f"it ended its own process with exit code {status}"
    name = signal.Signals(-status).name
    reasons = {
        "SIGSEGV": "segmentation fault: endless recursion, or memory that is not its own",
        "SIGXCPU": "it used up its processor time",
        "SIGKILL": "it was killed, perhaps for its use of memory",
    }
    return f"its process died of {name}" + (f" ({reasons[name]})" if name in reasons else "")
