"""Public name of the decorator for known mistakes; see `autograder.checks.diagnose`."""

from autograder.checks.diagnose import mistake

__all__ = ["mistake"]
