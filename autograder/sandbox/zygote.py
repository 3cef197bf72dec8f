"""A zygote: a warm process that was started by a clean exec and from which others are forked, each with a socket.

What its children need is imported and set up once, and its memory is shared by all of them. It computes in one thread,
because a child forked from a process that has computed in several may hang. Fork servers come from one zygote, which has
never held a check; processes that grade come from another.

    zygote = Zygote("autograder.sandbox.server", (MANY, "torch", "data"))
    connection = zygote.child()

The socket's end is a child's end. The zygote ends, and with it all children, when every copy of its control socket is
closed: so it may be handed on to a child of another zygote.
"""

import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, NoReturn

from autograder.errors import GraderError

_END_SECONDS = 10
#: So many bytes of the standard error are read for its last line.
_LAST_BYTES = 2**16
#: How many children a fork server is asked for, told among its arguments.
FEW, MANY = "few", "many"
_FORK = b"fork"
#: Variables by which libraries compute in one thread.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
#: Variables of a zygote whose children compute on the CPU: a process in which PyTorch has computed gradients can be forked
#: only if it has seen no GPU.
GPU_HIDDEN = {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": ""}
#: Variables of a zygote whose children compute on a GPU: PyTorch asks the driver's library for the GPU and does not open that.
GPU_UNOPENED = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}


class Zygote:
    """A zygote, seen from who wants children of it. It starts with `start` or the first child, and again should it die.

    Args:
        module: what it runs; it calls `serve_forks`.
        arguments: for that.
        environment: its whole environment.
        control: the socket of a zygote that another process has started; once that has died, this is one's own.
        folder: its working directory.
    """

    def __init__(
        self,
        module: str,
        arguments: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        control: socket.socket | None = None,
        folder: Path = Path("/"),
    ) -> None:
        self._module = module
        self._arguments = arguments
        self._environment = dict(os.environ if environment is None else environment)
        self._control = control
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes]
        self._may_have_children = False
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """Return the number of the zygote's process, if it was started here.

        Raises:
            GraderError: it was not.
        """
        if self._process is None:
            raise GraderError("this zygote was not started here")
        return self._process.pid

    @property
    def control(self) -> socket.socket:
        """Return the socket by which another process can have children of the same zygote."""
        self.start()
        self._may_have_children = True
        assert self._control is not None
        return self._control

    def start(self) -> None:
        """Start the zygote unless it has started, and do not wait: it imports while its user does other things."""
        if self._control is None:
            self._launch()

    def child(self, kind: int = socket.SOCK_SEQPACKET) -> socket.socket:
        """Fork a child and return the connection to it; the other end is closed if the zygote has died or cannot start.

        Args:
            kind: the kind of socket: with messages that stay apart, or `SOCK_STREAM`.
        """
        with self._lock:  # several threads may want one at once
            with contextlib.suppress(OSError):
                return self._ask(kind)
            self.close()
            return self._ask(kind)

    def close(self) -> None:
        """End it, and with it every child, unless somebody else has a copy of its socket."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            if not self._may_have_children:  # it may still be importing, which takes long
                self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_SECONDS)
            self._process.kill()
            self._process.wait()
            self._errors.close()
        self._control = self._process = None
        self._may_have_children = False

    def end_and_read_error(self) -> str:
        """Kill the process and return the last line of its standard error; empty if it was started by another process."""
        if self._process is None:
            return ""
        self._process.kill()
        self._process.wait()
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _LAST_BYTES))
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _ask(self, kind: int) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        with theirs:
            try:
                socket.send_fds(self.control, [_FORK], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def _launch(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, contextlib.ExitStack() as unless_started:
            unless_started.enter_context(ours)
            # A pipe that nobody reads would stop those who write more than it holds.
            self._errors = unless_started.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                # -P and -s do what -I does, but for PYTHONPATH, by which the package may be found.
                [sys.executable, "-P", "-s", "-B", "-m", self._module, str(theirs.fileno()), *self._arguments],
                pass_fds=[theirs.fileno()],
                env=self._environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                start_new_session=True,  # a Ctrl-C at the terminal should not reach it
            )
            unless_started.pop_all()
        self._control = ours


def serve_forks(control: socket.socket, become: Callable[[socket.socket], None]) -> NoReturn:
    """Serve as a zygote: fork a child for each request, which does `become` with its end of the connection."""
    living: set[int] = set()
    # Otherwise the first garbage collection of each child would write to the whole heap, and so copy it.
    gc.collect()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, len(_FORK), 1)
        if not message:
            _end_children(living)
            os._exit(0)
        _reap(living)
        pid = os.fork()
        if not pid:
            control.close()
            _run_child(become, socket.socket(fileno=descriptors[0]))
        living.add(pid)
        os.close(descriptors[0])


def _run_child(become: Callable[[socket.socket], None], connection: socket.socket) -> NoReturn:
    """Run a child to its end."""
    status = 1
    try:
        become(connection)
        status = 0
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(status)


def _reap(living: set[int]) -> None:
    """Forget the children that have ended."""
    for pid in list(living):
        if os.waitpid(pid, os.WNOHANG)[0]:
            living.discard(pid)


def _end_children(living: set[int]) -> None:
    _reap(living)
    for pid in living:  # not yet reaped, none of these can have been given to anyone else
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
