"""Give public names for nbgrader's configuration; see `autograder.platforms.nbgrader`."""
