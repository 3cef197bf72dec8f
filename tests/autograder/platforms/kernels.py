"""Kernels of Jupyter, each for one notebook and then `check`. They are forked from a process that has all imported.

    python -m tests.autograder.platforms.kernels CONTROL COURSE UNIT...

A child is sent the path of its notebook and the names of functions. It answers with the points of each, or with a traceback.
"""

import os
import socket
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
from ipykernel.compiler import XCachingCompiler
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.sandbox.zygote import serve_forks
from autograder.submissions import Submission
from autograder.worker.serving import warm_up


class Shell(InteractiveShell):
    """A shell in which `%matplotlib inline` works, as in a kernel."""

    def enable_gui(self, gui=None):
        pass


def main():
    control = socket.socket(fileno=int(sys.argv[1]))
    spec = GradingSpec(read_catalog(Path(sys.argv[2])), units=tuple(sys.argv[3:]), require=())
    warm_up()
    Grader(spec, InThisProcess()).grade(Submission("nobody"))  # which imports the checks
    serve_forks(control, run_one)


def run_one(connection):
    with Connection(connection.detach()) as link:
        try:
            link.send(points(*link.recv()))
        except BaseException:
            link.send(traceback.format_exc())


def points(notebook, functions):
    """The points that `check` gives for each function after the notebook's cells have run."""
    config = Config(HistoryManager={"enabled": False})  # it would be kept among the user's own files
    shell = Shell.instance(config=config, compiler_class=XCachingCompiler)
    sys.modules["__main__"] = shell.user_module
    os.chdir(notebook.parent)
    sys.path.insert(0, "")
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        shell.run_cell(cell.source, store_history=True)  # it prints what a cell raises, and the next one runs
    shell.run_cell("from autograder.notebook import check", store_history=True)
    return {function: shell.user_ns["check"](function) for function in functions}


if __name__ == "__main__":
    main()
