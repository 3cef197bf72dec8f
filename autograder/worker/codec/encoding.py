"""Values to bytes."""

import enum
import io
import random
import types
from collections.abc import Callable, Iterator, Mapping, Set, ValuesView
from pathlib import PosixPath, PurePath, WindowsPath
from typing import Any

import msgpack

from autograder.errors import RefusedValue
from autograder.libraries import Image, Kind, Tensor, np, torch
from autograder.worker.codec.message import (
    ARRAY_KINDS,
    BUILTIN_CLASSES,
    DTYPES,
    IMAGE_MODES,
    INTEGER_BITS,
    MAGIC,
    PLAIN,
    PREFIX,
    PURE_PATHS,
    STANDARD,
    TEXT_KINDS,
    Callback,
    Handle,
    Limits,
    Recipe,
    fits,
    is_record,
    member_of,
    record_of,
    type_name,
    with_article,
)
from autograder.worker.codec.plain import WRITERS

Fallback = Callable[[object], object]
_IMAGE = Kind("PIL.Image", "Image")
#: Classes whose values count as the Python values for which they stand.
NUMPY_SCALARS = (np.bool_, np.integer, np.floating, np.complexfloating, np.str_, np.bytes_)


class TooLargeTree(RefusedValue):
    """The value is nested too deep, perhaps in itself, or has too many parts."""


def refuse(value: object) -> object:
    """Return the record of a named tuple or a dataclass, and refuse any other value: the fallback where no objects are held.

    Raises:
        RefusedValue: the value is another, with the name of its type, and what to do if that is known.
    """
    if is_record(value):
        return record_of(value)
    name = with_article(type_name(value))
    if isinstance(value, type):
        raise RefusedValue(f"the class {value.__name__} itself ({name}), expected what it makes: call it")
    if isinstance(value, BaseException):
        raise RefusedValue(f"{name}, expected that it is raised: write raise in place of return")
    if isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        raise RefusedValue(f"{name}, expected what it gives: call it, with ()")
    if isinstance(value, io.BytesIO | io.StringIO):
        raise RefusedValue(f"{name}, expected what it holds: return its getvalue()")
    if isinstance(value, io.IOBase):
        raise RefusedValue(f"an open file ({type_name(value)}), expected what it holds: read() gives that")
    if isinstance(value, Mapping):
        raise RefusedValue(f"{name}, expected a dict: dict(...) makes one of it")
    if isinstance(value, np.ndarray):
        raise RefusedValue(f"{name}, expected an ndarray: np.asarray(...) makes one of it")
    if isinstance(value, Iterator | Set | ValuesView):
        raise RefusedValue(f"{name}, expected a list: list(...) makes one of it")
    raise RefusedValue(f"{name}, which is not a plain value")


def encode(value: object, fallback: Fallback = refuse, limits: Limits = STANDARD, *, grad: bool = True) -> bytes:
    """Return the bytes for a value.

    Args:
        value: built of the types that the docstring of `codec` lists.
        fallback: turns a value of another type into one of them, or raises `RefusedValue`.
        limits: the size of the message.
        grad: True to tell which tensors require gradients.

    Raises:
        RefusedValue: the value, or something inside it, cannot cross; `TooLargeTree` if it has too many parts.
    """
    encoder = _Encoder(fallback, limits, grad)
    header: bytes = msgpack.packb(encoder.node(value, 0), unicode_errors="surrogatepass")
    body = b"".join(encoder.buffers)
    if len(header) > limits.header_bytes:
        raise RefusedValue(
            f"a value with {len(header):,} bytes beside its tensors, more than the {limits.header_bytes:,} allowed"
        )
    if len(header) + len(body) > limits.bytes:
        raise RefusedValue(f"a value of {len(header) + len(body):,} bytes, more than the {limits.bytes:,} allowed")
    return PREFIX.pack(MAGIC, len(header), len(body)) + header + body


