"""A student's module from afar: a check calls its functions as if they were here.

    images = submission.denoise(noisy, steps=50)
    slope = submission.total_variation.gradient(images)

A call goes to a worker as a message and its reply comes back as plain values, whether the worker is in this process (a
student's own run) or in a sandbox (a graded run). Modules are handed over by their recipe; modules that the student's code
makes stay with the worker and come back as a `RemoteModule`, which can be called, inspected and passed on.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol

from PIL import Image
from torch import Tensor, nn

from autograder.checks.compare import show
from autograder.checks.faults import error_of, load_notes
from autograder.errors import (
    AutograderError,
    CheckError,
    CheckFailed,
    MalformedMessage,
    Raised,
    RefusedValue,
    StudentFault,
    Unusable,
)
from autograder.submissions import Module
from autograder.worker import protocol
from autograder.worker.codec import Handle, Recipe, refuse
from autograder.worker.protocol import Answer, Fault, Request, SideEffect, map_tree
from autograder.worker.session import Session


class _Unanswered:
    """The type of `UNANSWERED`."""

    def __repr__(self) -> str:
        return "nothing"


#: The value of a call that has not come back, or came back with a fault.
UNANSWERED = _Unanswered()
NO_ANSWER = Answer(UNANSWERED)
#: Exceptions of operations on a value of another type, shape or range than they take.
_OPERATION_FAILED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


class Transport(Protocol):
    """How a request gets to a worker and its reply back."""

    def take_printed(self) -> str:
        """Return what the student's code has printed since the last time; nothing if it is not kept apart."""

    @property
    def folder(self) -> Path:
        """Folder that the student's code may read: for files that a check makes for it."""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Send a request and return the reply.

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
        """Folder that the student's code may read.

        Raises:
            CheckError: this worker was made without one.
        """
        if self._folder is None:
            raise CheckError("this worker has no folder")
        return self._folder

    def take_printed(self) -> str:
        """Return nothing: prints go straight to the student's terminal."""
        return ""

    def exchange(self, request: bytes, seconds: float) -> bytes:
        """Return the reply; the session keeps the deadline itself."""
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
        on: the module that was called, if it is no function of the student's but a module of the worker's.
        answer: what came of it, with a value as the check sees it; `NO_ANSWER` if it was a fault.
        raised: the class of the exception that it raised, and the exception's words.
    """

    function: str
    args: tuple[object, ...]
    kwargs: dict[str, object]
    of: int | None = None
    weights: Tensor | None = None
    on: "RemoteModule | None" = None
    answer: Answer = NO_ANSWER
    raised: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [show(value) for value in self.args] + [f"{key}={show(value)}" for key, value in self.kwargs.items()]
        text = f"{self.function}({', '.join(parts)})"
        return text if self.of is None else f"the gradient of {text}"

    @property
    def value(self) -> Any:
        """Value that came back, or `UNANSWERED`."""
        return self.answer.value

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of the arguments that were changed in place."""
        return self.answer.changed

    @property
    def left(self) -> tuple[SideEffect, ...]:
        """Side effects: (argument, kind, names), as in `("model", "gradients", ("head.weight",))`."""
        return self.answer.left

    def traces(self, *kinds: str) -> list[str]:
        """Return the side effects of these kinds, in words."""
        return [
            f"{kind} of {argument}" + (f" ({', '.join(filter(None, names[:3]))})" if any(names) else "")
            if argument
            else kind
            for argument, kind, names in self.left
            if kind in kinds
        ]


