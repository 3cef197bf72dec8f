"""A job: a process that grades one task after another. Its zygote, which this module runs, has the checks imported."""

import contextlib
import os
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from autograder.course.catalog import read_catalog
from autograder.errors import AutograderError, GraderError, SandboxError
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.jobs import GradedTask, Task
from autograder.grading.spec import GradingSpec
from autograder.sandbox import Sandbox, kernel
from autograder.sandbox.zygote import serve_forks
from autograder.submissions import Submission
from autograder.worker.serving import warm_up


def main() -> None:
    """Serve a zygote of jobs: the descriptor of its socket, the folder of the course, the units that will be graded."""
    control = socket.socket(fileno=int(sys.argv[1]))
    spec = GradingSpec(read_catalog(Path(sys.argv[2])), units=tuple(sys.argv[3:]), require=())
    if "torch" in spec.catalog.preload:
        warm_up()
    grader = Grader(spec, InThisProcess())
    # Grading an empty submission imports the checks and what pytest imports with them. Each task reports a fault in them.
    with contextlib.suppress(GraderError):
        grader.grade(Submission("nobody"))
    serve_forks(control, begin)


def begin(connection: socket.socket) -> None:
    """Run one job in the forked process, until the other end is closed."""
    kernel.die_with_parent()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # nobody reads what it might say
    _, (zygote,), _, _ = socket.recv_fds(connection, 1, 1)
    link = Connection(connection.detach())
    spec: GradingSpec
    spec, folder = link.recv()
    control = socket.socket(fileno=zygote)
    with Sandbox(spec.catalog.preload, gpu=spec.gpu, control=control, folder=folder) as sandbox:
        try:
            grader = Grader(spec, sandbox)
        except AutograderError as error:
            link.send(error)
            return
        link.send(os.getpid())
        while True:
            link.send(_grade(grader, link.recv()))


def _grade(grader: Grader, task: Task) -> GradedTask | SandboxError:
    """Grade a task; return the error if no other task can be graded either."""
    try:
        return grader.grade_task(task)
    except SandboxError as error:
        return error


if __name__ == "__main__":
    main()
