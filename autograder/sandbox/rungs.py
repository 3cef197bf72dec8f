"""The rungs of the isolation ladder: each makes the worker's own process a little less able, and says under which name.

A forked worker climbs them before any of the student's code runs. When the fork server starts, it tries each in a child that
then ends: a rung holds if it can be climbed and its proof, if it has one, shows the effect.
"""

import functools
import os
import resource
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.sandbox import kernel, landlock, seccomp
from autograder.sandbox.confines import Confines
from autograder.sandbox.kernel import reason_against

_WRITABLE = (Path("/dev/null"),)


@dataclass(frozen=True)
class Rung:
    """One rung.

    Attributes:
        climb: makes the process less able. Raises OSError if that cannot be done.
        proof: tries what the rung is there to stop. Raises OSError if it is not stopped.
    """

    climb: Callable[[Confines], None]
    proof: Callable[[Confines], None] = lambda _: None


def begin_session(_: Confines) -> None:
    """Begin a session of its own: no terminal, and one group to kill."""
    os.setsid()


def take_own_uid(confines: Confines) -> None:
    """Become a user that owns no file and no other process: none can be changed, signalled or traced."""
    if confines.uid is None:
        raise OSError(0, "only root can give each worker a user of its own")
    os.setgroups([])
    os.setresgid(confines.uid, confines.uid, confines.uid)
    os.setresuid(confines.uid, confines.uid, confines.uid)


def _can_still_read(confines: Confines) -> None:
    for path in (Path(os.__file__), confines.readable[-1] / "."):
        try:
            path.stat()
        except OSError as error:
            raise OSError(0, f"{path} cannot be read by another user ({error.strerror})") from error


def drop_capabilities(_: Confines) -> None:
    """Give up all rights that root's power is divided into, even inside a user namespace."""
    kernel.drop_capabilities()


def _cannot_change_root(_: Confines) -> None:
    _must_fail(functools.partial(os.chroot, "/"), "it can still change its root")


def die_with_parent(_: Confines) -> None:
    """Die with the server, however that ends."""
    kernel.die_with_parent()


def limit_resources(confines: Confines) -> None:
    """Limit processor time, private memory and descriptors; no file may be written, no core dumped."""
    allowance = confines.allowance
    limits = {
        resource.RLIMIT_CPU: allowance.cpu_seconds,
        # RLIMIT_AS would count the gigabytes that the CUDA build maps and never touches.
        resource.RLIMIT_DATA: confines.data_in_use + allowance.data_bytes,
        resource.RLIMIT_NOFILE: allowance.descriptors,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # writing a file is then an OSError, not a death
    for kind, limit in limits.items():
        # At the limit of processor time SIGXCPU tells why the process dies; SIGKILL, a second later, would not.
        most = resource.getrlimit(kind)[1]
        later = limit + 1 if most == resource.RLIM_INFINITY else max(limit, min(limit + 1, most))
        resource.setrlimit(kind, (limit, later if kind == resource.RLIMIT_CPU else limit))


def limit_threads(confines: Confines) -> None:
    """Limit the threads and processes of its user."""
    resource.setrlimit(resource.RLIMIT_NPROC, (confines.allowance.threads, confines.allowance.threads))


def _must_count(confines: Confines) -> None:
    # The kernel counts by user, in each user namespace anew, and never limits root.
    if not confines.counted_apart:
        raise OSError(0, "without a user or a user namespace of its own a worker's threads cannot be told from others")
    if confines.uid is not None:
        take_own_uid(confines)
    limit_threads(confines)
    _start_process()  # an older kernel counts those outside the namespace too, who may be many
    limit_threads(replace(confines, allowance=replace(confines.allowance, threads=1)))
    _must_fail(_start_process, "the kernel does not count")


def _start_process() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def forbid_new_privileges(_: Confines) -> None:
    """Let no program that it starts gain rights by setuid."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)


def restrict_files(confines: Confines) -> None:
    """Leave it to read the interpreter, libraries, data and its own folder: no other file, no TCP, no signal outside."""
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)  # asked for by the kernel, and harmless twice
    devices = gpu_devices() if confines.gpu else ()
    landlock.restrict(confines.readable, _WRITABLE, devices)


def _cannot_list_root(_: Confines) -> None:
    _must_fail(functools.partial(os.listdir, "/"), "it can still list /")


def restrict_calls(confines: Confines) -> None:
    """Leave it only the system calls that computing needs."""
    seccomp.restrict(gpu=confines.gpu)


def _cannot_open_socket(_: Confines) -> None:
    _must_fail(socket.socket, "it can still open a socket")


LADDER: dict[str, Rung] = {
    "session": Rung(begin_session),
    "own_uid": Rung(take_own_uid, _can_still_read),
    "no_capabilities": Rung(drop_capabilities, _cannot_change_root),
    "parent_death": Rung(die_with_parent),  # after the change of user, which would undo it
    "rlimits": Rung(limit_resources),
    "thread_limit": Rung(limit_threads, _must_count),
    "no_new_privs": Rung(forbid_new_privileges),
    "landlock": Rung(restrict_files, _cannot_list_root),
    "seccomp": Rung(restrict_calls, _cannot_open_socket),  # last: it forbids what the others need
}


def missing_rungs(confines: Confines, without: frozenset[str]) -> dict[str, str]:
    """Return the rungs that do not hold here, each tried alone, and why."""
    reasons = {
        name: "switched off"
        if name in without
        else reason_against(functools.partial(rung.climb, confines), functools.partial(rung.proof, confines))
        for name, rung in LADDER.items()
    }
    return {name: reason for name, reason in reasons.items() if reason}


def climb(names: tuple[str, ...], confines: Confines) -> None:
    """Climb these rungs in turn.

    Raises:
        OSError: one of them does not hold.
    """
    for name in names:
        LADDER[name].climb(confines)


def gpu_devices() -> tuple[Path, ...]:
    """Return the files by which this process reaches CUDA's devices, and by which their driver names its threads."""
    return (*Path("/dev").glob("nvidia*"), Path("/proc/self/task"))


def _must_fail(action: Callable[[], object], otherwise: str) -> None:
    try:
        action()
    except OSError:
        return
    raise OSError(0, otherwise)
