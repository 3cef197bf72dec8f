"""What came back from a worker, its structure checked before anything in it is used.

A reply is the student's answer, whoever wrote it: a student's code can write to the worker's socket as the worker does. So
one that has another structure than the worker's is `MalformedMessage`, like one that cannot be decoded, and the text in
one that has it is still the student's own.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from autograder.errors import MalformedMessage
from autograder.worker.codec import Limits, decode

_LIMITS = Limits(recipes=False)
#: A worker's own texts and lists are shorter; more would only be copied from here into every sentence.
_TEXT_LIMIT = 10_000
_ITEM_LIMIT = 10_000
_FAULTS = ("missing", "signature", "refused", "not written", "timed out", "raised")


@dataclass(frozen=True)
class Answer:
    """A call came back.

    Attributes:
        value: what the student's function returned.
        changed: names of the arguments that were changed in place.
        left: what stayed behind: (argument, kind, names).
    """

    value: Any
    changed: tuple[str, ...] = ()
    left: tuple[tuple[str, str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Fault:
    """It did not come back.

    Attributes:
        kind: one of the worker's faults.
        text: what the exception, or the worker, said.
        kinds: names of the exception's class and of its bases, most derived first.
        place: file and line in the student's code, where there is one.
        found: the type of what bears the function's name and is no function.
        names: the functions that the module has.
        signature: of the function that takes other arguments.
    """

    kind: str
    text: str
    kinds: tuple[str, ...]
    place: tuple[str, int] | None
    found: str
    names: tuple[str, ...]
    signature: str


def read_reply(message: bytes) -> Answer | Fault:
    """The answer or the fault in a message.

    Raises:
        MalformedMessage: it is no reply of a worker.
    """
    reply = _mapping(decode(message, _LIMITS))
    if "fault" in reply:
        return _fault(reply)
    if "value" not in reply:
        raise _no_answer()
    left = tuple(_trace(entry) for entry in _sequence(reply.get("left", [])))
    return Answer(reply["value"], _texts(reply.get("changed", [])), left)


def read_inspection(value: object) -> dict[str, Any]:
    """The facts about a module, as `worker.inspection` gives them.

    Raises:
        MalformedMessage: it is something else.
    """
    facts = _mapping(value)
    state, classes = _mapping(facts.get("state")), facts.get("classes")
    if not all(type(tensor) is Tensor for tensor in state.values()) or type(facts.get("hooks")) is not int:
        raise _no_answer()
    return {
        "state": state,
        "training": list(_texts(facts.get("training"))),
        "frozen": list(_texts(facts.get("frozen"))),
        "hooks": facts["hooks"],
        "classes": None if classes is None else list(_texts(classes)),
    }


def _fault(reply: dict[str, Any]) -> Fault:
    kind = _text(reply["fault"])
    if kind not in _FAULTS:
        raise _no_answer()
    frames = _sequence(reply.get("frames", []))
    return Fault(
        kind,
        text=_text(reply.get("text", "")),
        kinds=_texts(reply.get("kinds", [])) or ("Exception",),
        place=_place(frames[-1]) if frames else None,
        found=_text(reply.get("found", "")),
        names=_texts(reply.get("names", [])),
        signature=_text(reply.get("signature", "")),
    )


def _trace(entry: object) -> tuple[str, str, tuple[str, ...]]:
    argument, kind, names = _sequence(entry, 3)
    return _text(argument), _text(kind), _texts(names)


def _place(frame: object) -> tuple[str, int]:
    filename, line, _ = _sequence(frame, 3)
    if type(line) is not int:
        raise _no_answer()
    return _text(filename), line


def _mapping(value: object) -> dict[str, Any]:
    if type(value) is not dict:
        raise _no_answer()
    return {_text(key): item for key, item in value.items()}


def _sequence(value: object, length: int | None = None) -> list[Any]:
    if type(value) is not list or length not in (None, len(value)):
        raise _no_answer()
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _sequence(value)[:_ITEM_LIMIT])


def _text(value: object) -> str:
    if type(value) is not str:
        raise _no_answer()
    return value[:_TEXT_LIMIT]


def _no_answer() -> MalformedMessage:
    return MalformedMessage("something that is no answer")
