"""Shared by both directions: the form of a message, its limits, kinds of values, stand-ins, and the walk over containers."""

import builtins
import collections
import dataclasses
import enum
import functools
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from autograder.libraries import Tensor

PREFIX = struct.Struct("<4sIQ")  # magic, bytes of the header, bytes of the body
MAGIC = b"ICM1"
PLAIN = (type(None), bool, float, bytes)
SCALARS = (*PLAIN, int, str)
#: Python's own classes, which cross by their names; looked up before any code of a student's runs.
BUILTIN_CLASSES = {
    name: value for name, value in vars(builtins).items() if isinstance(value, type) and value.__name__ == name
}
#: Names of torch's dtypes that cross.
DTYPES = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
ARRAY_KINDS = "biufcmM"
#: Arrays of texts and of bytes: their entries cross as such.
TEXT_KINDS = "US"
# Python itself shows no integer of more than 4,300 digits, and a number that cannot be shown cannot be judged in words.
INTEGER_BITS = 14_000
#: Classes of paths that are names alone; any other path is one of the machine.
PURE_PATHS = (PurePosixPath, PureWindowsPath)
IMAGE_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F")


@dataclass(frozen=True)
class Limits:
    """Limits of a single message; one beyond them is refused, not read.

    Attributes:
        recipes: False for what a worker sends: a recipe or a class is a call, and only a worker makes it.
    """

    bytes: int = 256 * 2**20
    header_bytes: int = 8 * 2**20
    nodes: int = 50_000
    depth: int = 32
    recipes: bool = True


STANDARD = Limits()


@dataclass(frozen=True)
class Handle:
    """An object that stays in the worker.

    Attributes:
        number: its own there.
        type_name: the name of its type.
        kind: `module` for an `nn.Module`, `dataclass`, `object` for any other, or `method` for one of an object's methods.
    """

    number: int
    type_name: str
    kind: str = "module"


