"""Find the first difference between a value and the expected one, and word it.

Types come before shapes, shapes before dtypes, dtypes before values, and NaN never passes unless it is expected. A sentence
names the place: ` at [0, 2]` in a tensor or an array, ` as item 3`, ` under 'key'`, ` in .field`.
"""

import collections
import decimal
import enum
import itertools
import math
from collections.abc import Callable, Mapping, Set
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from autograder.checks.showing import Printed, plain_dtype, show, show_float, show_set
from autograder.libraries import Kind, Tensor, np, torch
from autograder.worker.codec import NUMPY_SCALARS, Record, is_record, member_of, record_of, with_article

# Relative and absolute tolerance by dtype: the rounding of a sum over a few thousand entries in another order.
_TOLERANCES = {"float64": (1e-7, 1e-9), "float32": (1e-4, 1e-6), "float16": (1e-2, 1e-3), "bfloat16": (2e-2, 1e-2)}
#: Names of iterators; any other is called `iterator`.
_ITERATORS = ("generator", "zip", "map", "filter", "enumerate", "reversed", "iterator")
#: So many letters are shown before the first difference of two long texts.
_BEFORE_DIFFERENCE = 30
#: So many keys are named that are missing, or too many.
_SHOWN_KEYS = 6
#: How far 255 times a bound may be from a whole number: a bound allows for more rounding than a pixel.
_BOUND_ROUNDING = 1e-3
#: The shape of a tensor, which is a tuple to everybody.
_SIZE = Kind("torch", "Size")


def difference(actual: object, expected: object, rtol: float | None, atol: float | None, at: str = "") -> str:
    """Return the sentence for the first difference; empty if there is none.

    Args:
        actual: what was given.
        expected: what it should be.
        rtol, atol: the tolerances; None for those of the dtype.
        at: the place, for a part of a larger value.
    """
    actual, expected = _as_data(actual), _as_data(expected)
    if getattr(getattr(actual, "_handle", None), "type_name", "") == "function":
        return f"returned {_with_type(actual)}{at}, expected what it gives: call it, with ()"
    if isinstance(expected, Tensor):
        return kind_difference(actual, expected.shape, expected.dtype, at) or _tensor_difference(
            actual, expected, rtol, atol, at
        )
    if isinstance(actual, Tensor) and type(expected) in (bool, int, float):
        return f"returned a tensor{at}, expected a Python {type(expected).__name__}, {show(expected)}"
    if isinstance(actual, Record) and actual.named_tuple and type(expected) is tuple:
        actual = tuple(actual)  # a named tuple is a tuple
    if isinstance(expected, Record) and hasattr(type(actual), "_record"):
        actual = actual._record(expected)  # type: ignore[attr-defined] # it lives with the worker
    if hasattr(type(actual), "_words"):
        return f"returned {_with_type(actual)}{at}, expected {_expected_of(actual, expected)}"
    if not _is_of_kind(actual, expected):
        return f"returned {_with_type(actual)}{at}, expected {_with_type(expected)}"
    if type(expected) is int and (rtol or atol):
        return _number_difference(actual, expected, rtol or 0.0, atol or 0.0, at)
    for kind, compare in _COMPARED.items():
        if isinstance(expected, kind):
            return str(compare(actual, expected, rtol, atol, at))
    return "" if actual == expected else f"returned {show(actual)}{at}, expected {show(expected)}"


def _as_data(value: object) -> object:
    """Return a scalar, an array of no dimension or a print as Python's value, a record or a member as what crosses."""
    if isinstance(value, NUMPY_SCALARS) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if is_record(value):
        return record_of(value)
    if isinstance(value, enum.Enum):  # a member that is a number or a text crosses as that
        if isinstance(value, str):
            return str.__str__(value)
        return +value if isinstance(value, int | float) else member_of(value)
    if isinstance(value, tuple) and type(value) is _SIZE.loaded_class():
        return tuple(value)
    return str(value) if isinstance(value, Printed) else value


def _is_of_kind(actual: object, expected: object) -> bool:
    """Return True if the types agree: a Counter, a defaultdict and an OrderedDict are dicts where a dict is expected."""
    alike = any(isinstance(actual, kind) and isinstance(expected, kind) for kind in (PurePosixPath, PureWindowsPath))
    return type(actual) is type(expected) or (type(expected) is dict and isinstance(actual, dict)) or alike


