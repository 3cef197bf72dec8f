"""A session with a student's modules: loads them and answers calls on them. The only place where a student's code runs.

`Session.answer` turns a request into its reply. It behaves alike in a sandboxed process (`serve`) and, for a student's
own run, in the process of the checks.
"""

import contextlib
import functools
import gc
import importlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import nn, torch
from autograder.worker import protocol, substitutes
from autograder.worker.calls import listed_parameters, make_call
from autograder.worker.codec import (
    Callback,
    Handle,
    Member,
    Recipe,
    Record,
    TooLargeTree,
    is_record,
    map_tree,
    record_of,
    refuse,
    type_name,
)
from autograder.worker.deadline import Waiting, deadline
from autograder.worker.faults import fault_of
from autograder.worker.files import Folder
from autograder.worker.frameworks import PYTORCH, framework, framework_note, make_module
from autograder.worker.importing import importable
from autograder.worker.modules import LoadedModule
from autograder.worker.objects import (
    COPYING,
    PLAIN_BASES,
    Objects,
    exception_of,
    is_asynchronous,
    is_class_of,
    is_iterator,
    is_method,
    is_own_function,
    items_of,
    operation,
    revive,
    revive_member,
    stays,
)
from autograder.worker.programs import run_program
from autograder.worker.protocol import (
    STOPPED,
    Answer,
    Fault,
    Request,
    frame,
    read_frame,
    read_reply,
    read_request,
    write,
)
from autograder.worker.restorer import Setting, held_bytes, restorer
from autograder.worker.side_effects import inspection

#: A worker that holds so many bytes more than at first collects garbage before a check; otherwise Python decides when.
_MUCH_BYTES = 2**24
#: Word that stands in every source that changes `sys.modules`.
_MODULES_WORD = "modules"
#: The deadline while a debugger is attached: a day, longer than anybody looks at variables.
_WATCHED_SECONDS = 86_400.0
#: Stands for the value of a missing attribute.
_ABSENT = object()


