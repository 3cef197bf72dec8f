"""Machines that grade a class: this one with one process or several, or a cluster."""

import contextlib
import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated

import typer

from autograder.cli import terminal
from autograder.errors import UsageError
from autograder.grading.jobs import GradeTasks
from autograder.grading.spec import GradingSpec

Cluster = Annotated[
    str,
    typer.Option(
        "--cluster", metavar="ADDRESS", help="Address of a Dask scheduler, tls://...; local:N means --jobs N."
    ),
]
Insecure = Annotated[
    bool,
    typer.Option("--insecure-cluster", help="Accept a cluster without TLS: whoever reaches it can act as you."),
]
_LOCAL = "local"


@dataclass(frozen=True)
class Machines:
    """Machines that grade: some processes on this one, or a cluster.

    Attributes:
        jobs: processes at once.
        cluster: address of a scheduler of Dask; empty for this machine.
        insecure: True if the connection to it may be one without TLS.
    """

    jobs: int
    cluster: str = ""
    insecure: bool = False

    @classmethod
    def of(cls, jobs: int, cluster: str, insecure: bool) -> "Machines":
        """Return the machines that the options of a command name. `local:N` is this machine, without a scheduler.

        Raises:
            UsageError: N is no number.
        """
        kind, _, count = cluster.partition(":")
        if kind != _LOCAL:
            return cls(jobs, cluster, insecure)
        if not count.isdecimal() or not int(count):
            raise UsageError(f"--cluster {cluster}: say how many jobs this machine may run, as in local:4")
        return cls(int(count))

    @contextlib.contextmanager
    def open(self, spec: GradingSpec, count: int, libraries: Collection[str], fresh: bool) -> Iterator[GradeTasks]:
        """Yield a function that grades submissions.

        Args:
            spec: how they are graded.
            count: how many there are.
            libraries: the libraries that they name, which workers import at their start.
            fresh: True if no result may be used that a cluster still holds.
        """
        if self.cluster:
            with self._on_cluster(spec, fresh) as grade_tasks:
                yield grade_tasks
            return
        from autograder.sandbox import EXTRAS, Sandbox
        from autograder.sandbox.zygote import ONE_THREAD

        jobs = min(self._jobs_that_fit(spec), count)
        preload = tuple(name for name in spec.catalog.preload if name in libraries)
        extras = [name for name in EXTRAS if name in libraries]
        with Sandbox(preload, gpu=spec.gpu, extras=extras, many=count > 1) as sandbox:
            if jobs > 1:
                from autograder.grading.jobs import Jobs

                with Jobs(jobs, spec, sandbox) as grade_tasks:
                    sandbox.require(spec.require)
                    yield grade_tasks
            else:
                os.environ.update(ONE_THREAD)  # for torch, which is imported now: as a job has it
                from autograder.grading.grade import Grader, collect_checks, grade_in_turn

                collect_checks(spec)
                yield grade_in_turn(Grader(spec, sandbox))

    def _on_cluster(self, spec: GradingSpec, fresh: bool) -> AbstractContextManager[GradeTasks]:
        try:
            from autograder.grading.cluster import Cluster
        except ModuleNotFoundError as error:
            raise UsageError(f"--cluster needs {error.name}: pip install 'idealcat[dask]'") from error

        return Cluster(self.cluster, spec, insecure=self.insecure, fresh=fresh, tell=terminal.warn)

    def _jobs_that_fit(self, spec: GradingSpec) -> int:
        """Return how many jobs run at once: as many as were asked for, or as many as the GPU has room for."""
        if not spec.gpu:
            return self.jobs
        from autograder.grading.jobs import jobs_that_fit

        return jobs_that_fit(self.jobs)
