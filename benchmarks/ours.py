"""The ways in which this grader is timed, and the checks alone. Each gives the marginal seconds for one submission."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.handins import hand_in


def grade(setting, jobs: int) -> float:
    """`autograder grade CLASS --jobs N`: from the moment when every job has written its first result."""
    count = setting.count * jobs
    folder = setting.folder / f"class{jobs}"
    if not folder.exists():
        hand_in(setting.catalog, setting.unit, folder, count)
    out = setting.folder / f"out{jobs}"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "autograder", "grade", folder, "-o", out, "--units", setting.unit]
    run(setting, [*command, "--jobs", str(jobs), "--fresh"], good=(0,))
    times = sorted(path.stat().st_mtime_ns for path in (out / "results").iterdir())
    return (times[-1] - times[jobs - 1]) / 1e9 / (count - jobs)


def one_job(setting) -> float:
    return grade(setting, 1)


def all_jobs(setting) -> float:
    return grade(setting, setting.cores)


def pytest(setting) -> float:
    """Time a process of pytest for one submission, as a student runs it."""
    path = hand_in_once(setting) / "s000" / f"{setting.unit}.py"
    return timed(setting, [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", path])


def checks_alone(setting) -> float:
    """Time the same checks by pytest in a warm process that holds the submission too, without a sandbox."""
    folder = hand_in_once(setting)
    ended = run(setting, [sys.executable, "-m", "benchmarks.alone", setting.unit, folder])
    return float(ended.stdout)


def hand_in_once(setting) -> Path:
    folder = setting.folder / "class"
    return folder if folder.exists() else hand_in(setting.catalog, setting.unit, folder, setting.count)


def timed(setting, command) -> float:
    """Return the seconds that a command takes."""
    started = setting.clock()
    run(setting, command)
    return setting.clock() - started


def run(setting, command, *, good: tuple[int, ...] = (0,), cwd: Path | None = None):
    """Run a command in the course's folder; it must succeed."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # nbgrader looks for `alembic` there
    environment = {**os.environ, "PATH": path, "IDEALCAT_SECRET": "of the benchmark", **setting.environment}
    words = list(map(str, command))
    ended = subprocess.run(words, cwd=cwd or setting.catalog.root, env=environment, capture_output=True, text=True)
    if ended.returncode not in good:
        raise SystemExit(f"{' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended
