"""The command line: arguments, printing, exit codes; the start of a new unit."""

from autograder.cli.app import main

__all__ = ["main"]
