"""`python -m benchmarks.busy`: judges right code on a busy machine, from cold, and prints what does not pass.

Every solution and every other right way to write a unit is graded by `autograder grade`, and run by plain `pytest`, beside
processes that do nothing but take the cores. Each run starts two cold processes for each unit: one grades the unit's ways as a
class, the other runs them one after another; the first way of them finds nothing imported, and each run begins with another.
Each run also stops an endless loop and a sleeper, in code that is Python and in code that is not. `--jobs` of these processes
are there at once, of one run or of two, which makes the machine busier still. A time limit that counts the wait for a core
fails right code here; one that does not count enough stops nothing. With `--jobs 22` on two cores a run
takes some six to eight minutes, about half of them for each of the two ways to judge.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from autograder.course.catalog import Catalog, course_here
from autograder.errors import TimedOut
from autograder.sandbox import Sandbox
from autograder.worker import protocol
from autograder.worker.protocol import Fault, read_reply, write

_BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(10**5))\n"
#: Calls that do not end, and the seconds that they are given.
_ENDLESS = {
    "an endless loop": "def run():\n    while True: pass\n",
    "a sleeper": "import time\ndef run():\n    time.sleep(10**6)\n",
    "a loop in C": "import itertools\ndef run():\n    return sum(itertools.repeat(0))\n",
}
_LIMIT = 2.0
#: What a call may have had beyond its limit, in seconds that count.
_LATE = 2.0


def main() -> None:
    options = _arguments()
    catalog = course_here()
    units = options.units.split(",") if options.units else list(catalog.units)
    ways = {unit: _ways(catalog, unit) for unit in units}
    failed, begun = 0, time.perf_counter()
    with (
        _busy(options.processes),
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(options.jobs) as pool,
    ):
        runs = [_begin(pool, catalog, ways, Path(folder, str(run)), run, options.only) for run in range(options.runs)]
        for number, judged in enumerate(runs, 1):
            problems = [problem for each in judged for problem in each.result()]
            failed += len(problems)
            for problem in problems:
                print(f"run {number}, {problem}")
            passed = time.perf_counter() - begun
            print(f"run {number} of {options.runs}: {len(problems)} problems, ended after {passed:.0f} s", flush=True)
            shutil.rmtree(Path(folder, str(number - 1)))
    count = options.runs * ((1 if options.only else 2) * sum(map(len, ways.values())) + len(_ENDLESS))
    print(f"{count} judgements beside {options.processes} busy processes, {failed} problems")
    sys.exit(failed > 0)


def _ways(catalog: Catalog, unit: str) -> list[Path]:
    alternatives = sorted((catalog.root / "tests" / "alternatives" / unit).glob("*.py"))
    return [catalog.solution(unit), *alternatives]


def _begin(
    pool: ThreadPoolExecutor, catalog: Catalog, ways: dict[str, list[Path]], folder: Path, run: int, only: str
) -> list[Future[list[str]]]:
    """Begin one run and return what will be its problems: both ways to judge, or one, and the calls that do not end."""
    files: dict[str, list[Path]] = {}
    for unit, paths in ways.items():
        first = run % len(paths)
        for path in (*paths[first:], *paths[:first]):
            name = "solution" if path.parent.name == "solutions" else path.stem
            (folder / unit / name).mkdir(parents=True)
            files.setdefault(unit, []).append(Path(shutil.copy(path, folder / unit / name / f"{unit}.py")))
    judged = [pool.submit(graded, unit, unit_files) for unit, unit_files in files.items() if only != "pytest"]
    judged += [pool.submit(tested, catalog, unit_files) for unit_files in files.values() if only != "grade"]
    return [*judged, pool.submit(stopped)]


def graded(unit: str, files: Sequence[Path]) -> list[str]:
    """Return a sentence for each check that does not pass in a run of `autograder grade` over a class of these files."""
    handins = files[0].parent.parent
    out = handins.with_name(f"{unit}-graded")
    command = [sys.executable, "-m", "autograder", "grade", handins, "--units", unit, "--jobs", "1", "-o", out]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    results = {path.stem: json.loads(path.read_text()) for path in out.glob("results/*.json")}
    problems = []
    for name in (path.parent.name for path in files):
        if name not in results:
            problems.append(f"graded, {unit}, {name}: no result: {(ran.stderr or ran.stdout).strip()[-300:]}")
            continue
        for check in results[name]["checks"]:
            if check["unit"] == unit and check["outcome"] != "passed":
                problems.append(f"graded, {unit}, {name}: {check['message'] or check['outcome']}")
    return problems


def tested(catalog: Catalog, files: Sequence[Path]) -> list[str]:
    """Return the failures of one run of plain pytest over these files, as a student starts it.

    It runs in the files' own folder, as some ways write files where they run, and the next run may be there at once.
    """
    course = ["-c", str(catalog.root / "pyproject.toml"), "--rootdir", str(catalog.root)]
    options = ["-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *course, *options, *files],
        cwd=files[0].parent.parent,
        env={**os.environ, "COLUMNS": "400"},  # each line of a failure gives its reason
        capture_output=True,
        text=True,
    )
    lines = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "x "))]
    if not ran.returncode:
        return []
    if not lines:
        lines = [f"exit code {ran.returncode}: {ran.stdout.strip()[-300:]} {ran.stderr.strip()[-300:]}"]
    return [f"pytest, {files[0].stem}: {line}" for line in lines]


def stopped() -> list[str]:
    """Return a sentence for each call that was not stopped in time, in seconds that count."""
    problems = []
    with Sandbox() as sandbox:
        for name, code in _ENDLESS.items():
            with sandbox.worker() as worker:
                load = protocol.Load({"unit": ("unit.py", code)}, "unit", 0, seconds=60.0)
                worker.exchange(write(load), 60.0)
                begun, waited = time.monotonic(), worker.waiting.seconds()
                ended = False
                with contextlib.suppress(TimedOut):
                    reply = worker.exchange(write(protocol.Invoke("run", (), {}, seconds=_LIMIT)), _LIMIT)
                    fault = read_reply(reply)
                    ended = not (isinstance(fault, Fault) and fault.kind == "timed out")
                waits = worker.waiting.seconds()
                counted = time.monotonic() - begun - ((waits or 0.0) - (waited or 0.0))
                if ended:
                    problems.append(f"{name}: it came back")
                elif waits is not None and counted > _LIMIT + _LATE:
                    late = f"stopped after {counted:.1f} s that count, at a limit of {_LIMIT:g} s"
                    problems.append(f"{name}: {late}")
    return problems


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
    parser.add_argument("--runs", type=int, default=1, help="each with cold processes")
    parser.add_argument("--processes", type=int, default=8, help="busy ones")
    parser.add_argument("--jobs", type=int, default=4, help="processes that judge at once, of all runs together")
    parser.add_argument("--only", choices=("grade", "pytest"), default="", help="one of the two ways to judge")
    parser.add_argument("--units", default="", help="some units alone, with commas between them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