def _plain_form(value: Any) -> object:
    """Return the plain value of a NumPy scalar, of an instance of a plain type's subclass or of torchvision's tensor.

    Any other value is returned as it is. Nothing of a value's own class crosses.
    """
    kind = type(value)
    if _writer(kind) is not None or kind in PLAIN or kind in WRITERS or is_record(value):
        return value
    if isinstance(value, NUMPY_SCALARS):
        item = value.item()
        if not isinstance(item, NUMPY_SCALARS):
            return item
        return complex(item) if isinstance(item, np.complexfloating) else float(item)  # of a longer kind than Python's
    # By the methods of the plain types: those of the value's own class may do anything.
    if isinstance(value, enum.Enum) and not isinstance(value, int | float | str):
        return member_of(value)
    if (kind.__module__, kind.__name__) == ("numpy", "datetime64"):
        return np.asarray(value)
    if issubclass(kind, int):
        return int.__pos__(value)  # the members of an IntEnum are integers
    if issubclass(kind, float):
        return float.__pos__(value)
    if isinstance(value, dict):
        return dict.copy(value)
    if isinstance(value, list):
        return list.__getitem__(value, slice(None))
    if isinstance(value, tuple):
        return tuple.__getitem__(value, slice(None))
    if isinstance(value, str):
        return str.__str__(value)
    image = _IMAGE.loaded_class()
    return image.copy(value) if image is not None and issubclass(kind, image) else plain_tensor(value)


def plain_tensor(value: Any) -> Any:
    """Return torchvision's tensor of an image as the tensor that it is, with its gradient; anything else as it is."""
    if not (isinstance(value, Tensor) and type(value).__module__.startswith("torchvision.tv_tensors.")):
        return value
    with torch._C.DisableTorchFunctionSubclass():
        return value.as_subclass(torch.Tensor)


class _Encoder:
    """Writer of a value as a tree of nodes, with the bytes of its tensors, arrays and images in `buffers`."""

    def __init__(self, fallback: Fallback, limits: Limits, grad: bool) -> None:
        self.fallback = fallback
        self.limits = limits
        self.grad = grad
        self.buffers: list[bytes] = []
        self.claimed = 0
        self.nodes = 0

    def node(self, value: object, depth: int) -> object:
        self.nodes += 1
        if depth > self.limits.depth:
            raise TooLargeTree(f"a value nested more than {self.limits.depth} levels deep")
        if self.nodes > self.limits.nodes:
            raise TooLargeTree(f"a value of more than {self.limits.nodes:,} parts")
        value = _plain_form(value)
        kind = type(value)
        if kind in PLAIN:
            return value
        write = _writer(kind)
        if write is not None:
            return write(self, value, depth)
        if kind in WRITERS:
            return WRITERS[kind](value, self.node, depth)
        return self.node(self.fallback(value), depth + 1)

    def claim(self, size: int) -> None:
        """Claim room for so many bytes before they are copied: what is too large is refused at once."""
        self.claimed += size
        if self.claimed > self.limits.bytes:
            raise RefusedValue(f"a value of {self.claimed:,} bytes, more than the {self.limits.bytes:,} allowed")

    def buffer(self, data: bytes) -> int:
        self.buffers.append(data)
        return len(data)

    def write_integer(self, value: int, _: int) -> object:
        if value.bit_length() > INTEGER_BITS:
            raise RefusedValue(f"an int of {value.bit_length():,} bits")
        return value if fits(value) else ["int", hex(value)]

    def write_text(self, value: str, _: int) -> object:
        return value

    def write_sequence(self, value: list[object] | tuple[object, ...], depth: int) -> object:
        return [type(value).__name__, [self.node(item, depth + 1) for item in value]]

    def write_tensor(self, value: Tensor, _: int) -> object:
        if value.layout != torch.strided or value.device.type == "meta" or value.is_quantized:
            raise RefusedValue(f"a {value.layout} tensor on {value.device}; return an ordinary dense one")
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            raise RefusedValue(f"a tensor of {value.dtype}")
        self.claim(value.numel() * value.element_size())
        # A copy of our own, on the CPU: contiguous, without lazy conjugation, whatever the strides of the original.
        flat = torch.empty(value.numel(), dtype=value.dtype).copy_(value.detach().reshape(-1))
        size = self.buffer(flat.view(torch.uint8).numpy().tobytes() if value.numel() else b"")
        return ["tensor", dtype, list(value.shape), bool(value.requires_grad and self.grad), size]

    def write_array(self, value: np.ndarray, depth: int) -> object:
        if value.dtype.kind in TEXT_KINDS:
            texts = [self.node(each, depth + 1) for each in value.reshape(-1).tolist()]
            return ["texts", value.dtype.str, list(value.shape), texts]
        if value.dtype.kind == "O":
            return ["objects", list(value.shape), [self.node(each, depth + 1) for each in value.reshape(-1).tolist()]]
        if value.dtype.names:
            columns = [[name, self.node(np.asarray(value[name]), depth + 1)] for name in value.dtype.names]
            return ["columns", list(value.shape), columns]
        if value.dtype.kind not in ARRAY_KINDS:
            raise RefusedValue(f"a numpy array of {value.dtype}")
        self.claim(value.nbytes)
        return ["array", value.dtype.str, list(value.shape), self.buffer(value.tobytes())]

    def write_image(self, value: Image.Image, _: int) -> object:
        if value.mode not in IMAGE_MODES:
            raise RefusedValue(f"an image of mode {value.mode}")
        palette = value.getpalette("RGB") if value.mode == "P" else None
        data = value.tobytes()
        self.claim(len(data))
        return ["image", value.mode, list(value.size), bytes(palette or b""), self.buffer(data)]

    def write_path(self, value: PurePath, _: int) -> object:
        return ["path", str(value), type(value).__name__ if type(value) in PURE_PATHS else ""]

    def write_generator(self, value: torch.Generator, depth: int) -> object:
        return ["generator", self.node(value.get_state(), depth + 1)]

    def write_random(self, value: Any, depth: int) -> object:
        if not self.limits.recipes:
            return self.node(self.fallback(value), depth + 1)
        name = type(value).__name__
        if name == "Generator":
            state = value.bit_generator.state
        else:
            state = value.getstate() if name == "Random" else value.get_state(legacy=False)
        return ["random", name, self.node(state, depth + 1)]

    def write_class(self, value: type, depth: int) -> object:
        if not self.limits.recipes or BUILTIN_CLASSES.get(value.__name__) is not value:
            return self.node(self.fallback(value), depth + 1)
        return ["class", value.__name__]

    def write_handle(self, value: Handle, _: int) -> object:
        return ["handle", value.number, value.type_name, value.kind]

    def write_callback(self, value: Callback, _: int) -> object:
        return ["callback", value.number, value.name, value.iterates]

    def write_recipe(self, value: Recipe, depth: int) -> object:
        parts = (value.entry, value.arguments, value.state, value.training, value.frozen)
        return ["recipe", [self.node(part, depth + 1) for part in parts]]


