"""Shared by both directions: the form of a message, its limits, the kinds of values, and the stand-ins."""

import struct
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

PREFIX = struct.Struct("<4sIQ")  # magic, bytes of the header, bytes of the body
MAGIC = b"ICM1"
PLAIN = (type(None), bool, float, bytes)
SCALARS = (*PLAIN, int, str)
# Keys are scalars whose hashes nobody can choose to collide by the thousand.
_KEYS = (str, int, bool, float, bytes, type(None))

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    )
}
ARRAY_KINDS = "biufc"
# Python itself shows no integer of more than 4,300 digits, and a number that cannot be shown cannot be judged in words.
INTEGER_BITS = 4096
IMAGE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F")


@dataclass(frozen=True)
class Limits:
    """Limits of a single message; one beyond them is refused, not read.

    A recipe is a call, for the worker to make: none may come from there.
    """

    bytes: int = 256 * 2**20
    header_bytes: int = 8 * 2**20
    nodes: int = 50_000
    depth: int = 32
    recipes: bool = True


STANDARD = Limits()


@dataclass(frozen=True)
class Handle:
    """An object that stays in the worker: its number there, and the name of its type."""

    number: int
    type_name: str


@dataclass(frozen=True)
class Recipe:
    """A module as the call that makes it, with what differs from a fresh one.

    Attributes:
        entry: `"package.module:function"`.
        arguments: plain keyword arguments for it.
        state: the module's state dict.
        training: names of the submodules in training mode (`""` is the module itself).
        frozen: names of the parameters that require no gradient.
    """

    entry: str
    arguments: dict[str, Any]
    state: dict[str, Tensor] = field(default_factory=dict)
    training: list[str] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)


def type_name(value: object) -> str:
    """Return the name under which a value's type is shown to people: `float`, `numpy.float64`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def fits(value: int) -> bool:
    return -(2**63) <= value < 2**63


def is_key(value: object) -> bool:
    return type(value) in _KEYS and (type(value) is not int or fits(value))
