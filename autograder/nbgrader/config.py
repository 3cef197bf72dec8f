"""Give `configure` its public name, for a course's `nbgrader_config.py`."""

from autograder.platforms.nbgrader.config import configure

__all__ = ["configure"]
