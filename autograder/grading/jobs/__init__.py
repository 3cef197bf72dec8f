"""Several processes that grade at once on one machine."""

from autograder.grading.jobs.jobs import Jobs

__all__ = ["Jobs"]
