"""Further plain values of Python's library, both ways: collections, exact numbers, dates, and records of the student's.

Each kind is a tag with parts that are scalars or nodes. A named tuple or a dataclass crosses as a `Record`, the names and
values of its fields: the trusted side makes no object of a class that a worker names.
"""

import collections
import datetime
import decimal
import enum
import fractions
import re
import zoneinfo
from collections.abc import Callable, Iterable
from pathlib import PosixPath, PurePosixPath, PureWindowsPath, WindowsPath
from typing import Any

from autograder.errors import MalformedMessage, RefusedValue
from autograder.worker.codec.message import (
    INTEGER_BITS,
    PLAIN,
    SCALARS,
    Member,
    Record,
    fits,
    is_record,
    record_of,
    type_name,
    with_article,
)

#: The most values of a set or keys of a dict that may have one hash: with more, which are forged, a look-up takes long.
_ONE_HASH = 50
_HASHABLE = (
    *(type(None), bool, int, float, complex, str, bytes, range),
    *(fractions.Fraction, decimal.Decimal, datetime.date, datetime.datetime, datetime.time, datetime.timedelta),
    *(PurePosixPath, PureWindowsPath, PosixPath, WindowsPath),
)
#: Factories of a defaultdict that cross; any other is code, and is left behind.
_FACTORIES: dict[str, Any] = {
    "": None,
    **{kind.__name__: kind for kind in (bool, int, float, str, list, tuple, set, dict)},
}
#: Names of time zones, and those that a fixed distance from UTC may have.
_ZONE = re.compile(r"[\w+:/ -]{1,60}")
_DECIMAL_DIGITS = 1_000
#: The largest exponent of a Decimal: to compare two far apart would write all their zeros.
_DECIMAL_EXPONENT = 10_000

Node = Callable[[Any, int], Any]


def is_hashable(value: object) -> bool:
    """Return True for a value that is sent as one whose hash and comparison are Python's own, all the way down."""
    if type(value) in (tuple, frozenset):
        return all(map(is_hashable, value))  # type: ignore[call-overload] # it is one of the two
    if type(value) is Record:
        return all(map(is_hashable, value.fields.values()))
    if is_record(value):
        # Objects of a class without a comparison by fields may differ though their records are equal.
        kind: Any = type(value)
        by_fields = isinstance(value, tuple) or kind.__dataclass_params__.eq
        return by_fields and is_hashable(record_of(value))
    if isinstance(value, enum.Enum) or type(value) is Member:
        return True
    return type(value) in _HASHABLE or is_numpy_scalar(value) or issubclass(type(value), int | float | str)


def is_numpy_scalar(value: object) -> bool:
    """Return True for a NumPy scalar; NumPy is not imported to find out."""
    return any((base.__module__, base.__name__) == ("numpy", "generic") for base in type(value).__mro__)


def check_keys(values: list[Any]) -> list[Any]:
    """Return values that are to be keys of a dict or in a set.

    Raises:
        MalformedMessage: one of them cannot be, or too many of them have one hash.
    """
    if not all(map(is_hashable, values)):
        raise MalformedMessage("a message with an unusable key")
    counts: dict[int, int] = {}
    for value in values:
        code = hash(value)
        counts[code] = counts.get(code, 0) + 1
    if max(counts.values(), default=0) > _ONE_HASH:
        raise MalformedMessage("a message with keys that collide")
    return values


def _write_record(record: Record, node: Node, depth: int) -> list[Any]:
    pairs = [[name, node(item, depth + 1)] for name, item in record.fields.items()]
    return ["record", record.type_name, record.named_tuple, pairs, record.module, record.number]


def _read_record(value: Node, depth: int, name: str, named_tuple: bool, pairs: Any, module: str, number: int) -> Record:
    typed = (type(name), type(named_tuple), type(module), type(number)) == (str, bool, str, int)
    if not typed or not all(type(key) is str for key, _ in pairs):
        raise MalformedMessage("a message with an impossible record")
    fields = {key: value(item, depth + 1) for key, item in pairs}
    if len(fields) != len(pairs):
        raise MalformedMessage("a message with a field twice")
    return Record(name[:200], fields, named_tuple, module[:200], number)


def _write_member(member: Member, node: Node, depth: int) -> list[Any]:
    return ["member", member.type_name, member.name, member.module, node(member.value, depth + 1), member.flag]


def _read_member(
    value: Node, depth: int, type_name: str, name: str, module: str, item: Any, flag: bool = False
) -> Member:
    if not type(type_name) is type(name) is type(module) is str or type(flag) is not bool:
        raise MalformedMessage("a message with an impossible member")
    return Member(type_name[:200], name[:200], value(item, depth + 1), module[:200], flag)


def _write_slice(value: slice, node: Node, depth: int) -> list[Any]:
    return ["slice", *(node(part, depth + 1) for part in (value.start, value.stop, value.step))]