def _array_difference(actual: np.ndarray, expected: np.ndarray, rtol: float | None, atol: float | None, at: str) -> str:
    if actual.shape != expected.shape:
        return f"returned an array of shape {actual.shape}{at}, expected {expected.shape}"
    texts = actual.dtype.kind == expected.dtype.kind and expected.dtype.kind in "US"  # of any length
    if actual.dtype != expected.dtype and not texts:
        return f"returned an array of {actual.dtype}{at}, expected {expected.dtype}"
    if expected.dtype.names:
        problems = (
            difference(actual[name], expected[name], rtol, atol, f"{at} in .{name}") for name in expected.dtype.names
        )
        return next(filter(None, problems), "")
    if expected.dtype.kind == "O":
        return difference(actual.tolist(), expected.tolist(), rtol, atol, at)
    if expected.dtype.kind in "iu" and (rtol or atol):
        wrong = ~np.isclose(actual.astype(float), expected.astype(float), rtol or 0.0, atol or 0.0)
    elif expected.dtype.kind in "fc":
        wrong = ~np.isclose(actual, expected, *_tolerance(expected.dtype.name, rtol, atol), equal_nan=True)
    elif expected.dtype.kind in "mM":
        wrong = (actual != expected) & ~(np.isnat(actual) & np.isnat(expected))
    else:
        wrong = np.asarray(actual != expected)
    if not wrong.any():
        return ""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    pair = actual[index], expected[index]
    # NumPy's dates may have a unit that Python's dates lack.
    given, wanted = map(str, pair) if expected.dtype.kind in "mM" else _pair(*(each.item() for each in pair))
    return f"returned {given}{at}{place_of(index)}, expected {wanted}{_count(int(wrong.sum()), wrong.size)}"


def _pair(given: object, wanted: object) -> tuple[str, str]:
    """Return both numbers with as many digits as it takes to tell them apart."""
    if type(given) is type(wanted) is float and show(given) == show(wanted):
        texts = ((f"{given:.{digits}g}", f"{wanted:.{digits}g}") for digits in range(7, 18))
        return next((pair for pair in texts if pair[0] != pair[1]), (repr(given), repr(wanted)))
    return show(given), show(wanted)


def entry(value: object) -> str:
    """Return an entry of a tensor as a number."""
    return show(value.item() if isinstance(value, Tensor) and value.numel() == 1 else value)


def _count(wrong: int, entries: int) -> str:
    return f" ({wrong} of {entries} entries differ)" if entries > 1 else ""


def kind_difference(actual: object, shape: torch.Size, dtype: torch.dtype, at: str = "") -> str:
    """Return the sentence on a value that is no tensor of this shape and dtype; empty if it is one."""
    if not isinstance(actual, Tensor):
        return f"returned {_with_type(actual)}{at}, expected a tensor of shape {tuple(shape)}"
    if actual.layout != torch.strided:
        return f"returned a sparse tensor{at}, expected a dense one"
    if actual.shape != shape:
        return f"returned a tensor of shape {tuple(actual.shape)}{at}, expected {tuple(shape)}"
    if actual.dtype != dtype:
        return f"returned a tensor of {plain_dtype(actual.dtype)}{at}, expected {plain_dtype(dtype)}"
    return ""


def _tensor_difference(actual: object, expected: Tensor, rtol: float | None, atol: float | None, at: str) -> str:
    assert isinstance(actual, Tensor)  # `kind_difference` has returned a sentence for anything else
    actual, expected = actual.detach(), expected.detach()
    if expected.dtype.is_floating_point or expected.dtype.is_complex:
        wrong = ~torch.isclose(actual, expected, *_tolerance(plain_dtype(expected.dtype), rtol, atol), equal_nan=True)
    elif expected.dtype is not torch.bool and (rtol or atol):
        wrong = ~torch.isclose(actual.double(), expected.double(), rtol or 0.0, atol or 0.0)
    else:
        wrong = actual != expected
    if not wrong.any():
        return ""
    index = first(wrong)
    place = at + place_of(index)
    given, wanted = _pair(actual[index].item(), expected[index].item())
    return f"returned {given}{place}, expected {wanted}{_count(int(wrong.sum()), wrong.numel())}"


def _number_difference(actual: Any, expected: Any, rtol: float | None, atol: float | None, at: str) -> str:
    relative, absolute = default_tolerance("float32")
    rtol, atol = relative if rtol is None else rtol, absolute if atol is None else atol
    if actual == expected or (actual != actual and expected != expected):  # NaN, if it is expected
        return ""
    kind = type(expected) if isinstance(expected, decimal.Decimal) else float
    finite = actual == actual and expected == expected
    if finite and abs(expected) != math.inf and abs(actual - expected) <= kind(atol) + kind(rtol) * abs(expected):
        return ""
    given, wanted = _pair(actual, expected)
    return f"returned {given}{at}, expected {wanted}"