class Member:
    """A member of an enumeration as plain data. It equals a member of this name and value of a class of this name.

    Attributes:
        type_name, module: the names of its class and of the module of that.
        flag: its class is a `Flag`, whose members are combined by operators.
        far: the `RemoteFunction` that has its other attributes, methods and operators; None if it is no student's.
    """

    __slots__ = ("far", "flag", "module", "name", "type_name", "value")

    def __init__(self, type_name: str, name: str, value: Any, module: str, flag: bool = False) -> None:
        self.far: Any = None
        self.flag = flag
        self.type_name = type_name
        self.name = name
        self.value = value
        self.module = module

    def __eq__(self, other: object) -> bool:
        other = member_of(other) if isinstance(other, enum.Enum) else other
        if type(other) is not Member:
            return NotImplemented
        return (self.type_name, self.name, self.value) == (other.type_name, other.name, other.value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self.far is None:
            raise AttributeError(f"{self!r} has no {name}")
        return getattr(self.far, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Member, (self.type_name, self.name, self.value, self.module, self.flag)

    def __bool__(self) -> bool:
        return not self.flag or bool(self.value)

    def __contains__(self, other: object) -> bool:
        if not self.flag or self.far is None:
            raise TypeError(f"argument of type '{self.type_name}' is not iterable")
        return self.far._use_operator("__contains__", other) is True

    def __hash__(self) -> int:
        return hash(self.name)  # as of the member itself

    def __repr__(self) -> str:
        return f"{self.type_name}.{self.name}"


def _flag_operator(name: str) -> Callable[..., Any]:
    def operate(self: Member, *others: object) -> Any:
        return self.far._use_operator(name, *others) if self.flag and self.far is not None else NotImplemented

    return operate


for _name in ("or", "ror", "and", "rand", "xor", "rxor"):
    setattr(Member, f"__{_name}__", _flag_operator(f"__{_name}__"))


def member_of(value: enum.Enum) -> Member:
    """Return a member of an enumeration as plain data."""
    kind = type(value)
    return Member(kind.__name__, str(value.name), value.value, kind.__module__, isinstance(value, enum.Flag))


HANDLE_KINDS = ("module", "object", "dataclass", "method")


@dataclass(frozen=True)
class Callback:
    """A function that the worker may call while it carries out a request.

    Attributes:
        number: index among the functions that the request hands over; -1 for the student's own function `name`.
        name: for people.
        iterates: it gives the next item of an iterator of the check's.
    """

    number: int
    name: str
    iterates: bool = False


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


#: Names whose first letter is spoken as "en".
_SPOKEN_AS_LETTERS = ("ndarray", "nn.")


def type_name(value: object) -> str:
    """Return the name under which a value's type is shown to people: `float`, `numpy.float64`, without private modules."""
    kind = type(value)
    private = any(part.startswith("_") and part != "__main__" for part in str(kind.__module__).split("."))
    return kind.__qualname__ if private or kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def with_article(name: str) -> str:
    """Return the name of a type with its article: `an int`, `an ndarray`, `a list`."""
    return f"{'an' if name[:1].lower() in tuple('aeio') or name.startswith(_SPOKEN_AS_LETTERS) else 'a'} {name}"


def fits(value: int) -> bool:
    return -(2**63) <= value < 2**63


class class_or_instance:  # noqa: N801 # it decorates as `property` does
    """A property of an object, in whose place its class has an empty dict: `dataclasses` asks both."""

    def __init__(self, read: Callable[[Any], dict[str, Any]]) -> None:
        self._read = read

    def __get__(self, instance: Any, owner: type) -> dict[str, Any]:
        return {} if instance is None else self._read(instance)


def fields_named(names: Iterable[str]) -> dict[str, Any]:
    """Return fields of these names, as `dataclasses` knows them."""
    return {field.name: field for field in dataclasses.fields(dataclasses.make_dataclass("Named", names))}


class Record:
    """A named tuple or a dataclass as plain data: the name of its class, and its fields.

    A field is an attribute; a record of a named tuple also has places and a length, and equals a tuple of its values.

    Attributes:
        module: the module of its class.
        number: the number of the object itself, if its class has methods and it stays with the worker; else -1.
        far: the `RemoteObject` on which methods and operators are called; None if the class has none. Once it was used, the
            fields are read from it, because a method may have changed them.
    """

    __slots__ = ("_fields", "_used", "far", "module", "named_tuple", "number", "type_name")

    def __init__(
        self, type_name: str, fields: dict[str, Any], named_tuple: bool, module: str = "", number: int = -1
    ) -> None:
        self.type_name = type_name
        self.named_tuple = named_tuple
        self.module = module
        self.number = number
        self.far: Any = None
        self._fields = fields
        self._used = False

    @property
    def fields(self) -> dict[str, Any]:
        """Return the values of the fields, by name."""
        if self._used:
            self._fields = {name: getattr(self.far, name) for name in self._fields}
        return self._fields

    def __getattr__(self, name: str) -> Any:
        if name in self._fields:
            return getattr(self.far, name) if self._used else self._fields[name]
        if self.far is None or name.startswith("_"):
            raise AttributeError(f"a {self.type_name} has no field {name}")
        self._used = True
        return getattr(self.far, name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Have `copy` and `pickle` keep the present fields alone: a method called on a copy would change the original."""
        return Record, (self.type_name, self.fields, self.named_tuple, self.module)

    @class_or_instance
    def __dataclass_fields__(self) -> dict[str, Any]:
        return fields_named(self._fields)

    def __iter__(self) -> Iterator[Any]:
        if self.named_tuple:
            return iter(self.fields.values())
        found: Iterator[Any] = iter(self._object("is not iterable"))
        self._used = True
        return found

    def __len__(self) -> int:
        return len(self.fields if self.named_tuple else self._object("has no len()"))

    def __getitem__(self, place: Any) -> Any:
        return (tuple(self.fields.values()) if self.named_tuple else self._object("is not subscriptable"))[place]

    def __contains__(self, value: object) -> bool:
        return value in (self.fields.values() if self.named_tuple else self._object("is not iterable"))

    def __bool__(self) -> bool:
        return bool(self.fields) if self.named_tuple else self.far is None or bool(self._object())

    def __str__(self) -> str:
        return repr(self) if self.far is None else str(self._object())

    def __format__(self, spec: str) -> str:
        return format(str(self) if self.far is None else self._object(), spec)

    def _object(self, lack: str = "has no such operator") -> Any:
        """Return the object itself, whose class may define any operator.

        Raises:
            TypeError: its class has nothing but fields.
        """
        if self.far is None:
            raise TypeError(f"a {self.type_name} {lack}")
        return self.far

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple) and not hasattr(other, "_fields"):
            return self.named_tuple and tuple(self) == other
        if is_record(other):
            other = record_of(other)
        if type(other) is not Record:
            return NotImplemented
        return (self.type_name, self.named_tuple, self.fields) == (other.type_name, other.named_tuple, other.fields)

    def __hash__(self) -> int:
        return hash(tuple(self.fields.values()))

    def __repr__(self) -> str:
        return f"{self.type_name}({', '.join(f'{name}={value!r}' for name, value in self.fields.items())})"


def _use_as(record: Record, name: str, *args: Any) -> Any:
    found = getattr(type(record._object()), name)(record.far, *args)
    record._used = True
    return found


def _operator(name: str) -> Callable[..., Any]:
    def operate(self: Record, *args: Any) -> Any:
        return NotImplemented if self.far is None else _use_as(self, name, *args)

    return operate


for _name in (
    *("lt", "le", "gt", "ge", "neg", "abs"),
    *(
        f"{side}{name}"
        for side in ("", "r")
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    ),
    *(f"{side}{name}" for side in ("", "r") for name in ("and", "or", "xor")),
):
    setattr(Record, f"__{_name}__", _operator(f"__{_name}__"))
for _name in ("next", "setitem", "delitem", "reversed", "enter", "exit", "int", "float"):
    setattr(Record, f"__{_name}__", functools.partialmethod(_use_as, f"__{_name}__"))


def is_record(value: object) -> bool:
    """Return True for a named tuple, or for an instance of a dataclass."""
    named = isinstance(value, tuple) and hasattr(type(value), "_fields")
    stands_in = isinstance(value, type | Handle | Recipe | Callback | Record) or hasattr(type(value), "_words")
    return named or (dataclasses.is_dataclass(value) and not stands_in)


def record_of(value: Any, change: Callable[[Any], Any] = lambda item: item) -> Record:
    """Return the record of a named tuple or of a dataclass; each value as `change` gives it."""
    named = isinstance(value, tuple)
    names = value._fields if named else [each.name for each in dataclasses.fields(value)]
    fields = {name: change(getattr(value, name)) for name in names if hasattr(value, name)}
    return Record(type(value).__name__, fields, named, type(value).__module__)


def named_tuple_of(record: Record) -> tuple[Any, ...]:
    """Return a named tuple with the name and the fields of a record; a plain tuple if a name cannot be a field's."""
    try:
        plain = collections.namedtuple(record.type_name, record.fields)  # type: ignore[misc] # named by the student
    except ValueError:
        return tuple(record.fields.values())
    methods = {"__getattr__": lambda _, name: getattr(record.far, name)} if record.far is not None else {}
    made: tuple[Any, ...] = type(record.type_name, (plain,), methods)(**record.fields)
    return made


def map_tree(change: Callable[[Any], Any], value: Any) -> Any:
    """Return a value with each part changed that is no container; each container is a new one of its kind.

    A `Record` is changed after its fields; what else is a named tuple or a dataclass is a part itself, and so is a set.
    """
    if isinstance(value, dict):
        return _mapping_like(value, {key: map_tree(change, item) for key, item in value.items()})
    if isinstance(value, list | tuple | deque) and not is_record(value):
        items = [map_tree(change, item) for item in value]
        if isinstance(value, deque):
            return deque(items, value.maxlen)
        return items if isinstance(value, list) else tuple(items)
    if type(value) is Record:
        fields = {name: map_tree(change, item) for name, item in value.fields.items()}
        return change(Record(value.type_name, fields, value.named_tuple, value.module, value.number))
    return change(value)


def _mapping_like(value: dict[Any, Any], items: dict[Any, Any]) -> dict[Any, Any]:
    if type(value) is defaultdict:
        return defaultdict(value.default_factory, items)
    return type(value)(items) if type(value) in (Counter, OrderedDict) else items


def leaves(value: Any) -> Iterator[Any]:
    """Yield the parts of a value that are no container. A container that holds itself is entered once."""
    waiting, entered = [value], set()
    while waiting:
        each = waiting.pop()
        if not isinstance(each, list | tuple | dict | deque | Record):
            yield each
        elif id(each) not in entered:
            entered.add(id(each))
            parts = each.fields if isinstance(each, Record) else each
            waiting.extend(parts.values() if isinstance(parts, dict) else parts)
