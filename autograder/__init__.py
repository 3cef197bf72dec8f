"""The autograder: judges a student's modules without ever sharing a process with them."""

__version__ = "0.1.0"
