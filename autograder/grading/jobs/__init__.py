"""Jobs: processes that grade at once, forked from one warm process whose memory they share.

    with Jobs(4, spec, sandbox) as judge:
        for judged in judge(tasks):
            ...

Each has a fork server of its own, and these share the memory of one zygote too. A job that dies is replaced, and its task is
given to another, once. What is read from a job was graded there: it is the grader's own word, as no student's code runs in it.
"""

import contextlib
import os
import socket
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from autograder.errors import AutograderError, GraderError, ServerDiedError
from autograder.grading.batch import Judge, Judged, Task
from autograder.grading.spec import GradingSpec
from autograder.sandbox import Sandbox
from autograder.sandbox.zygote import ONE_THREAD, Zygote

_DIED = "the process that graded it died, and the one that graded it again died too"
#: So many that die before they have begun, or lose their fork server, one after another, are no accident.
_STILLBORN = 3


@dataclass(frozen=True)
class Order:
    """What a job needs to begin.

    Attributes:
        spec: what it grades by.
        folder: where its sandbox may put files.
        gpu: whether workers may use CUDA's devices.
    """

    spec: GradingSpec
    folder: Path
    gpu: bool


@dataclass
class Jobs:
    """So many jobs at most; they start as they are needed.

    Attributes:
        count: how many.
        spec: what they grade by.
        sandbox: whose zygote and folder theirs share.
        gpu: whether workers may use CUDA's devices.
        zygote: from which they are forked; without one there is one of their own while they are open.
    """

    count: int
    spec: GradingSpec
    sandbox: Sandbox
    gpu: bool = False
    zygote: Zygote | None = None
    _idle: list[Connection] = field(default_factory=list)
    _busy: dict[Connection, Task] = field(default_factory=dict)
    _beginning: set[Connection] = field(default_factory=set)
    _stillborn: int = 0

    def __enter__(self) -> Judge:
        arguments = (str(self.spec.catalog.root), *self.spec.units)
        environment = {**os.environ, **ONE_THREAD}
        # In this folder, because the environment may name others relative to it.
        self.zygote = Zygote("autograder.grading.jobs.job", arguments, environment, folder=Path.cwd())
        self.zygote.start()
        return self.graded

    def __exit__(self, *_: object) -> None:
        for link in (*self._idle, *self._busy):
            link.close()
        assert self.zygote is not None
        self.zygote.close()

    def alike(self) -> "Jobs":
        """As many others, for another thread, from the same zygote."""
        return Jobs(self.count, self.spec, self.sandbox, self.gpu, self.zygote)

    def graded(self, tasks: Iterable[Task]) -> Iterator[Judged]:
        """The tasks' results, as they come.

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
            for link in wait(list(self._busy)):
                assert isinstance(link, Connection)
                began = link not in self._beginning
                said = self._said(link)
                if said is None:
                    task = self._busy.pop(link)
                    if task.name in died:
                        yield Judged(task, None, _DIED)
                    else:
                        again.append(task)
                        died |= {task.name} if began else set()
                elif began:
                    task = self._busy.pop(link)
                    self._idle.append(link)
                    yield Judged(task, *said)

    def _give(self, task: Task) -> None:
        """Sends a task to a job that has nothing to do, or to a new one."""
        link = self._idle.pop() if self._idle else self._begun()
        with contextlib.suppress(OSError):  # it has died meanwhile, and its end will be read
            link.send(task)
        self._busy[link] = task

    def _begun(self) -> Connection:
        assert self.zygote is not None
        connection = self.zygote.child(socket.SOCK_STREAM)
        with contextlib.suppress(OSError):
            socket.send_fds(connection, [b"."], [self.sandbox.zygote.control.fileno()])
        link = Connection(connection.detach())
        self._beginning.add(link)
        with contextlib.suppress(OSError):
            link.send(Order(self.spec, self.sandbox.folder, self.gpu))
        return link

    def _said(self, link: Connection) -> Any:
        """What a job has sent: first that it has begun, then a result or a reason; nothing where it has died.

        Raises:
            AutograderError: it cannot grade anything.
        """
        try:
            said = link.recv()
        except (EOFError, OSError):
            return self._lost(link, stillborn=link in self._beginning)
        if isinstance(said, ServerDiedError):
            return self._lost(link, stillborn=True, words=str(said))
        if isinstance(said, AutograderError):
            raise said
        if link in self._beginning:
            self._beginning.discard(link)
        else:
            self._stillborn = 0
        return said

    def _lost(self, link: Connection, *, stillborn: bool, words: str = "") -> None:
        link.close()
        self._beginning.discard(link)
        self._stillborn += stillborn
        if self._stillborn == _STILLBORN:
            words = words or (self.zygote.last_words() if self.zygote is not None else "")
            raise GraderError(f"no process that grades could begin: {words}")
