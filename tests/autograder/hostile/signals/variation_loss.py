"""Signals the grader and everybody else, with kill and by other calls that send signals."""

import ctypes
import fcntl
import os
import signal

PID = int("VICTIM")
libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def by_descriptor():
    """The kernel sends a signal of choice to the owner of a descriptor when there is something to read."""
    fcntl.fcntl(3, fcntl.F_SETOWN, PID)
    fcntl.fcntl(3, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | os.O_ASYNC)


WAYS = (
    lambda: os.kill(PID, signal.SIGKILL),
    lambda: os.kill(os.getppid(), 0),
    lambda: os.kill(-1, 0),
    lambda: os.killpg(os.getpgid(os.getppid()) or 2**22, 0),
    lambda: checked(libc.tgkill(PID, PID, signal.SIGKILL)),
    lambda: signal.pidfd_send_signal(os.pidfd_open(PID), signal.SIGKILL),
    by_descriptor,
)


def sent(way):
    try:
        way()
    except OSError:
        return False
    return True


def variation_loss(images):
    raise RuntimeError(f"{sum(map(sent, WAYS))} of {len(WAYS)} signals were sent")
