"""Jobs: processes that grade at once, forked from one warm process whose memory they share.

    with Jobs(4, spec, sandbox) as grade_tasks:
        for graded in grade_tasks(tasks):
            ...

Each has a fork server of its own, and these share the memory of one zygote too. A job that dies, or stands still, is replaced,
and its task is given to another, once. What a job sends can be trusted, as no student's code runs in it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError, GraderError, ServerDiedError, UsageError
from autograder.grading.spec import GradingSpec
from autograder.results.types import SubmissionResult
from autograder.sandbox import Sandbox
from autograder.sandbox.zygote import GPU_HIDDEN, GPU_UNOPENED, ONE_THREAD, Zygote
from autograder.submissions import RawSubmission
from autograder.worker.deadline import wall_limit


@dataclass(frozen=True)
class Task:
    """A submission to be graded, and the name that its result bears.

    `seed`, of its random inputs, is set if whoever grades it does not have the secret.
    """

    name: str
    raw: RawSubmission
    seed: str = ""


@dataclass(frozen=True)
class GradedTask:
    """A task and its result; `result` is None if the grader itself failed, for the `reason` given."""

    task: Task
    result: SubmissionResult | None
    reason: str = ""


def reason_of_fault(error: Exception) -> str:
    """Return why a submission has no result: what the grader says, or the place of a fault in it, which stops no other one.

    Raises:
        AutograderError: it is no fault of the grader's, such as a command that cannot be carried out.
    """
    if isinstance(error, GraderError):
        return str(error)
    if isinstance(error, AutograderError):
        raise error
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"the grader itself failed at {Path(last.filename).name}:{last.lineno} ({type(error).__name__}: {error})"


#: Grades tasks, in any order, and takes the next when it has room for one.
GradeTasks = Callable[[Iterable[Task]], Iterator[GradedTask]]


_DIED = "the process that graded it died or stood still, and so did the one that graded it again"
#: A job waits for one call of a worker at a time, whose last limit is the wall clock's; then so much more.
_STILL_SECONDS = 60.0
#: Before it begins, its zygote imports torch and the checks, which takes long on a busy machine.
_BEGIN_SECONDS = 600.0
#: If this many in a row die before they have begun, or lose their fork server, it is no accident.
_STILLBORN = 3
#: Memory of a GPU that a worker may need: CUDA's own context, and the networks and images of a check.
WORKER_MB = 2048
_ASK_GPU = ("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits")
_ASK_SECONDS = 30


@dataclass
class _Watch:
    """Watch on a busy job: its process, the processor time that it had at the last look, and since when it has had no more."""

    pid: int
    since: float
    used: int | None = None

    def stands_still(self, patience: float) -> bool:
        """Look at the process now. Return True if it has had no processor time for so many seconds."""
        now, used = time.monotonic(), _processor_time(self.pid)
        if self.pid and (used is None or used != self.used):  # unknown, where the system does not tell
            self.since, self.used = now, used
        return now - self.since > (patience if self.pid else _BEGIN_SECONDS)


def _processor_time(pid: int) -> int | None:
    """Return the nanoseconds that a process has had a core, or None if that is not known."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