_WRITERS: dict[type, Callable[[_Encoder, Any, int], object]] = {
    int: _Encoder.write_integer,
    str: _Encoder.write_text,
    type: _Encoder.write_class,
    random.Random: _Encoder.write_random,
    list: _Encoder.write_sequence,
    tuple: _Encoder.write_sequence,
    PosixPath: _Encoder.write_path,
    WindowsPath: _Encoder.write_path,
    **dict.fromkeys(PURE_PATHS, _Encoder.write_path),
    Handle: _Encoder.write_handle,
    Callback: _Encoder.write_callback,
    Recipe: _Encoder.write_recipe,
}
#: Writers by the module and name of a library's class.
_OF_LIBRARIES: tuple[tuple[Kind, Callable[[_Encoder, Any, int], object]], ...] = (
    (Kind("torch", "Tensor"), _Encoder.write_tensor),
    (Kind("torch.nn", "Parameter"), _Encoder.write_tensor),
    (Kind("torch", "Generator"), _Encoder.write_generator),
    (Kind("numpy", "ndarray"), _Encoder.write_array),
    (Kind("numpy.random", "Generator"), _Encoder.write_random),
    (Kind("numpy.random", "RandomState"), _Encoder.write_random),
    (_IMAGE, _Encoder.write_image),
)


def _writer(kind: type) -> Callable[[_Encoder, Any, int], object] | None:
    """Return the writer of values of exactly this class, or None."""
    found = _WRITERS.get(kind)
    if found is not None or kind.__module__ == "builtins":
        return found
    return next((write for known, write in _OF_LIBRARIES if known.loaded_class() is kind), None)
