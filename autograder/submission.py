"""What a check holds: a student's module, whose functions can be called as if they were here.

    images = submission.denoise(noisy, steps=50)
    slope = submission.total_variation.gradient(images)

A call goes to a worker as a message and its reply comes back as plain values, whether the worker is in this process (a
student's own run) or in a sandbox (a graded run). Modules are handed over by their recipe; modules that the student's code
makes stay with the worker and come back as a `RemoteModule`, which can be called, inspected and passed on.
"""

import difflib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from autograder.codec import Handle, Recipe, encode, refuse
from autograder.compare import show
from autograder.errors import (
    CheckError,
    MalformedMessage,
    MissingFunction,
    NotWritten,
    Raised,
    RefusedValue,
    StudentFault,
    TimedOut,
    Unusable,
)
from autograder.reply import Answer, Fault, read_inspection, read_reply
from autograder.source import Module
from autograder.worker import Session


class _Unanswered:
    """The type of `UNANSWERED`."""

    def __repr__(self) -> str:
        return "nothing"


#: The value of a call that has not come back, or came back with a fault.
UNANSWERED = _Unanswered()


class Transport(Protocol):
    """How a request gets to a worker and its reply back."""

    def take_printed(self) -> str:
        """What the student's code has printed since this was last asked, where it is kept apart."""

    @property
    def folder(self) -> Path:
        """A folder that the student's code may read: for files that a check makes for it."""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """The reply.

        Raises:
            TimedOut: there was none in time.
            Crashed: the worker died.
        """


class InProcess:
    """A worker in this very process, for a student's own run: with their debugger, their prints, their Ctrl-C."""

    def __init__(self, folder: Path | None = None) -> None:
        self.session = Session()
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Its folder.

        Raises:
            CheckError: it was made without one.
        """
        if self._folder is None:
            raise CheckError("this worker has no folder")
        return self._folder

    def take_printed(self) -> str:
        """Nothing: prints go straight to the student's terminal."""
        return ""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """The reply; the session keeps the deadline itself."""
        reply = self.session.answer(request)
        if isinstance(self.session.last_error, KeyboardInterrupt):
            raise self.session.last_error
        return reply


@dataclass(frozen=True)
class Call:
    """One call of a student's function, and what is known about it.

    Attributes:
        function: its name.
        args, kwargs: as the check gave them.
        of: the position of the argument that was differentiated by, or None for a plain call.
        weights: what the output's entries were weighted by, for a gradient.
        value: what came back, or `UNANSWERED` where a fault did.
        changed: names of the arguments that were changed in place.
        left: what stayed behind: (argument, kind, names), as in `("model", "gradients", ("head.weight",))`.
        on: the module that was called, where it is no function of the student's but a module of the worker's.
    """

    function: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    of: int | None = None
    weights: Tensor | None = None
    value: object = UNANSWERED
    changed: tuple[str, ...] = ()
    left: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    on: "RemoteModule | None" = None

    def __str__(self) -> str:
        parts = [show(value) for value in self.args] + [f"{key}={show(value)}" for key, value in self.kwargs.items()]
        text = f"{self.function}({', '.join(parts)})"
        return text if self.of is None else f"the gradient of {text}"

    def traces(self, *kinds: str) -> list[str]:
        """What stayed behind of these kinds, in words."""
        return [
            f"{kind} of {argument}" + (f" ({', '.join(filter(None, names[:3]))})" if any(names) else "")
            if argument
            else kind
            for argument, kind, names in self.left
            if kind in kinds
        ]


