"""The student's pytest plugin: keep progress after a run of the student's own files, and print the summary.

pytest loads it by an entry point of its own. Graded runs do not load it.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

import pytest

from autograder.checks.plugin.recorder import Recorder
from autograder.checks.plugin.runs import Run, StudentRun
from autograder.checks.plugin.stash import COURSE, RECORDER, RUN
from autograder.course.catalog import Catalog
from autograder.errors import AutograderError
from autograder.results.summary import summary
from autograder.results.types import CheckResult
from autograder.student.drawing import keep_picture
from autograder.student.progress import fingerprint, updated_progress
from autograder.student.rewards import picture_path
from autograder.student.terminal import shown

_KEPT = pytest.StashKey[tuple[list[str], str]]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A student's own run counts for their progress, unless it was of checks that were named one by one."""
    config = session.config
    catalog = config.stash[COURSE]
    partly = config.option.collectonly or any("::" in argument for argument in config.args)
    if catalog is not None and isinstance(config.stash[RUN], StudentRun) and not partly:
        config.stash[_KEPT] = keep_progress(catalog, config.stash[RECORDER], config.rootpath)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The student's summary, where a submission was judged."""
    catalog = config.stash[COURSE]
    checks = list(config.stash[RECORDER].results.values())
    if catalog is None or not checks or config.option.tbstyle != "no" or config.option.verbose < -1:
        return
    if config.option.collectonly:
        return  # a list of checks, as an editor asks for it
    terminalreporter.section(catalog.title)
    for line in summary(catalog, checks, brief=config.option.verbose < 0, verbose=config.option.verbose > 0):
        terminalreporter.write_line(line)
    done, note = config.stash.get(_KEPT, ([], ""))
    # For somebody who is looking: `autograder gallery` draws them for the others.
    pictures = (first_picture(catalog, unit, config.stash[RUN]) for unit in done if terminalreporter.isatty)
    for line in filter(None, (note, *pictures)):
        terminalreporter.write_line(line)


def keep_progress(catalog: Catalog, recorder: Recorder, root: Path) -> tuple[list[str], str]:
    """Notes which functions of the student's own files have passed, and which are open again.

    A function of which only some checks were run stays as it stood.

    Args:
        catalog: the course.
        recorder: how the checks of a run have ended.
        root: what the node ids of the run are relative to.

    Returns:
        The units that pass as a whole, of those that were run; and a sentence where the progress could not be kept.
    """
    own = {catalog.exercise(unit): unit for unit in catalog.units}
    ended: dict[Path, list[CheckResult]] = {}
    for nodeid, check in recorder.results.items():
        path = root / nodeid.partition("::")[0]
        if path in own and (check.unit, check.function) not in recorder.partial:
            ended.setdefault(path, []).append(check)
    if not ended:
        return [], ""
    try:
        with updated_progress(catalog.root) as progress:
            for path, checks in ended.items():
                progress.record(checks, fingerprint(path))
    except AutograderError as error:
        return [], f"Your progress was not kept: {error}"
    done = [own[path] for path in ended if not progress.open_functions(catalog.units[own[path]])]
    return done, progress.note


def first_picture(catalog: Catalog, unit: str, run: Run) -> str:
    """What to write on a terminal for the picture of a unit that passes; nothing where it was drawn before, or cannot be."""
    if picture_path(catalog.root, unit).exists():
        return ""
    with contextlib.suppress(AutograderError, OSError), run.worker() as worker:
        path = keep_picture(catalog, unit, run.modules(catalog.exercise(unit)), worker)
        return f"What {unit} has made: {shown(path, os.environ, terminal=True)}" if path is not None else ""
    return ""
