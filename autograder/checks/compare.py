"""Compare a value with what is expected, and word what is wrong with it.

Each `assert_...` raises `CheckFailed` with a problem to be read after the call that gave the value: the reader sees
`total_variation(2x3x4x5 tensor) returned 3.0, expected 0.0`. Types come before shapes, shapes before dtypes, dtypes before
values, and NaN never passes unless it is expected.
"""

import math
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

from autograder.checks.crossing import Mutable
from autograder.checks.difference import bounds, difference, entry, first, kind_difference, place_of
from autograder.checks.showing import Printed, show
from autograder.errors import NO_VALUE, CheckFailed, Raised
from autograder.libraries import Tensor, np, torch

__all__ = [
    "Printed",
    "assert_between",
    "assert_close",
    "assert_equal",
    "assert_holds",
    "assert_kind",
    "assert_mentions",
    "assert_raises",
    "show",
]


def assert_close(actual: object, expected: object, *, rtol: float | None = None, atol: float | None = None) -> None:
    """Check that a value is the expected one up to rounding: a number, a tensor, an array, or a plain value that holds them.

    A NumPy scalar or an array of no dimension counts as the Python number that it stands for; a tensor never does. A named
    tuple or a dataclass of the student's equals one of the check's or of the solution's with the same name and fields.

    Args:
        actual: what the student's function returned.
        expected: what it should be; its type, shape and dtype count too.
        rtol: relative tolerance; by default a few roundings of the dtype.
        atol: absolute tolerance, likewise.

    Raises:
        CheckFailed: it is not.
    """
    _compare(actual, expected, rtol, atol)


def assert_equal(actual: object, expected: object) -> None:
    """Check that a value is exactly the expected one.

    Raises:
        CheckFailed: it is not.
    """
    _compare(actual, expected, 0.0, 0.0)


def _compare(actual: object, expected: object, rtol: float | None, atol: float | None) -> None:
    problem = difference(actual.plain() if isinstance(actual, Mutable) else actual, expected, rtol, atol)
    if problem and isinstance(actual, Printed | Mutable):
        problem = problem.replace("returned", actual.verb, 1)
    if problem:
        raise CheckFailed(problem, actual, expected)


def assert_kind(actual: object, shape: Sequence[int], dtype: torch.dtype | None = None, *, finite: bool = True) -> None:
    """Check that a value is a tensor of this shape and dtype (float32 unless given), with no NaN or infinity in it.

    Raises:
        CheckFailed: it is not.
    """
    problem = kind_difference(actual, torch.Size(shape), dtype or torch.float32)
    if not problem and finite and isinstance(actual, Tensor) and not torch.isfinite(actual).all():
        index = first(~torch.isfinite(actual))
        problem = f"returned {entry(actual[index])}{place_of(index)}, expected only finite numbers"
    if problem:
        raise CheckFailed(problem, actual)


def assert_between(
    actual: object, low: float = -math.inf, high: float = math.inf, *, what: str = "", mistake: str = ""
) -> None:
    """Check that a number, or each entry of a tensor or an array, lies in `[low, high]`.

    A Python float and the bounds are compared as float32 holds them: `float(tensor.max())` may be a little more than 8/255.

    Args:
        actual: a number, a tensor or an array.
        low: the smallest value allowed.
        high: the largest value allowed.
        what: what the number measures, where it is not what the function returned.
        mistake: the known mistake that a number outside shows, if the check itself can tell.

    Raises:
        CheckFailed: some value lies outside, or is NaN, or there is none.
    """
    values = _numbers(actual)
    if values is None:
        raise CheckFailed(f"returned {show(actual)}, expected a number", actual)
    if 0 in getattr(values, "shape", ()):
        found = _beginning(what, show(actual))
        raise CheckFailed(f"{found}, which has no number in it, expected {bounds(low, high, show(actual))}", actual)
    outside = _first_outside(values, low, high)
    if outside is not None:
        value, place = outside
        found = _beginning(what, f"{value}{place}")
        raise CheckFailed(f"{found}, expected {bounds(low, high, value)}", actual, mistake=mistake)


def _first_outside(values: Any, low: float, high: float) -> tuple[str, str] | None:
    """Return the first number that is not in `[low, high]`, and its place; None if there is none."""
    if isinstance(values, int | float):
        return None if _single(low) <= _single(values) <= _single(high) else (show(values), "")
    wrong = ~((values >= low) & (values <= high))
    if not wrong.any():
        return None
    index = tuple(map(int, np.argwhere(wrong)[0])) if isinstance(wrong, np.ndarray) else first(wrong)
    return show(values[index].item()), place_of(index)


def _beginning(what: str, value: str) -> str:
    """Return how a sentence begins that tells a value: by what it measures, or by the call."""
    return f": {what} is {value}" if what else f"returned {value}"


def assert_raises(kind: type[Exception], call: Callable[..., object], *args: object, **kwargs: object) -> str:
    """Check that a call raises an exception of this kind.

    Returns:
        The message of the exception.

    Raises:
        CheckFailed: the call returned, or raised something else.
    """
    try:
        value = call(*args, **kwargs)
    except Raised as error:
        if kind.__name__ in error.kinds:
            return error.text
        raise CheckFailed(f"raised {error.kinds[0]}: {error.text}, expected {kind.__name__}") from error
    raise CheckFailed(f"returned {show(value)}, expected {kind.__name__}", value)


def assert_mentions(text: str, *words: str) -> None:
    """Check that an error message names each of the words, in upper or lower case.

    A word of one letter has to stand alone, between others: "k must be" names `k`, and "too weak" does not.

    Raises:
        CheckFailed: one is missing.
    """
    for word in words:
        found = (
            re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", text, re.I)
            if len(word) == 1
            else word.lower() in text.lower()
        )
        if not found:
            raise CheckFailed(f"raised an error that says {text!r}, expected it to name {word!r}")


def assert_holds(condition: bool, problem: str, actual: object = NO_VALUE, *, mistake: str = "") -> None:
    """Check any other condition.

    Args:
        condition: what must hold.
        problem: follows the call, as in `"changed its input in place"`.
        actual: the value that is wrong; left out where it is about what a call has left behind.
        mistake: the known mistake that it shows, if the check itself can tell: what a function draws at random cannot be
            compared with what the mistake draws.

    Raises:
        CheckFailed: the condition does not hold.
    """
    if not condition:
        raise CheckFailed(problem, actual, mistake=mistake)


def _single(value: float) -> float:
    """Return a number as a tensor of float32 holds it; an integer stays as it is."""
    if isinstance(value, int):
        return value
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _numbers(value: object) -> Any:
    """Return a value as numbers that have an order, or as one; None if it has none."""
    if isinstance(value, np.bool_ | np.integer | np.floating) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, np.ndarray):
        return value if value.dtype.kind in "biuf" else None
    if isinstance(value, Tensor):
        return None if value.is_complex() or value.layout != torch.strided else value
    return value if isinstance(value, int | float) else None
