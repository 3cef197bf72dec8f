"""The words that every form of a mark uses: for outcomes, points, and points by hand."""

from autograder.messages import show_sentence, tr, tr_plural, translate_sentence
from autograder.results.manual import LineComment, ManualPoints
from autograder.results.mark import Mark
from autograder.results.types import BESIDES, CheckResult, Outcome, points_text

#: For each outcome its words, which can follow a number, and its sign in plain text.
_OUTCOMES = {
    Outcome.PASSED: ("passed", "+"),
    Outcome.FAILED: ("failed", "x"),
    Outcome.NOT_WRITTEN: ("not written yet", "-"),
    Outcome.TIMED_OUT: ("timed out", "x"),
    Outcome.CRASHED: ("crashed", "x"),
    Outcome.BLOCKED: ("blocked", "~"),
    Outcome.ERROR: ("failed by the grader itself", "!"),
    Outcome.NOT_RUN: ("not run", "~"),
}
WORDS = {outcome: words for outcome, (words, _) in _OUTCOMES.items()}
SIGNS = {outcome: sign for outcome, (_, sign) in _OUTCOMES.items()}
NO_GRADE = "no grade"


def message(check: CheckResult) -> str:
    """Return the sentence of a check in the reader's language."""
    return show_sentence(check.sentence, check.message)


def diagnosis(check: CheckResult) -> str:
    """Return the sentences of a check's known mistakes in the reader's language."""
    sentences = [translate_sentence(each) for each in check.diagnosis.split(BESIDES)]
    first, *second = sentences
    return tr("{first} Besides: {second}", first=first, second=second[0]) if second else first


def explanation(check: CheckResult) -> str:
    """Return what a student reads of a check that has not passed, its sentence and the known mistake's; else empty."""
    if check.outcome is Outcome.PASSED:
        return ""
    mistake = tr("Known mistake: {diagnosis}", diagnosis=diagnosis(check)) if check.diagnosis else ""
    return "\n".join(filter(None, (message(check) or tr(WORDS[check.outcome]), mistake)))


def score(mark: Mark) -> str:
    """Return the score as a number; empty if there is no grade."""
    return "" if mark.score is None else points_text(mark.score)


def score_line(mark: Mark) -> str:
    """Return the score with its maximum and the points still to come, or why there is none."""
    if mark.score is None and not mark.result.errors:
        return ", ".join(mark.trail[1:]) or tr(NO_GRADE)
    if mark.score is None:
        return tr_plural(
            "no grade: {count} check ended by the grader's own fault",
            "no grade: {count} checks ended by the grader's own fault",
            len(mark.result.errors),
        )
    trail = f" ({', '.join(mark.trail)})" if mark.trail else ""
    return f"{points_line(mark.score, mark.max_score, mark.later)}{trail}"


def points_line(earned: float, possible: float, later: float = 0.0) -> str:
    """Return points with their maximum; `later` is what hidden checks give besides, once the submission is graded."""
    if later and not possible:
        return tr("{later} points when graded", later=points_text(later))
    if later:
        return tr(
            "{points} of {max_points} visible points; {later} more when graded",
            points=points_text(earned),
            max_points=points_text(possible),
            later=points_text(later),
        )
    return tr("{points} of {max_points} points", points=points_text(earned), max_points=points_text(possible))


def manual_line(line: ManualPoints) -> str:
    """Return points by hand with their comment, in one line."""
    comment = " ".join(line.comment.split())  # a spreadsheet lets people write several lines into a cell
    return f"{line.function or 'added'}: {points_text(line.points)}" + (f" ({comment})" if comment else "")


def manual_text(line: ManualPoints, most: float) -> str:
    """Return points by hand with the most that they can be, then their comment."""
    told = points_line(line.points, most) if line.function else points_text(line.points)
    return ": ".join(filter(None, (told, line.comment)))


def comment_place(comment: LineComment) -> str:
    """Return the file and the line that a comment stands beside."""
    return f"{comment.unit}.py, line {comment.line}"


def manual_points_line(mark: Mark) -> str:
    """Return all points by hand of a mark in one line; empty if there are none."""
    return "; ".join(map(manual_line, mark.manual))


def by_hand_line(mark: Mark) -> str:
    """Return in one line all that people gave: points, then comments on lines of the student's file; empty without any."""
    comments = (f"{comment_place(each)}: {' '.join(each.comment.split())}" for each in mark.comments)
    return "; ".join(filter(None, (manual_points_line(mark), *comments)))


def beside_score(mark: Mark) -> str:
    """Return what a table says beside a score: the trail of a policy, and what people gave; empty if there is nothing."""
    return "; ".join(filter(None, (", ".join(mark.trail), by_hand_line(mark))))
