"""`python -m benchmarks.deadline`: what many submissions in the hours before a deadline take, simulated from measured times.

Submissions arrive more and more densely towards the deadline, wait in one queue, and are graded by so many cores, each with a
service time drawn from those that were measured. Where the time of a student's own code varies more, give other times.
"""

import argparse
import heapq
import json
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Rush:
    """The waits of a class.

    Attributes:
        cores: that graded.
        median, worst: of the waits from handing in to the result, in seconds, at the median and at 99 of 100.
        done: seconds after the deadline at which the last result was there.
        busy: the share of the time until then in which a core was at work.
    """

    cores: int
    median: float
    worst: float
    done: float
    busy: float


def arrivals(count: int, seconds: float, chance: random.Random) -> list[float]:
    """Return times before a deadline at `seconds`. They come ever faster: a third of them in the last tenth of the time."""
    return sorted(seconds * (1 - chance.random() ** 2.1) for _ in range(count))


def rush(times: Sequence[float], services: Sequence[float], cores: int, seconds: float, chance: random.Random) -> Rush:
    """Simulate one queue and a number of cores: the submission that came first is graded first."""
    free = [0.0] * cores
    waits, work, end = [], 0.0, 0.0
    for arrived in times:
        service = chance.choice(services)
        finished = max(arrived, heapq.heappop(free)) + service
        heapq.heappush(free, finished)
        waits.append(finished - arrived)
        work += service
        end = max(end, finished)
    waits.sort()
    return Rush(cores, statistics.median(waits), waits[int(0.99 * len(waits))], end - seconds, work / (cores * end))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deadline", description=__doc__)
    parser.add_argument("--results", type=Path, help="a folder of results, whose seconds are the service times")
    parser.add_argument("--seconds", type=float, default=20.0, help="the service time if there is no folder")
    parser.add_argument("--submissions", type=int, default=100_000)
    parser.add_argument("--hours", type=float, default=1.0, help="in which they come, before the deadline")
    parser.add_argument("--cores", default="100,200,400,600,800,1200")
    options = parser.parse_args()
    services = (
        [json.loads(path.read_text())["seconds"] for path in options.results.glob("*.json")] if options.results else []
    )
    services = services or [options.seconds]
    print(f"{len(services)} service times, {statistics.mean(services):.1f} s on average")
    seconds, chance = 3600 * options.hours, random.Random(1)
    times = arrivals(options.submissions, seconds, chance)
    print(f"{'cores':>6} {'median wait':>12} {'99 of 100':>10} {'all done after':>15} {'busy':>5}")
    for cores in map(int, options.cores.split(",")):
        one = rush(times, services, cores, seconds, chance)
        print(f"{cores:>6} {one.median:>10.0f} s {one.worst:>8.0f} s {one.done / 60:>11.1f} min {one.busy:>5.0%}")


if __name__ == "__main__":
    main()
