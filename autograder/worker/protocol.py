"""The wire between the grader and a worker: requests, replies, and the frame that each of them crosses in.

A request is one of `Load`, `Invoke`, `Run`, `Make`, `Inspect`; a reply is an `Answer` or a `Fault`. Each crosses as a message
of the codec: a dict of its fields, with its name beside them. A request comes from the grader and is read as it is. A reply is
the student's answer, whoever wrote it, because a student's code can write to the worker's socket as the worker does: every
field is checked against its type, and a reply of another structure is `MalformedMessage`. The texts in one of the right
structure are still the student's own.

Before its reply a worker may send questions: an `Ask` for each call of a function that the check has handed over. The grader
answers it as a worker answers a request, under the same nonce.

A new fact about a call is a field of `Answer`; it is written, checked and read by its type.
"""

import struct
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, TypeVar

from autograder.errors import MalformedMessage
from autograder.libraries import Kind, Tensor
from autograder.worker.codec import Limits, Recipe, decode, encode, refuse

#: Each request carries a nonce, and its reply the same: nobody can answer what has not been asked yet.
NONCE_BYTES = 16
_LENGTH = struct.Struct("<Q")

_REQUEST_LIMITS = Limits(bytes=2**40, header_bytes=2**30)
#: The grader holds a reply and the value made of it, and there are as many graders as jobs.
_REPLY_LIMITS = Limits(bytes=64 * 2**20, recipes=False)
#: A worker's own texts and lists are shorter; more would only be copied from here into every sentence.
_TEXT_LIMIT = 10_000
_ITEM_LIMIT = 10_000
_RECORD = "record"
#: The first byte of a question, which no other message has.
_QUESTION = b"?"
#: In `Fault.found`: the function is missing because its module stopped before it; the rest of the fault tells why.
STOPPED = "(stopped)"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Fields of every request.

    Attributes:
        seconds: how much time of its own the student's code may take.
        device: where it computes: `cpu` or `cuda`.
    """

    seconds: float
    device: str = "cpu"


@dataclass(frozen=True)
class Load(Request):
    """Load a student's modules anew.

    The answer's value lists what stopped a module or is missing in it: its file, the line, and what happened there.

    Attributes:
        sources: file name and text of each unit, by its name.
        unit: the one whose functions are called.
        seed: for all global random numbers.
        place: the folder in which they run, with their data; empty to stay where the worker is.
    """

    sources: dict[str, tuple[str, str]]
    unit: str
    seed: int
    place: str = ""


@dataclass(frozen=True)
class Invoke(Request):
    """Call a function or a method. The answer's value is what it returns, or a gradient of that.

    Attributes:
        function: its name; dotted for what belongs to a class.
        args, kwargs: its arguments.
        of: the position of the argument to differentiate by, or None for a plain call.
        weights: what the output's entries are weighted by, for a gradient; all ones if None.
        on: the number of the object whose method, operation or attribute it is.
        get: return the attribute itself; a method as a handle.
        warned: the check looks at warnings, so that all of them are told.
        folder: the check's folder, in which the function may write files; empty if the check has none.
        mutable: positions and names of the arguments that the check looks at after the call.
    """

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    of: int | None = None
    weights: Any = None
    on: int | None = None
    get: bool = False
    warned: bool = False
    folder: str = ""
    mutable: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class Run(Request):
    """Run a unit as a program, from a fresh start. The answer's value holds the fields of a `Finished`.

    Attributes:
        sources, unit, seed: as in `Load`.
        stdin: what it reads.
        args: its arguments, without its name.
        files: in the folder in which it runs, by name.
    """

    sources: dict[str, tuple[str, str]]
    unit: str
    seed: int
    stdin: str
    args: tuple[str, ...]
    files: dict[str, str | bytes]


@dataclass(frozen=True)
class Make(Request):
    """Make a module from its recipe. The answer's value is its handle."""

    recipe: Recipe


@dataclass(frozen=True)
class Inspect(Request):
    """Describe the module behind a handle. The answer's value holds the fields of an `Inspection`."""

    number: int


SideEffect = tuple[str, str, tuple[str, ...]]
Frame = tuple[str, int, str]


