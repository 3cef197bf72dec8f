"""Let the best of a student's attempts count in place of the last: `attempts = "best"` in `class.toml`.

All attempts are graded first, each under a name of its own; then the class is taken in as if the best had been the last.
"""

from collections.abc import Callable
from dataclasses import replace

from autograder.results.types import legible
from autograder.results.wording import NO_GRADE, points
from autograder.submissions.intake import HandIn, Intake, LeftOut

#: Return the score of an attempt: by the name that it was graded under, the student, and the hand-in.
Score = Callable[[str, str, HandIn], float | None]


def attempts_of(intake: Intake) -> dict[str, HandIn]:
    """Return every attempt of those who have several, by a name to grade it under."""
    return {_name(student, number): each for student in intake.earlier for number, each in _all(intake, student)}


def best_attempts(intake: Intake, score: Score) -> Intake:
    """Return the class with the best attempt of each student; of two with the same score the later counts.

    An attempt that could not be graded is the worst. The others are listed with their scores.
    """
    chosen = Intake(intake.form, dict(intake.hand_ins), list(intake.left_out))
    for student in intake.earlier:
        scores = [(score(_name(student, number), student, each), each) for number, each in _all(intake, student)]
        ranked = sorted(scores, key=lambda pair: -1.0 if pair[0] is None else pair[0])
        *others, (_, best) = ranked
        chosen.hand_ins[student] = best
        chosen.earlier[student] = [each for _, each in scores if each is not best]
        paths = {path for _, each in scores for path in _paths(each)}
        chosen.left_out = [left for left in chosen.left_out if left.path not in paths]
        for earned, each in others:
            reason = f"another attempt, of {each.at}: {NO_GRADE if earned is None else points(earned)}; the best counts"
            chosen.left_out += [LeftOut(path, student, reason, graded=True) for path in _paths(each)]
    return chosen


def _all(intake: Intake, student: str) -> list[tuple[int, HandIn]]:
    last = intake.hand_ins[student]
    own = [replace(each, students=last.students) for each in intake.earlier[student]]
    return list(enumerate([*own, last], 1))


def _name(student: str, number: int) -> str:
    return f"{student}, attempt {number}"


def _paths(hand_in: HandIn) -> list[str]:
    return [legible(str(path)) for path in (hand_in.files or {}).values()]
