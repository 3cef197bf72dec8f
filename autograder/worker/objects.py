"""Objects that stay with the worker: modules, and instances of the student's classes; what is done with them from afar."""

import builtins
import collections
import copy
import dataclasses
import enum
import io
import itertools
import operator
import sys
import types
from collections.abc import AsyncIterator, Callable, Container, Generator, Iterator
from typing import Any, TypeGuard

from autograder.libraries import Tensor, nn, np
from autograder.worker.codec import Handle, Member, Record, is_record, record_of, type_name
from autograder.worker.protocol import Fault

#: An instance of a subclass of one of these looks like a value and is none: it stays only where a check has made it.
PLAIN_BASES = (int, float, complex, str, bytes, list, tuple, dict, set, frozenset, np.ndarray, Tensor, type)

_ARITHMETIC = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"),
    *("matmul", "and", "or", "xor", "lshift", "rshift"),
)
_COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")
#: Operations that each dataclass or named tuple has.
_USUAL = ("__repr__", "__eq__", "__hash__", "__lt__", "__le__", "__gt__", "__ge__", "__setattr__", "__delattr__")
#: Operations that give another object of the same kind: it stays, as the first does.
COPYING = ("__copy__", "__deepcopy__")
#: Iterators that students call by these names.
_KNOWN_ITERATORS = ("generator", "zip", "map", "filter", "enumerate", "reversed")
#: Operations of Python's syntax and functions on an object, by the names under which they cross.
_OPERATIONS: dict[str, Callable[..., object]] = {
    "__repr__": repr,
    "__str__": str,
    "__len__": len,
    "__bool__": operator.truth,
    "__iter__": iter,
    "__next__": next,
    "__abs__": abs,
    "__neg__": operator.neg,
    "__getitem__": operator.getitem,
    "__setitem__": operator.setitem,
    "__delitem__": operator.delitem,
    "__contains__": operator.contains,
    "__setattr__": setattr,
    "__delattr__": delattr,
    "__hash__": hash,
    "__format__": format,
    "__reversed__": reversed,
    "__int__": int,
    "__index__": operator.index,
    "__float__": float,
    "__complex__": complex,
    "__round__": round,
    "__divmod__": divmod,
    "__rdivmod__": lambda right, left: divmod(left, right),
    "__pos__": operator.pos,
    "__invert__": operator.invert,
    "__enter__": lambda value: type(value).__enter__(value),
    "__exit__": lambda value, kinds, text: _exit(value, kinds, text),
    "__aiter__": aiter,
    "__anext__": lambda value: _coroutine_of(anext(value)),
    "__aenter__": lambda value: _coroutine_of(type(value).__aenter__(value)),
    "__aexit__": lambda value, kinds, text: _coroutine_of(_exit(value, kinds, text, "__aexit__")),
    "__throw__": lambda value, kinds, text: value.throw(exception_of(Fault("raised", text, tuple(kinds)))),
    "__fields__": lambda value: [each.name for each in dataclasses.fields(value)],
    "__copy__": copy.copy,
    "__deepcopy__": copy.deepcopy,
    **{f"__{name}__": getattr(operator, f"__{name}__") for name in (*_ARITHMETIC, *_COMPARISONS)},
}


def _reflect(name: str) -> Callable[[Any, Any], Any]:
    def apply(right: Any, left: Any) -> Any:
        return getattr(operator, f"__{name}__")(left, right)

    return apply


def _exit(value: Any, kinds: list[str] | None, text: str, name: str = "__exit__") -> Any:
    """Leave the context of an object; with the exception of the check's that ends it, if there is one."""
    leave = getattr(type(value), name)
    if kinds is None:
        return leave(value, None, None, None)
    error = exception_of(Fault("raised", text, tuple(kinds)))
    return leave(value, type(error), error, None)


async def _coroutine_of(value: Any) -> object:
    """Give what an awaitable gives: only a coroutine is run to its end when it comes from a call."""
    return await value


_OPERATIONS |= {f"__i{name}__": getattr(operator, f"__i{name}__") for name in _ARITHMETIC}
_OPERATIONS |= {f"__r{name}__": _reflect(name) for name in _ARITHMETIC}


def exception_of(fault: Fault) -> Exception:
    """Return the exception for a fault of the check's function, of the nearest kind that Python itself has."""
    kinds = (getattr(builtins, name, None) for name in fault.kinds)
    kind = next((each for each in kinds if isinstance(each, type) and issubclass(each, Exception)), Exception)
    try:
        return kind(fault.text)
    except TypeError:  # it needs more than a text
        return ValueError(fault.text) if issubclass(kind, ValueError) else Exception(fault.text)


class Objects:
    """The objects that a worker holds, each under its number."""

    def __init__(self) -> None:
        self._held: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._held_as_data: set[int] = set()

    def __getitem__(self, number: int) -> Any:
        return self._held[number]

    def clear(self) -> None:
        """Let go of all of them."""
        self._held.clear()
        self._numbers.clear()
        self._held_as_data.clear()

    def holds(self, value: object) -> bool:
        """Return True for an object that is held already, and is no data."""
        return id(value) in self._numbers and id(value) not in self._held_as_data

    def hold(self, value: object, name: str = "") -> Handle:
        """Hold an object, once. Return its handle."""
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._held)
            self._held.append(value)
        module = isinstance(value, nn.Module)
        name = name or (public_class(type(value)).__name__ if module else type_name(value).rpartition(".")[2])
        kind = "module" if module else "dataclass" if dataclasses.is_dataclass(value) else "object"
        return Handle(self._numbers[id(value)], name, kind)

    def hold_record(self, value: Any, change: Callable[[Any], Any]) -> Record:
        """Return the record of a dataclass or a named tuple, its fields as `change` gives them.

        An object with methods is held too, so that a check can call them, and still crosses as data.
        """
        record = record_of(value, change)
        if _has_methods(type(value)):
            record.number = self.hold(value).number
            self._held_as_data.add(id(value))
        return record

    def hold_iterator(self, value: Iterator[object]) -> object:
        """Return the handle of an iterator; for an empty one or one of parameters an iterator, which crosses as a list.

        The first item is taken to find out which it is, and put back before the others.
        """
        first = list(itertools.islice(value, 1))
        item = first[0][1] if first and type(first[0]) is tuple and len(first[0]) == 2 else next(iter(first), None)
        rest = _Begun(first, value) if isinstance(value, Generator) else itertools.chain(first, value)
        if not first or isinstance(item, nn.Parameter):
            return rest
        name = type(value).__name__
        return self.hold(rest, name if name in _KNOWN_ITERATORS else "iterator")


