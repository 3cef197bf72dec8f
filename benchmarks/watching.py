"""`python -m benchmarks.watching`: how long `autograder watch` takes from a save to its verdict.

The file of a unit is saved again and again in a copy of the course, right and wrong in turn; what is timed begins before the
write and ends when the verdict is there to be shown. The first verdict, in which torch and the checks are imported, is apart.
"""

import argparse
import os
import queue
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from autograder.course.catalog import course_here
from autograder.student.runner import Event, Runner, Saved, WatchedRun
from autograder.student.watch import Saves

_LONGEST = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", default="quiz,variation_loss,training_tricks,head_training,adversarial_attack")
    parser.add_argument("--saves", type=int, default=10, help="for each unit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = _copy_course(course_here().root, Path(folder) / "course")
        print(f"{'unit':<22}{'first':>8}{'right':>8}{'wrong':>8}{'slowest':>9}   seconds, medians of {options.saves}")
        for unit in options.units.split(","):
            _time_unit(root, unit, options.saves)
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _copy_course(course: Path, root: Path) -> Path:
    for part in ("exercises", "solutions", "tests/exercises"):
        shutil.copytree(course / part, root / part)
    return root


def _time_unit(root: Path, unit: str, saves: int) -> None:
    right = (root / "solutions" / f"{unit}.py").read_text()
    wrong = without_a_function(right, right.split("\ndef ")[1].split("(")[0])
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    file = root / "exercises" / f"{unit}.py"
    with Runner(root, events.put) as runner, Saves(file.parent, lambda path: events.put(Saved(path.stem))):
        began = time.perf_counter()
        runner.request(unit)
        _verdict(events, runner)
        first = time.perf_counter() - began
        _seconds(file, right, events, runner)  # the first run of everything that a skeleton does not reach
        times = [[_seconds(file, text, events, runner) for text in (right, wrong)] for _ in range(saves)]
    medians = [statistics.median(column) for column in zip(*times, strict=True)]
    print(f"{unit:<22}{first:8.2f}{medians[0]:8.2f}{medians[1]:8.2f}{max(map(max, times)):9.2f}", flush=True)


def without_a_function(text: str, name: str) -> str:
    """Return a module in which one function returns nothing."""
    return f"{text}\n\ndef {name}(*arguments, **options):\n    return None\n"


def _seconds(file: Path, text: str, events: "queue.SimpleQueue[Event]", runner: Runner) -> float:
    began = time.perf_counter()
    file.write_text(text)
    _verdict(events, runner)
    return time.perf_counter() - began


def _verdict(events: "queue.SimpleQueue[Event]", runner: Runner) -> WatchedRun:
    while True:
        event = events.get(timeout=_LONGEST)
        if isinstance(event, Saved):
            runner.request(event.unit)
        elif isinstance(event, WatchedRun):
            return event


if __name__ == "__main__":
    main()
