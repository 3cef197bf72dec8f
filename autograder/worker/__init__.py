"""The worker: loads a student's modules and answers calls on them. The only place where a student's code runs.

It imports `codec` and nothing else of the autograder (`errors` by way of it), so that a process which holds a worker holds
no check, no expected value and no solution. A request and its reply are messages of `codec`; `Session.answer` turns one
into the other, in a sandboxed process (`serve`) or, for a student's own run, in the same one: with one behaviour.

Requests are dicts with an `op`:
    load     sources by unit, the unit to judge, a seed
    call     a function by name (or a number of a handle), arguments, and perhaps an argument to differentiate by
    make     an object from its recipe, to be passed and inspected by its handle
    inspect  a handle: its state dict, modes, frozen parameters

Each has the `seconds` it may take and the `device` to compute on.

A reply is a dict: either `value`, `changed` (arguments changed in place) and `left` (what stayed behind on modules), or
a `fault` with its facts.
"""

import contextlib
import errno
import gc
import importlib
import inspect
import itertools
import os
import random
import socket
import struct
import sys
import types
from collections.abc import Callable, ItemsView, Iterator, ValuesView
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autograder.codec import Handle, Limits, Recipe, decode, encode, refuse, type_name
from autograder.errors import RefusedValue
from autograder.worker import substitutes
from autograder.worker.deadline import HANDLER, DeadlinePassed, deadline
from autograder.worker.devices import has_data, placed, refuse_elsewhere
from autograder.worker.modules import StudentModule, importable
from autograder.worker.traces import differences, inspection, random_state, state_of

_LENGTH = struct.Struct("<Q")
_TICKET_BYTES = 16
_TEXT_LIMIT = 2000
_REPLY_LIMITS = Limits()
#: What the kernel answers, in a sandbox, to what a submission may not do.
_FORBIDDEN = tuple(map(os.strerror, (errno.EPERM, errno.EACCES, errno.EROFS, errno.EFBIG)))


