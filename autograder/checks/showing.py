"""Name a value in a sentence, as a person would."""

import collections
import datetime
import itertools
import re
from collections.abc import Iterable, Sequence, Set
from pathlib import PurePath

from autograder.libraries import Image, Tensor, nn, np, torch
from autograder.worker.codec import NUMPY_SCALARS, Record, is_record, record_of

_SHOWN_LENGTH = 200
#: Dtypes that go without saying.
_USUAL = ("float32", "float64", "int64")
#: How far 255 times a pixel of float32 may be from a whole number.
_PIXEL_ROUNDING = 2e-5
#: An address in memory means nothing to a reader, and is another one in each process.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{8,}")
#: Types whose `repr` is longer than their text.
_TOLD_BY_TEXT = (datetime.date, datetime.time, datetime.timedelta)


class Printed(str):
    """Text that a student's code has printed: a sentence about it says `printed`, not `returned`."""

    verb: str

    def __new__(cls, text: str, verb: str = "printed") -> "Printed":
        """Return the text with the verb of its sentences."""
        made = super().__new__(cls, text)
        made.verb = verb
        return made


def show(value: object) -> str:
    """Return a value as a person would name it in a sentence: numbers in full, large tensors by their shape."""
    text = _description(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."


def _description(value: object) -> str:
    if isinstance(value, NUMPY_SCALARS):
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
        return show_float(value)
    if hasattr(type(value), "_words"):  # an object that lives with the worker, which is not asked
        return str(value._words)  # type: ignore[attr-defined] # it lives with the worker
    if is_record(value):
        value = record_of(value)
    if isinstance(value, Record):
        return f"{value.type_name}({_join(f'{name}={show(item)}' for name, item in value.fields.items())})"
    if isinstance(value, list | tuple):
        return _show_sequence(value)
    if isinstance(value, dict):
        inner = _show_mapping(value)
        return inner if type(value) is dict else f"{type(value).__name__}({inner})"
    if isinstance(value, Set):
        return show_set(value)
    if isinstance(value, collections.deque):
        return f"deque({_show_sequence(list(itertools.islice(value, 7)))})"
    if isinstance(value, _TOLD_BY_TEXT):
        return f"{type(value).__name__} {value}"
    if callable(value):
        name = str(getattr(value, "__name__", type(value).__name__))
        return "a function" if name == "<lambda>" else name
    if isinstance(value, torch.Generator):
        return "generator"
    if isinstance(value, PurePath):
        return repr(str(value))
    try:
        text = repr(value)
    except Exception:  # a number of thousands of digits, an object that cannot describe itself
        text = f"a value of type {type(value).__name__} that cannot be shown"
    if text.startswith("<") and " at 0x" in text:
        return type(value).__name__
    text = _ADDRESS.sub("", text)
    return text if len(text) <= 80 else text[:77] + "..."


def show_float(value: float, rounding: float = _PIXEL_ROUNDING) -> str:
    """Return a number with six digits; a pixel or a budget, which would need all six, as a share of 255."""
    if not value % 1 and abs(value) < 1e6:
        return f"{value:.1f}"
    text = f"{value:.6g}"
    if not 0 < value < 1 or len(text) <= 6:
        return text
    near = round(value * 255)
    # A third is 85 of 255, but nobody reads it as a pixel's value.
    return f"{near}/255" if near % 85 and abs(value * 255 - near) < rounding else text


def _show_tensor(value: Tensor) -> str:
    if value.layout != torch.strided:
        return f"sparse tensor of shape {tuple(value.shape)}"
    if value.dim() == 0:
        return f"tensor({show(value.item())})"
    if value.dim() == 1 and value.numel() <= 6:
        return "tensor([" + ", ".join(show(item) for item in value.tolist()) + "])"
    sides = "x".join(str(side) for side in value.shape)
    kind = "" if plain_dtype(value.dtype) in _USUAL else f"{plain_dtype(value.dtype)} "
    return f"{sides} {kind}tensor" if value.dim() > 1 else f"{kind}tensor of {sides}"


def _show_sequence(value: Sequence[object]) -> str:
    inner = _join(map(show, value[:6])) + (", ..." if len(value) > 6 else "")
    if isinstance(value, list):
        return f"[{inner}]"
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def _join(texts: Iterable[str]) -> str:
    """Return texts with commas between them, no more of them than are shown: lists in lists are many."""
    joined = ""
    for text in texts:
        joined += f", {text}" if joined else text
        if len(joined) > _SHOWN_LENGTH:
            break
    return joined


def show_set(value: Set[object]) -> str:
    """Return a set as Python writes it, with at most six elements."""
    texts = sorted(show(item) for item in itertools.islice(value, 50))
    inner = ", ".join(texts[:6]) + (", ..." if len(value) > 6 else "")
    shown = f"{{{inner}}}" if value else "set()"
    return shown if isinstance(value, set) else f"{type(value).__name__}({shown if value else ''})"


def _show_mapping(value: dict[object, object]) -> str:
    pairs = _join(f"{show(key)}: {show(item)}" for key, item in itertools.islice(value.items(), 6))
    return "{" + pairs + (", ..." if len(value) > 6 else "") + "}"


def plain_dtype(dtype: torch.dtype) -> str:
    """Return the name of a dtype, such as `float32`."""
    return str(dtype).removeprefix("torch.")
