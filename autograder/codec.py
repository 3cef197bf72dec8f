"""Plain values to bytes and back: all that ever crosses between the grader and a student's code.

The list of types is closed: None, bool, int, float, str, bytes, list, tuple, dict, `Tensor`, `ndarray`, PIL image, `Path`,
`torch.Generator` (as its state), and two stand-ins for objects that stay where they are: `Handle` and `Recipe`. Types are
matched exactly, so that no subclass with a comparison of its own gets through. There is no pickle.

A message is a msgpack header, a tree of nodes, followed by the raw bytes of its tensors, arrays and images in the order in
which the tree names them. A node is a plain scalar, or a list that starts with its tag. `decode` trusts nothing: every
length is checked against the bytes that are there before anything of that size is made.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PosixPath, PurePath, WindowsPath
from typing import Any

import msgpack
import numpy as np
import torch
from PIL import Image, ImageMode
from torch import Tensor, nn

from autograder.errors import MalformedMessage, RefusedValue

_PREFIX = struct.Struct("<4sIQ")  # magic, bytes of the header, bytes of the body
_MAGIC = b"ICM1"
_PLAIN = (type(None), bool, float, bytes)
# Keys are scalars whose hashes nobody can choose to collide by the thousand.
_KEYS = (str, int, bool, float, bytes, type(None))

_DTYPES = {
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
_ARRAY_KINDS = "biufc"
#: Longer ones Python itself refuses to print.
_INTEGER_BITS = 4096
_IMAGE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F")


@dataclass(frozen=True)
class Limits:
    """What a single message may hold; a message beyond them is refused, not read."""

    bytes: int = 256 * 2**20
    header_bytes: int = 8 * 2**20
    nodes: int = 200_000
    depth: int = 32


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


Fallback = Callable[[object], object]


def type_name(value: object) -> str:
    """The name under which a value's type is shown to people: `float`, `numpy.float64`."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def refuse(value: object) -> object:
    """The fallback that takes nothing.

    Raises:
        RefusedValue: always, with the name of the type.
    """
    raise RefusedValue(f"a {type_name(value)}, which is not a plain value")


def encode(value: object, fallback: Fallback = refuse, limits: Limits = Limits(), *, grad: bool = True) -> bytes:
    """Bytes for a value.

    Args:
        value: built of the types named above.
        fallback: turns a value of another type into one of them, or raises `RefusedValue`.
        limits: the size of the message.
        grad: whether tensors say that they require gradients.

    Raises:
        RefusedValue: the value, or something inside it, cannot cross.
    """
    encoder = _Encoder(fallback, limits, grad)
    header: bytes = msgpack.packb(encoder.node(value, 0), unicode_errors="surrogatepass")
    body = b"".join(encoder.buffers)
    if len(header) > limits.header_bytes or len(header) + len(body) > limits.bytes:
        raise RefusedValue(f"a value of {len(header) + len(body):,} bytes, more than the {limits.bytes:,} allowed")
    return _PREFIX.pack(_MAGIC, len(header), len(body)) + header + body


def decode(message: bytes, limits: Limits = Limits()) -> Any:
    """The value of a message.

    Raises:
        MalformedMessage: the bytes are no message of `encode`, or beyond the limits.
    """
    if len(message) < _PREFIX.size:
        raise MalformedMessage("a message without a beginning")
    magic, header_bytes, body_bytes = _PREFIX.unpack_from(message)
    size = header_bytes + body_bytes
    if magic != _MAGIC or size != len(message) - _PREFIX.size:
        raise MalformedMessage("a message whose lengths do not add up")
    if header_bytes > limits.header_bytes or size > limits.bytes:
        raise MalformedMessage(f"a message of {size:,} bytes, more than the limit")
    header = memoryview(message)[_PREFIX.size : _PREFIX.size + header_bytes]
    decoder = _Decoder(memoryview(message)[_PREFIX.size + header_bytes :], limits)
    try:
        value = decoder.value(_unpack(header, limits), 0)
    except MalformedMessage:
        raise
    except Exception as error:  # whatever a forged header makes numpy, torch or Pillow say
        raise MalformedMessage(f"a message that cannot be read: {type(error).__name__}") from error
    if decoder.position != body_bytes:
        raise MalformedMessage("a message with bytes left over")
    return value


def _unpack(header: memoryview, limits: Limits) -> Any:
    return msgpack.unpackb(
        header,
        strict_map_key=True,
        max_array_len=limits.nodes,
        max_map_len=0,
        max_ext_len=0,
        unicode_errors="surrogatepass",
    )


