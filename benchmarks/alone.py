"""`python -m benchmarks.alone UNIT CLASS`: prints the median seconds that the checks alone take for a submission."""

import gc
import statistics
import sys
import time
from pathlib import Path

from autograder.course.catalog import course_here
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.worker.serving import warm_up


def main() -> None:
    warm_up()
    unit, folder = sys.argv[1], Path(sys.argv[2])
    grader = Grader(GradingSpec(course_here(), b"of the benchmark", (unit,), require=()), InThisProcess())
    seconds = []
    for path in sorted(folder.iterdir()):
        started = time.perf_counter()
        result = grader.grade_path(path)
        seconds.append(time.perf_counter() - started)
        gc.freeze()  # as the process that grades a class does
        if not result.all_passed:
            raise SystemExit(f"{path} does not pass")
    print(statistics.median(seconds[1:]))  # the first one warms the rest up


if __name__ == "__main__":
    main()
