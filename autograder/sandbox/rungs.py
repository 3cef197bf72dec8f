"""The rungs of the isolation ladder: each makes the worker's own process a little less able, and says under which name.

They run in the forked worker before any of the student's code. A rung that fails raises OSError, and the worker then ends
without running anything.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# Opened here, once in the server, and not by each worker.
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Allowance:
    """What one worker may use.

    Attributes:
        cpu_seconds: processor time in all.
        data_bytes: private memory on top of what the warm server holds.
        descriptors: open files.
    """

    cpu_seconds: int = 120
    data_bytes: int = 2 * 2**30
    descriptors: int = 64


def new_session(_: Allowance) -> None:
    """A session of its own: no terminal, and one group to kill."""
    os.setsid()


def parent_death(_: Allowance) -> None:
    """Dies with the server, however that ends."""
    server = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it died between the fork and the call above
        os._exit(1)


def resource_limits(allowance: Allowance) -> None:
    """Processor time, private memory, descriptors; no file may be written, no core dumped."""
    # RLIMIT_AS would count the gigabytes that the CUDA build maps and never touches.
    data = _data_in_use() + allowance.data_bytes
    limits = {
        resource.RLIMIT_CPU: allowance.cpu_seconds,
        resource.RLIMIT_DATA: data,
        resource.RLIMIT_NOFILE: allowance.descriptors,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing a file is then an OSError, not a death
    for kind, limit in limits.items():
        resource.setrlimit(kind, (limit, limit))


def no_new_privileges(_: Allowance) -> None:
    """No program that it starts gains rights by setuid."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


LADDER: dict[str, Callable[[Allowance], None]] = {
    "session": new_session,
    "parent_death": parent_death,
    "rlimits": resource_limits,
    "no_new_privs": no_new_privileges,
}


def climb(allowance: Allowance) -> None:
    """Every rung in turn.

    Raises:
        OSError: one of them does not hold.
    """
    for rung in LADDER.values():
        rung(allowance)


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _data_in_use() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel does not say how much memory this process has")