def _read_slice(value: Node, depth: int, start: Any, stop: Any, step: Any) -> slice:
    return slice(*(value(part, depth + 1) for part in (start, stop, step)))


def _write_set(values: Iterable[Any], node: Node, depth: int) -> list[Any]:
    for each in values:
        if not is_hashable(each):
            raise RefusedValue(f"a set with {with_article(type_name(each))} in it")
    # In one order, whatever the set's own: equal sets are then equal messages.
    return [type(values).__name__, sorted((node(each, depth + 1) for each in values), key=repr)]


def _read_set(kind: type) -> Callable[..., Any]:
    def read(value: Node, depth: int, items: Any) -> Any:
        made = kind(check_keys([value(item, depth + 1) for item in items]))
        if len(made) != len(items):
            raise MalformedMessage("a message with a value twice in a set")
        return made

    return read


def _write_deque(values: Any, node: Node, depth: int) -> list[Any]:
    return ["deque", [node(each, depth + 1) for each in values], values.maxlen]


def _read_deque(value: Node, depth: int, items: Any, longest: Any) -> Any:
    if longest is not None and (type(longest) is not int or longest < len(items)):
        raise MalformedMessage("a message with an impossible deque")
    return collections.deque((value(item, depth + 1) for item in items), longest)


def _write_mapping(tag: str) -> Callable[[Any, Node, int], list[Any]]:
    def write(values: dict[Any, Any], node: Node, depth: int) -> list[Any]:
        for key in values:
            if not is_hashable(key):
                raise RefusedValue(f"a dict with {with_article(type_name(key))} as a key")
        return [tag, [[_write_key(key, node, depth), node(item, depth + 1)] for key, item in values.items()]]

    return write


def _read_mapping(make: Callable[[Iterable[Any]], dict[Any, Any]]) -> Callable[..., Any]:
    def read(value: Node, depth: int, pairs: Any) -> Any:
        # Scalars are what they are: a large dict has as many parts as it has items.
        keys = check_keys([_read_key(key, value, depth) for key, _ in pairs])
        made = make((key, value(item, depth + 1)) for key, (_, item) in zip(keys, pairs, strict=True))
        if len(made) != len(pairs):
            raise MalformedMessage("a message with a dict key twice")
        return made

    return read


def _write_key(key: Any, node: Node, depth: int) -> Any:
    plain = type(key) in PLAIN or type(key) is str or (type(key) is int and fits(key))
    return key if plain else node(key, depth + 1)


def _read_key(key: Any, value: Node, depth: int) -> Any:
    if type(key) is int and not fits(key):
        raise MalformedMessage("a message with an unusable key")
    return key if type(key) in SCALARS else value(key, depth + 1)


def _counter(pairs: Iterable[Any]) -> collections.Counter[Any]:
    return collections.Counter(dict(pairs))


def _write_defaultdict(values: collections.defaultdict[Any, Any], node: Node, depth: int) -> list[Any]:
    factory = next((name for name, kind in _FACTORIES.items() if kind is values.default_factory), "")
    return [*_write_mapping("defaultdict")(values, node, depth), factory]


def _read_defaultdict(value: Node, depth: int, pairs: Any, factory: str) -> collections.defaultdict[Any, Any]:
    if factory not in _FACTORIES:
        raise MalformedMessage("a message with an unknown factory")
    return collections.defaultdict(_FACTORIES[factory], _read_mapping(dict)(value, depth, pairs))


def _write_fraction(value: fractions.Fraction, node: Node, depth: int) -> list[Any]:
    return ["fraction", node(value.numerator, depth + 1), node(value.denominator, depth + 1)]


def _read_fraction(value: Node, depth: int, numerator: Any, denominator: Any) -> fractions.Fraction:
    parts = value(numerator, depth + 1), value(denominator, depth + 1)
    if any(type(part) is not int for part in parts) or parts[1] < 1:
        raise MalformedMessage("a message with an impossible fraction")
    return fractions.Fraction(*parts)


def _write_decimal(value: decimal.Decimal, *_: Any) -> list[Any]:
    if _is_endless(value):
        raise RefusedValue("a Decimal of more digits than can be judged")
    return ["decimal", str(value)]


def _is_endless(value: decimal.Decimal) -> bool:
    _, digits, exponent = value.as_tuple()
    return len(digits) > _DECIMAL_DIGITS or (isinstance(exponent, int) and abs(exponent) > _DECIMAL_EXPONENT)


def _read_decimal(value: Node, depth: int, text: str) -> decimal.Decimal:
    made = decimal.Decimal(text) if type(text) is str and len(text) < 2 * _DECIMAL_DIGITS else None
    if made is None or _is_endless(made) or made.is_snan():  # a signalling NaN raises wherever it is compared
        raise MalformedMessage("a message with an impossible Decimal")
    return made