@dataclass
class Jobs:
    """Pool of jobs; each job starts when it is needed.

    Attributes:
        count: the most jobs that run at once.
        spec: what they grade by.
        sandbox: the jobs' own sandboxes share its zygote and folder.
        zygote: from which they are forked; if None, they have one of their own while they are open.
        patience: seconds without processor time after which a job stands still; by the course's own limits if None.
    """

    count: int
    spec: GradingSpec
    sandbox: Sandbox
    zygote: Zygote | None = None
    patience: float | None = None
    _watched: dict[Connection, _Watch] = field(default_factory=dict)
    _idle: list[Connection] = field(default_factory=list)
    _busy: dict[Connection, Task] = field(default_factory=dict)
    _beginning: set[Connection] = field(default_factory=set)
    _stillborn: int = 0

    def __enter__(self) -> GradeTasks:
        arguments = (str(self.spec.catalog.root), *(unit.name for unit in self.spec.chosen))
        environment = {**os.environ, **ONE_THREAD, **(GPU_UNOPENED if self.spec.gpu else GPU_HIDDEN)}
        # In this folder, because the environment may name others relative to it.
        self.zygote = Zygote("autograder.grading.job", arguments, environment, folder=Path.cwd())
        self.zygote.start()
        return self.grade

    def __exit__(self, *_: object) -> None:
        for link in (*self._idle, *self._busy):
            link.close()
        assert self.zygote is not None
        self.zygote.close()

    def alike(self) -> "Jobs":
        """Return as many others, for another thread, from the same zygote."""
        return Jobs(self.count, self.spec, self.sandbox, self.zygote, self.patience)

    def grade(self, tasks: Iterable[Task]) -> Iterator[GradedTask]:
        """Yield the tasks' results as they come.

        Raises:
            AutograderError: no job can begin.
        """
        waiting, again = iter(tasks), deque[Task]()
        died: set[str] = set()
        while True:
            while len(self._busy) < self.count and (task := again.popleft() if again else next(waiting, None)):
                self._give(task)
            if not self._busy:
                return
            for link in wait(list(self._busy), self._still_limit / 4) or self._end_still_ones():
                assert isinstance(link, Connection)
                began = link not in self._beginning
                received = self._receive(link)
                if received is None:
                    task = self._busy.pop(link)
                    if task.name in died:
                        yield GradedTask(task, None, _DIED)
                    else:
                        again.append(task)
                        died |= {task.name} if began else set()
                elif began:
                    task = self._busy.pop(link)
                    self._idle.append(link)
                    yield received

    def _give(self, task: Task) -> None:
        """Send a task to a job that has nothing to do, or to a new one."""
        link = self._idle.pop() if self._idle else self._start()
        with contextlib.suppress(OSError):  # it has died meanwhile, and its end will be read
            link.send(task)
        self._busy[link] = task
        self._watched.setdefault(link, _Watch(0, 0.0)).since = time.monotonic()

    @property
    def _still_limit(self) -> float:
        if self.patience is not None:
            return self.patience
        return wall_limit(max((unit.seconds for unit in self.spec.chosen), default=0.0)) + _STILL_SECONDS

    def _end_still_ones(self) -> list[Connection]:
        """End the busy jobs that stand still: a stopped process, a lost lock. Return their links: they have ended."""
        still = [link for link in self._busy if self._watched[link].stands_still(self._still_limit)]
        for link in still:
            if pid := self._watched[link].pid:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            else:  # it has not begun, and its process is not known
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(link.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)
        return still

    def _start(self) -> Connection:
        assert self.zygote is not None
        connection = self.zygote.child(socket.SOCK_STREAM)
        with contextlib.suppress(OSError):
            socket.send_fds(connection, [b"."], [self.sandbox.zygote.control.fileno()])
        link = Connection(connection.detach())
        self._beginning.add(link)
        with contextlib.suppress(OSError):
            link.send((self.spec, self.sandbox.folder))
        return link

    def _receive(self, link: Connection) -> Any:
        """Return what a job has sent: first its process, then a `GradedTask` each time; None if it has died.

        Raises:
            AutograderError: it cannot grade anything.
        """
        try:
            received = link.recv()
        except (EOFError, OSError):
            self._remove(link, stillborn=link in self._beginning)
            return None
        if isinstance(received, ServerDiedError):
            self._remove(link, stillborn=True, words=str(received))
            return None
        if isinstance(received, AutograderError):
            raise received
        if link in self._beginning:
            self._beginning.discard(link)
            self._watched[link].pid = received
        else:
            self._stillborn = 0
        return received

    def _remove(self, link: Connection, *, stillborn: bool, words: str = "") -> None:
        """Remove a job that has died.

        Raises:
            GraderError: so many in a row were stillborn that no job can begin.
        """
        link.close()
        self._beginning.discard(link)
        del self._watched[link]
        self._stillborn += stillborn
        if self._stillborn == _STILLBORN:
            words = words or (self.zygote.end_and_read_error() if self.zygote is not None else "")
            raise GraderError(f"no process that grades could begin: {words}")


def jobs_that_fit(jobs: int) -> int:
    """Return how many of these jobs have room on the first GPU at once: each worker opens CUDA for itself.

    Raises:
        UsageError: there is none, it cannot be asked, or it has no room for one.
    """
    try:
        told = subprocess.run(_ASK_GPU, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True).stdout
        free = int(told.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise UsageError(
            f"--device cuda: {_ASK_GPU[0]} tells of no GPU on this machine ({error}); leave the option out"
        ) from error
    if free < WORKER_MB:
        needed = f"a submission is given {WORKER_MB} MB"
        raise UsageError(
            f"--device cuda: {free} MB of the GPU's memory are free, and {needed}; end what else runs there"
        )
    return min(jobs, free // WORKER_MB)
