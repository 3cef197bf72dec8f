"""Public name of the decorator for known mistakes; see `autograder.checks.mistakes`."""

from autograder.checks.mistakes import mistake

__all__ = ["mistake"]