class Submission:
    """A student's module, for one check.

    Attributes:
        module: its source.
        calls: every call made so far, in order.
    """

    def __init__(
        self,
        module: Module,
        sources: dict[str, Module],
        transport: Transport,
        seconds: float,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.module = module
        self._sources = sources
        self._transport = transport
        self._seconds = seconds
        self._seed = seed
        self._device = device
        self._loaded = False
        self.calls: list[Call] = []

    def __getattr__(self, name: str) -> "RemoteFunction":
        if name.startswith("_"):
            raise AttributeError(name)
        return RemoteFunction(self, name)

    @property
    def folder(self) -> Path:
        """Where a check may put files for the student's code to read. Nothing else of the check's can be read."""
        return self._transport.folder

    @property
    def seed(self) -> int:
        """What the worker's random state starts from."""
        return self._seed

    @property
    def last(self) -> Call:
        """The latest call."""
        return self.calls[-1]

    def send(self, module: nn.Module | Recipe) -> "RemoteModule":
        """The worker's copy of a module, to be passed to several calls and inspected afterwards."""
        recipe = module if isinstance(module, Recipe) else recipe_of(module)
        self._load()  # which lets go of everything that the worker holds for an earlier check
        made = self._request({"op": "make", "recipe": recipe}).value
        if not isinstance(made, Handle):
            raise RefusedValue(f"{_subject(None)} answered a model with something that is no answer")
        return RemoteModule(self, made, recipe)

    def repeat(self, call: Call) -> Call:
        """Makes a call again that some submission has had, and tells what came of it here."""
        self._call(replace(call, value=UNANSWERED, changed=(), left=()))
        return self.last

    def call_of(self, value: object) -> Call | None:
        """The call that returned this very object, or a container of it; otherwise the latest call."""
        for call in reversed(self.calls):
            if call.value is value or (isinstance(call.value, list | tuple) and any(x is value for x in call.value)):
                return call
        return self.calls[-1] if self.calls else None

    def _call(self, call: Call) -> object:
        __tracebackhide__ = True
        self._load()
        # Noted before it is made: should it fail, the sentence names this call.
        self.calls.append(call)
        gradient = None if call.of is None else {"of": call.of, "weights": self._outgoing(call.weights)}
        request = {
            "op": "call",
            "function": call.function if call.on is None else call.on.handle.number,
            "args": self._outgoing(call.args),
            "kwargs": self._outgoing(call.kwargs),
            "gradient": gradient,
        }
        answer = self._request(request, call)
        value = self._incoming(answer.value)
        self.calls[-1] = replace(call, value=value, changed=answer.changed, left=answer.left)
        return value

    def _load(self) -> None:
        __tracebackhide__ = True
        if self._loaded:
            return
        for module in (self.module, *self._sources.values()):
            if module.problem and module is self.module:
                raise Unusable(module.problem)
        sources = {name: (module.filename, module.text) for name, module in self._sources.items() if not module.problem}
        self._request({"op": "load", "sources": sources, "unit": self.module.unit, "seed": self._seed})
        self._loaded = True

    def _request(self, request: dict[str, Any], call: Call | None = None) -> Answer:
        __tracebackhide__ = True
        message = encode({**request, "seconds": self._seconds, "device": self._device}, _outgoing_type)
        try:
            reply = read_reply(self._transport.exchange(message, self._seconds))
        except MalformedMessage as error:
            raise RefusedValue(f"{_subject(call)} answered with {error}") from error
        except StudentFault as error:
            raise type(error)(f"{_subject(call)}: {error}") from error
        if isinstance(reply, Fault):
            self._blame(reply, call)
        return reply

    def _blame(self, fault: Fault, call: Call | None) -> NoReturn:
        __tracebackhide__ = True
        error = _error(fault, call, self.module, self._seconds)
        error.line = _line(fault, self.module)
        inner = getattr(getattr(self._transport, "session", None), "last_error", None)
        # In the student's own process the debugger can go where the exception came from.
        raise error.with_traceback(inner.__traceback__) if inner is not None else error

    def _outgoing(self, value: object) -> Any:
        if isinstance(value, RemoteModule):
            return value.handle
        if isinstance(value, nn.Module):
            return recipe_of(value)
        if isinstance(value, list | tuple):
            return type(value)(self._outgoing(item) for item in value)
        if isinstance(value, dict):
            return {key: self._outgoing(item) for key, item in value.items()}
        return value

    def _incoming(self, value: Any) -> Any:
        if isinstance(value, Handle):
            return RemoteModule(self, value)
        if type(value) in (list, tuple):
            return type(value)(self._incoming(item) for item in value)
        if type(value) is dict:
            return {key: self._incoming(item) for key, item in value.items()}
        return value


class RemoteFunction:
    """A function of the student's module."""

    def __init__(self, submission: Submission, name: str) -> None:
        self._submission = submission
        self.__name__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """What the student's function returns for these arguments."""
        __tracebackhide__ = True
        return self._submission._call(Call(self.__name__, args, kwargs))

    def gradient(self, *args: object, of: int = 0, weights: Tensor | None = None, **kwargs: object) -> Any:
        """The gradient of the sum of the function's output, or of `weights` times it, by one argument.

        Args:
            args: as for a call.
            of: position of the argument to differentiate by: a tensor, or a module or a list of modules, for a list with the
                gradient of each of their parameters that require gradients.
            weights: one for each entry of the output; all ones by default.
            kwargs: as for a call.
        """
        __tracebackhide__ = True
        return self._submission._call(Call(self.__name__, args, kwargs, of, weights))


@dataclass(frozen=True)
class RemoteModule:
    """A module that lives with the worker."""

    submission: Submission = field(repr=False, compare=False)
    handle: Handle
    #: What it was made from, where it was sent and not made by the student's code.
    recipe: Recipe | None = field(default=None, repr=False, compare=False)

    def __call__(self, *args: object) -> Any:
        """What the module gives for these inputs: one more call."""
        __tracebackhide__ = True
        return self.submission._call(Call(self.handle.type_name, args, {}, on=self))

    def __repr__(self) -> str:
        return "module"

    def inspect(self) -> dict[str, Any]:
        """What the worker says of the module; every word of it may be the student's own.

        Returns:
            Its `state` dict, the names of submodules in `training` mode and of `frozen` parameters, its number of `hooks`,
            and a model's `classes` (None where it has no list or tuple of names).
        """
        answer = self.submission._request({"op": "inspect", "object": self.handle.number})
        try:
            return read_inspection(answer.value)
        except MalformedMessage as error:
            raise RefusedValue(f"a {self.handle.type_name} answered with {error}") from error


def recipe_of(module: nn.Module) -> Recipe:
    """How a worker makes this module.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    recipe = getattr(module, "recipe", None)
    if recipe is None:
        raise CheckError(f"a {type(module).__name__} was passed without a recipe; make it with a function of `data`")
    entry, arguments = recipe
    state = {name: value.detach() for name, value in module.state_dict().items()}
    training = [name for name, child in module.named_modules() if child.training]
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return Recipe(entry, arguments, state, training, frozen)


def _outgoing_type(value: object) -> object:
    if isinstance(value, Image.Image):
        return value.copy()  # an opened file becomes a plain image
    if isinstance(value, Path):
        return Path(value)
    if isinstance(value, torch.Size):
        return tuple(value)
    return refuse(value)


def _subject(call: Call | None) -> str:
    return str(call) if call is not None else "the module"


def _error(fault: Fault, call: Call | None, module: Module, seconds: float) -> StudentFault:
    """The exception for a fault."""
    where = _where(fault, module)
    name = call.function if call else ""
    if fault.kind == "missing":
        return MissingFunction(_missing(name, fault, module))
    if fault.kind == "signature":
        return MissingFunction(f"{call} cannot be called on {name}{fault.signature}: {fault.text}")
    if fault.kind == "refused":
        return RefusedValue(f"{_subject(call)} returned {fault.text}")
    if fault.kind == "not written":
        return NotWritten(f"not written yet{where}")
    if fault.kind == "timed out":
        return TimedOut(f"{_subject(call)} did not finish within {seconds:g} s and was stopped{where}")
    said = f"{fault.kinds[0]}: {fault.text}" if fault.text else fault.kinds[0]
    if call is None:
        return Unusable(f"{module.label} cannot be imported: {said}{where}")
    return Raised(f"{call} raised {said}{where}", fault.kinds, fault.text)


def _missing(name: str, fault: Fault, module: Module) -> str:
    if fault.found:
        return f"{module.label} has {name} as a {fault.found}, not as a function"
    near = difflib.get_close_matches(name, fault.names, n=1, cutoff=0.6)
    advice = f"; rename {near[0]} to {name}" if near else f"; write def {name}(...)"
    return f"{module.label} has no function {name}{advice}"


def _line(fault: Fault, module: Module) -> int:
    """Of the module's own file; of a notebook, which has none that an editor shows, 0."""
    filename, line = fault.place or ("", 0)
    known = filename == module.filename and not module.cells and 0 < line <= module.text.count("\n") + 1
    return line if known else 0


def _where(fault: Fault, module: Module) -> str:
    if fault.place is None:
        return ""
    filename, line = fault.place
    return f" ({module.place(line) if filename == module.filename else f'{Path(filename).name}:{line}'})"
