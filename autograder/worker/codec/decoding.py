"""Bytes to values, trusting nothing."""

import itertools
import math
import random
import re
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import msgpack

from autograder.errors import MalformedMessage
from autograder.libraries import Image, ImageMode, Tensor, np, torch
from autograder.worker.codec import plain
from autograder.worker.codec.message import (
    BUILTIN_CLASSES,
    DTYPES,
    HANDLE_KINDS,
    IMAGE_MODES,
    INTEGER_BITS,
    MAGIC,
    PREFIX,
    PURE_PATHS,
    SCALARS,
    STANDARD,
    Callback,
    Handle,
    Limits,
    Recipe,
)

# Spelt as `encode` spells them: what else numpy takes for a dtype is a language of its own.
_ARRAY_DTYPE = re.compile(r"[<>|][biufc]\d{1,2}|[<>][mM]8(\[\d{0,4}[a-zA-Z]{1,2}\])?")
_TEXT_DTYPE = re.compile(r"[<>]U\d{1,5}|\|S\d{1,5}")
# A node is at most three lists: its own, that of its items, and the pair that it is in a dict.
_LISTS_OF_NODE = 3


def decode(message: bytes, limits: Limits = STANDARD) -> Any:
    """Return the value of a message.

    Raises:
        MalformedMessage: the bytes are no message of `encode`, or beyond the limits.
    """
    if len(message) < PREFIX.size:
        raise MalformedMessage("a message without a beginning")
    magic, header_bytes, body_bytes = PREFIX.unpack_from(message)
    size = header_bytes + body_bytes
    if magic != MAGIC or size != len(message) - PREFIX.size:
        raise MalformedMessage("a message whose lengths do not add up")
    if header_bytes > limits.header_bytes or size > limits.bytes:
        raise MalformedMessage(f"a message of {size:,} bytes, more than the limit")
    header = memoryview(message)[PREFIX.size : PREFIX.size + header_bytes]
    decoder = _Decoder(memoryview(message)[PREFIX.size + header_bytes :], limits)
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
    lists = itertools.count()

    def count_lists(items: list[Any]) -> list[Any]:
        """Count the lists: an empty one has one byte in a message and sixty in memory."""
        if next(lists) > _LISTS_OF_NODE * limits.nodes:
            raise MalformedMessage("a message of too many parts")
        return items

    return msgpack.unpackb(
        header,
        strict_map_key=True,
        list_hook=count_lists,
        max_array_len=limits.nodes,
        max_map_len=0,
        max_ext_len=0,
        unicode_errors="surrogatepass",
    )


