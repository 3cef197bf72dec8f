"""What tests hand in, without the class around it."""

from autograder.submissions import collect_hand_in, parse_submission
from autograder.submissions.hand_in import HandIn


def collect_submission(path, units, untouched=None, reserved=()):
    """The files of a submission that belong to some units; see `collect_hand_in`."""
    return collect_hand_in(HandIn.alone(path), "", units, untouched, reserved)


def read_submission(path, units, graded=()):
    """Everything that these units find in a submission; see `parse_submission`."""
    return parse_submission(collect_submission(path, units), graded)
