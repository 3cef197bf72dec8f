"""A call of a student's function and what is known about it, and the module that is called."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.checks.compare import Printed, show
from autograder.libraries import Tensor
from autograder.messages import GRADIENT, WITH_INPUT
from autograder.submissions import Module
from autograder.worker.protocol import Answer, SideEffect


class _Unanswered:
    """The type of `UNANSWERED`."""

    def __repr__(self) -> str:
        return "nothing"


#: The value of a call that has not come back, or came back with a fault.
UNANSWERED = _Unanswered()
NO_ANSWER = Answer(UNANSWERED)


@dataclass(frozen=True)
class ModuleUnderTest:
    """A student's module, with all that its calls and the sentences about them depend on.

    Attributes:
        module: its source.
        sources: the sources of it and of all modules that it may import, by name.
        seconds: how much time of its own a call has.
        device: where it computes.
        data: files that its code reads, by their paths beside it.
        required: functions of the unit, which must not be renamed.
        expectable: returns the class of exceptions of a name that a check can expect, beside those that Python has.
    """

    module: Module
    sources: Mapping[str, Module]
    seconds: float
    device: str = "cpu"
    data: Mapping[str, Path] = field(default_factory=dict)
    required: Collection[str] = ()
    expectable: Callable[[str], type[Exception] | None] = lambda _: None


@dataclass(frozen=True)
class Call:
    """One call of a student's function, and what is known about it.

    Attributes:
        function: its name; of a program, the name of its unit.
        args, kwargs: as the check gave them; a module among them as a `SentModule`.
        mutable: positions and names of the arguments that the check looks at after the call.
        of: the position of the argument that was differentiated by, or None for a plain call.
        weights: what the output's entries were weighted by, for a gradient.
        on: the object whose method or attribute it is, or the module that was called.
        get: an attribute was read.
        program: the unit was run as a program; `kwargs` holds its input, arguments and files.
        answer: what came of it, with a value as the check sees it; `NO_ANSWER` if it was a fault.
        raised: the class of the exception that it raised, and the exception's words.
        found, written: what lay at the paths among the arguments before and after the call; None for no file.
    """

    function: str
    args: tuple[object, ...]
    kwargs: dict[str, Any]
    of: int | None = None
    weights: Tensor | None = None
    on: Any = None
    get: bool = False
    program: bool = False
    mutable: tuple[int | str, ...] = ()
    answer: Answer = NO_ANSWER
    raised: tuple[str, ...] = ()
    found: dict[Path, bytes | None] = field(default_factory=dict)
    written: dict[Path, bytes | None] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.program:
            return self._command()
        parts = [show(value) for value in self.args] + [f"{key}={show(value)}" for key, value in self.kwargs.items()]
        on = "" if self.on is None else self.on._label
        if self.get:
            return f"{on}.{self.function}" if on else self.function
        name = on if self.function == "__call__" else f"{on}.{self.function}" if on else self.function
        owner, _, last = self.function.rpartition(".")
        if last in _OF_CLASSES:
            return f"{_OF_CLASSES[last]}({parts[0]}, {owner})"
        text = self._operation(on or owner, last, parts) or f"{name}({', '.join(parts)})"
        return text if self.of is None else GRADIENT.format(call=text)

    def _operation(self, on: str, name: str, parts: list[str]) -> str:
        """Return the call as Python writes an operation on an object or an enumeration; empty if it is no operation."""
        operator = name.removeprefix("__").removesuffix("__")
        if not on or name != f"__{operator}__":
            return ""
        if operator in _BUILT_IN:
            return f"{operator}({', '.join([on, *parts])})"
        if len(parts) != 1:
            return ""
        if operator == "getitem":
            return f"{on}[{_show_index(self.args[0])}]"
        if operator == "contains":
            return " in ".join([*parts, on])
        if operator in _SIGNS:
            return f"{on} {_SIGNS[operator]} {parts[0]}"
        sign = _SIGNS.get(operator.removeprefix("i"), "")
        return f"{on} {sign}= {parts[0]}" if sign else ""

    def _command(self) -> str:
        words = " ".join([f"{self.function}.py", *self.kwargs["args"]])
        stdin = self.kwargs["stdin"]
        return WITH_INPUT.format(program=words, text=show(stdin)) if stdin else words

    @property
    def value(self) -> Any:
        """Return the value that came back, or `UNANSWERED`."""
        return self.answer.value

    @property
    def changed(self) -> tuple[str, ...]:
        """Return the names of the arguments that were changed in place."""
        return self.answer.changed

    @property
    def side_effects(self) -> tuple[SideEffect, ...]:
        """Return the side effects: (argument, kind, names), as in `("model", "gradients", ("head.weight",))`."""
        return self.answer.side_effects

    @property
    def printed(self) -> Printed:
        """Return the text that the student's code has printed during the call."""
        return Printed(self.answer.printed.decode("utf-8", "replace"))

    @property
    def complained(self) -> str:
        """Return the text that the student's code has written to `sys.stderr` during the call."""
        return self.answer.complained.decode("utf-8", "replace")

    def describe_side_effects(self, *kinds: str) -> list[str]:
        """Return the side effects of these kinds, in words."""
        return [_describe_side_effect(*each) for each in self.side_effects if each[1] in kinds]


def _describe_side_effect(argument: str, kind: str, names: Sequence[str]) -> str:
    if not argument:
        return kind
    named = ", ".join(filter(None, names[:3]))
    return f"{kind} of {argument} ({named})" if named else f"{kind} of {argument}"


def _show_index(value: object) -> str:
    """Return what stands in brackets after an object."""
    if isinstance(value, slice):
        start, stop, step = ("" if part is None else show(part) for part in (value.start, value.stop, value.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    return ", ".join(map(_show_index, value)) if isinstance(value, tuple) and len(value) > 1 else show(value)


#: Operations that are functions of Python's.
_BUILT_IN = (
    *("repr", "str", "len", "bool", "iter", "next", "abs", "hash", "format", "reversed"),
    *("int", "float", "complex", "round", "divmod"),
)
_OF_CLASSES = {"__instancecheck__": "isinstance", "__subclasscheck__": "issubclass"}
_SIGNS = {
    **{"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@"},
    **{"and": "&", "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>"},
    **{"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
}