@dataclass(frozen=True)
class Answer:
    """A request was carried out.

    Attributes:
        value: what the student's function returned.
        changed: names of the arguments that were changed in place.
        side_effects: what stayed behind: (argument, kind, names), as in `("model", "gradients", ("head.weight",))`.
        printed: what was printed meanwhile, as UTF-8.
        complained: likewise what was written to `sys.stderr`.
        warnings: the names of each warning's class and of its bases, and its text, if they were asked for.
        awaited: True if the function is a coroutine, which has run to its end: the value is what it gave.
        files: what was written into the check's folder and does not lie there yet, by name.
        left: the arguments that the check looks at after the call, in the request's order.
    """

    value: Any
    changed: tuple[str, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    printed: bytes = b""
    complained: bytes = b""
    warnings: tuple[tuple[tuple[str, ...], str], ...] = ()
    awaited: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    left: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A request was not carried out.

    Attributes:
        kind: one of `KINDS`.
        text: what the exception, or the worker, said.
        kinds: names of the exception's class and of its bases, most derived first.
        frames: file, line and function in the student's code, innermost last.
        found: the type of what bears the function's name and is no function; or `STOPPED`.
        names: the functions that the module has.
        signature: the signature of a function that takes other arguments.
        attributes: the attributes of the exception, by name, and its `args`: those that can cross.
    """

    KINDS: ClassVar = ("missing", "signature", "refused", "not written", "timed out", "raised")

    kind: str
    text: str = ""
    kinds: tuple[str, ...] = ("Exception",)
    frames: tuple[Frame, ...] = ()
    found: str = ""
    names: tuple[str, ...] = ()
    signature: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in self.KINDS or not self.kinds:
            raise _no_answer()


@dataclass(frozen=True)
class Inspection:
    """The facts about a module.

    Attributes:
        state: its state dict.
        training: names of the submodules in training mode.
        frozen: names of the parameters that require no gradient.
        hooks: how many hooks there are on it and on its submodules.
        classes: a model's classes, or None if it has no list or tuple of names.
    """

    state: dict[str, Tensor]
    training: list[str]
    frozen: list[str]
    hooks: int
    classes: list[str] | None


@dataclass(frozen=True)
class Finished:
    """The end of a program.

    Attributes:
        output, error: what it wrote there, as UTF-8.
        code: its exit code.
        files: the files in its folder that it has written, by name.
    """

    output: bytes
    error: bytes
    code: int
    files: dict[str, bytes]


@dataclass(frozen=True)
class Ask:
    """A call of a function that a check has handed over.

    Attributes:
        number: the number of the function, among those of the request.
        args, kwargs: its arguments.
    """

    number: int
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


_REQUESTS: dict[str, type[Request]] = {kind.__name__: kind for kind in (Load, Invoke, Run, Make, Inspect)}
_REPLIES: dict[str, type[Answer | Fault]] = {kind.__name__: kind for kind in (Answer, Fault)}
Record = TypeVar("Record")


def write(
    record: Request | Answer | Fault, fallback: Callable[[object], object] = refuse, limits: Limits | None = None
) -> bytes:
    """Return the message for a request or a reply.

    Args:
        record: the request or the reply.
        fallback: turns a value of another type into one of the codec's, or raises `RefusedValue`.
        limits: the limits of the message; those of a request or of a reply by default.

    Raises:
        RefusedValue: some value in it cannot cross.
    """
    usual = Limits() if isinstance(record, Request) else _REPLY_LIMITS
    return encode({_RECORD: type(record).__name__, **vars(record)}, fallback, limits or usual)


def read_request(message: bytes) -> Request:
    """Return the request in a message from the grader, which is trusted."""
    values = decode(message, _REQUEST_LIMITS)
    return _REQUESTS[values.pop(_RECORD)](**values)


def read_reply(message: bytes) -> Answer | Fault:
    """Return the reply in a message from a worker, which is not trusted.

    Raises:
        MalformedMessage: it is no reply of a worker.
    """
    values = _mapping(decode(message, _REPLY_LIMITS))
    kind = _REPLIES.get(_text(values.get(_RECORD)))
    if kind is None:
        raise _no_answer()
    return _record(kind, values)


def write_question(ask: Ask, fallback: Callable[[object], object]) -> bytes:
    """Return the message of a question.

    Raises:
        RefusedValue: an argument cannot cross.
    """
    return _QUESTION + encode(vars(ask), fallback, _REPLY_LIMITS)


def is_question(message: bytes) -> bool:
    """Return True if a message from a worker is a question and no reply."""
    return message.startswith(_QUESTION)


def read_question(message: bytes) -> Ask:
    """Return the question in a message from a worker, which is not trusted.

    Raises:
        MalformedMessage: it is none.
    """
    return _record(Ask, _mapping(decode(message.removeprefix(_QUESTION), _REPLY_LIMITS)))


def read_finished(value: object) -> Finished:
    """Return the end of a program in the value of an answer.

    Raises:
        MalformedMessage: it is something else.
    """
    return _record(Finished, _mapping(value))


def read_inspection(value: object) -> Inspection:
    """Return the facts about a module in the value of an answer.

    Raises:
        MalformedMessage: it is something else.
    """
    return _record(Inspection, _mapping(value))


def _record(kind: type[Record], values: dict[str, Any]) -> Record:
    """Return a record of these values, each checked by the type of its field; others are left out."""
    wanted = _types(kind)  # type: ignore[arg-type] # a class is hashable
    try:
        return kind(**{name: _check(values[name], wanted[name]) for name in wanted if name in values})
    except TypeError as error:  # a field without a default is missing
        raise _no_answer() from error


@cache
def _types(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {each.name: hints[each.name] for each in fields(kind)}


def _check(value: Any, wanted: Any) -> Any:
    """Return the value as a field of this type holds it: exactly of the type, texts and lists cut to their limits."""
    if wanted is Any:
        return value
    if wanted is str:
        return _text(value)
    if isinstance(wanted, Kind):
        wanted = wanted.loaded_class()
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is types.UnionType:  # with None
        return None if value is None else _check(value, parts[0])
    if type(value) is not (origin or wanted):
        raise _no_answer()
    if origin is dict:
        return {_check(key, parts[0]): _check(item, parts[1]) for key, item in value.items()}
    if origin is list or (origin is tuple and parts[-1] is Ellipsis):
        return origin(_check(item, parts[0]) for item in value[:_ITEM_LIMIT])
    if origin is tuple:
        if len(value) != len(parts):
            raise _no_answer()
        return tuple(_check(item, part) for item, part in zip(value, parts, strict=True))
    return value


def _mapping(value: object) -> dict[str, Any]:
    if type(value) is not dict:
        raise _no_answer()
    return {_text(key): item for key, item in value.items()}


def _text(value: object) -> str:
    if type(value) is not str:
        raise _no_answer()
    return value[:_TEXT_LIMIT]


def _no_answer() -> MalformedMessage:
    return MalformedMessage("something that is no answer")


def frame(nonce: bytes, message: bytes) -> bytes:
    """Return a message as it is written to a connection."""
    return _LENGTH.pack(len(nonce) + len(message)) + nonce + message


def read_frame(
    receive: Callable[[int], bytes | bytearray], limit: int = 2**63, expected: bytes | None = None
) -> tuple[bytes, bytes]:
    """Read the next frame of a connection.

    Args:
        receive: reads exactly so many bytes.
        limit: the most bytes that a message may have.
        expected: the nonce that it must begin with; any if None.

    Returns:
        The nonce and the message.

    Raises:
        MalformedMessage: the frame is larger, or has another nonce.
    """
    (size,) = _LENGTH.unpack(receive(_LENGTH.size))
    if size > limit:
        raise MalformedMessage(f"its answer was larger than {limit // 2**20} MB")
    nonce = bytes(receive(NONCE_BYTES)) if size >= NONCE_BYTES else b""
    if not nonce or expected not in (None, nonce):
        raise MalformedMessage("it wrote to the grader's connection by itself")
    return nonce, receive(size - NONCE_BYTES)  # type: ignore[return-value] # a bytearray serves as well