class _Begun(Generator[object, object, object]):
    """A generator that was asked for its first item ahead of the check."""

    def __init__(self, first: list[object], source: Generator[object, object, object]) -> None:
        self._first = first
        self._source = source

    def send(self, value: object) -> object:
        if not self._first:
            return self._source.send(value)
        if value is not None:
            raise TypeError("can't send non-None value to a just-started generator")
        return self._first.pop()

    def throw(self, *error: Any) -> object:
        self._first.clear()
        return self._source.throw(*error)


def items_of(following: Callable[[], object]) -> Iterator[object]:
    """Yield what a function gives, until it raises StopIteration."""
    while True:
        try:
            item = following()
        except StopIteration:
            return
        yield item


def _has_methods(kind: type) -> bool:
    """Return True for a dataclass or a named tuple with methods, properties or operators besides those that each has."""
    fields = getattr(kind, "_fields", ()) or getattr(kind, "__dataclass_fields__", {})
    written = {name: value for base in kind.__mro__[:-1] if base is not tuple for name, value in vars(base).items()}
    return any(
        (name in _OPERATIONS and name not in _USUAL)
        or (name[0] != "_" and name not in fields and name not in dir(tuple))
        for name in written
    )


def is_own_function(value: object, modules: Container[str]) -> bool:
    """Return True for a function that a student's code has made, also by `functools`."""
    if type(value).__module__ == "functools":  # `partial`, or a cache of any function
        return True
    function = getattr(value, "__wrapped__", None) or getattr(value, "__func__", value)
    return isinstance(function, types.FunctionType) and is_class_of(function, modules)  # type: ignore[arg-type] # it has a module


def is_asynchronous(value: object) -> bool:
    """Return True for what an `async def` with `yield` gives."""
    return isinstance(value, AsyncIterator)


def is_iterator(value: object) -> TypeGuard[Iterator[object]]:
    """Return True for an iterator that is no file."""
    return isinstance(value, Iterator) and not isinstance(value, io.IOBase)


def public_class(kind: type) -> type:
    """Return the class, or its nearest base whose name is public, and so says something to a student."""
    return next(base for base in kind.__mro__ if not base.__name__.startswith("_"))


def is_class_of(kind: type, modules: Container[str]) -> bool:
    """Return True for a class that one of these modules has defined."""
    module = getattr(kind, "__module__", "")
    return isinstance(module, str) and module.removeprefix("exercises.") in modules


def stays(made: object, modules: Container[str]) -> bool:
    """Return True if an object that a check has made stays here: of a student's class, or of a library's if it is no value."""
    if is_class_of(type(made), modules):
        return not isinstance(made, enum.Enum)
    library = type(made).__module__.partition(".")[0] in sys.stdlib_module_names
    return not (library or is_record(made) or isinstance(made, (*PLAIN_BASES, enum.Enum)))


def operation(value: object, name: str) -> Callable[..., object] | None:
    """Return the function that an operation or a method of an object calls; None if the object has none of that name."""
    if name in _OPERATIONS:

        def operate(*args: Any, **kwargs: Any) -> object:
            return _OPERATIONS[name](value, *args, **kwargs)

        return operate
    if name == "__call__":
        return value if callable(value) else None
    found = getattr(value, name, None)
    return found if callable(found) else None


def is_method(value: object) -> bool:
    """Return True for a function or a method, which a check calls; any other attribute is a value."""
    return isinstance(
        value, types.MethodType | types.FunctionType | types.BuiltinFunctionType | types.MethodWrapperType
    )


def _classes(value: Record | Member, modules: dict[str, Any]) -> Iterator[Any]:
    """Yield whatever has the name of a value's class, in the student's modules and in the module that the value names."""
    for module in [*modules.values(), sys.modules.get(value.module)]:
        yield getattr(module, "__dict__", {}).get(value.type_name)


def revive_member(member: Member, modules: dict[str, Any]) -> object:
    """Return the member of the student's enumeration of that name, or of the course's; the stand-in if there is none."""
    for kind in _classes(member, modules):
        if isinstance(kind, enum.EnumMeta):
            return kind[member.name] if member.name in kind.__members__ else kind(member.value)
    return member


def revive(record: Record, modules: dict[str, Any]) -> object:
    """Return the named tuple or the dataclass of a record, of the student's class of that name or of a new one."""
    for kind in _classes(record, modules):
        if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields") and record.named_tuple:
            return kind(**record.fields)
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and not record.named_tuple:
            made = object.__new__(kind)
            for name, value in record.fields.items():
                object.__setattr__(made, name, value)
            return made
    if record.named_tuple:
        return collections.namedtuple(record.type_name, record.fields)(**record.fields)
    return dataclasses.make_dataclass(record.type_name, record.fields)(**record.fields)