class Session:
    """One student's modules, loaded, and the objects that they have made.

    Args:
        sandboxed: whether what goes wrong may be the sandbox's doing.
    """

    def __init__(self, *, sandboxed: bool = False) -> None:
        self._sandboxed = sandboxed
        self._modules: dict[str, types.ModuleType] = {}
        self._filenames: set[str] = set()
        self._objects: list[object] = []
        self._unit = ""
        self._device = "cpu"
        #: The exception behind the last reply, for a debugger in the same process.
        self.last_error: BaseException | None = None

    def answer(self, message: bytes) -> bytes:
        """The reply to one request. Never raises for what a student's code does."""
        request = decode(message, Limits(bytes=2**40, header_bytes=2**30))
        self.last_error = None
        try:
            reply = self._answer(request)
            return encode(reply, self._hold, _REPLY_LIMITS)
        except RefusedValue as error:
            return encode({"fault": "refused", "text": str(error)})
        except BaseException as error:
            # SystemExit, KeyboardInterrupt and the deadline included: to the grader each is an answer.
            self.last_error = error
            return encode(self._fault(error))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self._device = request["device"]
        if request["op"] == "inspect":
            return {"value": inspection(self._module(request["object"]))}
        if request["op"] == "make":
            return {"value": self._revived(request["recipe"])}
        with deadline(request["seconds"]), importable(self._modules):
            return self._load(request) if request["op"] == "load" else self._call(request)

    def _load(self, request: dict[str, Any]) -> dict[str, Any]:
        _start_anew(request["seed"])
        if self._modules:
            self._objects.clear()
            self._modules.clear()
            substitutes.tell_again()
            # A module and its functions hold one another, and what they hold may be large. Elsewhere than in a worker the heap
            # is so large that to collect it would take longer than the check.
            if self._sandboxed:
                gc.collect()
        self._unit = request["unit"]
        self._filenames = {filename for filename, _ in request["sources"].values()}
        for name, (filename, text) in request["sources"].items():
            self._modules[name] = StudentModule(name, filename, text)
        importlib.import_module(self._unit)
        return {"value": None}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        function = self._function(request["function"])
        if isinstance(function, dict):
            return function
        args, kwargs = self._revived(request["args"]), self._revived(request["kwargs"])
        data = has_data([args, kwargs])
        args, kwargs = placed(args, self._device, data), placed(kwargs, self._device, data)
        names = _argument_names(function, args, kwargs)
        if isinstance(names, str):
            return {"fault": "signature", "text": names, "signature": _signature(function)}
        before = {name: state_of(value) for name, value in names.items()}
        random_before = random_state(self._device)
        value = _differentiated(function, args, kwargs, placed(request["gradient"], self._device, False))
        changed, left = differences(before, names)
        if random_state(self._device) != random_before:
            left.append(["", "random state", []])
        if data:
            refuse_elsewhere(value, self._device)
        return {"value": value, "changed": changed, "left": left}

    def _function(self, name: str | int) -> Callable[..., object] | dict[str, Any]:
        if isinstance(name, int):
            return self._objects[name]  # type: ignore[return-value]
        module = self._modules[self._unit]
        function = getattr(module, name, None)
        if callable(function):
            return function  # type: ignore[no-any-return]
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        return {
            "fault": "missing",
            "found": type_name(function) if hasattr(module, name) else "",
            "names": own,
        }

    def _hold(self, value: object) -> object:
        """Return a handle of a module, which stays here, or a list of the parameters that an optimizer would take.

        Raises:
            RefusedValue: the value is neither.
        """
        parameters = _listed_parameters(value)
        if parameters is not None:
            return parameters
        if not isinstance(value, nn.Module):
            return refuse(value)
        for number, known in enumerate(self._objects):
            if known is value:
                return Handle(number, type(value).__name__)
        self._objects.append(value)
        return Handle(len(self._objects) - 1, type(value).__name__)

    def _revived(self, value: Any) -> Any:
        if isinstance(value, Recipe):
            module = _made(value).to(self._device)
            self._objects.append(module)
            return module
        if isinstance(value, Handle):
            return self._objects[value.number]
        if type(value) in (list, tuple):
            return type(value)(self._revived(item) for item in value)
        if type(value) is dict:
            return {key: self._revived(item) for key, item in value.items()}
        return value

    def _module(self, number: int) -> nn.Module:
        module = self._objects[number]
        assert isinstance(module, nn.Module)
        return module

    def _fault(self, error: BaseException) -> dict[str, Any]:
        frames = [
            [frame.f_code.co_filename, line, frame.f_code.co_name]
            for frame, line in _frames(error)
            if frame.f_code.co_filename in self._filenames
        ]
        innermost = _frames(error)[-1:]
        own = bool(innermost) and innermost[0][0].f_code.co_filename in self._filenames
        if isinstance(error, DeadlinePassed):
            kind = "timed out"
        elif isinstance(error, NotImplementedError) and own:
            kind = "not written"
        else:
            kind = "raised"
        kinds = [base.__name__ for base in type(error).__mro__ if base is not object]
        text = _said(error)
        text += _advice(text) if self._sandboxed else ""
        return {"fault": kind, "kinds": kinds, "text": text, "frames": frames[-20:]}


def _listed_parameters(value: object) -> list[object] | None:
    """Return the items of an iterator, a view or a ParameterList, or None if one of them is no (named) parameter."""
    if not isinstance(value, Iterator | ValuesView | ItemsView | nn.ParameterList):
        return None
    items = list(itertools.islice(value, _REPLY_LIMITS.nodes))
    parameters = [item[1] if type(item) is tuple and len(item) == 2 else item for item in items]
    return items if all(isinstance(parameter, nn.Parameter) for parameter in parameters) else None


def _start_anew(seed: int) -> None:
    """The state of the process that an earlier check may have left otherwise."""
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    random.seed(seed)
    np.random.seed(seed % 2**32)
    # torch.manual_seed would also leave word for accelerators, which nothing here uses, and that takes milliseconds.
    torch.default_generator.manual_seed(seed)


