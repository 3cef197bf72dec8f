"""The student's pytest plugin: keep progress after a run of the student's own files, and print the summary.

pytest loads it by an entry point of its own. Graded runs do not load it.
"""

import contextlib
import difflib
import os
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.plugin.recorder import COURSE, RECORDER, RUN, SUBMISSION, Recorder
from autograder.checks.plugin.runs import Run, StudentRun
from autograder.checks.pytest_internals import terminal_width
from autograder.course.catalog import Catalog, speak
from autograder.errors import AutograderError, UsageError
from autograder.messages import tr
from autograder.results.summary import summary
from autograder.results.types import CheckResult
from autograder.student.debugger import editor_stop, lead_to_student

_KEPT = pytest.StashKey[tuple[list[str], str]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Record progress after a student's own run, unless it may have run a part of a function's checks only."""
    config = session.config
    catalog = config.stash[COURSE]
    recorded = not config.option.collectonly and not _is_part(config)
    if catalog is not None and isinstance(config.stash[RUN], StudentRun) and recorded:
        config.stash[_KEPT] = keep_progress(catalog, config.stash[RECORDER], config.rootpath)


def _is_part(config: pytest.Config) -> bool:
    """Return True if single checks were named, or those that failed last: pytest tells no hook which ones `--lf` drops."""
    return bool(config.getoption("lf", default=False)) or any("::" in argument for argument in config.args)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make `--pdb` stop in the editor's debugger if one is attached: the prompt of pdb would be a second debugger."""
    if config.getoption("usepdb", default=False) and editor_stop() is not None:
        config.pluginmanager.unregister(name="pdbinvoke")


@pytest.hookimpl(tryfirst=True)
def pytest_exception_interact(node: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Make the debugger stop in the student's frame, where the code failed or gave the wrong value."""
    run = node.config.stash.get(RUN, None)
    held = node.stash.get(SUBMISSION, None) if isinstance(node, pytest.Item) else None
    if held is None or call.excinfo is None or not isinstance(run, StudentRun) or run.recording is None:
        return
    lead_to_student(call.excinfo.value, held, run.recording)
    stop = editor_stop()
    if stop is not None:
        stop(call.excinfo.value, as_uncaught=False)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Print the student's summary after a run of checks. If `-k` has selected none, print which names it takes."""
    catalog = config.stash[COURSE]
    checks = list(config.stash[RECORDER].results.values())
    if catalog is None or config.option.verbose < -1 or config.option.collectonly:
        return  # an editor that collects checks reads the list alone
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and config.option.keyword and config.stash[RECORDER].partial:
        _say_what_to_choose(terminalreporter, catalog, config.option.keyword)
    if not checks or config.option.tbstyle != "no":
        return
    from autograder.student.screen import wrap

    terminalreporter.section(catalog.title)
    try:
        speak(catalog)
    except UsageError as error:  # go on in English: raised here, it would cost the whole summary
        terminalreporter.write_line(str(error))
    verbosity = config.option.verbose
    width = terminal_width(terminalreporter) if terminalreporter.isatty else 0
    whole = not config.stash[RECORDER].partial and not _is_part(config)
    for line in summary(catalog, checks, brief=verbosity < 0, verbose=verbosity > 0, whole=whole, printed=True):
        for part in wrap(line, width):
            terminalreporter.write_line(part)
    done, note = config.stash.get(_KEPT, ([], ""))
    # Pictures are drawn only on a terminal; otherwise `autograder gallery` draws them later.
    pictures = (first_picture(catalog, unit, config.stash[RUN]) for unit in done if terminalreporter.isatty)
    for line in filter(None, (note, *pictures)):
        terminalreporter.write_line(line)


def _say_what_to_choose(terminalreporter: Any, catalog: Catalog, keyword: str) -> None:
    functions = [name for unit in catalog.units.values() for name in unit.functions]
    near = [*difflib.get_close_matches(keyword, functions, n=1), *functions][0]
    with contextlib.suppress(UsageError):  # without the language the sentence is in English
        speak(catalog)
    terminalreporter.write_line(
        tr(
            "No check matches -k {keyword}; give the name of a function, such as {function}.",
            keyword=keyword,
            function=near,
        )
    )


def keep_progress(catalog: Catalog, recorder: Recorder, root: Path) -> tuple[list[str], str]:
    """Record which functions of the student's own files have passed, and which are open again.

    If only some checks of a function were run, its progress stays as it was.

    Args:
        catalog: the course.
        recorder: results of the run.
        root: folder that the node ids of the run are relative to.

    Returns:
        The units of this run that pass as a whole, and a sentence if the progress could not be stored.
    """
    from autograder.student.progress import fingerprint, update_progress

    own = {catalog.exercise(module): unit for module, unit in catalog.modules.items()}
    own |= {catalog.checks(unit): unit for unit in catalog.units if not catalog.solution(unit).is_file()}
    ended: dict[Path, list[CheckResult]] = {}
    for nodeid, check in recorder.results.items():
        path = root / nodeid.partition("::")[0]
        if path in own and (check.unit, check.function) not in recorder.partial:
            ended.setdefault(path, []).append(check)
    if not ended:
        return [], ""
    try:
        with update_progress(catalog.root) as progress:
            for path, checks in ended.items():
                progress.record(checks, fingerprint(catalog, own[path]))
    except AutograderError as error:
        return [], tr("Your progress was not saved: {error}", error=error)
    done = [own[path] for path in ended if not progress.open_functions(catalog, catalog.units[own[path]])]
    return done, progress.note


def first_picture(catalog: Catalog, unit: str, run: Run) -> str:
    """Draw the picture of a unit that passes. Return text that shows it; empty if it exists already or cannot be drawn."""
    from autograder.student.drawing import keep_picture
    from autograder.student.progress import picture_path
    from autograder.student.screen import picture_text

    if picture_path(catalog.root, unit).exists():
        return ""
    with contextlib.suppress(AutograderError, OSError), run.worker() as worker:
        path = keep_picture(catalog, unit, run.modules(catalog.exercise(unit)), worker)
        return (
            tr("Your picture of {unit}: {path}", unit=unit, path=picture_text(path, os.environ, terminal=True))
            if path is not None
            else ""
        )
    return ""
