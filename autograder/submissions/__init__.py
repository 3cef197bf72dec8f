"""Turn anything that was handed in into clean sources of units."""

from autograder.submissions.helpers import read_helpers
from autograder.submissions.module import Module
from autograder.submissions.submission import (
    RawSubmission,
    Submission,
    collect_for,
    collect_hand_in,
    parse_submission,
    read_for,
    read_module,
    refuse_course_inside,
)

__all__ = [
    "Module",
    "RawSubmission",
    "Submission",
    "collect_for",
    "collect_hand_in",
    "parse_submission",
    "read_for",
    "read_helpers",
    "read_module",
    "refuse_course_inside",
]
