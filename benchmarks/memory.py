"""`python -m benchmarks.memory`: what all processes of a grading hold together, by the number of jobs, and how it grows.

python -m benchmarks.memory --unit quiz --submissions 1000 --jobs 1
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.course.catalog import course_here
from benchmarks.handins import hand_in


def processes(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(below for child in children for below in processes(int(child)))]


def held(pid: int) -> float:
    """MB of a process, of shared memory its share."""
    try:
        found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def while_grading(command: list[object], out: Path, jobs: int, cwd: Path) -> list[float]:
    """MB of all processes of a command together, again and again once every job has written a result."""
    environment = {**os.environ, "IDEALCAT_SECRET": "of the benchmark"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*map(str, command)], cwd=cwd, env=environment, stdout=quiet, stderr=quiet)
    seen: list[float] = []
    while process.poll() is None:
        if len(list(out.glob("results/*.json"))) >= jobs:
            seen.append(sum(map(held, processes(process.pid))))
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory", description="What all processes of a grading hold together."
    )
    parser.add_argument("--unit", default="variation_loss")
    parser.add_argument("--submissions", type=int, default=12)
    parser.add_argument("--jobs", default="1,2,3,4")
    options = parser.parse_args()
    catalog = course_here()
    with tempfile.TemporaryDirectory() as folder:
        students = hand_in(catalog, options.unit, Path(folder) / "class", options.submissions)
        for jobs in map(int, options.jobs.split(",")):
            out = Path(folder) / f"out{jobs}"
            command = [sys.executable, "-m", "autograder", "grade", students, "-o", out, "--units", options.unit]
            seen = while_grading([*command, "--jobs", jobs], out, jobs, catalog.root)
            tenth = max(1, len(seen) // 10)
            first, last = statistics.median(seen[:tenth]), statistics.median(seen[-tenth:])
            told = f"{first:.0f} MB in the first tenth of the time, {last:.0f} MB in the last"
            print(f"{jobs} jobs: {statistics.median(seen):.0f} MB, {max(seen):.0f} MB at most; {told}", flush=True)


if __name__ == "__main__":
    main()
