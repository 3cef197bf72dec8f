"""Grade a class on a Dask cluster: submissions travel as bytes under their key, results come back as their JSON.

    with Cluster("tls://scheduler:8786", spec) as grade_tasks:
        for graded in grade_tasks(tasks):
            ...

The scheduler gives the tasks of a dead worker to another. What it cannot see is done here: a worker that has another course or
program, or that sends another result than it was asked for, is retired by name, and a task that takes far longer than the
others is given out a second time.

Dask lets whoever reaches a scheduler run programs there, so the connection must be one of TLS with certificates on both sides.
The grader's secret stays here: a task bears the seed of its own submission.
"""

import atexit
import contextlib
import logging
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from distributed import Client, Future, get_worker
from distributed.security import Security

from autograder.course.catalog import course_here
from autograder.errors import AutograderError, GraderError, UsageError
from autograder.grading.jobs import GradedTask, GradeTasks, Jobs, Task
from autograder.grading.result_validator import ResultValidator
from autograder.grading.spec import GradingSpec
from autograder.results.types import legible
from autograder.sandbox import Sandbox

__all__ = ["Cluster"]


#: What each thread of a worker grades with, as `held`.
_own = threading.local()
#: Jobs of this worker by the digest of their spec, in which the course's content counts too; one thread makes them at a time.
_jobs: dict[str, Jobs] = {}
_lock = threading.Lock()
#: Closes the jobs and their sandboxes when the worker ends.
_open = contextlib.ExitStack()
atexit.register(_open.close)


@dataclass(frozen=True)
class Reply:
    """Reply of a worker to a task.

    Attributes:
        worker: its address.
        text: JSON of the result; empty if there is none.
        reason: why there is none.
        refused: True if this worker may not grade at all, for that reason.
    """

    worker: str
    text: str = ""
    reason: str = ""
    refused: bool = False


def grade_here(spec: GradingSpec, facts: dict[str, str], task: Task) -> Reply:
    """Grade a task in this thread of a worker.

    Args:
        spec: what is graded by, without the secret; its course is the sender's, and the one that is here takes its place.
        facts: the sender's, which must be those of this machine.
        task: the submission, and the seed of its random inputs.
    """
    try:
        (graded,) = _grading(spec, facts)([task])
    except AutograderError as error:
        return Reply(get_worker().address, reason=str(error), refused=True)
    text = graded.result.to_json() if graded.result is not None else ""
    return Reply(get_worker().address, text, graded.reason)


def _grading(spec: GradingSpec, facts: dict[str, str]) -> GradeTasks:
    """Return what this thread grades with: a job of its own, whose memory comes from the zygote that all threads share."""
    held: tuple[GradingSpec, dict[str, str], GradeTasks] | None = getattr(_own, "held", None)
    if held is None or held[:2] != (spec, facts):
        with _lock:
            held = (spec, facts, _jobs_for(_spec_here(spec, facts)).alike().grade)
        _own.held = held
    return held[2]


def _jobs_for(spec: GradingSpec) -> Jobs:
    if spec.digest not in _jobs:
        sandbox = _open.enter_context(Sandbox(spec.catalog.preload, gpu=spec.gpu))
        sandbox.require(spec.require)
        jobs = Jobs(1, spec, sandbox)
        _open.enter_context(jobs)
        _jobs[spec.digest] = jobs
    return _jobs[spec.digest]


def _spec_here(spec: GradingSpec, facts: dict[str, str]) -> GradingSpec:
    """Return the spec with the course that is here.

    Raises:
        UsageError: there is no course here, or marks by it would be others.
    """
    here = replace(spec, catalog=course_here())
    other = [name for name in sorted({*here.facts, *facts}) if here.facts.get(name) != facts.get(name)]
    if other:
        raise UsageError(f"it has other {', '.join(other)} than the machine that sends the submissions")
    return here


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
    """A Dask cluster that grades a class.

    Args:
        address: the address of its scheduler.
        spec: what submissions are graded by.
        insecure: True if a connection without TLS will do.
        fresh: True if a result that the scheduler still holds is not to be used.
        tell: called with sentences for the instructor.
        patience: seconds before a task may be given out a second time.
    """

    def __init__(
        self,
        address: str,
        spec: GradingSpec,
        *,
        insecure: bool = False,
        fresh: bool = False,
        tell: Callable[[str], object] = print,
        patience: float = _PATIENCE_SECONDS,
    ) -> None:
        self._address = address
        self._spec = spec
        self._insecure = insecure
        self._validator = ResultValidator(spec)
        #: What workers are told: nothing of the secret, which each task's own seed stands for.
        self._told = replace(spec, secret=b"")
        self._run = str(time.time_ns()) if fresh else ""
        self._tell = tell
        self._patience = patience
        self._open = contextlib.ExitStack()
        self._done: queue.SimpleQueue[tuple[str, Future[Any]]] = queue.SimpleQueue()
        self._running: dict[str, _Running] = {}
        self._seconds: list[float] = []
        self._refused: set[str] = set()

    def __enter__(self) -> GradeTasks:
        # Dask logs each connection that ends; here that becomes one sentence.
        for name in ("distributed", "distributed.client", "distributed.core", "tornado.application", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            self._client = self._open.enter_context(self._connect())
        except (OSError, ValueError) as error:
            self._open.close()
            raise UsageError(f"no scheduler of Dask answers at {self._address} ({error})") from error
        return self.grade

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # if the scheduler is gone, nothing can be closed
            self._open.close()

    def grade(self, tasks: Iterable[Task]) -> Iterator[GradedTask]:
        """Yield the tasks' results as they come.

        Raises:
            GraderError: the scheduler is gone.
            UsageError: every worker has been retired.
        """
        try:
            yield from self._grade(iter(tasks))
        except OSError as error:  # Dask's errors for a lost connection are OSErrors
            raise GraderError(self._gone()) from error

    def _grade(self, waiting: Iterator[Task]) -> Iterator[GradedTask]:
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
                self._check_progress()
                continue
            if name in self._running and future in self._running[name].futures:
                yield from self._finish(name, future)

    def _connect(self) -> Client:
        """Connect to the scheduler.

        Raises:
            UsageError: the connection would be one without TLS, or there are no certificates for it.
        """
        if self._insecure:
            return Client(self._address, timeout=_CONNECT_SECONDS)
        if not self._address.startswith("tls://"):
            raise UsageError(
                f"{self._address} is a scheduler without TLS: whoever reaches it can run programs as you; start it with"
                " certificates and give its tls:// address, or say --insecure-cluster where nobody else is on the network"
            )
        security: Any = Security(require_encryption=True)  # its attributes have no types
        if not (security.tls_ca_file and security.tls_client_cert):
            raise UsageError(
                f"{self._address} needs certificates: set distributed.comm.tls.ca-file, .client.cert and .client.key in"
                " Dask's configuration"
            )
        return Client(self._address, timeout=_CONNECT_SECONDS, security=security)

    def _room(self) -> int:
        threads: int = sum(self._client.nthreads().values())
        return max(1, _AT_HAND * threads)

    def _give(self, task: Task, again: str = "", workers: list[str] | None = None) -> None:
        running = self._running.get(task.name)
        if running is None:
            running = self._running[task.name] = _Running(self._validator.prepare(task), time.monotonic())
        key = "-".join(filter(None, ("grade", self._spec.key(task.raw), task.raw.digest, task.name, self._run, again)))
        future = self._client.submit(
            grade_here,
            self._told,
            self._spec.facts,
            running.task,
            key=key,
            pure=False,
            retries=2,
            workers=workers,
            allow_other_workers=workers is not None,
        )
        running.futures.append(future)
        future.add_done_callback(lambda done: self._done.put((task.name, done)))

    def _finish(self, name: str, future: Future[Any]) -> Iterator[GradedTask]:
        """Yield the graded task, unless its worker refused it and it was given out again."""
        running = self._running[name]
        running.futures.remove(future)
        if future.status == "cancelled":
            raise GraderError(self._gone())
        reply: Any = Reply("", reason=f"the cluster could not grade it: {future.exception()}")
        if future.status != "error":
            reply = future.result()
        try:
            if type(reply) is not Reply:
                raise ValueError("it sent no result")
            if reply.refused:
                raise ValueError(legible(str(reply.reason)))
            result, reason = self._validator.validate((reply.text, reply.reason), running.task)
        except ValueError as error:
            self._retire_worker(future, str(getattr(reply, "worker", "")), str(error))
            self._give(running.task, f"again-{time.time_ns()}")
            return
        del self._running[name]
        for other in running.futures:  # given out twice, and counted once
            other.cancel()
        self._seconds.append(time.monotonic() - running.since)
        yield GradedTask(running.task, result, reason)

    def _retire_worker(self, future: Future[Any], named: str, reason: str) -> None:
        """Retire the worker that a reply names, or else the one that holds it: a retired worker's replies move to others."""
        known = set(self._client.scheduler_info(n_workers=-1)["workers"])
        if named in self._refused:
            return
        for worker in {named} & known or self._client.who_has([future]).get(future.key, ()):
            self._refused.add(worker)
            self._tell(f"worker {worker} was sent away: {reason}")
            self._client.retire_workers([worker])
            if not known - self._refused:
                raise UsageError(f"no worker of the cluster can grade this; of {worker}: {reason}")

    def _check_progress(self) -> None:
        """Raise GraderError if the scheduler is gone; give tasks that take far too long to another worker."""
        if self._client.status != "running":
            raise GraderError(self._gone())
        usual = statistics.median(self._seconds) if self._seconds else 0.0
        overdue = time.monotonic() - max(self._patience, _PATIENCE * usual)
        for running in self._running.values():
            if running.since < overdue and len(running.futures) == 1:
                self._give_to_another(running)

    def _give_to_another(self, running: _Running) -> None:
        """Give a task out a second time, to a worker that does not have it, if there is one."""
        (future,) = running.futures
        at_work = self._client.processing()
        others = [worker for worker, keys in at_work.items() if future.key not in keys and worker not in self._refused]
        if others and len(at_work) > 1:
            self._give(running.task, "second", others)

    def _gone(self) -> str:
        return f"the scheduler at {self._address} is gone; run the same command again: what is graded is kept"
