"""What a class's results say together: about the students, and about the checks."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results.types import CheckResult, Outcome, SubmissionResult

_BINS = 10
#: Of so many submissions at least, before it is said of a check that it separates nobody.
_ENOUGH = 5
#: A check this much slower than the middle one of its class is told of.
_SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class CheckStatistics:
    """One check, over the class.

    Attributes:
        failed: how many submissions it judged and did not let pass.
        judged: how many it judged: of those, it was neither blocked nor left out.
        seconds: the middle of how long it took.
    """

    id: str
    title: str
    failed: int
    judged: int
    seconds: float


@dataclass(frozen=True)
class ClassStatistics:
    """A class at a glance.

    Attributes:
        bins: how many submissions earned each tenth of the points, from the least to the most.
        mean: of the scores; `median` likewise.
        ungraded: submissions without a grade, by the grader's own fault.
        failing: the checks that failed anybody, those that failed most first.
        mistakes: the known mistakes by name, and how many submissions made them, most first.
        idle: checks that everybody passed, or nobody: they separate nobody.
        slow: checks that take seconds, slowest first.
        unsteady: checks that judged the same content differently.
        isolation: each ladder that was in force, and for how many.
    """

    bins: tuple[int, ...]
    mean: float
    median: float
    ungraded: int
    failing: tuple[CheckStatistics, ...]
    mistakes: tuple[tuple[str, str, int], ...]
    idle: tuple[CheckStatistics, ...]
    slow: tuple[CheckStatistics, ...]
    unsteady: tuple[str, ...]
    isolation: tuple[tuple[tuple[str, ...], int], ...]


def class_statistics(results: Sequence[SubmissionResult]) -> ClassStatistics:
    """The statistics of a class."""
    graded = [result for result in results if not result.errors]
    scores = [result.score for result in graded]
    checks = _checks(graded)
    failing = sorted((check for check in checks if check.failed), key=lambda check: -check.failed / check.judged)
    enough = [check for check in checks if check.judged >= _ENOUGH]
    return ClassStatistics(
        bins=_bins(graded),
        mean=statistics.fmean(scores) if scores else 0.0,
        median=statistics.median(scores) if scores else 0.0,
        ungraded=len(results) - len(graded),
        failing=tuple(failing),
        mistakes=_mistakes(graded),
        idle=tuple(check for check in enough if check.failed in (0, check.judged)),
        slow=tuple(sorted((c for c in checks if c.seconds >= _SLOW_SECONDS), key=lambda check: -check.seconds)),
        unsteady=_unsteady(graded),
        isolation=tuple(Counter(result.isolation for result in results).most_common()),
    )


def _bins(results: Sequence[SubmissionResult]) -> tuple[int, ...]:
    counts = [0] * _BINS
    for result in results:
        share = result.score / result.max_score if result.max_score else 0.0
        counts[min(int(share * _BINS), _BINS - 1)] += 1
    return tuple(counts)


def _checks(results: Sequence[SubmissionResult]) -> list[CheckStatistics]:
    by_id: dict[str, list[CheckResult]] = defaultdict(list)
    for result in results:
        for check in result.checks:
            if check.outcome not in (Outcome.BLOCKED, Outcome.NOT_RUN):
                by_id[check.id].append(check)
    return [
        CheckStatistics(
            id=name,
            title=checks[0].title,
            failed=sum(check.outcome is not Outcome.PASSED for check in checks),
            judged=len(checks),
            seconds=statistics.median(check.seconds for check in checks),
        )
        for name, checks in by_id.items()
    ]


def _mistakes(results: Sequence[SubmissionResult]) -> tuple[tuple[str, str, int], ...]:
    """By name: the sentence, and how many submissions made it."""
    sentences: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for result in results:
        made = {f"{check.unit}: {check.mistake}": check.diagnosis for check in result.checks if check.mistake}
        sentences |= made
        counts.update(made.keys())
    return tuple((name, sentences[name], count) for name, count in counts.most_common())


def _unsteady(results: Sequence[SubmissionResult]) -> tuple[str, ...]:
    """Checks that gave one content two outcomes: their inputs, or the deadline, made the difference."""
    seen: dict[tuple[str, str], set[Outcome]] = defaultdict(set)
    for result in results:
        content = result.hashes.get("submission", "")
        for check in result.checks if content else ():
            seen[content, check.id].add(check.outcome)
    return tuple(sorted({name for (_, name), outcomes in seen.items() if len(outcomes) > 1}))
