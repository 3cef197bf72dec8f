"""Deadlines for a student's code, in time that counts: what it has had on a core, and what it has slept.

The time that a thread waits for a core does not count: Linux gives it for each thread. While anything on the machine waits for
a core, the time does not count either that a thread sleeps because others work for it: threads and processes that it has
started, the grader that it has asked. On other systems processor time counts instead. The last limit is by the wall clock, and
many times longer.
"""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

#: The file of the signal handler's frame.
HANDLER = __file__
#: The last limit by the wall clock: so many times the seconds that count, and so many more.
_WALL_FACTOR = 30
_WALL_SECONDS = 10.0
#: What is excused, an import, may take so many seconds by the wall clock at once.
_LONGEST_IMPORT = 1800.0
#: The shortest time that a timer is set to, in seconds.
_SHORTEST = 0.01
#: Seconds after which the exception comes again, in case a bare `except` of the student's has caught it.
_AGAIN = 2.0
#: Seconds on a core: threads with less have not worked for another thread, such as those of a library that wait for work.
_LEAST_WORK = 0.05
#: The file that tells how long anything on the machine has waited for a core, and by how many seconds it may be late.
_PRESSURE, _PRESSURE_LATE = "/proc/pressure/cpu", 2.0


class DeadlinePassed(BaseException):
    """Raised inside a student's code at its deadline; no `except Exception` swallows it."""


def wall_limit(seconds: float) -> float:
    """Return after how many seconds by the wall clock a deadline of so many seconds passes, whatever has counted."""
    return seconds * _WALL_FACTOR + _WALL_SECONDS


class Waiting:
    """The time for which a thread has waited for a core; unknown on systems other than Linux, and once it has ended.

    Args:
        descriptor: the descriptor of the thread's `schedstat` in /proc; None if there is none.
        pressure: descriptor of /proc/pressure/cpu; None if there is none.
    """

    def __init__(self, descriptor: int | None, pressure: int | None = None) -> None:
        self._descriptor = descriptor
        self._pressure = pressure

    @classmethod
    def of_thread(cls, place: str = "thread-self") -> "Waiting":
        """Return the waiting of a thread, by the thread's folder in /proc; of this thread by default."""
        return cls(_open(f"/proc/{place}/schedstat"), _open(_PRESSURE))

    def seconds(self) -> float | None:
        """Return the time in wait so far, or None if it is not known."""
        return self._time(1)

    def seconds_on_a_core(self) -> float | None:
        """Return the time on a core so far, or None if it is not known."""
        return self._time(0)

    def seconds_of_any(self) -> float | None:
        """Return for how long anything on this machine has waited for a core so far, or None if it is not known."""
        try:
            # some avg10=0.00 avg60=0.00 avg300=0.00 total=123, in microseconds
            return int(_read(self._pressure).partition(b"total=")[2].split()[0]) / 1e6
        except (OSError, IndexError, ValueError):
            return None

    def close(self) -> None:
        """Close the files."""
        for descriptor in (self._descriptor, self._pressure):
            if descriptor is not None:
                os.close(descriptor)
        self._descriptor = self._pressure = None

    def _time(self, place: int) -> float | None:
        try:
            return int(_read(self._descriptor).split()[place]) / 1e9
        except (OSError, IndexError, ValueError):
            return None