def _read_complex(value: Node, depth: int, real: float, imaginary: float) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise MalformedMessage("a message with an impossible complex number")
    return complex(real, imaginary)


def _write_range(value: range, node: Node, depth: int) -> list[Any]:
    return ["range", *(node(each, depth + 1) for each in (value.start, value.stop, value.step))]


def _read_range(value: Node, depth: int, *parts: Any) -> range:
    numbers = [value(part, depth + 1) for part in parts]
    if any(type(number) is not int or number.bit_length() >= INTEGER_BITS for number in numbers):
        raise MalformedMessage("a message with an impossible range")
    return range(*numbers)


def _write_moment(value: Any, node: Node, depth: int) -> list[Any]:
    zone = getattr(value, "tzinfo", None)
    if zone is None:
        return [type(value).__name__, value.isoformat()]
    if type(zone) not in (datetime.timezone, zoneinfo.ZoneInfo):
        zone = datetime.timezone(value.utcoffset() or datetime.timedelta())
    return [type(value).__name__, value.replace(tzinfo=None).isoformat(), node(zone, depth + 1), value.fold]


def _read_moment(kind: Any) -> Callable[..., Any]:
    def read(value: Node, depth: int, text: str, zone: Any = None, fold: int = 0) -> Any:
        made = kind.fromisoformat(text)
        return made if zone is None else made.replace(tzinfo=value(zone, depth + 1), fold=fold)

    return read


def _write_zone(value: datetime.timezone | zoneinfo.ZoneInfo, node: Node, depth: int) -> list[Any]:
    if isinstance(value, zoneinfo.ZoneInfo):
        if value.key is None:
            raise RefusedValue("a time zone without a name")
        return ["zone", value.key]
    return ["zone", value.tzname(None), node(value.utcoffset(None), depth + 1)]


def _read_zone(value: Node, depth: int, name: str, offset: Any = None) -> datetime.tzinfo:
    if type(name) is not str or not _ZONE.fullmatch(name):
        raise MalformedMessage("a message with an impossible time zone")
    if offset is None:
        return zoneinfo.ZoneInfo(name)
    made = datetime.timezone(value(offset, depth + 1))
    return made if made.tzname(None) == name else datetime.timezone(made.utcoffset(None), name)


def _write_timedelta(value: datetime.timedelta, *_: Any) -> list[Any]:
    return ["timedelta", value.days, value.seconds, value.microseconds]


def _read_timedelta(value: Node, depth: int, *parts: int) -> datetime.timedelta:
    if any(type(part) is not int for part in parts):
        raise MalformedMessage("a message with an impossible timedelta")
    return datetime.timedelta(*parts)


#: Each takes the value, what writes a part as a node, and the depth.
WRITERS: dict[type, Callable[[Any, Node, int], list[Any]]] = {
    Record: _write_record,
    dict: _write_mapping("dict"),
    collections.OrderedDict: _write_mapping("ordered"),
    collections.Counter: _write_mapping("counter"),
    collections.defaultdict: _write_defaultdict,
    set: _write_set,
    frozenset: _write_set,
    collections.deque: _write_deque,
    bytearray: lambda value, *_: ["bytearray", bytes(value)],
    fractions.Fraction: _write_fraction,
    decimal.Decimal: _write_decimal,
    complex: lambda value, *_: ["complex", value.real, value.imag],
    range: _write_range,
    datetime.date: _write_moment,
    datetime.datetime: _write_moment,
    datetime.time: _write_moment,
    datetime.timezone: _write_zone,
    zoneinfo.ZoneInfo: _write_zone,
    Member: _write_member,
    slice: _write_slice,
    type(...): lambda value, *_: ["ellipsis"],
    type(NotImplemented): lambda value, *_: ["notimplemented"],
    datetime.timedelta: _write_timedelta,
}

#: Each takes what reads a node, the depth, and the parts of its node.
READERS: dict[str, Callable[..., Any]] = {
    "record": _read_record,
    "dict": _read_mapping(dict),
    "ordered": _read_mapping(collections.OrderedDict),
    "counter": _read_mapping(_counter),
    "defaultdict": _read_defaultdict,
    "set": _read_set(set),
    "frozenset": _read_set(frozenset),
    "deque": _read_deque,
    "bytearray": lambda value, depth, data: bytearray(memoryview(data)),
    "fraction": _read_fraction,
    "decimal": _read_decimal,
    "complex": _read_complex,
    "range": _read_range,
    "date": _read_moment(datetime.date),
    "datetime": _read_moment(datetime.datetime),
    "time": _read_moment(datetime.time),
    "zone": _read_zone,
    "member": _read_member,
    "slice": _read_slice,
    "ellipsis": lambda value, depth: ...,
    "notimplemented": lambda value, depth: NotImplemented,
    "timedelta": _read_timedelta,
}
