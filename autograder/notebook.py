"""Public name of `check`, for students' notebooks; see `autograder.student.notebook`."""

from autograder.student.notebook import check

__all__ = ["check"]