def _open(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


def _read(descriptor: int | None) -> bytes:
    return b"" if descriptor is None else os.pread(descriptor, 200, 0)


class Budget:
    """Seconds that count, from now on.

    Args:
        seconds: how many there are.
        waiting: tells how long the thread that uses them has waited for a core.
        otherwise: the clock that counts if the thread's wait is unknown; the wall clock by default.
        helped: returns True if others may have worked for the thread while it slept.

    Attributes:
        paused: called with 0 when time ceases to count, and with the seconds left when it counts again.
    """

    def __init__(
        self,
        seconds: float,
        waiting: Waiting,
        otherwise: Callable[[], float] | None = None,
        helped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._seconds = seconds
        self._waiting = waiting
        self._otherwise = otherwise
        self._begun = time.monotonic()
        self._begun_otherwise = otherwise() if otherwise is not None else 0.0
        self._waited = waiting.seconds()
        self._ran = waiting.seconds_on_a_core()
        self._any_waited = waiting.seconds_of_any()
        self._helped = helped
        self._excused = 0.0
        self._excused_by_wall = 0.0
        self._excused_since: float | None = None
        self._excused_begun = 0.0
        self.paused: Callable[[float], None] = lambda _: None

    def seconds_left(self) -> float:
        """Return how many seconds are left; none once the wall clock's own limit has passed.

        What was excused counts for neither: on a busy machine an import may take longer than that limit.
        """
        wall = time.monotonic() - self._begun
        if wall < self._seconds:
            return self._seconds - wall  # nothing counts faster than the wall clock
        counted = self._seconds_counted()
        excused, excused_by_wall = self._excused, self._excused_by_wall
        if self._excused_since is not None:
            excused += counted - self._excused_since
            excused_by_wall += min(time.monotonic() - self._excused_begun, _LONGEST_IMPORT)
        if counted - excused >= self._seconds and self._helped():
            excused += self._seconds_asleep_for_a_core(counted)
        return min(self._seconds + excused - counted, wall_limit(self._seconds) + excused_by_wall - wall)

    @contextlib.contextmanager
    def excused(self) -> Iterator[None]:
        """Do not count the time of the code inside."""
        outermost = self._excused_since is None
        if outermost:
            self._excused_since, self._excused_begun = self._seconds_counted(), time.monotonic()
            self.paused(0.0)
        try:
            yield
        finally:
            if outermost and self._excused_since is not None:
                self._excused += self._seconds_counted() - self._excused_since
                self._excused_by_wall += time.monotonic() - self._excused_begun
                self._excused_since = None
                self.paused(max(self.seconds_left(), _SHORTEST))

    def _seconds_counted(self) -> float:
        """Return how much has counted so far."""
        wall = time.monotonic() - self._begun
        waited = self._waiting.seconds()
        if waited is not None and self._waited is not None:
            return wall - (waited - self._waited)
        return wall if self._otherwise is None else min(wall, self._otherwise() - self._begun_otherwise)

    def _seconds_asleep_for_a_core(self, counted: float) -> float:
        """Return for how much of what has counted the thread slept while its helpers may have waited for a core."""
        ran = self._waiting.seconds_on_a_core()
        if ran is None or self._ran is None:
            return 0.0
        asleep = max(counted - (ran - self._ran), 0.0)
        waited = self._waiting.seconds_of_any()
        if waited is None or self._any_waited is None:
            return asleep
        return min(asleep, waited - self._any_waited + _PRESSURE_LATE)


class _Helpers:
    """The other threads of this process, and the processes that it starts, from now on."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._begun = _seconds_since_boot()
        self._before = self._seconds()

    def have_worked(self) -> bool:
        """Return True if they have had time on a core, or may have had: a process that has not ended tells nothing."""
        return self._seconds() - self._before > _LEAST_WORK or _has_started_one(self._begun)

    def _seconds(self) -> float:
        ended = os.times()
        of_threads = time.process_time() - (self._waiting.seconds_on_a_core() or 0.0)
        return of_threads + ended.children_user + ended.children_system


def _seconds_since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def _has_started_one(begun: float) -> bool:
    """Return True if Linux shows a living child of this process that was started since so many seconds after the boot."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):  # the process has just ended
            # After the name, which may hold anything: state, parent, and the start, in ticks since the boot.
            facts = path.read_text(errors="replace").rpartition(")")[2].split()
            if int(facts[1]) == os.getpid() and int(facts[19]) / os.sysconf("SC_CLK_TCK") >= begun - 0.01:
                return True
    return False


@contextlib.contextmanager
def deadline(
    seconds: float, waiting: Waiting | None = None, helped: Callable[[], bool] = lambda: False
) -> Iterator[Budget]:
    """Raise `DeadlinePassed` in the code inside once it has had its seconds. The grader has a harder deadline.

    On POSIX a signal ends waiting too. Elsewhere, and in another thread than the main one, the exception comes with the next
    line of Python.

    Args:
        seconds: that count.
        waiting: tells how long this thread has waited for a core; opened and closed here by default.
        helped: returns True if others than this process and those that it has started worked for this thread.
    """
    own = waiting or Waiting.of_thread()
    helpers = _Helpers(own)
    budget = Budget(seconds, own, time.process_time, lambda: helped() or helpers.have_worked())
    by_signal = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    try:
        with _by_signal(budget) if by_signal else _from_a_thread(budget):
            yield budget
    finally:
        if own is not waiting:
            own.close()


@contextlib.contextmanager
def _by_signal(budget: Budget) -> Iterator[None]:
    """Have a signal raise `DeadlinePassed` in the code inside, which runs in the main thread."""

    def stop(_: int, __: object) -> None:
        left = budget.seconds_left()
        if left <= 0:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)
            raise DeadlinePassed
        signal.setitimer(signal.ITIMER_REAL, max(left, _SHORTEST))

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(budget.seconds_left(), _SHORTEST))
    try:
        yield
    finally:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
        finally:  # the signal may have come just before, and then comes again
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


@contextlib.contextmanager
def _from_a_thread(budget: Budget) -> Iterator[None]:
    """Have another thread raise `DeadlinePassed` in the code inside."""
    running = threading.get_ident()
    lock, over = threading.Lock(), threading.Event()

    def watch() -> None:
        pause = max(budget.seconds_left(), _SHORTEST)
        while not over.wait(pause):
            with lock:
                left = budget.seconds_left()
                pause = _AGAIN if left <= 0 else max(left, _SHORTEST)
                if left <= 0 and not over.is_set():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(running), ctypes.py_object(DeadlinePassed)
                    )

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        with lock:
            over.set()
