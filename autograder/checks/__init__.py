"""Tools for authors of checks, and the way from a check to the student's module."""
