"""`python -m benchmarks.cold`: what a command costs from cold, as ratios to `python -c "import torch"`.

The commands run in turn, round after round, each beside an import of torch of its own round, so that a busy machine moves
both alike. Processor time is that of the command and the processes that it has waited for: the grader's own, without that of
the workers, which run the student's code. A first round is not counted: it writes the bytecode that every later start reads.
The plugin of hypothesis, which imports all of hypothesis at the end of each run, is left out: a student's installation has
none.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.course.catalog import course_here

#: Ratios that a command should not pass, of wall time; of processor time where `_OF_PROCESSOR` names the command.
LIMITS = {
    "collect all units": 0.4,
    "pytest of quiz": 0.5,
    "pytest of a unit with torch": 1.6,
    "grade one unit": 1.9,
    "grade all units": 6.0,
    "first verdict of watch": 1.6,
}
_OF_PROCESSOR = ("grade all units",)
_BASE = "import torch"


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a command: seconds by the wall clock and of processor time, MB of its largest process."""

    wall: float
    processor: float
    megabytes: float


def main() -> None:
    options = _arguments()
    catalog = course_here()
    with tempfile.TemporaryDirectory() as folder:
        solved = Path(folder) / "solved"
        solved.mkdir()
        for unit in catalog.units:
            shutil.copy(catalog.solution(unit), solved)
        commands = _commands(catalog.root, options.unit, Path(folder))
        plain = _new_course(Path(folder) / "plain")
        chosen = [name for name in commands if not options.only or name in options.only.split(",")]
        costs: dict[str, list[Cost]] = {name: [] for name in chosen}
        for number in range(-1, options.rounds):
            for name in chosen:
                cost = run_cold(commands[name], plain if name == "grade plain Python" else catalog.root)
                if number >= 0:
                    costs[name].append(cost)
        _report(costs)


def run_cold(command: Sequence[object], folder: Path) -> Cost:
    """Run a command in a folder and return its cost.

    Raises:
        SystemExit: it could not be run; a check that fails is no reason.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [*map(str, command)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"exit code {process.returncode} of {' '.join(map(str, command))}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--unit", default="variation_loss", help="a unit that needs torch alone")
    parser.add_argument("--only", default="", help="commands by name, separated by commas")
    return parser.parse_args()


def _commands(root: Path, unit: str, out: Path) -> dict[str, list[object]]:
    python = [sys.executable, "-m"]
    pytest = [*python, "pytest", "-p", "no:hypothesispytest"]
    grade = [*python, "autograder", "grade", "--fresh", "-o"]
    watch = [sys.executable, "-c", _FIRST_VERDICT, root, unit]
    return {
        _BASE: [sys.executable, "-c", "import torch"],
        "collect all units": [*pytest, "--collect-only", "-q", "exercises"],
        "pytest of quiz": [*pytest, "exercises/quiz.py"],
        "pytest of a unit with torch": [*pytest, f"exercises/{unit}.py"],
        "grade one unit": [*grade, out / "one", root / "solutions" / f"{unit}.py"],
        "grade all units": [*grade, out / "all", "--from", "one", out / "solved"],
        "first verdict of watch": watch,
        "grade plain Python": [*grade, out / "plain-results", "solutions/first_steps.py"],
    }


#: What `autograder watch` does until it can show the first verdict of a unit.
_FIRST_VERDICT = """
import queue, sys
from pathlib import Path
from autograder.student.runner import Runner, WatchedRun
events = queue.SimpleQueue()
with Runner(Path(sys.argv[1]), events.put) as runner:
    runner.request(sys.argv[2])
    while not isinstance(events.get(timeout=300), WatchedRun):
        pass
"""


def _new_course(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "autograder", "new-course", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def _report(costs: dict[str, list[Cost]]) -> None:
    """Print medians, and the medians of the ratios of each round."""
    print(f"{'':<29}{'wall s':>8}{'cpu s':>8}{'MB':>6}{'wall':>8}{'cpu':>7}{'limit':>8}   medians; ratios to {_BASE}")
    for name, runs in costs.items():
        wall, processor, megabytes = (
            statistics.median(getattr(run, column) for run in runs) for column in ("wall", "processor", "megabytes")
        )
        line = f"{name:<29}{wall:8.2f}{processor:8.2f}{megabytes:6.0f}"
        if _BASE in costs and name != _BASE:
            pairs = list(zip(runs, costs[_BASE], strict=True))
            line += f"{statistics.median(run.wall / base.wall for run, base in pairs):8.2f}"
            line += f"{statistics.median(run.processor / base.processor for run, base in pairs):7.2f}"
            if name in LIMITS:
                line += f"{LIMITS[name]:8.1f}{' cpu' if name in _OF_PROCESSOR else ''}"
        print(line, flush=True)
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
