"""A class at a glance: a row for each submission, and what all of them say together about the students and the checks."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.results.mark import Mark
from autograder.results.types import CheckResult, Outcome, SubmissionResult, points_text
from autograder.results.wording import NO_GRADE, WORDS

_BINS = 10
#: So many students are named in a sentence.
_NAMED = 3
#: A check must have been run on so many submissions before it is called one that separates nobody.
_ENOUGH = 5
#: A check whose median time is longer is listed as slow.
_SLOW_SECONDS = 2.0


@dataclass(frozen=True)
class ClassRow:
    """One submission in a table."""

    name: str
    points: str
    remarks: str


def row(mark: Mark) -> ClassRow:
    """Return the row of one mark."""
    text = NO_GRADE if mark.score is None else f"{points_text(mark.score)} / {points_text(mark.max_score)}"
    by_hand = f"by hand: {', '.join(line.function or 'added' for line in mark.manual)}" if mark.manual else ""
    left = f"not graded yet: {', '.join(mark.open_questions())}" if mark.open_questions() else ""
    return ClassRow(
        mark.name, text, "; ".join(filter(None, (", ".join(mark.trail), by_hand, left, _remarks(mark.result))))
    )


def _remarks(result: SubmissionResult) -> str:
    """Return the known mistakes by name, else why checks were not run, else what kept them from passing."""
    mistakes = list(dict.fromkeys(check.mistake for check in result.checks if check.mistake))
    if mistakes:
        return ", ".join(mistakes)
    if result.notes and any(check.outcome is Outcome.NOT_RUN for check in result.checks):
        return result.notes[0]
    messages = {check.message for check in result.checks if check.outcome is Outcome.FAILED}
    if len(messages) == 1:
        return messages.pop()
    counts: Counter[Outcome] = Counter(check.outcome for check in result.checks if check.outcome is not Outcome.PASSED)
    return ", ".join(f"{counts[outcome]} {words}" for outcome, words in WORDS.items() if counts[outcome])


def uneven_maxima(marks: Sequence[Mark]) -> str:
    """Return a sentence if some can have fewer points than others, which a platform's column does not know; empty if none."""
    graded = [mark for mark in marks if mark.score is not None]
    most = max((mark.max_score for mark in graded), default=0.0)
    fewer = [f"{mark.name} ({row(mark).points})" for mark in graded if mark.max_score < most]
    if not fewer:
        return ""
    names = ", ".join(fewer[:_NAMED]) + (f" and {len(fewer) - _NAMED} more" if fewer[_NAMED:] else "")
    return (
        f"exempt from a part, and written as they are into a column that counts up to {points_text(most)} for everybody:"
        f" {names}; give them their share there by hand"
    )


@dataclass(frozen=True)
class CheckStatistics:
    """One check, over the class.

    Attributes:
        failed: number of submissions that it failed.
        ran: number of submissions on which it ran: it was neither blocked nor left out.
        seconds: median of its times.
    """

    id: str
    title: str
    failed: int
    ran: int
    seconds: float


@dataclass(frozen=True)
class ClassStatistics:
    """A class at a glance.

    Attributes:
        bins: number of submissions in each tenth of the points, from the least to the most.
        mean, median: the mean and the median of the scores.
        ungraded: number of submissions without a grade, by the grader's own fault.
        failing: checks that failed anybody, those with the largest share of failures first.
        mistakes: known mistakes by name, with their sentence and the number of submissions that made them, most first.
        idle: checks that everybody passed, or nobody: they separate nobody.
        slow: checks that take seconds, slowest first.
        unsteady: checks that gave the same content two outcomes.
        isolation: each ladder that was in force, and the number of submissions graded under it.
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


def class_statistics(marks: Sequence[Mark]) -> ClassStatistics:
    """Return the statistics of a class."""
    graded = [mark.result for mark in marks if mark.score is not None]
    scores = [mark.score for mark in marks if mark.score is not None]
    checks = _checks(graded)
    failing = sorted((check for check in checks if check.failed), key=lambda check: -check.failed / check.ran)
    enough = [check for check in checks if check.ran >= _ENOUGH]
    return ClassStatistics(
        bins=_bins(marks),
        mean=statistics.fmean(scores) if scores else 0.0,
        median=statistics.median(scores) if scores else 0.0,
        ungraded=sum(mark.score is None and bool(mark.result.errors) for mark in marks),
        failing=tuple(failing),
        mistakes=_mistakes(graded),
        idle=tuple(check for check in enough if check.failed in (0, check.ran)),
        slow=tuple(sorted((c for c in checks if c.seconds >= _SLOW_SECONDS), key=lambda check: -check.seconds)),
        unsteady=_unsteady(graded),
        isolation=tuple(Counter(mark.result.isolation for mark in marks).most_common()),
    )


def _bins(marks: Sequence[Mark]) -> tuple[int, ...]:
    counts = [0] * _BINS
    for mark in marks:
        if mark.score is not None:
            share = mark.score / mark.max_score if mark.max_score else 0.0
            counts[max(0, min(int(share * _BINS), _BINS - 1))] += 1  # points by hand may lead out at either end
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
            ran=len(checks),
            seconds=statistics.median(check.seconds for check in checks),
        )
        for name, checks in by_id.items()
    ]


def _mistakes(results: Sequence[SubmissionResult]) -> tuple[tuple[str, str, int], ...]:
    """Return each mistake's name, its sentence, and the number of submissions that made it."""
    sentences: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for result in results:
        made = {f"{check.unit}: {check.mistake}": check.diagnosis for check in result.checks if check.mistake}
        sentences |= made
        counts.update(made.keys())
    return tuple((name, sentences[name], count) for name, count in counts.most_common())


def _unsteady(results: Sequence[SubmissionResult]) -> tuple[str, ...]:
    """Return the checks that gave one content two outcomes: their inputs, or the deadline, made the difference."""
    seen: dict[tuple[str, str], set[Outcome]] = defaultdict(set)
    for result in results:
        content = result.hashes.get("submission", "")
        for check in result.checks if content else ():
            seen[content, check.id].add(check.outcome)
    return tuple(sorted({name for (_, name), outcomes in seen.items() if len(outcomes) > 1}))
