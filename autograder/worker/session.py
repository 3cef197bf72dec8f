"""A session with a student's modules: loads them and answers calls on them. The only place where a student's code runs.

`Session.answer` turns a request into its reply, in a sandboxed process (`serve`) or, for a student's own run, in the same
one: with one behaviour.
"""

import contextlib
import functools
import gc
import importlib
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from autograder.errors import RefusedValue
from autograder.worker import protocol, substitutes
from autograder.worker.calls import listed_parameters, make_call
from autograder.worker.codec import Handle, Recipe, refuse, type_name
from autograder.worker.deadline import Waiting, deadline
from autograder.worker.faults import fault_of
from autograder.worker.modules import LoadedModule, importable
from autograder.worker.protocol import STOPPED, Answer, Fault, Request, frame, map_tree, read_frame, read_request, write
from autograder.worker.side_effects import inspection, restorer

#: So many letters of why an import failed are told.
_REASON = 200


class Session:
    """One student's modules, loaded, and the objects that they have made.

    Args:
        sandboxed: it runs in a process of its own, and what goes wrong may be the sandbox's doing.
        waiting: of the thread that answers, if it cannot look that up.
    """

    def __init__(self, *, sandboxed: bool = False, waiting: Waiting | None = None) -> None:
        self._sandboxed = sandboxed
        self._waiting = waiting
        self._restorer = restorer(process=sandboxed)
        self._modules: dict[str, LoadedModule] = {}
        #: The student's texts by file name.
        self._sources: dict[str, str] = {}
        self._objects: list[object] = []
        self._unit = ""
        #: The exception behind the last reply, for a debugger in the same process.
        self.last_error: BaseException | None = None

    def answer(self, message: bytes) -> bytes:
        """Return the reply to one request. Never raises for what a student's code does."""
        request = read_request(message)
        self.last_error = None
        try:
            reply = self._reply(request)
            return write(reply, self._hold)
        except RefusedValue as error:
            return write(Fault("refused", str(error)))
        except BaseException as error:
            # SystemExit, KeyboardInterrupt and the deadline included: to the grader each is an answer.
            self.last_error = error
            return write(fault_of(error, self._sources, sandboxed=self._sandboxed))

    def _reply(self, request: Request) -> Answer | Fault:
        match request:
            case protocol.Inspect():
                return Answer(vars(inspection(self._module(request.number))))
            case protocol.Make():
                return Answer(self._make(request.recipe, request.device))
            case protocol.Load():
                self._start_anew(request.seed)
                with self._limited(request):
                    return self._load(request)
            case protocol.Call():
                with self._limited(request):
                    return self._call(request)
        raise TypeError(f"no request: {request}")

    @contextlib.contextmanager
    def _limited(self, request: Request) -> Iterator[None]:
        """Run a student's code: within its time, and with the student's modules at hand.

        In a process of the worker's own the libraries are warm, and the grader counts without asking what was imported.
        """
        with (
            deadline(request.seconds, self._waiting) as budget,
            importable(self._modules, None if self._sandboxed else budget),
        ):
            yield

    def _start_anew(self, seed: int) -> None:
        """Let go of what an earlier check has loaded, and put back what it has changed in this process."""
        if self._modules:
            self._objects.clear()
            self._modules.clear()
            substitutes.tell_again()
            # A module and its functions hold one another, and what they hold may be large. Elsewhere than in a worker the heap
            # is so large that to collect it would take longer than the check.
            if self._sandboxed:
                gc.collect()
        self._restorer.restore(seed)

    def _load(self, request: protocol.Load) -> Answer:
        self._unit = request.unit
        self._sources = dict(request.sources.values())
        for name, (filename, text) in request.sources.items():
            self._modules[name] = LoadedModule(name, filename, text)
        importlib.import_module(self._unit)
        return Answer([*self._missing_libraries(), *self._stops()])

    def _missing_libraries(self) -> Iterator[tuple[str, int, str]]:
        """Yield the file and the line of each import that failed, and the reason."""
        for module in self._modules.values():
            for line, reason in module.missing:
                yield str(module.__file__), line, f"the import has failed ({reason[:_REASON]}); what uses it fails"

    def _stops(self) -> Iterator[tuple[str, int, str]]:
        """Yield the file and the line at which each module stopped, and what happened."""
        for module in self._modules.values():
            if module.stopped is not None:
                fault = fault_of(module.stopped, self._sources, sandboxed=self._sandboxed)
                own = [line for filename, line, _ in fault.frames if filename == module.__file__]
                words = "it did not end in time" if fault.kind == "timed out" else f"{fault.kinds[0]}: {fault.text}"
                what = "this has failed" if module.goes_on else "the module stopped here"
                yield str(module.__file__), own[0] if own else 0, f"{what} ({words})"

    def _call(self, request: protocol.Call) -> Answer | Fault:
        function = self._function(request.function)
        if isinstance(function, Fault):
            return function
        revive = functools.partial(self._revive, device=request.device)
        args, kwargs = map_tree(revive, (request.args, request.kwargs))
        return make_call(function, replace(request, args=args, kwargs=kwargs))

    def _function(self, name: str | int) -> Callable[..., object] | Fault:
        if isinstance(name, int):
            return self._objects[name]  # type: ignore[return-value]
        module = self._modules[self._unit]
        function = getattr(module, name, None)
        if callable(function):
            return function  # type: ignore[no-any-return]
        if module.stopped is not None and not hasattr(module, name):
            return replace(fault_of(module.stopped, self._sources, sandboxed=self._sandboxed), found=STOPPED)
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        return Fault("missing", found=type_name(function) if hasattr(module, name) else "", names=tuple(own))

    def _hold(self, value: object) -> object:
        """Return the handle of a module, which stays here, or a list of the parameters that an optimizer would take.

        Raises:
            RefusedValue: the value is neither.
        """
        parameters = listed_parameters(value)
        if parameters is not None:
            return parameters
        if not isinstance(value, nn.Module):
            return refuse(value)
        for number, known in enumerate(self._objects):
            if known is value:
                return Handle(number, type(value).__name__)
        self._objects.append(value)
        return Handle(len(self._objects) - 1, type(value).__name__)

    def _revive(self, value: Any, device: str) -> Any:
        if isinstance(value, Recipe):
            return self._make(value, device)
        if isinstance(value, Handle):
            return self._objects[value.number]
        return value

    def _make(self, recipe: Recipe, device: str) -> nn.Module:
        module_name, _, maker = recipe.entry.partition(":")
        module: nn.Module = getattr(importlib.import_module(module_name), maker)(**recipe.arguments)
        module.load_state_dict(recipe.state)
        for name, child in module.named_modules():
            child.training = name in recipe.training
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name not in recipe.frozen)
        self._objects.append(module.to(device))
        return module

    def _module(self, number: int) -> nn.Module:
        module = self._objects[number]
        assert isinstance(module, nn.Module)
        return module


def warm_up() -> None:
    """Make the first calls of torch that import or set up things: forward, backward, a step of the usual optimizers.

    It computes in one thread, for a process from which others are forked.
    """
    torch.set_num_threads(1)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        steps = optimizer(net.parameters(), lr=0.1)
        functional.cross_entropy(net(torch.zeros(2, 3, 8, 8)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
        steps.step()


def serve(connection: socket.socket, waiting: Waiting) -> None:
    """Answer requests on a connection until it closes; `waiting` is this thread's."""
    streams = sys.stdout, sys.stderr
    session = Session(sandboxed=True, waiting=waiting)
    receive = functools.partial(_receive, connection)
    with contextlib.suppress(EOFError):
        while True:
            nonce, message = read_frame(receive)
            reply = session.answer(message)
            for stream in streams:
                with contextlib.suppress(OSError, ValueError):  # the student's code may have closed it
                    stream.flush()
            connection.sendall(frame(nonce, reply))


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return the next bytes, so many of them.

    Raises:
        EOFError: the other side has closed.
    """
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 2**20))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)