def _fits(value: int) -> bool:
    return -(2**63) <= value < 2**63


class _Encoder:
    def __init__(self, fallback: Fallback, limits: Limits, grad: bool) -> None:
        self.fallback = fallback
        self.limits = limits
        self.grad = grad
        self.buffers: list[bytes] = []
        self.nodes = 0

    def node(self, value: object, depth: int) -> object:
        self.nodes += 1
        if depth > self.limits.depth:
            raise RefusedValue(f"a value nested more than {self.limits.depth} levels deep")
        if self.nodes > self.limits.nodes:
            raise RefusedValue(f"a value of more than {self.limits.nodes:,} parts")
        kind = type(value)
        if kind in _PLAIN:
            return value
        write = _WRITERS.get(kind)
        if write is None:
            return self.node(self.fallback(value), depth + 1)
        return write(self, value, depth)

    def buffer(self, data: bytes) -> int:
        self.buffers.append(data)
        return len(data)

    def write_integer(self, value: int, _: int) -> object:
        if value.bit_length() > _INTEGER_BITS:
            raise RefusedValue(f"an int of {value.bit_length():,} bits, more than the {_INTEGER_BITS:,} allowed")
        return value if _fits(value) else ["int", hex(value)]

    def write_text(self, value: str, _: int) -> object:
        return value

    def write_sequence(self, value: list[object] | tuple[object, ...], depth: int) -> object:
        return [type(value).__name__, [self.node(item, depth + 1) for item in value]]

    def write_mapping(self, value: dict[object, object], depth: int) -> object:
        for key in value:
            if type(key) not in _KEYS or (type(key) is int and not _fits(key)):
                raise RefusedValue(f"a dict with a {type_name(key)} as a key")
        return ["dict", [[key, self.node(item, depth + 1)] for key, item in value.items()]]

    def write_tensor(self, value: Tensor, _: int) -> object:
        if value.layout != torch.strided or value.device.type == "meta" or value.is_quantized:
            raise RefusedValue(f"a {value.layout} tensor on {value.device}; return an ordinary dense one")
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in _DTYPES:
            raise RefusedValue(f"a tensor of {value.dtype}")
        # A copy of our own, on the CPU: contiguous, without lazy conjugation, whatever the strides of the original.
        flat = torch.empty(value.numel(), dtype=value.dtype).copy_(value.detach().reshape(-1))
        size = self.buffer(flat.view(torch.uint8).numpy().tobytes() if value.numel() else b"")
        return ["tensor", dtype, list(value.shape), bool(value.requires_grad and self.grad), size]

    def write_array(self, value: np.ndarray, _: int) -> object:
        if value.dtype.kind not in _ARRAY_KINDS:
            raise RefusedValue(f"a numpy array of {value.dtype}")
        return ["array", value.dtype.str, list(value.shape), self.buffer(value.tobytes())]

    def write_image(self, value: Image.Image, _: int) -> object:
        if value.mode not in _IMAGE_MODES:
            raise RefusedValue(f"an image of mode {value.mode}")
        palette = value.getpalette("RGB") if value.mode == "P" else None
        data = value.tobytes()
        return ["image", value.mode, list(value.size), bytes(palette or b""), self.buffer(data)]

    def write_path(self, value: PurePath, _: int) -> object:
        return ["path", str(value)]

    def write_generator(self, value: torch.Generator, depth: int) -> object:
        return ["generator", self.node(value.get_state(), depth + 1)]

    def write_handle(self, value: Handle, _: int) -> object:
        return ["handle", value.number, value.type_name]

    def write_recipe(self, value: Recipe, depth: int) -> object:
        parts = (value.entry, value.arguments, value.state, value.training, value.frozen)
        return ["recipe", [self.node(part, depth + 1) for part in parts]]


_WRITERS: dict[type, Callable[[_Encoder, Any, int], object]] = {
    int: _Encoder.write_integer,
    str: _Encoder.write_text,
    list: _Encoder.write_sequence,
    tuple: _Encoder.write_sequence,
    dict: _Encoder.write_mapping,
    Tensor: _Encoder.write_tensor,
    nn.Parameter: _Encoder.write_tensor,
    np.ndarray: _Encoder.write_array,
    Image.Image: _Encoder.write_image,
    PosixPath: _Encoder.write_path,
    WindowsPath: _Encoder.write_path,
    torch.Generator: _Encoder.write_generator,
    Handle: _Encoder.write_handle,
    Recipe: _Encoder.write_recipe,
}


