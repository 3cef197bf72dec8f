"""The kernel's calls that Python has no function for; each raises OSError where the kernel refuses."""

import ctypes
import os
import signal
import struct
from collections.abc import Callable
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

PR_SET_PDEATHSIG = 1
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

# Numbers that are the same on every architecture with the generic table, and on x86-64.
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_MOUNT_SETATTR = 442
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_CAPABILITY_VERSION_3 = 0x20080522
_MNT_DETACH = 2
_LAST_CAPABILITY = 40
_HUGE = 2**21
_MADV_COLLAPSE = 25
_PIPE_BYTES = 4096


def prctl(option: int, value: int) -> None:
    """Call `prctl(2)` with one argument."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0))


def syscall(number: int, *args: int | bytes | None) -> int:
    """Make a system call by its number."""
    wide = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    return _check(_libc.syscall(ctypes.c_long(number), *wide))


def unshare(flags: int) -> None:
    """Enter new namespaces with this process, or with its next children (`CLONE_NEWPID`)."""
    _check(_libc.unshare(flags))


def mount(source: str | Path, target: str | Path, kind: str, flags: int, options: str = "") -> None:
    """Call `mount(2)`."""
    _check(_libc.mount(*map(os.fsencode, (source, target, kind)), ctypes.c_ulong(flags), options.encode()))


def make_read_only(target: str | Path, *, below: bool = True) -> None:
    """Make a mount, and those below it, read-only, without setuid and without devices."""
    read_only, no_setuid, no_device = 1, 2, 4
    attributes = struct.pack("<QQQQ", read_only | no_setuid | no_device, 0, 0, 0)
    flags = _AT_RECURSIVE if below else 0
    syscall(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), flags, attributes, len(attributes))


def enter_root(folder: Path) -> None:
    """Make this folder `/`, and put what was there before out of reach."""
    os.chdir(folder)
    syscall(_PIVOT_ROOT[os.uname().machine], b".", b".")
    _check(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    parent = os.getppid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended between the two
        os._exit(1)


def gather_in_huge_pages() -> None:
    """Move the memory that this process has written into huge pages, if the kernel can.

    A fork copies an entry for every page, and the end of a child frees them. Of huge pages there are five hundred times fewer.
    """
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, _, _, inode, *_ = line.split()
        start, end = (int(number, 16) for number in span.split("-"))
        # Only whole huge pages can be made: the start is rounded up to one, and the end down.
        first = (start + _HUGE - 1) // _HUGE * _HUGE
        size = end // _HUGE * _HUGE - first
        if rights == "rw-p" and inode == "0" and size > 0:
            # Errors do not matter: some memory cannot be moved, an older kernel moves none, and forks are just slower.
            _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(size), _MADV_COLLAPSE)


def drop_capabilities() -> None:
    """Drop every capability for good."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # this kernel knows fewer; or there is none to lose
    header = struct.pack("<Ii", _CAPABILITY_VERSION_3, 0)
    syscall(_CAPSET[os.uname().machine], header, bytes(24))


def data_in_use() -> int:
    """Return the bytes of private memory of this process, as `RLIMIT_DATA` counts them."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel does not say how much memory this process has")


def reason_against(*actions: Callable[[], object]) -> str:
    """Try actions in turn in a child of this process; return why they cannot be done, or nothing if they can."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        _try(actions, write)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read(_PIPE_BYTES).decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return "" if code == 0 else said or f"a trial of it ended with {code}"


def _try(actions: tuple[Callable[[], object], ...], write: int) -> None:
    try:
        for action in actions:
            action()
        os._exit(0)
    except BaseException as error:
        os.write(write, reason_of(error).encode()[:_PIPE_BYTES])
    finally:
        os._exit(1)


def reason_of(error: BaseException) -> str:
    """Return an error in a few words."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or str(error) or type(error).__name__


def _check(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