def _text_difference(actual: str, expected: str, rtol: object, atol: object, at: str) -> str:
    if actual == expected:
        return ""
    given, wanted = actual.splitlines(keepends=True), expected.splitlines(keepends=True)
    if max(len(given), len(wanted)) < 2:
        return f"returned {_excerpt(actual, expected)}{at}, expected {_excerpt(expected, actual)}"
    number = next(i for i, (one, other) in enumerate(itertools.zip_longest(given, wanted)) if one != other)
    if number >= len(given):
        return f"returned {len(given)} lines{at}, expected {len(wanted)}; the next is {show(wanted[number])}"
    if number >= len(wanted):
        return f"returned {len(given)} lines{at}, expected {len(wanted)}; the first too many is {show(given[number])}"
    return (
        f"returned {_excerpt(given[number], wanted[number])}{at} in line {number + 1}, "
        f"expected {_excerpt(wanted[number], given[number])}"
    )


def _bytes_difference(actual: bytes, expected: bytes, rtol: object, atol: object, at: str) -> str:
    if actual == expected:
        return ""
    return f"returned {_excerpt(actual, expected)}{at}, expected {_excerpt(expected, actual)}"


def _excerpt(text: Any, other: Any) -> str:
    """Return a text, or bytes, in short; if another would look the same, from shortly before their first difference."""
    if show(text) != show(other):
        return show(text)
    pairs = enumerate(itertools.zip_longest(text, other))
    place = next(number for number, (one, another) in pairs if one != another)
    dots: Any = "..." if isinstance(text, str) else b"..."
    # Ten characters may be needed to show a letter, as in '\U0001f3fb': then there is room for fewer letters.
    for letters in (_BEFORE_DIFFERENCE, _BEFORE_DIFFERENCE // 6):
        start = max(place - letters, 0)
        excerpt = show(dots + text[start:])
        if excerpt != show(dots + other[start:]):
            break
    return excerpt


def _sequence_difference(actual: Any, expected: Any, rtol: float | None, atol: float | None, at: str) -> str:
    if len(actual) != len(expected):
        kind = type(expected).__name__
        if not actual:
            return f"returned an empty {kind}{at}, expected one of {len(expected)}"
        if not expected:
            return f"returned a {kind} of {len(actual)}{at}, expected an empty one"
        return f"returned a {kind} of {len(actual)}{at}, expected one of {len(expected)}"
    pairs = zip(actual, expected, strict=True)
    problems = (difference(a, e, rtol, atol, f"{at}[{i}]" if at else f" as item {i}") for i, (a, e) in enumerate(pairs))
    return next(filter(None, problems), "")


def _mapping_difference(actual: Any, expected: Any, rtol: float | None, atol: float | None, at: str) -> str:
    if actual.keys() != expected.keys():
        if _keys(actual) == _keys(expected):
            return f"returned a dict{at} {_other_keys(actual, expected)} among its keys"
        return f"returned a dict with {_keys(actual)}{at}, expected {_keys(expected)}"
    if isinstance(expected, collections.OrderedDict) and list(actual) != list(expected):
        return _order_difference(list(actual), list(expected), at)
    problems = (difference(actual[key], expected[key], rtol, atol, f"{at} under {show(key)}") for key in expected)
    return next(filter(None, problems), "")


def _record_difference(actual: Record, expected: Record, rtol: float | None, atol: float | None, at: str) -> str:
    if actual.type_name != expected.type_name or actual.named_tuple != expected.named_tuple:
        return f"returned {_with_type(actual)}{at}, expected {_with_type(expected)}"
    if actual.fields.keys() != expected.fields.keys():
        if _keys(actual.fields) == _keys(expected.fields):
            return f"returned a {actual.type_name}{at} {_other_keys(actual.fields, expected.fields)} among its fields"
        return f"returned a {actual.type_name} with {_keys(actual.fields)}{at}, expected {_keys(expected.fields)}"
    problems = (
        difference(actual.fields[name], item, rtol, atol, f"{at} in .{name}") for name, item in expected.fields.items()
    )
    return next(filter(None, problems), "")


def _set_difference(actual: Any, expected: Any, rtol: float | None, atol: float | None, at: str) -> str:
    extra, lacking = set(actual - expected), set(expected - actual)
    for wanted in list(lacking):
        near = next((given for given in extra if not difference(given, wanted, rtol, atol)), None)
        if near is not None:
            extra.discard(near)
            lacking.discard(wanted)
    said = [f"without {show_set(lacking)}"] if lacking else []
    said += [f"with {show_set(extra)} too many"] if extra else []
    return f"returned {show(actual)}{at}, {' and '.join(said)}; expected {show(expected)}" if said else ""


def _keys(value: Mapping[Any, object]) -> str:
    return show(sorted(map(str, value)))


def _other_keys(actual: Mapping[Any, object], expected: Mapping[Any, object]) -> str:
    """Return which keys are missing and which are too many, with their types if some differ in type alone."""
    lacking = [key for key in expected if key not in actual]
    extra = [key for key in actual if key not in expected]
    name = _with_type if {*map(str, lacking)} & {*map(str, extra)} else show
    said = [f"without {_first_keys(lacking, name)}"] if lacking else []
    said += [f"with {_first_keys(extra, name)} too many"] if extra else []
    return " and ".join(said)


def _first_keys(keys: list[object], name: Callable[[object], str]) -> str:
    return ", ".join(map(name, keys[:_SHOWN_KEYS])) + (", ..." if len(keys) > _SHOWN_KEYS else "")


def _order_difference(actual: list[object], expected: list[object], at: str) -> str:
    """Return the sentence for the same keys in another order."""
    if show(actual) != show(expected):
        return f"returned the keys {show(actual)}{at}, expected the order {show(expected)}"
    number = next(i for i, pair in enumerate(zip(actual, expected, strict=True)) if pair[0] != pair[1])
    return f"returned {show(actual[number])}{at} as key {number} of {len(expected)}, expected {show(expected[number])}"


def _tolerance(dtype: str, rtol: float | None, atol: float | None) -> tuple[float, float]:
    relative, absolute = default_tolerance(dtype)
    return relative if rtol is None else rtol, absolute if atol is None else atol


def default_tolerance(dtype: str) -> tuple[float, float]:
    """Return the relative and the absolute tolerance of values of a dtype, such as `float64`; any other has float32's."""
    return _TOLERANCES.get(dtype, _TOLERANCES["float32"])


def first(wrong: Tensor) -> tuple[int, ...]:
    """Return the index of the first entry that is True."""
    return tuple(int(i) for i in wrong.nonzero()[0])


def place_of(index: tuple[int, ...]) -> str:
    """Return an index as a place in a sentence; empty for a scalar, which has no places."""
    return f" at {list(index)}" if index else ""


def bounds(low: float, high: float, given: str) -> str:
    """Return the bounds in words.

    A bound that is nearly a share of 255 allows for rounding, and is shown as that share, unless the given number is, too.
    """
    least, most = (show_float(float(bound), _BOUND_ROUNDING) for bound in (low, high))
    least, most = (show(float(bound)) if text == given else text for bound, text in ((low, least), (high, most)))
    if math.isinf(low):
        return f"at most {most}"
    if math.isinf(high):
        return f"at least {least}"
    return f"between {least} and {most}"


def _with_type(value: Any) -> str:
    """Return a value with its type, for a sentence about types."""
    if value is None:
        return "None"
    if hasattr(type(value), "_words"):
        handle = getattr(value, "_handle", None)  # of an object that lives with the worker
        return with_article(handle.type_name) if handle is not None else str(value._words)
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, Record):
        return f"{show(value)} (a {'named tuple' if value.named_tuple else 'dataclass'})"
    kind = str(getattr(type(value), "__name__", ""))
    return f"{show(value)} ({with_article(kind)})"


def _expected_of(actual: Any, expected: object) -> str:
    """Return what is expected in place of an object that lives with the worker; for an iterator, how to make it that."""
    if _is_iterator_for(actual, expected):
        kind = type(expected)
        return f"a {kind.__name__}: {kind.__name__}(...) makes one of it"
    return _with_type(expected)


def iterator_difference(actual: object, expected: object) -> str:
    """Return the sentence on an iterator that lives with the worker in place of a list, a tuple or a set; else nothing."""
    return difference(actual, expected, 0.0, 0.0) if _is_iterator_for(actual, expected) else ""


def _is_iterator_for(actual: object, expected: object) -> bool:
    name = getattr(getattr(actual, "_handle", None), "type_name", "")
    return type(expected) in (list, tuple, set) and name in _ITERATORS


_COMPARED: dict[Any, Any] = {
    np.ndarray: _array_difference,
    float | complex | decimal.Decimal: _number_difference,
    str: _text_difference,
    bytes: _bytes_difference,
    list | tuple | collections.deque: _sequence_difference,
    dict: _mapping_difference,
    Record: _record_difference,
    Set: _set_difference,
}
