"""`python -m benchmarks`: every way of grading in turn, on the same submissions; the ratios of each round; `bench.json`."""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.course.catalog import COURSE, Catalog, course_here
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from benchmarks import others, ours

WAYS = {
    "nbgrader": others.nbgrader,
    "otter": others.otter,
    "pytest": ours.pytest,
    "one_job": ours.one_job,
    "all_jobs": ours.all_jobs,
    "checks_alone": ours.checks_alone,
}


@dataclass
class Setting:
    """Setting that all ways have in common.

    Attributes:
        catalog, unit: what is graded.
        folder: where they may write.
        count: so many submissions, for each job.
        cores: jobs of `all_jobs`.
        points: of each function, those of its visible and of its hidden checks.
    """

    catalog: Catalog
    unit: str
    folder: Path
    count: int
    cores: int
    points: dict[str, tuple[float, float]]
    environment: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.perf_counter


def main() -> None:
    options = _arguments()
    catalog = course_here()
    with tempfile.TemporaryDirectory() as folder:
        # otter's tests ask for hidden checks, as nbgrader's cells do.
        environment = {COURSE: str(catalog.root), "NBGRADER_EXECUTION": "autograde"}
        cores = len(os.sched_getaffinity(0))
        points = _points(catalog, options.unit)
        setting = Setting(catalog, options.unit, Path(folder), options.submissions, cores, points, environment)
        ways = [way for way in options.ways.split(",") if not _print_if_skipped(way)]
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for number in range(options.rounds):
            for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
                seconds[way].append(WAYS[way](setting))
                print(f"round {number + 1}: {way:<13}{seconds[way][-1]:8.3f} s for one submission more", flush=True)
    _report(seconds)
    document = {way: statistics.median(values) for way, values in seconds.items()}
    facts = {"unit": options.unit, "cores": cores, "machine": platform.platform(), "rounds": seconds}
    Path(options.json).write_text(json.dumps({**document, **facts}, indent=1) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--unit", default="variation_loss")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--submissions", type=int, default=5, help="for each job and each command that takes several")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--json", default="bench.json")
    return parser.parse_args()


def _points(catalog: Catalog, unit: str) -> dict[str, tuple[float, float]]:
    """Return the points of visible and of hidden checks, by function."""
    checks = (
        Grader(GradingSpec(catalog, units=(unit,), require=()), InThisProcess())
        .grade_path(catalog.solution(unit))
        .checks
    )
    return {
        name: (
            sum(check.max_points for check in checks if check.function == name and not check.hidden),
            sum(check.max_points for check in checks if check.function == name and check.hidden),
        )
        for name in catalog.units[unit].functions
    }


def _print_if_skipped(way: str) -> bool:
    reason = others.missing(way) if way in ("nbgrader", "otter") else ""
    if reason:
        print(f"{way} is left out: {reason}")
    return bool(reason)


def _report(seconds: dict[str, list[float]]) -> None:
    """Medians, and the ratios of each round with their spread: a shared machine moves both values of a round alike."""
    print("\nmarginal seconds for one submission: median (least to most)")
    for way, values in seconds.items():
        print(f"  {way:<13}{statistics.median(values):8.3f}  ({min(values):.3f} to {max(values):.3f})")
    print("\nratios, round by round: median (least to most)")
    pairs = [("nbgrader", "one_job"), ("otter", "one_job"), ("pytest", "one_job")]
    for one, other in [*pairs, ("one_job", "checks_alone"), ("one_job", "all_jobs")]:
        if one in seconds and other in seconds:
            ratios = [a / b for a, b in zip(seconds[one], seconds[other], strict=True)]
            shown = f"{statistics.median(ratios):8.2f}  ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"  {one} / {other:<13}{shown}")


if __name__ == "__main__":
    main()
