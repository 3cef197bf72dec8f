"""A worker's reply, made sure of at the border: each part is of the type and the size that it must be, or it is no reply.

A student's code can forge every byte of a reply. What a reply says is for the checks to judge; here it is only seen to that
the grader can read it without stumbling over a part that is missing, of another type, or without end.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from autograder.codec import Handle
from autograder.errors import MalformedMessage, RefusedValue

#: Far more than an honest worker has to say.
_LONGEST_TEXT = 2000
_MOST_ITEMS = 2000
_NO_ANSWER = "something that is no answer"


def checked(reply: object) -> dict[str, Any]:
    """The parts of a reply, texts and lists within bounds.

    Raises:
        MalformedMessage: it is no reply.
    """
    if type(reply) is not dict or not {"value", "fault"} & reply.keys():
        raise MalformedMessage(_NO_ANSWER)
    return {"changed": [], "left": []} | {name: read(reply[name]) for name, read in _PARTS.items() if name in reply}


def handle_in(value: object) -> Handle:
    """A handle, where nothing else makes sense.

    Raises:
        RefusedValue: it is something else.
    """
    if type(value) is not Handle:
        raise RefusedValue(f"the module answered with {_NO_ANSWER}")
    return value


def facts_in(value: object) -> dict[str, Any]:
    """What a worker says of a module, with all its parts.

    Raises:
        RefusedValue: some part is missing or of another type.
    """
    if type(value) is not dict or not all(name in value and fits(value[name]) for name, fits in _FACTS.items()):
        raise RefusedValue(f"a model that was looked into answered with {_NO_ANSWER}")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise MalformedMessage(_NO_ANSWER)
    return value[:_LONGEST_TEXT]


def _number(value: object) -> int:
    if type(value) is not int:
        raise MalformedMessage(_NO_ANSWER)
    return value


def _list_of(read: Callable[[object], Any]) -> Callable[[object], list[Any]]:
    def read_list(value: object) -> list[Any]:
        if type(value) not in (list, tuple):
            raise MalformedMessage(_NO_ANSWER)
        return [read(item) for item in value[:_MOST_ITEMS]]  # type: ignore[index]

    return read_list


def _row_of(*reads: Callable[[object], Any]) -> Callable[[object], list[Any]]:
    def read_row(value: object) -> list[Any]:
        if type(value) not in (list, tuple) or len(value) != len(reads):  # type: ignore[arg-type]
            raise MalformedMessage(_NO_ANSWER)
        return [read(item) for read, item in zip(reads, value, strict=True)]  # type: ignore[call-overload]

    return read_row


_PARTS: dict[str, Callable[[object], Any]] = {
    "value": lambda value: value,
    "changed": _list_of(_text),
    "left": _list_of(_row_of(_text, _text, _list_of(_text))),
    "fault": _text,
    "text": _text,
    "kinds": _list_of(_text),
    "frames": _list_of(_row_of(_text, _number, _text)),
    "found": _text,
    "names": _list_of(_text),
    "signature": _text,
}


def _are(kind: type) -> Callable[[object], bool]:
    return lambda value: type(value) is list and all(type(item) is kind for item in value)


_FACTS: dict[str, Callable[[object], bool]] = {
    "state": lambda value: (
        type(value) is dict and all(type(key) is str and type(each) is Tensor for key, each in value.items())
    ),
    "training": _are(str),
    "frozen": _are(str),
    "hooks": lambda value: type(value) is int,
    "classes": lambda value: value is None or _are(str)(value),
}
