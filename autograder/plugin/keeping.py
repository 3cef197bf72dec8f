"""A student's own run of pytest counts for their progress."""

from pathlib import Path

from autograder.catalog import Catalog
from autograder.errors import UsageError
from autograder.plugin.recorder import Recorder
from autograder.progress import fingerprint, updated_progress
from autograder.results import CheckResult


def keep_progress(catalog: Catalog, recorder: Recorder, root: Path) -> str:
    """Notes which functions of the student's own files have passed, and which are open again.

    A function of which only some checks were run stays as it stood.

    Args:
        catalog: the course.
        recorder: how the checks of a run have ended.
        root: what the node ids of the run are relative to.

    Returns:
        A sentence where the progress could not be kept, else nothing.
    """
    own = {catalog.exercise(unit): unit for unit in catalog.units}
    ended: dict[Path, list[CheckResult]] = {}
    for nodeid, check in recorder.results.items():
        path = root / nodeid.partition("::")[0]
        if path in own and (check.unit, check.function) not in recorder.partial:
            ended.setdefault(path, []).append(check)
    if not ended:
        return ""
    try:
        with updated_progress(catalog.root) as progress:
            for path, checks in ended.items():
                progress.record(checks, fingerprint(path))
    except UsageError as error:
        return f"Your progress was not kept: {error}"
    return progress.note
