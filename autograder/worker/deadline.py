"""Deadlines for a student's code, in time that counts: what it has had on a core, and what it has slept.

On a busy machine a process waits for a core, and that is not its doing. Linux tells the wait of each thread, and it does not
count. Elsewhere processor time counts instead. A wall clock, many times slower, is the last limit.
"""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

#: The file of the signal handler's frame.
HANDLER = __file__
#: The last limit by the wall clock: so many times the seconds that count, and so many more.
_WALL_FACTOR = 10
_WALL_SECONDS = 10.0
#: A timer that would go off sooner waits so long.
_SHORTEST = 0.01


class DeadlinePassed(BaseException):
    """Raised inside a student's code at its deadline; no `except Exception` swallows it."""


def wall_limit(seconds: float) -> float:
    """Return after how many seconds by the wall clock a deadline of so many seconds passes, whatever has counted."""
    return seconds * _WALL_FACTOR + _WALL_SECONDS


class Waiting:
    """How long a thread has waited for a core, as Linux tells it. Elsewhere, or once the thread is gone, it is not known.

    Args:
        descriptor: of the thread's `schedstat` in /proc; None if there is none.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def of_thread(cls, place: str = "thread-self") -> "Waiting":
        """Return that of a thread, by its folder in /proc; this thread's by default."""
        try:
            return cls(os.open(f"/proc/{place}/schedstat", os.O_RDONLY))
        except OSError:
            return cls(None)

    def seconds(self) -> float | None:
        """Return the time in wait so far, or None if it is not known."""
        if self._descriptor is None:
            return None
        try:
            return int(os.pread(self._descriptor, 100, 0).split()[1]) / 1e9
        except (OSError, IndexError):
            return None

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


class Budget:
    """Seconds that count, from now on.

    Args:
        seconds: how many there are.
        waiting: of the thread that uses them.
        otherwise: the clock that counts if the thread's wait is not known; the wall clock by default.

    Attributes:
        paused: called with 0 when time ceases to count, and with the seconds left when it counts again.
    """

    def __init__(self, seconds: float, waiting: Waiting, otherwise: Callable[[], float] | None = None) -> None:
        self._seconds = seconds
        self._waiting = waiting
        self._otherwise = otherwise
        self._begun = time.monotonic()
        self._begun_otherwise = otherwise() if otherwise is not None else 0.0
        self._waited = waiting.seconds()
        self._excused = 0.0
        self._excused_by_wall = 0.0
        self._excused_since: float | None = None
        self.paused: Callable[[float], None] = lambda _: None

    def seconds_left(self) -> float:
        """Return how many seconds are left; none once the wall clock's own limit has passed.

        What was excused counts for neither: on a busy machine an import may take longer than that limit.
        """
        wall = time.monotonic() - self._begun
        if wall < self._seconds:
            return self._seconds - wall  # nothing counts faster than the wall clock
        counted = self._seconds_counted()
        excused = self._excused + (counted - self._excused_since if self._excused_since is not None else 0.0)
        return min(self._seconds + excused - counted, wall_limit(self._seconds) + self._excused_by_wall - wall)

    @contextlib.contextmanager
    def excused(self) -> Iterator[None]:
        """Do not count the time of the code inside."""
        outermost = self._excused_since is None
        begun = time.monotonic()
        if outermost:
            self._excused_since = self._seconds_counted()
            self.paused(0.0)
        try:
            yield
        finally:
            if outermost and self._excused_since is not None:
                self._excused += self._seconds_counted() - self._excused_since
                self._excused_by_wall += time.monotonic() - begun
                self._excused_since = None
                self.paused(max(self.seconds_left(), _SHORTEST))

    def _seconds_counted(self) -> float:
        """Return how much has counted so far."""
        wall = time.monotonic() - self._begun
        waited = self._waiting.seconds()
        if waited is not None and self._waited is not None:
            return wall - (waited - self._waited)
        return wall if self._otherwise is None else min(wall, self._otherwise() - self._begun_otherwise)


@contextlib.contextmanager
def deadline(seconds: float, waiting: Waiting | None = None) -> Iterator[Budget]:
    """Raise `DeadlinePassed` in the code inside once it has had its seconds. The grader has a harder deadline.

    On POSIX a signal ends waiting too. Elsewhere, and in another thread than the main one, the exception comes with the next
    line of Python.

    Args:
        seconds: that count.
        waiting: of this thread; opened and closed here by default.
    """
    own = waiting or Waiting.of_thread()
    budget = Budget(seconds, own, time.process_time)
    by_signal = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    try:
        with _by_signal(budget) if by_signal else _from_a_thread(budget):
            yield budget
    finally:
        if own is not waiting:
            own.close()


@contextlib.contextmanager
def _by_signal(budget: Budget) -> Iterator[None]:
    def stop(_: int, __: object) -> None:
        left = budget.seconds_left()
        if left <= 0:
            raise DeadlinePassed
        signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST))

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(budget.seconds_left(), _SHORTEST))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _from_a_thread(budget: Budget) -> Iterator[None]:
    runs = threading.get_ident()
    lock, over = threading.Lock(), threading.Event()

    def watch() -> None:
        while not over.wait(max(budget.seconds_left(), _SHORTEST)):
            with lock:
                if budget.seconds_left() <= 0 and not over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(runs), ctypes.py_object(DeadlinePassed))
                    return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with lock:
            over.set()