class Session:
    """One student's modules, loaded, and the objects that they have made.

    Args:
        sandboxed: True in a process of its own, where a fault may be the sandbox's doing.
        waiting: tells how long the answering thread has waited for a core; None to open it from `/proc`.
        files: those that the student's code has made, if they lie in memory.
        watched: True if a debugger is attached, so that the time at a breakpoint does not count.

    Attributes:
        paused: called during a request with 0 when its time ceases to count, and with the seconds left when it counts again.
    """

    def __init__(
        self,
        *,
        sandboxed: bool = False,
        waiting: Waiting | None = None,
        watched: bool = False,
        files: Folder | None = None,
    ) -> None:
        self._sandboxed = sandboxed
        self._watched = watched
        self._waiting = waiting
        self._files = files
        self.paused: Callable[[float], None] = lambda _: None
        self._restorer = restorer(process=sandboxed)
        self._held_at_first = held_bytes()
        self._modules: dict[str, LoadedModule] = {}
        #: The student's texts by file name.
        self._sources: dict[str, str] = {}
        self._objects = Objects()
        #: Settings of libraries that the student's code has changed in a process that is not its own.
        self._settings: list[tuple[Setting, Any]] = []
        self._ask: Callable[[bytes], bytes] | None = None
        self._has_asked = False
        self._unit = ""
        self._place = ""
        #: Arguments of the program that the student's code finds itself in, which it may change.
        self._argv: list[str] = []
        #: Framework of the present call: converts the fields of records.
        self._framework = PYTORCH
        #: The exception behind the last reply, for a debugger in the same process.
        self.last_error: BaseException | None = None

    def answer(self, message: bytes, ask: Callable[[bytes], bytes] | None = None) -> bytes:
        """Return the reply to one request. Never raises for what a student's code does.

        Args:
            message: the request.
            ask: puts a question to the grader and returns its answer: a call of a function that the check has handed over.
        """
        request = read_request(message)
        self.last_error = None
        self._ask = ask
        self._has_asked = False
        self._framework = PYTORCH
        try:
            with self._own_settings():
                reply = self._reply(request)
            try:
                return write(reply, self._hold)
            except TooLargeTree:  # a long list of dataclasses, or one that leads back to itself
                return write(reply, self._hold_whole)
        except RefusedValue as error:
            return write(Fault("refused", str(error)))
        except BaseException as error:
            # SystemExit, KeyboardInterrupt and the deadline included: to the grader each is an answer.
            self.last_error = error
            return write(fault_of(error, self._sources, sandboxed=self._sandboxed))
        finally:
            self._ask = None

    @contextlib.contextmanager
    def _own_settings(self) -> Iterator[None]:
        """Let the student's code have the settings that it has made; in the check's process the check has its own."""
        if self._sandboxed:
            yield
            return
        for setting, value in self._settings:
            setting.write(value)
        try:
            yield
        finally:
            self._settings = self._restorer.put_aside()

    def is_own(self, filename: str) -> bool:
        """Return True if a file is one of the student's modules."""
        return filename in self._sources

    def _reply(self, request: Request) -> Answer | Fault:
        match request:
            case protocol.Inspect():
                return Answer(vars(inspection(self._module(request.number))))
            case protocol.Make():
                return Answer(self._objects.hold(self._make(request.recipe, request.device)))
            case protocol.Load():
                self._start_anew(request)
                with self._limit(request):
                    return self._load()
            case protocol.Invoke():
                with self._limit(request):
                    return self._call(request)
            case protocol.Run():
                return self._run(request)
        raise TypeError(f"no request: {request}")

    @contextlib.contextmanager
    def _limit(self, request: Request) -> Iterator[None]:
        """Limit the time of the student's code inside, and let it import the student's modules.

        The time of other imports is excused in a student's own run alone. In a worker the libraries are imported already, and
        the grader's own clock excuses none.
        """
        with (
            deadline(
                _WATCHED_SECONDS if self._watched else request.seconds, self._waiting, lambda: self._has_asked
            ) as budget,
            importable(self._modules, None if self._sandboxed else budget),
            self._enter_place(),
            self._use_own_arguments(),
        ):
            budget.paused = self.paused
            yield

    @contextlib.contextmanager
    def _use_own_arguments(self) -> Iterator[None]:
        """Let a student's code find its own name in `sys.argv`, and no arguments of the grader, of pytest or of a kernel."""
        before, sys.argv = sys.argv, self._argv
        try:
            yield
        finally:
            self._argv, sys.argv = sys.argv, before

    @contextlib.contextmanager
    def _enter_place(self) -> Iterator[None]:
        """Run a student's code in the folder of its data, if it has any."""
        if not self._place:
            yield
            return
        back = "/" if self._sandboxed else str(Path.cwd())  # a worker may not be allowed to enter the server's folder
        os.chdir(self._place)
        try:
            yield
        finally:
            os.chdir(back)

    def _start_anew(self, request: protocol.Load) -> None:
        """Make the modules of a check, once this process is as it was before the earlier one.

        They are there before any of them is imported: a module of the same name that was imported otherwise stands aside.
        """
        if self._modules:
            self._objects.clear()
            self._modules.clear()
            substitutes.reset_notices()
            # A module and its functions refer to one another, so only the garbage collector frees them and what they hold.
            # Outside a worker the heap is so large that a collection would take longer than the check.
            if self._sandboxed and self._holds_much():
                gc.collect()
        self._restorer.restore(request.seed, modules=any(_MODULES_WORD in text for text in self._sources.values()))
        if self._files is not None:
            self._files.clear()
        self._unit, self._place, self._argv = request.unit, request.place, [f"{request.unit}.py"]
        self._sources = dict(request.sources.values())
        for name, source in request.sources.items():
            self._modules[name] = LoadedModule(name, *source, self._restorer.remember_libraries, request.place)

    def _holds_much(self) -> bool:
        """Return True if this process may hold much more than it did at first."""
        held = held_bytes()
        return held is None or self._held_at_first is None or held > self._held_at_first + _MUCH_BYTES

    def _load(self) -> Answer:
        importlib.import_module(self._unit)
        states = map(LoadedModule.state, self._modules.values())
        missing = [(state.filename, *note) for state in states for note in state.notes]
        return Answer([*missing, *self._stops(), *self._framework_notes()])

    def _framework_notes(self) -> Iterator[tuple[str, int, str]]:
        """Yield the file and the line at which a module names a framework, and what its functions get."""
        for module in self._modules.values():
            note = framework_note(getattr(module, "FRAMEWORK", None))
            if note is not None:
                filename = LoadedModule.state(module).filename
                lines = self._sources[filename].splitlines()
                line = next((number for number, text in enumerate(lines, 1) if text.startswith("FRAMEWORK")), 0)
                yield filename, line, note

    def _stops(self) -> Iterator[tuple[str, int, str]]:
        """Yield the file and the line at which each module stopped, and what happened."""
        for state in map(LoadedModule.state, self._modules.values()):
            if state.stopped is not None:
                fault = fault_of(state.stopped, self._sources, sandboxed=self._sandboxed)
                own = [line for filename, line, _ in fault.frames if filename == state.filename]
                words = "it did not end in time" if fault.kind == "timed out" else f"{fault.kinds[0]}: {fault.text}"
                what = "this has failed" if state.goes_on else "the module stopped here"
                yield state.filename, own[0] if own else 0, f"{what} ({words})"

    def _run(self, request: protocol.Run) -> Answer:
        """Run a unit as a program. It has modules of its own, so that the modules which the check calls stay as they are."""
        self._restorer.restore(request.seed)
        before = self._modules, self._sources, self._place
        self._place = ""  # its folder is in memory
        self._sources = dict(request.sources.values())
        imported = self._restorer.remember_libraries
        self._modules = {name: LoadedModule(name, *source, imported) for name, source in request.sources.items()}
        try:
            with self._limit(request):
                return Answer(vars(run_program(request, self._sources)))
        finally:
            if before[0]:
                self._modules, self._sources, self._place = before

    def _call(self, request: protocol.Invoke) -> Answer | Fault:
        name = request.function
        held = None if request.on is None else self._objects[request.on]
        # A network takes and gives tensors, whatever the unit is written in.
        named = None if isinstance(held, nn.Module) else getattr(self._modules[self._unit], "FRAMEWORK", None)
        self._framework = framework(named)
        if request.get:
            with self._framework.running(request.device):
                return self._get(request, held)
        function = (
            self._function(name)
            if request.on is None
            else self._method(self._object_at(request.on, request.device), name)
        )
        if isinstance(function, Fault):
            return function
        revive = functools.partial(self._revive, device=request.device)
        args, kwargs = map_tree(revive, (request.args, request.kwargs))
        if self._files is not None and request.folder:
            self._files.share(request.folder)
        answer = make_call(function, replace(request, args=args, kwargs=kwargs), self._framework)
        if isinstance(answer, Fault):
            return answer
        files = self._files.take_shared() if self._files is not None else {}
        return replace(answer, value=self._keep(answer.value, function, name), files=files)

    def _keep(self, value: object, function: Callable[..., object], name: str) -> object:
        """Return the handle of a value that a call has made and that stays here; any other value as it is."""
        is_made = (isinstance(function, type) and type(value) is function) or name in COPYING
        if is_made and stays(value, self._own_modules):
            return self._objects.hold(value)
        return self._keep_iterator(value)

    def _get(self, request: protocol.Invoke, held: object) -> Answer | Fault:
        """Return an attribute of an object, or of the module."""
        name = request.function
        if request.on is None:
            return Answer(self._framework.to_check(self._attribute(name)))
        # An AttributeError inside a property of the student's must not look as if the property were missing.
        value = getattr(held, name) if hasattr(type(held), name) else getattr(held, name, _ABSENT)
        if value is _ABSENT:
            return self._missing(held, name)
        method = is_method(value)
        return Answer(
            Handle(request.on, name, "method") if method else self._framework.to_check(self._keep_iterator(value))
        )

    @property
    def _own_modules(self) -> set[str]:
        """Return the names of the modules whose classes are the student's; those of a notebook are defined in `__main__`."""
        return {*self._modules, "__main__"}

    def _keep_iterator(self, value: object) -> object:
        """Return the handle of an iterator, which stays here; anything else as it is."""
        if is_iterator(value) and not is_class_of(type(value), self._own_modules):
            return self._objects.hold_iterator(value) if not self._objects.holds(value) else self._objects.hold(value)
        return value

    def _function(self, name: str) -> Callable[..., object] | Fault:
        """Return a function of the unit, or a method of one of its classes by a dotted name; a fault if it is missing."""
        module = self._modules[self._unit]
        first, *rest = name.split(".")
        function: object = getattr(module, first, None)
        if callable(function):
            if not rest:
                return function
            owner: Any = function
            for part in rest[:-1]:
                owner = getattr(owner, part, None)
            return self._method(owner, rest[-1])
        stopped = LoadedModule.state(module).stopped
        if stopped is not None and not hasattr(module, first):
            return replace(fault_of(stopped, self._sources, sandboxed=self._sandboxed), found=STOPPED)
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        return Fault("missing", found=type_name(function) if hasattr(module, first) else "", names=tuple(own))

    def _attribute(self, name: str) -> object:
        """Return a constant of the module or of a class; for a function, or a missing name, the handle of a method.

        Whether there is such a function is told when it is called.
        """
        value: Any = self._modules[self._unit]
        for part in name.split("."):
            value = getattr(value, part, _ABSENT)
        if callable(value) or value is _ABSENT or is_method(value):
            return Handle(0, name, "method")
        return self._keep_iterator(value)

    def _object_at(self, number: int, device: str) -> object:
        """Return an object that stays here; a network is on the device then, wherever a student's function has made it."""
        held = self._objects[number]
        return held.to(device) if device != "cpu" and isinstance(held, nn.Module) else held

    def _method(self, value: object, name: str) -> Callable[..., object] | Fault:
        found = operation(value, name)
        return self._missing(value, name) if found is None else found

    def _missing(self, value: object, name: str) -> Fault:
        """Return the fault of a class or an object that has no method of a name."""
        kind = value if isinstance(value, type) else type(value)
        found = type_name(getattr(value, name)) if hasattr(value, name) else ""
        return Fault("missing", kind.__name__, found=found, names=tuple(key for key in dir(kind) if key[0] != "_"))

    def _hold(self, value: object) -> object:
        """Return the handle of an object that stays here, or a list of the parameters that an optimizer would take.

        Raises:
            RefusedValue: the value is neither, and no record.
        """
        if self._objects.holds(value):
            return self._objects.hold(value)
        own = is_class_of(type(value), self._own_modules)
        # An iterator of the student's own would be at its end once it was asked for all its items.
        parameters = None if own else listed_parameters(value)
        if parameters is not None:
            return parameters
        if is_record(value):
            tensors = self._framework.to_check
            return self._objects.hold_record(value, tensors) if own else record_of(value, tensors)
        if is_own_function(value, self._own_modules) or is_method(value):
            return self._objects.hold(value, "function")
        kept = (own or callable(value) or is_asynchronous(value)) and not isinstance(value, PLAIN_BASES)
        return self._objects.hold(value) if kept or isinstance(value, nn.Module) else refuse(value)

    def _hold_whole(self, value: object) -> object:
        """Return the handle of a dataclass or a named tuple of the student's, in place of its fields; else as `_hold`."""
        if is_record(value) and is_class_of(type(value), self._own_modules):
            return self._objects.hold(value)
        return self._hold(value)

    def _revive(self, value: Any, device: str) -> Any:
        """Return what the student's code gets for a part of a request: the object of a handle, the function of a callback."""
        if isinstance(value, Recipe):
            return self._make(value, device)
        if isinstance(value, Handle):
            held = self._object_at(value.number, device)
            return getattr(held, value.type_name) if value.kind == "method" else held
        if isinstance(value, Record):
            with self._framework.running(device):
                fields = self._framework.to_student(value.fields)
            return revive(Record(value.type_name, fields, value.named_tuple, value.module), self._modules)
        if isinstance(value, Member):
            return revive_member(value, self._modules)
        if isinstance(value, Callback):
            if value.iterates:
                return items_of(self._callback(value))
            return self._function(value.name) if value.number < 0 else self._callback(value)
        return value

    def _callback(self, callback: Callback) -> Callable[..., Any]:
        """Return a function that has the grader call one of the check's."""

        def call(*args: Any, **kwargs: Any) -> Any:
            ask = self._ask  # of the present call, which may come after the one that was given the function
            if ask is None:
                raise TypeError(f"{callback.name} can be called while a call of the check lasts")
            try:
                given = self._framework.to_check((args, kwargs))
                question = protocol.write_question(protocol.Ask(callback.number, *given), self._hold)
            except RefusedValue as error:
                raise TypeError(f"{callback.name} was called with {error}") from None
            self._has_asked = True
            reply = read_reply(ask(question))
            if isinstance(reply, Fault):
                raise exception_of(reply)
            return self._framework.to_student(map_tree(functools.partial(self._revive, device="cpu"), reply.value))

        call.__name__ = call.__qualname__ = callback.name
        return call

    def _make(self, recipe: Recipe, device: str) -> nn.Module:
        module = make_module(recipe, device)
        self._objects.hold(module)
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
    substitutes.step_without_compiler()
    open_device("cpu")


