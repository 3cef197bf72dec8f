"""Loads the plugin where the package is not installed with its entry point."""

pytest_plugins = ["autograder.plugin", "autograder.student.plugin"]
