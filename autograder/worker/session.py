"""A session with a student's modules: loads them and answers calls on them. The only place where a student's code runs.

`Session.answer` turns a request into its reply. It behaves alike in a sandboxed process (`serving.serve`) and, for a student's
own run, in the process of the checks.
"""

import contextlib
import functools
import gc
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import nn
from autograder.worker import protocol, substitutes
from autograder.worker.calls import make_call
from autograder.worker.codec import Handle, TooLargeTree, map_tree
from autograder.worker.deadline import Waiting, deadline
from autograder.worker.exchange import Ask, Exchange
from autograder.worker.files import Folder
from autograder.worker.frameworks import PYTORCH
from autograder.worker.importing import found_as_main, importable
from autograder.worker.namespace import Namespace, attribute_of, method_of
from autograder.worker.objects import is_method
from autograder.worker.programs import run_program
from autograder.worker.protocol import Answer, Fault, Request, read_request, write
from autograder.worker.restorer import Setting, held_bytes, restorer
from autograder.worker.side_effects import inspection

#: A worker that holds so many bytes more than at first collects garbage before a check; otherwise Python decides when.
_MUCH_BYTES = 2**24
#: Word that stands in every source that changes `sys.modules`.
_MODULES_WORD = "modules"
#: The deadline while a debugger is attached: a day, longer than anybody looks at variables.
_WATCHED_SECONDS = 86_400.0


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
        self._names = Namespace({}, "", sandboxed=sandboxed)
        self._exchange = Exchange(self._names)
        #: Settings of libraries that the student's code has changed in a process that is not its own.
        self._settings: list[tuple[Setting, Any]] = []
        #: Arguments of the program that the student's code finds itself in, which it may change.
        self._argv: list[str] = []
        #: The exception behind the last reply, for a debugger in the same process.
        self.last_error: BaseException | None = None

    def answer(self, message: bytes, ask: Ask | None = None) -> bytes:
        """Return the reply to one request. Never raises for what a student's code does.

        Args:
            message: the request.
            ask: puts a question to the grader and returns its answer: a call of a function that the check has handed over.
        """
        request = read_request(message)
        self.last_error = None
        self._exchange.begin(ask)
        try:
            with self._own_settings():
                reply = self._reply(request)
            try:
                return write(reply, self._exchange.hold)
            except TooLargeTree:  # a long list of dataclasses, or one that leads back to itself
                return write(reply, self._exchange.hold_whole)
        except RefusedValue as error:
            return write(Fault("refused", str(error)))
        except BaseException as error:
            # SystemExit, KeyboardInterrupt and the deadline included: to the grader each is an answer.
            self.last_error = error
            fault = self._names.fault(error)
            try:
                return write(fault)
            except RefusedValue:  # each of its attributes crosses, and not all of them at once
                return write(replace(fault, attributes={}))
        finally:
            self._exchange.end()

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
        return filename in self._names.texts

    def _reply(self, request: Request) -> Answer | Fault:
        match request:
            case protocol.Inspect():
                return Answer(vars(inspection(self._exchange.object_at(request.number))))
            case protocol.Make():
                return Answer(self._exchange.hold(self._exchange.make(request.recipe, request.device)))
            case protocol.Load():
                self._start_anew(request)
                with self._limit(request):
                    return Answer(self._names.load())
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
                _WATCHED_SECONDS if self._watched else request.seconds, self._waiting, lambda: self._exchange.has_asked
            ) as budget,
            importable(self._names.modules, None if self._sandboxed else budget),
            found_as_main(self._names.notebook) if self._names.notebook else contextlib.nullcontext(),
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
        if not self._names.place:
            yield
            return
        back = "/" if self._sandboxed else str(Path.cwd())  # a worker may not be allowed to enter the server's folder
        os.chdir(self._names.place)
        try:
            yield
        finally:
            os.chdir(back)

    def _start_anew(self, request: protocol.Load) -> None:
        """Make the modules of a check, once this process is as it was before the earlier one.

        They are there before any of them is imported: a module of the same name that was imported otherwise stands aside.
        """
        writes_modules = any(_MODULES_WORD in text for text in self._names.texts.values())
        if self._names.modules:
            self._begin_check(Namespace({}, "", sandboxed=self._sandboxed))
            substitutes.reset_notices()
            # A module and its functions refer to one another, so only the garbage collector frees them and what they hold.
            # Outside a worker the heap is so large that a collection would take longer than the check.
            if self._sandboxed and self._holds_much():
                gc.collect()
        self._restorer.restore(request.seed, modules=writes_modules)
        if self._sandboxed:
            # The code of the check before may have closed it, as `exit()` does; an `input()` then finds no line in it.
            sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        if self._files is not None:
            self._files.clear()
        self._argv = [f"{request.unit}.py"]
        imported = self._restorer.remember_libraries
        self._begin_check(Namespace(request.sources, request.unit, request.place, imported, sandboxed=self._sandboxed))
        if self._files is not None:
            self._files.add(self._names.scripts)

    def _begin_check(self, names: Namespace) -> None:
        """Go over to the modules of another check, and let go of the objects of the last one."""
        self._exchange.release()
        self._names, self._exchange = names, Exchange(names)

    def _holds_much(self) -> bool:
        """Return True if this process may hold much more than it did at first."""
        held = held_bytes()
        return held is None or self._held_at_first is None or held > self._held_at_first + _MUCH_BYTES

    def _run(self, request: protocol.Run) -> Answer:
        """Run a unit as a program. It has modules of its own, so that the modules which the check calls stay as they are."""
        self._restorer.restore(request.seed)
        imported = self._restorer.remember_libraries
        # Its folder is in memory.
        before, program = self._names, Namespace(request.sources, request.unit, "", imported, sandboxed=self._sandboxed)
        self._names = program
        try:
            with self._limit(request):
                return Answer(vars(run_program(request, program.texts)))
        finally:
            if before.modules:
                self._names = before

    def _call(self, request: protocol.Invoke) -> Answer | Fault:
        name, exchange = request.function, self._exchange
        held = None if request.on is None else exchange.object_at(request.on)
        # A network takes and gives tensors, whatever the unit is written in.
        exchange.framework = PYTORCH if isinstance(held, nn.Module) else self._names.framework
        if request.get:
            with exchange.framework.running(request.device):
                return self._get(request, held)
        function = (
            self._names.function(name)
            if request.on is None
            else method_of(exchange.object_at(request.on, request.device), name)
        )
        if isinstance(function, Fault):
            return function
        revive = functools.partial(exchange.revive, device=request.device)
        args, kwargs = map_tree(revive, (request.args, request.kwargs))
        if self._files is not None and request.folder:
            self._files.share(request.folder)
        answer = make_call(function, replace(request, args=args, kwargs=kwargs), exchange.framework)
        if isinstance(answer, Fault):
            return answer
        files = self._files.take_shared() if self._files is not None else {}
        return replace(answer, value=exchange.keep(answer.value, function, name), files=files)

    def _get(self, request: protocol.Invoke, held: object) -> Answer | Fault:
        """Return an attribute of an object, or of the module."""
        name = request.function
        value = self._names.attribute(name) if request.on is None else attribute_of(held, name)
        if isinstance(value, Fault):
            return value
        if request.on is not None and is_method(value):
            return Answer(Handle(request.on, name, "method"))
        return Answer(self._exchange.framework.to_check(self._exchange.keep_iterator(value)))
