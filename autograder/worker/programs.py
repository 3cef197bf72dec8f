"""Run a student's module as a program: with its own input, arguments and folder, in the process of the worker.

A worker can start no process and write no file. So the program runs here as `__main__`, and the files of its folder are held
in memory (`files`). At home it is the same, and the student's own folder stays as it is.
"""

import contextlib
import errno
import io
import logging
import os
import sys
import threading
import traceback
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

from autograder.worker.deadline import DeadlinePassed
from autograder.worker.faults import fault_of
from autograder.worker.files import Folder
from autograder.worker.importing import found_as_main
from autograder.worker.protocol import Finished, Run
from autograder.worker.restorer import loggers
from autograder.worker.streams import text_of_prints

#: The most that a program may print, on either stream, and that it may add to its files, in bytes: one reply holds all of it.
_MOST_BYTES = 2 * 2**20
#: Ending of a notebook's name. Only a notebook's definitions are taken, and no cell starts the program: its `main` is called.
_NOTEBOOK = ".ipynb"
#: A wait for a thread is taken up again after so long, so that a deadline can end it.
_JOIN_SECONDS = 0.1


class _Printed:
    """Prints of a program on one stream, up to a size."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, data: bytes) -> None:
        """Add the next bytes, if there is room."""
        if len(self.data) + len(data) > _MOST_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.data += data


def run_program(request: Run, sources: Mapping[str, str]) -> Finished:
    """Run a unit's source as `__main__` and return how it ended.

    Args:
        request: what it reads, its arguments and files.
        sources: all of the student's texts, by file name.

    Raises:
        NotImplementedError: it is not written yet.
        DeadlinePassed: it did not end in time.
    """
    filename, text = request.sources[request.unit]
    files = {f"{request.unit}.py": text, **request.files}
    folder = Folder(files, alone=True, most_bytes=_MOST_BYTES + sum(map(len, files.values())))
    output, error = _Printed(), _Printed()
    program = types.ModuleType("__main__")
    program.__file__ = f"{request.unit}.py"
    with folder.working_inside(), _run_as_program(request, program, output, error):
        try:
            exec(compile(text, filename, "exec", dont_inherit=True), program.__dict__)
            if filename.endswith(_NOTEBOOK):
                if "main" not in program.__dict__:
                    raise NameError("the notebook has no function main, which starts the program")
                program.__dict__["main"]()
            code = 0
        except SystemExit as end:
            code = _exit_code(end.code)
        except DeadlinePassed:
            raise
        except Exception as fault:
            if fault_of(fault, sources, sandboxed=False).kind == "not written":
                raise
            _write_traceback(fault, filename)
            code = 1
    return Finished(bytes(output.data), bytes(error.data), code, folder.files_written())


@contextlib.contextmanager
def _run_as_program(request: Run, program: types.ModuleType, output: _Printed, error: _Printed) -> Iterator[None]:
    """Give the process the streams, the arguments and the module of the program."""
    streams: dict[str, Any] = {
        "stdin": io.TextIOWrapper(io.BytesIO(request.stdin.encode("utf-8", "surrogatepass")), encoding="utf-8"),
        "stdout": text_of_prints(output.add, "backslashreplace"),
        "stderr": text_of_prints(error.add, "backslashreplace"),
    }
    threads = set(threading.enumerate())
    argv = [f"{request.unit}.py", *request.args]
    # `__main__` alone is put back: the libraries that the program has imported must stay, as NumPy cannot be loaded twice.
    with found_as_main(program), mock.patch.multiple(sys, argv=argv, **streams), _separate_loggers():
        try:
            yield
            _await_threads(set(threading.enumerate()) - threads, vars(program).values())
        finally:
            _flush(*streams.values(), sys.stdout, sys.stderr, *vars(program).values())


def _await_threads(threads: set[threading.Thread], values: Iterable[Any]) -> None:
    """Wait for the threads that a program has started, as Python does at its end; not for those of a pool without work.

    Args:
        threads: the threads of the program.
        values: the values of its names, pools among them.
    """
    pools: Any = sys.modules.get("concurrent.futures.thread")
    for value in list(values) if pools is not None else ():
        if isinstance(value, pools.ThreadPoolExecutor):
            value.shutdown(wait=False)  # it ends once it has done what it was given
    queues = getattr(pools, "_threads_queues", {})
    for thread in threads:
        while thread.is_alive() and not thread.daemon and not (thread in queues and queues[thread].empty()):
            thread.join(_JOIN_SECONDS)


@contextlib.contextmanager
def _separate_loggers() -> Iterator[None]:
    """Let the program begin without loggers' handlers, and put back those of this process: they write to other streams."""
    known = logging.root.manager.loggerDict
    before = {logger: _state_of(logger) for logger in loggers()}
    names, disabled_up_to = set(known), logging.root.manager.disable
    logging.root.handlers.clear()
    try:
        yield
    finally:
        logging.disable(disabled_up_to)
        for logger, (handlers, filters, state) in before.items():
            logger.handlers[:], logger.filters[:] = handlers, filters
            vars(logger).update(state)
        for name in set(known) - names:
            if name == "__main__" or name.partition(".")[0] not in sys.modules:  # the program's own, and no library's
                del known[name]
        logging.root.setLevel(logging.root.level)  # which forgets what loggers remember of levels


def _state_of(logger: logging.Logger) -> tuple[list[Any], list[Any], dict[str, Any]]:
    state = {name: vars(logger)[name] for name in ("level", "disabled", "propagate")}
    return logger.handlers[:], logger.filters[:], state


def _flush(*values: object) -> None:
    """Flush those values that are streams, as Python does at its end: a program may have wrapped its own."""
    for value in values:
        with contextlib.suppress(Exception, SystemExit):  # Python ignores them too
            if isinstance(value, io.IOBase):
                value.flush()


def _exit_code(code: object) -> int:
    """Return the exit code of `sys.exit(code)`; a text goes to stderr, as Python writes it there."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _write_traceback(fault: Exception, filename: str) -> None:
    """Write the traceback as Python does, from the program's first line on."""
    first = fault.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != filename:
        first = first.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(fault), fault, first)))
