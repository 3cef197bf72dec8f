"""Public name of the check plugin, by which pytest loads it; see `autograder.checks.plugin`."""

from autograder.checks.plugin import *  # noqa: F403 # pytest looks for hooks and fixtures among a module's names