class _Decoder:
    """Reader of a message's nodes, each within the limits and the bytes that are there."""

    def __init__(self, body: memoryview, limits: Limits) -> None:
        self.body = body
        self.limits = limits
        self.position = 0
        self.nodes = 0

    def value(self, node: object, depth: int) -> Any:
        """Return the value of a node, which lies so deep in the tree."""
        self.nodes += 1
        if depth > self.limits.depth or self.nodes > self.limits.nodes:
            raise MalformedMessage("a message nested too deep or of too many parts")
        if type(node) in SCALARS:
            return node
        if type(node) is not list or not node or type(node[0]) is not str:
            raise MalformedMessage("a message with an unknown kind of value")
        if node[0] in plain.READERS:
            return plain.READERS[node[0]](self.value, depth, *node[1:])
        if node[0] not in READERS:
            raise MalformedMessage("a message with an unknown kind of value")
        return READERS[node[0]](self, depth, *node[1:])

    def take(self, size: int, expected: int) -> memoryview:
        """Return the next bytes of the body, as many as a node says, if that is what its type and shape need."""
        if type(size) is not int or size != expected or not 0 <= size <= len(self.body) - self.position:
            raise MalformedMessage("a message whose parts have other sizes than they say")
        self.position += size
        return self.body[self.position - size : self.position]

    def elements(self, shape: list[int]) -> int:
        """Return the number of elements of a shape, if it is a possible one."""
        if len(shape) > self.limits.depth or not all(type(side) is int and side >= 0 for side in shape):
            raise MalformedMessage("a message with an impossible shape")
        if math.prod(side for side in shape if side) > self.limits.bytes:
            raise MalformedMessage("a message with a shape beyond its size")
        return math.prod(shape)

    def read_integer(self, depth: int, digits: str) -> int:
        value = int(digits, 16)
        if value.bit_length() > INTEGER_BITS:
            raise MalformedMessage("a message with an endless number")
        return value

    def read_list(self, depth: int, items: Any) -> list[Any]:
        return [self.value(item, depth + 1) for item in items]

    def read_tuple(self, depth: int, items: Any) -> tuple[Any, ...]:
        return tuple(self.read_list(depth, items))

    def read_tensor(self, depth: int, dtype: str, shape: Any, requires_grad: bool, size: int) -> Tensor:
        if dtype not in DTYPES:
            raise KeyError(dtype)
        kind = getattr(torch, dtype)
        count = self.elements(shape)
        data = bytearray(self.take(size, count * kind.itemsize))
        if kind is torch.bool:
            _check_bools(data)
        flat = torch.frombuffer(data, dtype=kind) if count else torch.empty(0, dtype=kind)
        tensor = flat.reshape(shape)
        return tensor.requires_grad_() if requires_grad is True else tensor

    def read_array(self, depth: int, dtype: str, shape: Any, size: int) -> np.ndarray:
        if not _ARRAY_DTYPE.fullmatch(dtype):
            raise MalformedMessage("a message with an array of an unknown kind")
        kind = np.dtype(dtype)
        data = bytearray(self.take(size, self.elements(shape) * kind.itemsize))
        if kind.kind == "b":
            _check_bools(data)
        return np.frombuffer(data, dtype=kind).reshape(shape) if data else np.empty(shape, kind)

    def read_texts(self, depth: int, dtype: str, shape: Any, texts: Any) -> np.ndarray:
        if not _TEXT_DTYPE.fullmatch(dtype):
            raise MalformedMessage("a message with an array of an unknown kind")
        kind = np.dtype(dtype)
        if self.elements(shape) != len(texts) or len(texts) * kind.itemsize > self.limits.bytes:
            raise MalformedMessage("a message whose parts have other sizes than they say")
        values = [self.value(text, depth + 1) for text in texts]
        if any(type(value) is not (str if kind.kind == "U" else bytes) for value in values):
            raise MalformedMessage("a message with an array of an unknown kind")
        return np.array(values, dtype=kind).reshape(shape)

    def read_objects(self, depth: int, shape: Any, items: Any) -> np.ndarray:
        if self.elements(shape) != len(items):
            raise MalformedMessage("a message whose parts have other sizes than they say")
        made = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            made[place] = self.value(item, depth + 1)
        return made.reshape(shape)

    def read_columns(self, depth: int, shape: Any, columns: Any) -> np.ndarray:
        read = {name: self.value(column, depth + 1) for name, column in columns}
        if not all(type(name) is str and type(each) is np.ndarray for name, each in read.items()):
            raise MalformedMessage("a message with an array of an unknown kind")
        places = len(shape)
        if self.elements(shape) and any(list(each.shape[:places]) != shape for each in read.values()):
            raise MalformedMessage("a message whose parts have other sizes than they say")
        made = np.empty(shape, [(name, each.dtype, each.shape[places:]) for name, each in read.items()])
        for name, each in read.items():
            made[name] = each
        return made

    def read_image(self, depth: int, mode: str, size: Any, palette: bytes, data_size: int) -> Image.Image:
        width, height = size
        self.elements([width, height])
        if mode not in IMAGE_MODES or not width or not height:
            raise MalformedMessage("a message with an impossible image")
        if type(palette) is not bytes or len(palette) % 3 or len(palette) > 3 * 256:
            raise MalformedMessage("a message with an impossible palette")
        expected = (width + 7) // 8 * height if mode == "1" else width * height * _pixel_bytes(mode)
        image = Image.frombytes(mode, (width, height), bytes(self.take(data_size, expected)))
        if mode == "P":
            image.putpalette(palette)
        return image

    def read_path(self, depth: int, text: str, kind: str) -> PurePath:
        return next((each for each in PURE_PATHS if each.__name__ == kind), Path)(text)

    def read_generator(self, depth: int, state: object) -> torch.Generator:
        generator = torch.Generator()
        generator.set_state(self.value(state, depth + 1))
        return generator

    def read_handle(self, depth: int, number: int, name: str, kind: str) -> Handle:
        if type(number) is not int or number < 0 or type(name) is not str or kind not in HANDLE_KINDS:
            raise MalformedMessage("a message with an impossible handle")
        return Handle(number, name[:200], kind)

    def read_random(self, depth: int, name: str, state: Any) -> Any:
        """Return a source of random numbers. NumPy does not check a state, and would draw from any place in memory."""
        if not self.limits.recipes:
            raise MalformedMessage("a source of random numbers, which stays where it was made")
        state = self.value(state, depth + 1)
        made: Any
        if name == "Random":
            made = random.Random()
            made.setstate(state)
        elif name == "RandomState":
            made = np.random.RandomState()
            made.set_state(state)
        else:
            made = np.random.Generator(getattr(np.random, state["bit_generator"])())
            made.bit_generator.state = state
        return made

    def read_class(self, depth: int, name: str) -> type:
        if not self.limits.recipes or name not in BUILTIN_CLASSES:
            raise MalformedMessage("a message with a class, which is not for a worker to send")
        return BUILTIN_CLASSES[name]

    def read_callback(self, depth: int, number: int, name: str, iterates: bool) -> Callback:
        if not self.limits.recipes:
            raise MalformedMessage("a message with a callback, which is not for a worker to send")
        return Callback(number, name, iterates)

    def read_recipe(self, depth: int, parts: Any) -> Recipe:
        if not self.limits.recipes:
            raise MalformedMessage("a message with a recipe, which is not for a worker to send")
        entry, arguments, state, training, frozen = (self.value(part, depth + 1) for part in parts)
        return Recipe(entry, arguments, state, training, frozen)


def _check_bools(data: bytearray) -> None:
    """Refuse a byte other than 0 and 1: a truth value of such a byte is neither True nor False when it is compared."""
    if data.strip(b"\0\1"):
        raise MalformedMessage("a message with a truth value that is none")


def _pixel_bytes(mode: str) -> int:
    return 4 if mode in ("I", "F") else len(ImageMode.getmode(mode).bands)


READERS: dict[str, Callable[..., Any]] = {
    "int": _Decoder.read_integer,
    "list": _Decoder.read_list,
    "tuple": _Decoder.read_tuple,
    "tensor": _Decoder.read_tensor,
    "array": _Decoder.read_array,
    "texts": _Decoder.read_texts,
    "objects": _Decoder.read_objects,
    "columns": _Decoder.read_columns,
    "image": _Decoder.read_image,
    "path": _Decoder.read_path,
    "generator": _Decoder.read_generator,
    "random": _Decoder.read_random,
    "handle": _Decoder.read_handle,
    "class": _Decoder.read_class,
    "callback": _Decoder.read_callback,
    "recipe": _Decoder.read_recipe,
}
