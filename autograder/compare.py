"""Public name of the assertions for checks; see `autograder.checks.compare`."""

from autograder.checks.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_raises,
    show,
)
from autograder.checks.remote import assert_module

__all__ = [
    "assert_between",
    "assert_close",
    "assert_equal",
    "assert_holds",
    "assert_kind",
    "assert_mentions",
    "assert_module",
    "assert_raises",
    "show",
]