class StudentModule:
    """A student's module, for one check.

    Attributes:
        module: its source.
        calls: every call made so far, in order.
        notes: sentences about what stopped or was missing when the module was loaded.
        answered: True once the submission has answered a call or an inspection, be it with a fault.
    """

    def __init__(
        self,
        module: Module,
        sources: dict[str, Module],
        transport: Transport,
        seconds: float,
        seed: int,
        device: str = "cpu",
        required: Collection[str] = (),
    ) -> None:
        self.module = module
        self._sources = sources
        self._transport = transport
        self._seconds = seconds
        self._seed = seed
        self._required = required
        self._common: dict[str, Any] = {"seconds": seconds, "device": device}
        self._loaded = False
        self.calls: list[Call] = []
        self.notes: tuple[str, ...] = ()
        self.answered = False

    def __getattr__(self, name: str) -> "RemoteFunction":
        if name.startswith("_"):
            raise AttributeError(name)
        return RemoteFunction(self, name)

    @property
    def folder(self) -> Path:
        """Folder for files that the student's code may read. Nothing else of the check's can be read."""
        return self._transport.folder

    @property
    def seed(self) -> int:
        """Seed of the worker's random state."""
        return self._seed

    @property
    def last(self) -> Call:
        """Return the latest call."""
        return self.calls[-1]

    def send(self, module: nn.Module | Recipe) -> "RemoteModule":
        """Give the worker a copy of a module, to be passed to several calls and inspected afterwards."""
        recipe = module if isinstance(module, Recipe) else recipe_of(module)
        self._load()  # which lets go of everything that the worker holds for an earlier check
        made = self._request(protocol.Make(recipe, **self._common)).value
        if not isinstance(made, Handle):
            raise RefusedValue("the module answered a model with something that is no answer")
        return RemoteModule(self, made, recipe)

    def repeat(self, call: Call) -> Call:
        """Replay a recorded call on this module and return the new record."""
        self._call(replace(call, answer=NO_ANSWER, raised=()))
        return self.last

    def call_of(self, value: object) -> Call | None:
        """Return the call that returned this very object, or a container of it; otherwise the latest call."""
        for call in reversed(self.calls):
            if call.value is value or (isinstance(call.value, list | tuple) and any(x is value for x in call.value)):
                return call
        return self.calls[-1] if self.calls else None

    def fault_in(self, error: BaseException) -> BaseException:
        """Return the error that ended a check, as the student's failure if the check stumbled over a value of theirs.

        That is so if the submission has answered something and then an operation failed. Faults of the machine (files,
        memory) and of the check's own text (a name that is not there) are nobody's value.
        """
        if not self.answered or isinstance(error, AutograderError) or not isinstance(error, _OPERATION_FAILED):
            return error
        text = str(error).strip().partition("\n")[0]
        said = f"{type(error).__name__}: {text}" if text else type(error).__name__
        values = [call.value for call in self.calls if call.answer is not NO_ANSWER]
        what = f"returned {show(values[-1])}" if values else "answered something"
        return CheckFailed(f"{what}, which the check cannot work with ({said})")

    def _call(self, call: Call) -> object:
        __tracebackhide__ = True
        self._load()
        # Noted before it is made: should it fail, the sentence names this call.
        self.calls.append(call)
        request = protocol.Call(
            call.function if call.on is None else call.on.handle.number,
            map_tree(_outgoing, call.args),
            map_tree(_outgoing, call.kwargs),
            call.of,
            map_tree(_outgoing, call.weights),
            **self._common,
        )
        try:
            answer = self._request(request, call)
        except Raised as error:
            self.calls[-1] = replace(call, raised=(error.kinds[0], error.text))
            raise
        answer = replace(answer, value=map_tree(self._incoming, answer.value))
        self.calls[-1] = replace(call, answer=answer)
        return answer.value

    def _load(self) -> None:
        __tracebackhide__ = True
        if self._loaded:
            return
        for module in (self.module, *self._sources.values()):
            if module.problem and module is self.module:
                raise Unusable(module.problem)
        sources = {name: (module.filename, module.text) for name, module in self._sources.items() if not module.problem}
        answer = self._request(protocol.Load(sources, self.module.unit, self._seed, **self._common))
        self.notes = tuple(load_notes(answer.value, self._sources))
        self._loaded = True

    def _request(self, request: Request, call: Call | None = None) -> Answer:
        __tracebackhide__ = True
        subject = str(call) if call is not None else "the module"
        message = protocol.write(request, _plain)
        try:
            answer = self._transport.exchange(message, self._seconds)
            self.answered = self.answered or isinstance(request, protocol.Call | protocol.Inspect)
            reply = protocol.read_reply(answer)
        except MalformedMessage as error:
            raise RefusedValue(f"{subject} answered with {error}") from error
        except StudentFault as error:
            raise type(error)(f"{subject}: {error}") from error
        if isinstance(reply, Fault):
            self._blame(reply, call)
        return reply

    def _blame(self, fault: Fault, call: Call | None) -> NoReturn:
        __tracebackhide__ = True
        words, function = ("", "") if call is None else (str(call), call.function)
        error = error_of(fault, words, function, self.module, self._seconds, self._required)
        inner = getattr(getattr(self._transport, "session", None), "last_error", None)
        # In the student's own process the debugger can go where the exception came from.
        raise error.with_traceback(inner.__traceback__) if inner is not None else error

    def _incoming(self, value: object) -> object:
        return RemoteModule(self, value) if isinstance(value, Handle) else value