class _Decoder:
    def __init__(self, body: memoryview, limits: Limits) -> None:
        self.body = body
        self.limits = limits
        self.position = 0
        self.nodes = 0

    def value(self, node: object, depth: int) -> Any:
        self.nodes += 1
        if depth > self.limits.depth or self.nodes > self.limits.nodes:
            raise MalformedMessage("a message nested too deep or of too many parts")
        if type(node) is not list:
            return node
        if not node or type(node[0]) is not str or node[0] not in _READERS:
            raise MalformedMessage("a message with an unknown kind of value")
        return _READERS[node[0]](self, depth, *node[1:])

    def take(self, size: int, expected: int) -> bytes:
        if type(size) is not int or size != expected or not 0 <= size <= len(self.body) - self.position:
            raise MalformedMessage("a message whose parts have other sizes than they say")
        self.position += size
        return bytes(self.body[self.position - size : self.position])

    def elements(self, shape: list[int]) -> int:
        if len(shape) > self.limits.depth or not all(type(side) is int and side >= 0 for side in shape):
            raise MalformedMessage("a message with an impossible shape")
        if math.prod(side for side in shape if side) > self.limits.bytes:
            raise MalformedMessage("a message with a shape beyond its size")
        return math.prod(shape)

    def read_integer(self, depth: int, digits: str) -> int:
        if len(digits) > _INTEGER_BITS // 4 + len("-0x"):
            raise MalformedMessage("a message with an endless number")
        return int(digits, 16)

    def read_list(self, depth: int, items: Any) -> list[Any]:
        return [self.value(item, depth + 1) for item in items]

    def read_tuple(self, depth: int, items: Any) -> tuple[Any, ...]:
        return tuple(self.read_list(depth, items))

    def read_dict(self, depth: int, pairs: Any) -> dict[Any, Any]:
        for key, _ in pairs:
            if type(key) not in _KEYS:
                raise MalformedMessage("a message with an unusable dict key")
        return {key: self.value(item, depth + 1) for key, item in pairs}

    def read_tensor(self, depth: int, dtype: str, shape: Any, requires_grad: bool, size: int) -> Tensor:
        kind = _DTYPES[dtype]
        count = self.elements(shape)
        data = self.take(size, count * kind.itemsize)
        flat = torch.frombuffer(bytearray(data), dtype=kind) if count else torch.empty(0, dtype=kind)
        tensor = flat.reshape(shape)
        return tensor.requires_grad_() if requires_grad is True else tensor

    def read_array(self, depth: int, dtype: str, shape: Any, size: int) -> np.ndarray:
        kind = np.dtype(dtype)
        if kind.kind not in _ARRAY_KINDS:
            raise MalformedMessage("a message with an array of objects")
        data = self.take(size, self.elements(shape) * kind.itemsize)
        return np.frombuffer(bytearray(data), dtype=kind).reshape(shape) if data else np.empty(shape, kind)

    def read_image(self, depth: int, mode: str, size: Any, palette: bytes, data_size: int) -> Image.Image:
        width, height = size
        self.elements([width, height])
        if mode not in _IMAGE_MODES or not width or not height:
            raise MalformedMessage("a message with an impossible image")
        expected = (width + 7) // 8 * height if mode == "1" else width * height * _pixel_bytes(mode)
        image = Image.frombytes(mode, (width, height), self.take(data_size, expected))
        if palette:
            image.putpalette(palette)
        return image

    def read_path(self, depth: int, text: str) -> Path:
        return Path(text)

    def read_generator(self, depth: int, state: object) -> torch.Generator:
        generator = torch.Generator()
        generator.set_state(self.value(state, depth + 1))
        return generator

    def read_handle(self, depth: int, number: int, name: str) -> Handle:
        if type(number) is not int or type(name) is not str:
            raise MalformedMessage("a message with an impossible handle")
        return Handle(number, name[:200])

    def read_recipe(self, depth: int, parts: Any) -> Recipe:
        return Recipe(*(self.value(part, depth + 1) for part in parts))


def _pixel_bytes(mode: str) -> int:
    return 4 if mode in ("I", "F") else len(ImageMode.getmode(mode).bands)


_READERS: dict[str, Callable[..., Any]] = {
    "int": _Decoder.read_integer,
    "list": _Decoder.read_list,
    "tuple": _Decoder.read_tuple,
    "dict": _Decoder.read_dict,
    "tensor": _Decoder.read_tensor,
    "array": _Decoder.read_array,
    "image": _Decoder.read_image,
    "path": _Decoder.read_path,
    "generator": _Decoder.read_generator,
    "handle": _Decoder.read_handle,
    "recipe": _Decoder.read_recipe,
}
