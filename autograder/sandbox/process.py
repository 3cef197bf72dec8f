"""A worker process, seen from the grader: it takes a request and gives a reply within a deadline."""

import functools
import os
import re
import secrets
import select
import signal
import socket
from collections.abc import Callable
from pathlib import Path

from autograder.errors import Crashed, MalformedMessage, TimedOut
from autograder.messages import is_printable
from autograder.worker.deadline import Budget, Waiting
from autograder.worker.protocol import NONCE_BYTES, frame, is_question, read_frame

_CHUNK = 2**20
#: Seconds from the worker's own deadline, which tells the line that was running, to the end of a process that goes on.
GRACE_SECONDS = 1.0
#: Somewhat more than a message of `protocol` may have, so that a reply that is too large can say so.
REPLY_BYTES = 66 * 2**20
#: Bytes that are kept of the beginning, and as many of the end, of what a student's code prints.
KEPT = 4096
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")


class Worker:
    """A worker process.

    Attributes:
        pid: its process, as the fork server counts them.
        folder: a folder that the student's code may read and the grader fills.
        waiting: how long it has waited for a core.
    """

    def __init__(
        self,
        pid: int,
        folder: Path,
        connection: socket.socket,
        output: int,
        kill: Callable[[int], int | None],
        waiting: Waiting,
    ) -> None:
        self.pid = pid
        self.waiting = waiting
        self.folder = folder
        self._kill = kill
        self._connection = connection
        self._output = output
        self._printed = Tail()
        self._over = False
        connection.setblocking(False)
        os.set_blocking(output, False)

    def take_printed(self) -> str:
        """Return what the student's code has printed since the last time: untrusted."""
        self._drain()
        text, self._printed = self._printed.text(), Tail()
        return text

    def exchange(self, request: bytes, seconds: float, respond: Callable[[bytes], bytes] | None = None) -> bytes:
        """Send a request and return the reply. Everything in it is the student's answer, whoever wrote it.

        Args:
            request: the message.
            seconds: the limit, in the worker's own time, until the reply; while a question is answered they go on.
            respond: answers a question that the worker puts meanwhile. What it raises ends the worker.

        Raises:
            TimedOut: no whole reply within `seconds` of the worker's own time and a moment of grace.
            Crashed: the process ended, or what it wrote is no reply to this request.
        """
        if self._over:
            raise Crashed("its process had ended before")
        # From outside nobody can tell whether threads of its own work for it; the worker's own deadline does.
        budget = Budget(seconds + GRACE_SECONDS, self.waiting, helped=lambda: True)
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            while True:
                self._send(frame(nonce, request), budget)
                _, reply = read_frame(functools.partial(self._receive, budget=budget), REPLY_BYTES, nonce)
                if respond is None or not is_question(reply):
                    return reply
                request = respond(reply)
        except (TimeoutError, ConnectionError, MalformedMessage) as error:
            raise self._ending(error, seconds) from error
        except BaseException:
            self.end()  # it waits for an answer that does not come
            raise

    def end(self) -> int | None:
        """Kill it, with everything that it started. Return its exit code, or minus its signal."""
        if self._over:
            return None
        self._over = True
        return self._kill(self.pid)

    def _ending(self, error: Exception, seconds: float) -> Crashed | TimedOut:
        status = self.end()
        if isinstance(error, TimeoutError):
            return TimedOut(f"did not finish within {seconds:g} s of its own time and was stopped")
        if isinstance(error, MalformedMessage):
            return Crashed(str(error))
        return Crashed(_cause(status))

    def _send(self, data: bytes, budget: Budget) -> None:
        view = memoryview(data)
        while view:
            self._wait(select.POLLOUT, budget)
            view = view[self._connection.send(view[:_CHUNK]) :]

    def _receive(self, size: int, budget: Budget) -> bytes:
        # In one piece: what grows is moved again and again, and the allocator keeps much of what is left behind.
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLIN, budget)
            count = self._connection.recv_into(rest[:_CHUNK])
            if not count:
                raise ConnectionError
            rest = rest[count:]
        return data  # type: ignore[return-value] # it is read as bytes are, and a copy would be as large again

    def _wait(self, event: int, budget: Budget) -> None:
        """Wait until the connection is ready. What is printed is read meanwhile, so that no print can block the worker."""
        poll = select.poll()
        poll.register(self._connection, event)
        poll.register(self._output, select.POLLIN)
        while True:
            left = budget.seconds_left()
            if left <= 0:
                raise TimeoutError
            ready = dict(poll.poll(left * 1000))
            if self._output in ready and not self._drain():
                poll.unregister(self._output)
            if self._connection.fileno() in ready:
                return

    def _drain(self) -> bool:
        """Read what was printed. Return True if there may be more later."""
        for _ in range(64):  # a worker that prints without end must not keep the grader here
            try:
                data = os.read(self._output, _CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._printed.add(data)
        return True


def _cause(status: int | None) -> str:
    if status is None:
        return "its process was ended together with the fork server"
    if status >= 0:
        return f"it ended its own process with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:  # a real-time signal has no name
        name = f"signal {-status}"
    reasons = {
        "SIGSEGV": "segmentation fault: endless recursion, or memory that is not its own",
        "SIGXCPU": "it used up its processor time",
        "SIGKILL": "it was killed, perhaps for its use of memory, or for closing the grader's connection",
    }
    return f"its process died of {name}" + (f" ({reasons[name]})" if name in reasons else "")


class Tail:
    """The first and the last `KEPT` bytes of a stream, and a count of the rest."""

    def __init__(self) -> None:
        self.head = b""
        self.tail = b""
        self.dropped = 0

    def add(self, data: bytes) -> None:
        """Add the next bytes."""
        room = KEPT - len(self.head)
        self.head += data[:room]
        rest = self.tail + data[room:]
        self.tail = rest[-KEPT:]
        self.dropped += len(rest) - len(self.tail)

    def text(self) -> str:
        """Return the kept text, without terminal escapes, and with each progress bar collapsed to its last state."""
        if not self.dropped:  # what stands where both meet stays whole
            return _plain(self.head + self.tail)
        cut = f"\n[... {self.dropped:,} bytes left out ...]\n"
        return _plain(self.head) + cut + _plain(self.tail)


def _plain(data: bytes) -> str:
    text = _ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    # Controls of one byte and of two, and what turns the direction of text round.
    return "".join(char for char in "\n".join(lines) if is_printable(char) or char in "\t\n")