def open_device(device: str) -> None:
    """Compute for the first time on a device, which sets up libraries: on a GPU it takes seconds that are not the student's.

    On the CPU it computes no gradients where there is a GPU: PyTorch starts a thread for it then, and a process that is forked
    afterwards can compute none.

    Raises:
        RuntimeError: the device cannot be used.
    """
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).to(device)
    logits = net(torch.zeros(2, 3, 8, 8, device=device))
    if device == "cpu" and torch.cuda.device_count():
        return
    nn.functional.cross_entropy(logits, torch.tensor([0, 1], device=device)).backward()  # type: ignore[no-untyped-call]
    for optimizer in (torch.optim.SGD, torch.optim.Adam):
        optimizer(net.parameters(), lr=0.1).step()


def serve(connection: socket.socket, waiting: Waiting) -> None:
    """Answer requests on a connection until it closes; `waiting` is of this thread."""
    streams = sys.stdout, sys.stderr
    files = Folder()
    receive = functools.partial(_receive, connection)
    gc.freeze()  # what came after the fork; collections between checks skip it
    with contextlib.suppress(EOFError), files.working_inside():
        session = Session(sandboxed=True, waiting=waiting, files=files)
        while True:
            nonce, message = read_frame(receive)
            reply = session.answer(message, functools.partial(_ask, connection, receive, nonce))
            for stream in streams:
                with contextlib.suppress(OSError, ValueError):  # the student's code may have closed it
                    stream.flush()
            connection.sendall(frame(nonce, reply))


def _ask(connection: socket.socket, receive: Callable[[int], bytes], nonce: bytes, question: bytes) -> bytes:
    """Put a question to the grader during a request, and return the answer."""
    connection.sendall(frame(nonce, question))
    return read_frame(receive, expected=nonce)[1]


def _receive(connection: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes.

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
