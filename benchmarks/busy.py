"""`python -m benchmarks.busy`: grades right code on a busy machine, each time from cold, and prints what does not pass.

Every solution and every other right way to write a unit is graded by `autograder grade` and run by plain `pytest`, beside
processes that do nothing but take the cores. A time limit that counts the wait for a core fails right code here.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.course.catalog import course_here

_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10**5))\n"


def main() -> None:
    options = _arguments()
    catalog = course_here()
    alternatives = sorted((catalog.root / "tests" / "alternatives").glob("*/*.py"))
    ways = [(unit, catalog.solution(unit)) for unit in catalog.units]
    ways += [(path.parent.name, path) for path in alternatives]
    ways = [(unit, path) for unit, path in ways if not options.units or unit in options.units.split(",")]
    failed, started = 0, time.perf_counter()
    with _busy(options.processes):
        for run in range(options.runs):
            for unit, path in ways:
                for way in (graded, tested):
                    problems = way(unit, path)
                    failed += bool(problems)
                    for problem in problems:
                        print(f"run {run + 1}, {way.__name__}, {path.relative_to(catalog.root)}: {problem}", flush=True)
    total = 2 * options.runs * len(ways)
    seconds = time.perf_counter() - started
    print(f"{total - failed} of {total} passed beside {options.processes} busy processes, in {seconds:.0f} s")
    sys.exit(failed > 0)


def graded(unit: str, path: Path) -> list[str]:
    """Return the messages of the checks that do not pass in a run of `autograder grade`."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder, f"{unit}.py"))
        out = Path(folder, "out")
        command = [sys.executable, "-m", "autograder", "grade", Path(folder, f"{unit}.py"), "--units", unit, "-o", out]
        ran = subprocess.run(command, capture_output=True, text=True)
        results = list(out.glob("results/*.json"))
        if len(results) != 1:
            return [ran.stderr.strip() or ran.stdout.strip() or "no result"]
        checks = json.loads(results[0].read_text())["checks"]
        return [check["message"] or check["outcome"] for check in checks if check["outcome"] != "passed"]


def tested(unit: str, path: Path) -> list[str]:
    """Return the failures in a run of plain pytest, as a student starts it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, Path(folder, f"{unit}.py"))
        options = ["-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
        command = [sys.executable, "-m", "pytest", *options, Path(folder, f"{unit}.py")]
        ran = subprocess.run(command, capture_output=True, text=True)
        lines = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return [] if ran.returncode == 0 else lines or [ran.stdout.strip()[-500:] or ran.stderr.strip()[-500:]]


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    """Keep so many processes busy; each ends with this one, however that ends."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-I", "-c", _BUSY]))
            stack.callback(process.kill)
        yield


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--processes", type=int, default=8, help="busy ones")
    parser.add_argument("--units", default="", help="some units alone, with commas between them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
