"""Compare a value with what is expected, and word what is wrong with it.

Each `assert_...` raises `CheckFailed` with a problem to be read after the call that gave the value: the reader sees
`total_variation(2x3x4x5 tensor) returned 3.0, expected 0.0`. Types come before shapes, shapes before dtypes, dtypes before
values, and NaN never passes unless it is expected.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import PurePath

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from autograder.errors import NO_VALUE, CheckFailed, Raised

# Relative and absolute tolerance by dtype: the rounding of a sum over a few thousand entries in another order.
_TOLERANCES = {torch.float64: (1e-7, 1e-9), torch.float16: (1e-2, 1e-3), torch.bfloat16: (2e-2, 1e-2)}
_FLOAT32 = (1e-4, 1e-6)
_SHOWN_LENGTH = 200
#: Dtypes that go without saying.
_USUAL = (torch.float32, torch.float64, torch.int64)
#: How far 255 times a pixel of float32 may be from a whole number.
_PIXEL_ROUNDING = 2e-5
#: And how far 255 times a bound, which allows for more.
_BOUND_ROUNDING = 1e-3


def assert_close(actual: object, expected: object, *, rtol: float | None = None, atol: float | None = None) -> None:
    """Check that a value is the expected one up to rounding: a tensor, an array, a float, or a list, tuple or dict of them.

    A NumPy scalar counts as the Python number that it stands for; a tensor never does.

    Args:
        actual: what the student's function returned.
        expected: what it should be; its type, shape and dtype count too.
        rtol: relative tolerance; by default a few roundings of the dtype.
        atol: absolute tolerance, likewise.

    Raises:
        CheckFailed: it is not.
    """
    problem = _difference(actual, expected, rtol, atol)
    if problem:
        raise CheckFailed(problem, actual, expected)


def assert_equal(actual: object, expected: object) -> None:
    """Check that a value is exactly the expected one.

    Raises:
        CheckFailed: it is not.
    """
    problem = _difference(actual, expected, 0.0, 0.0)
    if problem:
        raise CheckFailed(problem, actual, expected)


def assert_kind(
    actual: object, shape: Sequence[int], dtype: torch.dtype = torch.float32, *, finite: bool = True
) -> None:
    """Check that a value is a tensor of this shape and dtype, with no NaN or infinity in it.

    Raises:
        CheckFailed: it is not.
    """
    problem = _kind_difference(actual, torch.Size(shape), dtype)
    if not problem and finite and isinstance(actual, Tensor) and not torch.isfinite(actual).all():
        index = _first(~torch.isfinite(actual))
        problem = f"returned {_entry(actual[index])}{_at(index)}, expected only finite numbers"
    if problem:
        raise CheckFailed(problem, actual)


def assert_between(actual: object, low: float = -math.inf, high: float = math.inf, *, what: str = "") -> None:
    """Check that a number, or each entry of a tensor, lies in `[low, high]`.

    Args:
        actual: a number or a tensor.
        low: the smallest value allowed.
        high: the largest value allowed.
        what: what the number measures, where it is not what the function returned.

    Raises:
        CheckFailed: some value lies outside, or is NaN.
    """
    values = _numbers(actual)
    if values is None:
        raise CheckFailed(f"returned {show(actual)}, expected a number", actual)
    wrong = ~((values >= low) & (values <= high))
    if wrong.any():
        index = _first(wrong)
        place = _at(index)
        value = show(values[index].item() if isinstance(actual, Tensor) else actual)
        found = f": {what} is {value}{place}" if what else f"returned {value}{place}"
        raise CheckFailed(f"{found}, expected {_bounds(low, high, value)}", actual)


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

    Raises:
        CheckFailed: one is missing.
    """
    for word in words:
        if word.lower() not in text.lower():
            raise CheckFailed(f"raised an error that says {text!r}, expected it to name {word!r}")


def assert_holds(condition: bool, problem: str, actual: object = NO_VALUE) -> None:
    """Check any other condition.

    Args:
        condition: what must hold.
        problem: follows the call, as in `"changed its input in place"`.
        actual: the value that is wrong; left out where it is about what a call has left behind.

    Raises:
        CheckFailed: the condition does not hold.
    """
    if not condition:
        raise CheckFailed(problem, actual)