class RemoteFunction:
    """A function of the student's module."""

    def __init__(self, submission: StudentModule, name: str) -> None:
        self._submission = submission
        self.__name__ = name

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Return what the student's function returns for these arguments."""
        __tracebackhide__ = True
        return self._submission._call(Call(self.__name__, args, kwargs))

    def gradient(self, *args: object, of: int = 0, weights: Tensor | None = None, **kwargs: object) -> Any:
        """Return the gradient of the sum of the function's output, or of `weights` times it, by one argument.

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

    submission: StudentModule = field(repr=False, compare=False)
    handle: Handle
    #: Recipe that it was made from, if it was sent and not made by the student's code.
    recipe: Recipe | None = field(default=None, repr=False, compare=False)

    def __call__(self, *args: object) -> Any:
        """Return what the module gives for these inputs: one more call."""
        __tracebackhide__ = True
        return self.submission._call(Call(self.handle.type_name, args, {}, on=self))

    def __repr__(self) -> str:
        return "module"

    def inspect(self) -> dict[str, Any]:
        """Return what the worker says of the module; every word of it may be the student's own.

        Returns:
            Its `state` dict, the names of submodules in `training` mode and of `frozen` parameters, its number of `hooks`,
            and a model's `classes` (None if it has no list or tuple of names).
        """
        answer = self.submission._request(protocol.Inspect(self.handle.number, **self.submission._common))
        try:
            return dict(vars(protocol.read_inspection(answer.value)))
        except MalformedMessage as error:
            raise RefusedValue(f"a {self.handle.type_name} answered with {error}") from error


def assert_module(value: object) -> None:
    """Fail unless a submission has returned an `nn.Module`, which stays with the worker."""
    if not isinstance(value, RemoteModule):
        raise CheckFailed(f"returned {show(value)}, expected a module", value)


def recipe_of(module: nn.Module) -> Recipe:
    """Return how a worker makes this module.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    recipe = getattr(module, "recipe", None)
    if recipe is None:
        raise CheckError(f"a {type(module).__name__} was passed without a recipe; make it with a function of `data`")
    entry, arguments = recipe
    # The state is sent anyway, and a seed would tell what else the check draws from it.
    arguments = {name: value for name, value in arguments.items() if name != "seed"}
    state = {name: value.detach() for name, value in module.state_dict().items()}
    training = [name for name, child in module.named_modules() if child.training]
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return Recipe(entry, arguments, state, training, frozen)


def _outgoing(value: object) -> object:
    """Return the stand-in for a module."""
    if isinstance(value, RemoteModule):
        return value.handle
    return recipe_of(value) if isinstance(value, nn.Module) else value


def _plain(value: object) -> object:
    if isinstance(value, Image.Image):
        return value.copy()  # an opened file becomes a plain image
    if isinstance(value, Path):
        return Path(value)
    return refuse(value)
