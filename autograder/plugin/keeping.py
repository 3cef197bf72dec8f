"""A student's own run of pytest counts for their progress, and a unit that passes for the first time earns its picture."""

import contextlib
import os
from pathlib import Path

from autograder.catalog import Catalog
from autograder.errors import AutograderError
from autograder.plugin.recorder import Recorder
from autograder.plugin.runs import Run
from autograder.progress import fingerprint, updated_progress
from autograder.results import CheckResult
from autograder.rewards import picture_path
from autograder.rewards.drawing import keep_picture
from autograder.rewards.inline import shown


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
