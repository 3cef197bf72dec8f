"""The system calls that a worker may make, as a filter of libseccomp: a list of what computing needs, and nothing else.

Any other call fails with EPERM, which Python raises as PermissionError in the student's own line. So there are no sockets,
no new processes or programs, no ptrace, no signals to others, no io_uring, no namespaces, no files made or changed.
"""

import errno
import functools
import os
import socket

try:
    import pyseccomp
except (ImportError, RuntimeError) as error:  # RuntimeError: without the C library
    pyseccomp, _missing = None, f"libseccomp cannot be loaded ({error}); install Debian's libseccomp2 or its like"

_MEMORY = "brk mmap munmap mremap mprotect madvise membarrier get_mempolicy"
_THREADS = """futex set_robust_list rseq set_tid_address sched_yield sched_getaffinity sched_getparam sched_getscheduler
    gettid getcpu exit exit_group restart_syscall"""
_SIGNALS = """rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait sigaltstack setitimer getitimer
    timer_create timer_settime timer_gettime timer_delete pause"""
_TIME = "clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage"
_FILES = """read readv pread64 preadv lseek close close_range fstat newfstatat stat lstat statx access faccessat faccessat2
    readlink readlinkat getcwd chdir fchdir openat open getdents getdents64 fadvise64 readahead dup dup2 dup3 statfs
    fstatfs umask"""
_ANSWERS = """write writev pwrite64 poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait
    sendto recvfrom getsockopt getsockname getpeername shutdown"""
_SELF = """getpid getppid getuid geteuid getgid getegid getresuid getresgid getgroups getpgrp getpgid getsid uname sysinfo
    getrandom getrlimit capget"""
_ALLOWED = f"{_MEMORY} {_THREADS} {_SIGNALS} {_TIME} {_FILES} {_ANSWERS} {_SELF}".split()
#: System calls that CUDA's driver needs besides; in words, as the lists above.
_FOR_GPU = "ioctl bind listen mlock munlock sched_setaffinity eventfd2 memfd_create ftruncate".split()  # noqa: SIM905 - readable

_CLONE_THREAD = 0x00010000
_MAP_SHARED = 0x01
# Copying a descriptor; reading and setting its flags. Others can have the kernel send signals, or hold locks and leases.
_HARMLESS_FCNTL = (0, 1, 2, 3, 4, 1030)
_HARMLESS_PRCTL = (15, 16, 0x53564D41)  # a thread's name, set and read; malloc's names of its memory
_HARMLESS_IOCTL = (
    0x5401,
    0x5413,
    0x541B,
    0x5421,
    0x5450,
    0x5451,
)  # asking about a terminal, bytes to read, close-on-exec


def restrict(*, gpu: bool = False) -> None:
    """Confine this process for good to the calls above.

    Raises:
        OSError: libseccomp is not installed, or the kernel has no seccomp.
    """
    if pyseccomp is None:
        raise OSError(errno.ENOSYS, _missing)
    rules = _common(gpu)
    for name in ("kill", "tgkill", "rt_sigqueueinfo"):
        _allow(rules, name, pyseccomp.Arg(0, pyseccomp.EQ, os.getpid()))
    rules.load()


def prepare(*, gpu: bool = False) -> None:
    """Build the part of the filter that all forks of this process share, which takes most of the time."""
    if pyseccomp is not None:
        _common(gpu)


@functools.cache
def _common(gpu: bool) -> "pyseccomp.SyscallFilter":
    """Return the part of the filter that is the same for all processes. A process that adds to it must be about to load it."""
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED + (_FOR_GPU if gpu else []):
        if name != "mmap" or gpu:
            _allow(rules, name)
    # Memory shared without a file is counted by no limit, and only a process that forks has a use for it.
    if not gpu:
        _allow(rules, "mmap", pyseccomp.Arg(3, pyseccomp.MASKED_EQ, _MAP_SHARED, 0))
    _allow(rules, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _CLONE_THREAD, _CLONE_THREAD))
    # Its flags lie in memory, where no filter can look. With ENOSYS the C library takes clone instead.
    rules.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    # By a pipe the threads of a pool tell one another to go on. It holds 64 KB, and its size cannot be changed.
    _allow(rules, "pipe2", pyseccomp.Arg(1, pyseccomp.MASKED_EQ, ~(os.O_CLOEXEC | os.O_NONBLOCK) & 0xFFFF_FFFF, 0))
    _allow(rules, "prlimit64", pyseccomp.Arg(2, pyseccomp.EQ, 0))  # reading a limit
    for command in _HARMLESS_FCNTL:
        _allow(rules, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    for option in _HARMLESS_PRCTL:
        _allow(rules, "prctl", pyseccomp.Arg(0, pyseccomp.EQ, option))
    for request in _HARMLESS_IOCTL if not gpu else ():
        _allow(rules, "ioctl", pyseccomp.Arg(1, pyseccomp.EQ, request))
    if gpu:
        # CUDA's driver does not start without a socket to listen at. Before, it looks for a server, which it must not find.
        _allow(rules, "socket", pyseccomp.Arg(0, pyseccomp.EQ, socket.AF_UNIX))
        _allow(rules, "setsockopt", pyseccomp.Arg(2, pyseccomp.EQ, socket.SO_PASSCRED))
        for name in ("connect", "unlink"):
            rules.add_rule(pyseccomp.ERRNO(errno.ENOENT), name)
    return rules


def _allow(rules: "pyseccomp.SyscallFilter", name: str, *conditions: "pyseccomp.Arg") -> None:
    if pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0:  # other architectures have fewer
        rules.add_rule(pyseccomp.ALLOW, name, *conditions)
