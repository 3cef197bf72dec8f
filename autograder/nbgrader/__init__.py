"""Public names for nbgrader's configuration; see `autograder.platforms.nbgrader`."""
