"""A deadline for the code of a student that runs in the main thread: an exception there, which tells the line."""

import contextlib
import ctypes
import signal
import threading
from collections.abc import Iterator

#: The file of the signal handler's frame.
HANDLER = __file__


class DeadlinePassed(BaseException):
    """Raised inside a student's code at its deadline; no `except Exception` swallows it."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises `DeadlinePassed` in the code inside. The grader has a harder one, which cannot be switched off.

    On POSIX a signal ends waiting too. Elsewhere, and in another thread than the main one, the exception comes with the next
    line of Python.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        with _by_signal(seconds):
            yield
    else:
        with _from_a_thread(seconds):
            yield


@contextlib.contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def stop(_: int, __: object) -> None:
        raise DeadlinePassed(f"{seconds:g}")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _from_a_thread(seconds: float) -> Iterator[None]:
    runs = threading.get_ident()
    lock, over = threading.Lock(), False

    def stop() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runs), ctypes.py_object(DeadlinePassed))

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()