def _made(recipe: Recipe) -> nn.Module:
    module_name, _, maker = recipe.entry.partition(":")
    module: nn.Module = getattr(importlib.import_module(module_name), maker)(**recipe.arguments)
    module.load_state_dict(recipe.state)
    for name, child in module.named_modules():
        child.training = name in recipe.training
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(name not in recipe.frozen)
    return module


def _argument_names(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> dict[str, object] | str:
    """The arguments under the names that the student gave them, or why they do not fit."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return dict(bound.arguments)


def _signature(function: Callable[..., object]) -> str:
    parameters = inspect.signature(function).parameters
    return "(" + ", ".join(parameters) + ")"


def _differentiated(
    function: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    gradient: dict[str, Any] | None,
) -> object:
    """What the function returns, or the gradient of it with respect to one argument."""
    if gradient is None:
        return function(*args, **kwargs)
    position = gradient["of"]
    parameters = _parameters(args[position])
    source = args[position] if parameters else args[position].detach().clone().requires_grad_()
    output = function(*args[:position], source, *args[position + 1 :], **kwargs)
    if type(output) is not Tensor:
        raise RefusedValue(f"a {type_name(output)}, expected a tensor to differentiate")
    if not output.requires_grad:
        raise RefusedValue("a tensor without a gradient: it is detached, or was computed under no_grad")
    weights = torch.ones_like(output) if gradient["weights"] is None else gradient["weights"]
    if weights.shape != output.shape:
        raise RefusedValue(f"a tensor of shape {tuple(output.shape)}, expected {tuple(weights.shape)}")
    results = torch.autograd.grad(output, parameters or [source], weights, allow_unused=True)
    if all(result is None for result in results):
        raise RefusedValue("a tensor whose gradient does not reach the input")
    if not parameters:
        return results[0]
    return [torch.zeros_like(p) if r is None else r for p, r in zip(parameters, results, strict=True)]


def _parameters(argument: object) -> list[nn.Parameter]:
    """Return the parameters that require gradients of a module, or of a list of modules; of a tensor there are none."""
    modules = argument if isinstance(argument, list) else [argument]
    return [
        parameter
        for module in modules
        if isinstance(module, nn.Module)
        for parameter in module.parameters()
        if parameter.requires_grad
    ]


def _frames(error: BaseException) -> list[tuple[types.FrameType, int]]:
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    # Where the deadline came by a signal, its handler sits on top of the line that was running.
    handler = len(frames) > 1 and frames[-1][0].f_code.co_filename == HANDLER
    return frames[:-1] if isinstance(error, DeadlinePassed) and handler else frames


def _said(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_LIMIT]
    except BaseException:  # a student's exception may fail to describe itself
        return "(it cannot be printed)"


def _advice(text: str) -> str:
    """What to know of an exception that would not have been raised at home."""
    if any(words in text for words in _FORBIDDEN):
        return "; a graded submission can write no files, start no programs and use no network"
    if os.strerror(errno.ENOENT) in text:
        return "; a graded submission finds no files but those of the course"
    if text == "EOF when reading a line":
        return "; in a graded run nobody answers input()"
    return ""


def serve(connection: socket.socket) -> None:
    """Answers requests on a connection until it closes. Each begins with a ticket, which its reply gives back."""
    substitutes.install()
    streams = sys.stdout, sys.stderr
    session = Session(sandboxed=True)
    while True:
        message = receive(connection)
        if message is None:
            return
        reply = message[:_TICKET_BYTES] + session.answer(message[_TICKET_BYTES:])
        for stream in streams:
            with contextlib.suppress(OSError, ValueError):  # the student's code may have closed it
                stream.flush()
        connection.sendall(_LENGTH.pack(len(reply)) + reply)


def receive(connection: socket.socket) -> bytes | None:
    """The next message, or nothing when the other side has closed."""
    prefix = _exactly(connection, _LENGTH.size)
    return None if prefix is None else _exactly(connection, _LENGTH.unpack(prefix)[0])


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 2**20))
        if not piece:
            return None
        data += piece
    return bytes(data)
