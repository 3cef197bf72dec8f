"""`python -m benchmarks.whole_course FOLDER`: a class that hands in every unit, to be graded for its service times.

    python -m benchmarks.whole_course /tmp/class --count 40
    autograder grade /tmp/class -o /tmp/graded
    python -m benchmarks.deadline --results /tmp/graded/results

Of ten units six are right (as the solution or as an alternative has it), three lack a function, one is untouched.
"""

import argparse
import random
from pathlib import Path

from autograder.course.catalog import Catalog, course_here
from benchmarks.watching import without_a_function


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whole_course", description="A class of the whole course."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    catalog, chance = course_here(), random.Random(1)
    for number in range(options.count):
        folder = options.folder / f"s{number:03}"
        folder.mkdir(parents=True)
        for unit in catalog.units:
            text = f"{_handed_in(catalog, unit, chance)}\n# handed in by {number}\n"
            (folder / f"{unit}.py").write_text(text, encoding="utf-8")


def _handed_in(catalog: Catalog, unit: str, chance: random.Random) -> str:
    right = [catalog.solution(unit), *sorted((catalog.root / "tests" / "alternatives" / unit).glob("*.py"))]
    kind = chance.random()
    if kind < 0.1:
        return catalog.exercise(unit).read_text(encoding="utf-8")
    text = chance.choice(right).read_text(encoding="utf-8")
    return text if kind < 0.7 else without_a_function(text, chance.choice(list(catalog.units[unit].functions)))


if __name__ == "__main__":
    main()
