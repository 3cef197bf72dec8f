"""Shield pytest in a graded run: no configuration, plugin or environment variable counts that is not the course's own.

pytest runs here inside the grader's process, which goes on afterwards: what it keeps or changes is put back, and nothing of
a submission stays with it.
"""

import contextlib
import gc
import io
import os
import sys
import traceback
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import pytest

from autograder.checks import plugin, pytest_internals
from autograder.checks.plugin.runs import Run
from autograder.course.catalog import Catalog
from autograder.errors import GraderError, OverBudget, SandboxError
from autograder.results.types import Outcome


class GradedRun(Run, Protocol):
    """One submission, as the checks of a graded run reach it."""

    def limited(self) -> AbstractContextManager[None]:
        """Return what limits the grader's own time for one check."""

    def record_failure(self, error: BaseException, *, answered: bool) -> bool:
        """Record a failed check. Return True if it is run again.

        Args:
            error: why it failed.
            answered: True if the submission had answered anything in this check.
        """


class GradedHooks:
    """Plugin of pytest with what a graded run does in another way than a student's own."""

    def __init__(self, catalog: Catalog) -> None:
        self.problems: list[str] = []
        self._catalog = catalog
        self._again = False
        self._large = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Set the course, in place of the one of the working directory."""
        config.stash[plugin.COURSE] = self._catalog
        config.option.trace = config.option.usepdb = False  # checks of unittest ask for these options of the debugger

    @pytest.fixture
    def tmp_path(self, folder: Path) -> Path:
        """Give the check's folder: the only one that a graded submission can read."""
        return folder

    def pytest_exception_interact(
        self, call: pytest.CallInfo[object], report: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """Keep why something could not be collected."""
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            self.problems.append(_collection_problem(self._catalog.root, call.excinfo.value))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a check without reporting it to pytest, and a second time if its worker died before it had answered."""
        self._again = self._large = False
        self._run(item, nextitem)
        if self._again:
            item.config.stash[plugin.RECORDER].expect(item.nodeid, item.stash[plugin.CHECK])
            self._run(item, nextitem)
        if self._large:
            _forget_last_error()
            gc.collect()  # frames of pytest and of the check hold one another, and what came back
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report a failure to the run, then clear the traceback so that the student's tensors are freed.

        The frames and the exception hold one another.
        """
        error = call.excinfo.value if call.excinfo is not None else None
        if call.excinfo is not None and not isinstance(error, pytest.skip.Exception):
            pytest_internals.forget_traceback(call.excinfo)
        report = yield
        submission = item.stash.get(plugin.SUBMISSION, None)
        self._large = self._large or (submission is not None and submission.large)
        if isinstance(error, SandboxError):
            raise error  # no check can be run
        if error is not None and not isinstance(error, pytest.skip.Exception):
            run: GradedRun = item.config.stash[plugin.RUN]  # type: ignore[assignment] # `CheckSession.run` has put it there
            answered = submission is not None and submission.answered
            self._again = run.record_failure(error, answered=answered) or self._again
        while error is not None:
            traceback.clear_frames(error.__traceback__)
            error = error.__context__
        return report

    @staticmethod
    def _run(item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Run a check once, and let go of the submission afterwards: the check is kept for the next one."""
        run: GradedRun = item.config.stash[plugin.RUN]  # type: ignore[assignment] # `CheckSession.run` has put it there
        try:
            with run.limited():
                pytest_internals.run_item(item, nextitem)
        except OverBudget as error:  # raised outside of the check itself: while it was explained or cleaned up
            pytest_internals.tear_down(item.session, nextitem)
            item.config.stash[plugin.RECORDER].results[item.nodeid] = item.stash[plugin.CHECK].with_outcome(
                Outcome.FAILED, str(error)
            )
            run.record_failure(error, answered=True)
        finally:
            if plugin.SUBMISSION in item.stash:
                del item.stash[plugin.SUBMISSION]


def graded_arguments(catalog: Catalog, unit: str) -> list[str]:
    """Return the arguments of pytest for the checks of a unit."""
    return [
        str(catalog.checks(unit)),
        f"--rootdir={catalog.root}",
        f"--confcutdir={catalog.root}",  # without it pytest lists each folder above, up to the root of the disk
        f"--config-file={os.devnull}",
        "--noconftest",
        "--disable-plugin-autoload",
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
        *("-p", "no:logging"),  # it would look through all loggers of torch at each phase of each check
        *("-p", "no:faulthandler", "-p", "no:debugging"),  # both change the interpreter, and this process goes on
        *("-p", "no:capture"),  # what checks print is dropped, and capturing it takes a fifth of a small check
        *("-W", "ignore"),  # PYTHONWARNINGS=error would make a failure of each
        "--import-mode=importlib",
        "--tb=line",
        "-q",
    ]


def _collection_problem(root: Path, error: BaseException) -> str:
    """Return why checks cannot be collected in one line: where in the course, and what was raised."""
    cause = error.__cause__ or error  # pytest's own error quotes the whole traceback
    if isinstance(cause, SyntaxError) and cause.filename:
        places = [(Path(cause.filename), cause.lineno)]
    else:
        places = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(cause.__traceback__)]
    inside = [f"{path.relative_to(root)}:{line} raised " for path, line in places if path.is_relative_to(root)]
    text = cause.msg if isinstance(cause, SyntaxError) else str(cause)
    return f"{''.join(inside[-1:])}{type(cause).__name__}: {' '.join(text.split())}"


def forget_module(path: Path) -> None:
    """Have Python import a file anew: it keeps a module that has changed since, and one whose import has failed."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "") == str(path):
            del sys.modules[name]


@contextlib.contextmanager
def as_grader_error() -> Iterator[None]:
    """Turn every error of pytest's into a `GraderError`."""
    try:
        yield
    except SandboxError:
        raise
    except Exception as error:  # pytest's own, of a check that is written wrong or wants to end pytest
        raise GraderError(f"the checks could not be run: {type(error).__name__}: {error}") from error


@contextlib.contextmanager
def shield() -> Iterator[None]:
    """Shield a run: no variable steers pytest, it has no terminal, and a worker may read the files that a check writes."""
    saved, mask, stdin, nowhere = _remove_pytest_variables(), os.umask(0o022), sys.stdin, io.StringIO()
    sys.stdin = io.StringIO()
    try:
        with contextlib.chdir("."), contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        sys.stdin = stdin
        os.umask(mask)
        _remove_pytest_variables()
        _forget_last_error()
        os.environ.update(saved)


def _forget_last_error() -> None:
    """Forget the last error, which pytest keeps for a debugger, and with it what the submission has returned."""
    for name in ("last_value", "last_traceback", "last_exc"):
        setattr(sys, name, None)


def _remove_pytest_variables() -> dict[str, str]:
    """Remove pytest's variables from the environment. Return them."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PYTEST_")}
