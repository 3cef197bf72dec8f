"""A cluster of Dask grades a class: submissions travel as bytes under their key, results come back as their JSON.

    with Cluster("tcp://scheduler:8786", spec) as judge:
        for judged in judge(tasks):
            ...

The scheduler gives the tasks of a worker that has died to another. What it cannot see is done here: a worker whose course or
program is another is sent away by name, and a task that takes far longer than the others is given out a second time.
"""

import contextlib
import logging
import queue
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from distributed import Client, Future, LocalCluster

from autograder.errors import GraderError, UsageError
from autograder.grading.batch import Judge, Judged, Task
from autograder.grading.cluster.dask_worker import Assignment, Refusal, grade_here
from autograder.grading.spec import GradingSpec
from autograder.results.types import SubmissionResult

_CONNECT_SECONDS = 30
#: So many tasks for each thread of the cluster are on their way: one at work, one at hand.
_AT_HAND = 2
#: A task is given out again after so many times the usual, and never before so many seconds.
_PATIENCE = 5.0
_PATIENCE_SECONDS = 60.0


@dataclass
class _Running:
    """A task on its way."""

    task: Task
    since: float
    futures: list[Future[Any]] = field(default_factory=list)


class Cluster:
    """A cluster.

    Args:
        address: of its scheduler, or `local:4` for one on this machine with so many jobs.
        spec: what is graded by.
        fresh: whether a result that the scheduler still holds is not to be used.
        tell: is told what an instructor should know.
        patience: see above; in seconds.
    """

    def __init__(
        self,
        address: str,
        spec: GradingSpec,
        *,
        fresh: bool = False,
        tell: Any = print,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._address = address
        self._spec = spec
        self._run = str(time.time_ns()) if fresh else ""
        self._tell = tell
        self._patience = patience
        self._open = contextlib.ExitStack()
        self._done: queue.SimpleQueue[tuple[str, Future[Any]]] = queue.SimpleQueue()
        self._running: dict[str, _Running] = {}
        self._seconds: list[float] = []
        self._refused: set[str] = set()

    def __enter__(self) -> Judge:
        # What they say of a connection that ends is told here in a sentence.
        for name in ("distributed", "distributed.client", "distributed.core", "tornado.application", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = self._open.enter_context(self._connected())
        except (OSError, ValueError) as error:
            self._open.close()
            raise UsageError(f"no scheduler of Dask answers at {self._address} ({error})") from error
        return self.graded

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # of a scheduler that is gone nothing can be closed
            self._open.close()

    def graded(self, tasks: Iterable[Task]) -> Iterator[Judged]:
        """The tasks' results, as they come.

        Raises:
            GraderError: the scheduler is gone.
            UsageError: every worker has been sent away.
        """
        try:
            yield from self._graded(iter(tasks))
        except OSError as error:  # which Dask's own are, of a connection that has ended
            raise GraderError(self._gone()) from error

    def _graded(self, waiting: Iterator[Task]) -> Iterator[Judged]:
        exhausted = False
        while self._running or not exhausted:
            while not exhausted and len(self._running) < self._room():
                task = next(waiting, None)
                exhausted = task is None
                if task is not None:
                    self._give(task)
            try:
                name, future = self._done.get(timeout=1)
            except queue.Empty:
                self._look_round()
                continue
            if name in self._running and future in self._running[name].futures:
                yield from self._judged(name, future)

    def _connected(self) -> Client:
        kind, _, count = self._address.partition(":")
        if kind != "local":
            return Client(self._address, timeout=_CONNECT_SECONDS)
        # One process with several threads: each thread has a job, and the jobs of a process share their memory.
        local = LocalCluster(
            n_workers=1, threads_per_worker=int(count or 1), dashboard_address=None, silence_logs=logging.ERROR
        )
        return Client(self._open.enter_context(local))

    def _room(self) -> int:
        threads: int = sum(self._client.nthreads().values())
        return max(1, _AT_HAND * threads)

    def _give(self, task: Task, again: str = "", workers: list[str] | None = None) -> None:
        running = self._running.setdefault(task.name, _Running(task, time.monotonic()))
        key = "-".join(filter(None, ("grade", self._spec.key(task.raw), task.name, self._run, again)))
        assignment = Assignment.of(self._spec)
        future = self._client.submit(
            grade_here,
            assignment,
            task,
            key=key,
            pure=False,
            retries=2,
            workers=workers,
            allow_other_workers=workers is not None,
        )
        running.futures.append(future)
        future.add_done_callback(lambda done: self._done.put((task.name, done)))

    def _judged(self, name: str, future: Future[Any]) -> Iterator[Judged]:
        """The ending of a task, if this is it."""
        running = self._running[name]
        running.futures.remove(future)
        if future.status == "cancelled":
            raise GraderError(self._gone())
        if future.status == "error":
            said: Any = str(future.exception())
            said = (None, f"the cluster could not grade it: {said}")
        else:
            said = future.result()
        if isinstance(said, Refusal):
            self._send_away(said)
            return self._give(running.task, f"again-{time.time_ns()}")
        del self._running[name]
        for other in running.futures:  # given out twice, and counted once
            other.cancel()
        self._seconds.append(time.monotonic() - running.since)
        text, reason = said
        yield Judged(running.task, SubmissionResult.from_json(text) if text else None, reason)

    def _send_away(self, refusal: Refusal) -> None:
        """A worker that would give other marks is told to go, and named."""
        if refusal.worker in self._refused:
            return
        self._refused.add(refusal.worker)
        self._tell(f"worker {refusal.worker} was sent away: {refusal.reason}")
        self._client.retire_workers([refusal.worker])
        if not set(self._client.scheduler_info(n_workers=-1)["workers"]) - self._refused:
            raise UsageError(f"no worker of the cluster can grade this; of {refusal.worker}: {refusal.reason}")

    def _look_round(self) -> None:
        """Nothing has come for a while: is the scheduler there, and does some task take far too long?"""
        if self._client.status != "running":
            raise GraderError(self._gone())
        usual = statistics.median(self._seconds) if self._seconds else 0.0
        overdue = time.monotonic() - max(self._patience, _PATIENCE * usual)
        for running in self._running.values():
            if running.since < overdue and len(running.futures) == 1:
                self._give_to_another(running)

    def _give_to_another(self, running: _Running) -> None:
        """A second time, to a worker that does not have the task, if there is one."""
        (future,) = running.futures
        at_work = self._client.processing()
        others = [worker for worker, keys in at_work.items() if future.key not in keys and worker not in self._refused]
        if others and len(at_work) > 1:
            self._give(running.task, "second", others)

    def _gone(self) -> str:
        return f"the scheduler at {self._address} is gone; run the same command again: what is graded is kept"