def show(value: object) -> str:
    """Return a value as a person would name it in a sentence: numbers in full, large tensors by their shape."""
    text = _description(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."


def _description(value: object) -> str:
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if isinstance(value, Tensor):
        return _show_tensor(value)
    if isinstance(value, np.ndarray):
        return f"array of shape {tuple(value.shape)}"
    if isinstance(value, nn.Module):
        return "model" if hasattr(value, "classes") else "module"
    if isinstance(value, Image.Image):
        return f"{value.width}x{value.height} {value.mode} image"
    if isinstance(value, float):
        return _show_float(value)
    if isinstance(value, list | tuple):
        return _show_sequence(value)
    if isinstance(value, dict):
        return _show_mapping(value)
    if isinstance(value, torch.Generator):
        return "generator"
    if isinstance(value, PurePath):
        return repr(str(value))
    try:
        text = repr(value)
    except Exception:  # a number of thousands of digits, an object that cannot describe itself
        text = f"a value of type {type(value).__name__} that cannot be shown"
    return text if len(text) <= 80 else text[:77] + "..."


def _show_float(value: float, rounding: float = _PIXEL_ROUNDING) -> str:
    """Return a number with six digits, or as a share of 255 if it is one that has no shorter form: pixels and budgets are."""
    if not value % 1 and abs(value) < 1e6:
        return f"{value:.1f}"
    text = f"{value:.6g}"
    if not 0 < value < 1 or len(text) <= 6:
        return text
    near = round(value * 255)
    # A third is no pixel's value to anybody, although it is 85 of 255.
    return f"{near}/255" if near % 85 and abs(value * 255 - near) < rounding else text


def _show_tensor(value: Tensor) -> str:
    if value.layout != torch.strided:
        return f"sparse tensor of shape {tuple(value.shape)}"
    if value.dim() == 0:
        return f"tensor({show(value.item())})"
    if value.dim() == 1 and value.numel() <= 6:
        return "tensor([" + ", ".join(show(item) for item in value.tolist()) + "])"
    sides = "x".join(str(side) for side in value.shape)
    kind = "" if value.dtype in _USUAL else f"{_plain(value.dtype)} "
    return f"{sides} {kind}tensor" if value.dim() > 1 else f"{kind}tensor of {sides}"


def _show_sequence(value: Sequence[object]) -> str:
    inner = ", ".join(show(item) for item in value[:6]) + (", ..." if len(value) > 6 else "")
    if isinstance(value, list):
        return f"[{inner}]"
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def _show_mapping(value: dict[object, object]) -> str:
    pairs = [f"{show(key)}: {show(item)}" for key, item in itertools.islice(value.items(), 6)]
    return "{" + ", ".join(pairs) + (", ..." if len(value) > 6 else "") + "}"


def _numbers(value: object) -> Tensor | None:
    """Return a value as numbers that have an order; None if it has none."""
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if isinstance(value, Tensor):
        return None if value.is_complex() or value.layout != torch.strided else value
    if isinstance(value, int) and not -(2**63) <= value < 2**63:  # more than a tensor can hold
        return torch.tensor(math.inf if value > 0 else -math.inf)
    return torch.tensor(value) if isinstance(value, int | float) else None


def _difference(actual: object, expected: object, rtol: float | None, atol: float | None, at: str = "") -> str:
    """Return the sentence for the first difference; empty if there is none."""
    actual, expected = _python_number(actual), _python_number(expected)
    if isinstance(expected, Tensor):
        return _kind_difference(actual, expected.shape, expected.dtype, at) or _tensor_difference(
            actual, expected, rtol, atol, at
        )
    if isinstance(actual, Tensor) and type(expected) in (bool, int, float):
        return f"returned a tensor{at}, expected a Python {type(expected).__name__}, {show(expected)}"
    if type(actual) is not type(expected):
        return f"returned {_named(actual)}{at}, expected {_named(expected)}"
    if isinstance(actual, np.ndarray) and isinstance(expected, np.ndarray):
        return _array_difference(actual, expected, rtol, atol, at)
    if isinstance(expected, float):
        return _float_difference(actual, expected, rtol, atol, at)
    if isinstance(expected, list | tuple):
        return _sequence_difference(actual, expected, rtol, atol, at)
    if isinstance(expected, dict):
        return _mapping_difference(actual, expected, rtol, atol, at)
    return "" if actual == expected else f"returned {show(actual)}{at}, expected {show(expected)}"


def _python_number(value: object) -> object:
    """Return the number that a NumPy scalar stands for; anything else as it is."""
    return value.item() if isinstance(value, np.bool_ | np.integer | np.floating) else value


def _array_difference(actual: np.ndarray, expected: np.ndarray, rtol: float | None, atol: float | None, at: str) -> str:
    if actual.shape != expected.shape:
        return f"returned an array of shape {actual.shape}{at}, expected {expected.shape}"
    if actual.dtype != expected.dtype:
        return f"returned an array of {actual.dtype}{at}, expected {expected.dtype}"
    if expected.dtype.kind in "fc":
        rtol, atol = _tolerance(getattr(torch, expected.dtype.name, torch.float64), rtol, atol)
        wrong = ~np.isclose(actual, expected, rtol, atol, equal_nan=True)
    else:
        wrong = np.asarray(actual != expected)
    if not wrong.any():
        return ""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    given, wanted = _pair(actual[index].item(), expected[index].item())
    return f"returned {given}{at}{_at(index)}, expected {wanted}{_count(int(wrong.sum()), wrong.size)}"


def _pair(given: object, wanted: object) -> tuple[str, str]:
    """Return both numbers with as many digits as it takes to tell them apart."""
    if isinstance(given, float) and isinstance(wanted, float) and show(given) == show(wanted):
        texts = ((f"{given:.{digits}g}", f"{wanted:.{digits}g}") for digits in range(7, 18))
        return next((pair for pair in texts if pair[0] != pair[1]), (repr(given), repr(wanted)))
    return show(given), show(wanted)


def _entry(value: object) -> str:
    """Return an entry of a tensor as a number."""
    return show(value.item() if isinstance(value, Tensor) and value.numel() == 1 else value)


def _count(wrong: int, entries: int) -> str:
    return f" ({wrong} of {entries} entries differ)" if entries > 1 else ""


def _kind_difference(actual: object, shape: torch.Size, dtype: torch.dtype, at: str = "") -> str:
    if not isinstance(actual, Tensor):
        return f"returned {_named(actual)}{at}, expected a tensor of shape {tuple(shape)}"
    if actual.layout != torch.strided:
        return f"returned a sparse tensor{at}, expected a dense one"
    if actual.shape != shape:
        return f"returned a tensor of shape {tuple(actual.shape)}{at}, expected {tuple(shape)}"
    if actual.dtype != dtype:
        return f"returned a tensor of {_plain(actual.dtype)}{at}, expected {_plain(dtype)}"
    return ""


def _tensor_difference(actual: object, expected: Tensor, rtol: float | None, atol: float | None, at: str) -> str:
    assert isinstance(actual, Tensor)  # _kind_difference has seen to it
    actual, expected = actual.detach(), expected.detach()
    wrong = ~torch.isclose(actual, expected, *_tolerance(expected.dtype, rtol, atol), equal_nan=True)
    if not wrong.any():
        return ""
    index = _first(wrong)
    place = at + _at(index)
    given, wanted = _pair(actual[index].item(), expected[index].item())
    return f"returned {given}{place}, expected {wanted}{_count(int(wrong.sum()), wrong.numel())}"


def _float_difference(actual: object, expected: float, rtol: float | None, atol: float | None, at: str) -> str:
    assert isinstance(actual, float)  # the types were compared before
    rtol, atol = _tolerance(torch.float32, rtol, atol)
    same = math.isnan(expected) if math.isnan(actual) else abs(actual - expected) <= atol + rtol * abs(expected)
    given, wanted = _pair(actual, expected)
    return "" if same or actual == expected else f"returned {given}{at}, expected {wanted}"


def _sequence_difference(
    actual: object, expected: Sequence[object], rtol: float | None, atol: float | None, at: str
) -> str:
    assert isinstance(actual, list | tuple)
    if len(actual) != len(expected):
        kind = type(expected).__name__
        return f"returned a {kind} of {len(actual)}{at}, expected one of {len(expected)}"
    pairs = zip(actual, expected, strict=True)
    problems = (
        _difference(a, e, rtol, atol, f"{at}[{i}]" if at else f" as item {i}") for i, (a, e) in enumerate(pairs)
    )
    return next(filter(None, problems), "")


def _mapping_difference(
    actual: object, expected: dict[object, object], rtol: float | None, atol: float | None, at: str
) -> str:
    assert isinstance(actual, dict)
    if actual.keys() != expected.keys():
        return f"returned a dict with {_keys(actual)}{at}, expected {_keys(expected)}"
    problems = (_difference(actual[key], expected[key], rtol, atol, f"{at} under {key!r}") for key in expected)
    return next(filter(None, problems), "")


def _keys(value: dict[object, object]) -> str:
    return show(sorted(map(str, value)))


def _tolerance(dtype: torch.dtype, rtol: float | None, atol: float | None) -> tuple[float, float]:
    if not (dtype.is_floating_point or dtype.is_complex):
        return 0.0, 0.0
    relative, absolute = _TOLERANCES.get(dtype, _FLOAT32)
    return relative if rtol is None else rtol, absolute if atol is None else atol


def _first(wrong: Tensor) -> tuple[int, ...]:
    return tuple(int(i) for i in wrong.nonzero()[0])


def _at(index: tuple[int, ...]) -> str:
    return f" at {_position(index)}" if index else ""  # a scalar has no places


def _position(index: tuple[int, ...]) -> str:
    return "[" + ", ".join(str(i) for i in index) + "]"


def _bounds(low: float, high: float, given: str) -> str:
    """Return the bounds in words; one that allows for rounding as the share of 255 that is meant, unless that was given."""
    least, most = (_show_float(float(bound), _BOUND_ROUNDING) for bound in (low, high))
    least, most = (show(float(bound)) if text == given else text for bound, text in ((low, least), (high, most)))
    if math.isinf(low):
        return f"at most {most}"
    if math.isinf(high):
        return f"at least {least}"
    return f"between {least} and {most}"


def _named(value: object) -> str:
    """Return a value with its type, for a sentence about types."""
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    kind = type(value).__name__
    return f"{show(value)} ({'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind})"


def _plain(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
