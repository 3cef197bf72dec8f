"""A job: a process that grades one task after another. Its zygote, which this module runs, has the checks imported."""

import contextlib
import os
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from autograder.course.catalog import read_catalog
from autograder.errors import AutograderError, GraderError, SandboxError
from autograder.grading.batch import Task
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.jobs import Order
from autograder.results.types import SubmissionResult
from autograder.sandbox import Sandbox, kernel
from autograder.sandbox.zygote import serve_forks
from autograder.submissions import Submission, parse_submission
from autograder.worker.session import warm_up


def main() -> None:
    """Serve a zygote of jobs: the descriptor of its socket, the folder of the course, the units that will be graded."""
    control = socket.socket(fileno=int(sys.argv[1]))
    warm_up()
    grader = Grader(read_catalog(Path(sys.argv[2])), InThisProcess(), units=sys.argv[3:], require=())
    # Grading nothing imports the checks, and whatever pytest imports on the way. What is wrong with them each task will say.
    with contextlib.suppress(GraderError):
        grader.judge(Submission("nobody"))
    serve_forks(control, begin)


def begin(connection: socket.socket) -> None:
    """One job, in the process that becomes it, until the other end is closed."""
    kernel.die_with_parent()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # nobody reads what it might say
    _, (zygote,), _, _ = socket.recv_fds(connection, 1, 1)
    link = Connection(connection.detach())
    order: Order = link.recv()
    control = socket.socket(fileno=zygote)
    with Sandbox(order.spec.catalog.preload, gpu=order.gpu, control=control, folder=order.folder) as sandbox:
        try:
            grader = Grader.under(order.spec, sandbox)
        except AutograderError as error:
            link.send(error)
            return
        link.send("begun")
        while True:
            link.send(_ended(grader, link.recv()))


def _ended(grader: Grader, task: Task) -> tuple[SubmissionResult | None, str] | SandboxError:
    """A result, or the reason why there is none; or why there can be no other either."""
    try:
        return grader.judge(parse_submission(task.raw, grader.catalog.functions), task.name), ""
    except SandboxError as error:
        return error
    except GraderError as error:
        return None, str(error)


if __name__ == "__main__":
    main()
