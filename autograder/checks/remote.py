"""A student's module from afar: a check calls its functions as if they were here.

    images = submission.denoise(noisy, steps=50)
    slope = submission.total_variation.gradient(images)

A call goes to a worker as a message and its reply comes back as plain values, whether the worker is in this process (a
student's own run) or in a sandbox (a graded run). Modules are handed over by their recipe; modules and other objects that the
student's code makes stay with the worker (`objects`). A function that a check hands over is called here.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autograder.checks.call import NO_ANSWER, UNANSWERED, Call, ModuleUnderTest
from autograder.checks.compare import Printed, show
from autograder.checks.crossing import (
    Mutable,
    SentModule,
    as_sent,
    files_of,
    known_member,
    mutable,
    put_back,
    recipe_of,
    warning_class,
    write_files,
)
from autograder.checks.faults import fault_in
from autograder.checks.functions import Awaited, RemoteFunction, Unseen
from autograder.checks.link import Link
from autograder.checks.objects import (
    Program,
    RemoteModule,
    RemoteObject,
    assert_module,
    callback_of,
    object_of,
    with_handles,
)
from autograder.checks.transport import Transport
from autograder.errors import (
    MalformedMessage,
    MissingAttribute,
    Raised,
    RefusedValue,
)
from autograder.libraries import nn, np
from autograder.submissions import Module
from autograder.worker import protocol
from autograder.worker.codec import (
    Handle,
    Member,
    Recipe,
    Record,
    is_record,
    map_tree,
    named_tuple_of,
    record_of,
)
from autograder.worker.protocol import Answer

__all__ = [
    "NO_ANSWER",
    "UNANSWERED",
    "Call",
    "ModuleUnderTest",
    "Program",
    "RemoteFunction",
    "RemoteModule",
    "RemoteObject",
    "StudentModule",
    "assert_module",
    "recipe_of",
]

#: A longer name of an object is only copied into every sentence.
_LONGEST_LABEL = 60
#: Filters of these are pytest's and Python's own; a first filter of another kind is the check's.
_DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning)


class StudentModule:
    """A student's module, for one check.

    Args:
        tested: the module, and what its calls depend on.
        transport: the way to the worker that carries out the calls.
        seed: the seed of the worker's random state.

    Attributes:
        module: its source.
        seed: the seed of the worker's random state.
        calls: every call made so far, in order.
    """

    module: Module
    seed: int
    calls: list[Call]

    def __init__(self, tested: ModuleUnderTest, transport: Transport, seed: int) -> None:
        self.module = tested.module
        self.seed = seed
        self._transport = transport
        self._link = Link(tested, transport, seed, self._incoming, with_handles)
        self._labels: dict[int, str] = {}
        self._objects: dict[int, RemoteObject] = {}
        self._shared_folder: Path | None = None
        self.calls = []

    __doc__ = Unseen("the docstring")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        # A function is not looked up before it is called: it may be missing. A name in capitals may be a constant's.
        return self._attribute(name) if name.isupper() else RemoteFunction(self, name)

    def _attribute(self, name: str) -> Any:
        """Return the value of a constant or of an attribute of a class; if it can be called, a function."""
        __tracebackhide__ = True
        value = self._call(Call(name, (), {}, get=True))
        return RemoteFunction(self, name) if isinstance(value, Handle) else value

    def forget(self) -> None:
        """Let go of what came back, which may be large: pytest keeps the check for the whole run."""
        self.calls.clear()
        self._objects.clear()
        self._link.callbacks.clear()

    @property
    def folder(self) -> Path:
        """Return the folder for files of the check that the student's code may read: it can read no other."""
        return self._transport.folder

    def share_folder(self) -> Path:
        """Let the calls that follow write into the folder, and return it."""
        self._shared_folder = self.folder
        return self._shared_folder

    @property
    def large(self) -> bool:
        """Return True if so much was answered in this check that freeing it at once is worth the time."""
        return self._link.large

    @property
    def answered(self) -> bool:
        """Return True once the submission has answered a call or an inspection, be it with a fault."""
        return self._link.answered

    @property
    def notes(self) -> tuple[str, ...]:
        """Return sentences about what stopped or was missing when the module was loaded."""
        return self._link.notes

    @property
    def last(self) -> Call:
        """Return the latest call."""
        return self.calls[-1]

    @property
    def printed(self) -> Printed:
        """Return the text that the student's code has printed during the latest call."""
        return self.calls[-1].printed if self.calls else Printed("")

    def run(
        self, *, stdin: str = "", args: Sequence[str] = (), files: Mapping[str, str | bytes] | None = None
    ) -> Program:
        """Run the unit as a program, from a fresh start, in a private folder.

        Args:
            stdin: what it reads.
            args: its arguments, without its name.
            files: what lies in its folder, by name.

        Returns:
            What it has printed and written, and its exit code. An exception that it raises is a traceback in `error`, and
            exit code 1.
        """
        __tracebackhide__ = True
        given = {"stdin": stdin, "args": tuple(map(str, args)), "files": dict(files or {})}
        return self._run_program(Call(self.module.unit, (), given, program=True))

    @staticmethod
    def mutable(value: object) -> Any:
        """Return a list, a dict, a set or a bytearray that a call may change in place, as it may not change any other.

        Raises:
            CheckError: the value is something else.
        """
        return mutable(value)

    def send(self, module: nn.Module | Recipe) -> "RemoteModule":
        """Give the worker a copy of a module, to be passed to several calls and inspected afterwards."""
        recipe = module if isinstance(module, Recipe) else recipe_of(module)
        self._link.load()  # loading also clears what the worker holds for an earlier check
        made = self._link.request(protocol.Make(recipe, **self._link.common)).value
        if not isinstance(made, Handle):
            raise RefusedValue("the module answered a model with something that is no answer")
        return RemoteModule(self, made, recipe)

    def repeat(self, call: Call) -> Call:
        """Replay a recorded call on this module and return the new record."""
        call = replace(call, answer=NO_ANSWER, raised=())
        put_back(call.found)
        if call.program:
            self._run_program(replace(call, function=self.module.unit))
        else:
            self._call(call)
        return self.last

    def call_of(self, value: object) -> Call | None:
        """Return the call that returned this very object, or a container of it; otherwise the latest one asked for."""
        for call in reversed(self.calls):
            if isinstance(call.value, Program) and any(part is value for part in vars(call.value).values()):
                return call
            if call.value is value or (isinstance(call.value, list | tuple) and any(x is value for x in call.value)):
                return call
        return self.latest_asked

    @property
    def latest_asked(self) -> Call | None:
        """Return the latest call that the check itself has asked for; None if there is none.

        An error that ends a `with` block has Python leave the context of a student's object, which is a call too.
        """
        return next((call for call in reversed(self.calls) if not _leaves_by_error(call)), None)

    def fault_in(self, error: BaseException) -> BaseException:
        """Return the error that ended a check, as the student's failure if the check stumbled over a value of theirs.

        The check has stumbled if the submission has answered something and then an operation failed. Faults of the machine
        (files elsewhere, memory) and of the check's own text (a name that is not there) come from no value.
        """
        values = [call.value for call in self.calls if call.answer is not NO_ANSWER and not _leaves_by_error(call)]
        return fault_in(error, values, self._shared_folder) if self._link.answered else error

    def _call(self, call: Call) -> Any:
        __tracebackhide__ = True
        self._link.load()
        own = {place: value for place, value in _places(call).items() if isinstance(value, Mutable)}
        call = replace(call, mutable=call.mutable or tuple(own))
        call = replace(call, args=map_tree(as_sent, call.args), kwargs=map_tree(as_sent, call.kwargs))
        given = [*call.args, *call.kwargs.values()]
        call = replace(call, found=files_of(given))
        # Noted before it is made: should it fail, the sentence names this call.
        self.calls.append(call)
        answer = self._invoke(call)
        if call.get and isinstance(answer.value, Handle) and answer.value.kind == "method":
            del self.calls[-1]  # the call follows
            return answer.value
        for kinds, text in answer.warnings:
            warnings.warn_explicit(text, warning_class(kinds), self.module.filename, 0)
        write_files(answer.files, self._shared_folder, call)
        self._label_object(answer.value, call)
        value, left = map_tree(self._incoming, (answer.value, answer.left))
        answer = replace(answer, value=value, left=left)
        self.calls[-1] = replace(call, answer=answer, written=files_of(given))
        for container, held in zip(own.values(), left, strict=False):
            container.refill(held)
        return Awaited(answer.value) if answer.awaited else answer.value

    def _invoke(self, call: Call) -> Answer:
        """Have the worker make the latest call. Return its answer as it came."""
        __tracebackhide__ = True
        request = protocol.Invoke(
            call.function,
            map_tree(self._outgoing, call.args),
            map_tree(self._outgoing, call.kwargs),
            call.of,
            map_tree(self._outgoing, call.weights),
            None if call.on is None else call.on._handle.number,
            call.get,
            _warnings_asked(),
            str(self._shared_folder or ""),
            tuple(place for place in call.mutable if place in _places(call)),
            **self._link.common,
        )
        try:
            answer = self._link.request(request, call)
            if len(answer.left) != len(request.mutable):
                raise RefusedValue(f"{call} answered with something that is no answer")
            return answer
        except Raised as error:
            self.calls[-1] = replace(call, raised=(error.kinds[0], error.text))
            raise
        except MissingAttribute:
            del self.calls[-1]  # the check may have asked whether it is there
            raise

    def _run_program(self, call: Call) -> Program:
        __tracebackhide__ = True
        self._link.require_usable()
        self.calls.append(call)
        answer = self._link.run(call)
        try:
            program = Program.of(protocol.read_finished(answer.value))
        except MalformedMessage as error:
            raise RefusedValue(f"{call} answered with {error}") from error
        self.calls[-1] = replace(call, answer=replace(answer, value=program))
        return program

    def _label_object(self, value: object, call: Call) -> None:
        """Label an object with the call that it came from, for sentences."""
        if isinstance(value, Handle):
            text = str(call)
            self._labels.setdefault(value.number, text if len(text) <= _LONGEST_LABEL else f"the {value.type_name}")

    def _outgoing(self, value: object) -> object:
        """Return what is sent in place of a value: what the worker can make of it, or a number for what stays here."""
        if isinstance(value, RemoteObject):
            return value._handle
        value = as_sent(value)
        if isinstance(value, SentModule):
            return value.recipe
        return record_of(value, self._outgoing) if is_record(value) else callback_of(value, self._link.callbacks)

    def _incoming(self, value: object) -> object:
        """Return a value that has come back as the check sees it."""
        if isinstance(value, Record):
            if value.number >= 0:  # it has methods
                self._labels.setdefault(value.number, show(value))
                value.far = object_of(self, Handle(value.number, value.type_name, "object"))
            return named_tuple_of(value) if value.named_tuple else value
        if isinstance(value, Member):
            value.far = RemoteFunction(self, repr(value))
            return known_member(value)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return value[()] if value.dtype.kind in "mM" else value.item()  # what `.numpy()` makes of a number
        if not isinstance(value, Handle):
            return value
        if value.kind == "module":
            return RemoteModule(self, value)
        return self._objects.setdefault(value.number, object_of(self, value))  # one object has one stand-in


def _leaves_by_error(call: Call) -> bool:
    """Return True for the end of a `with` block on a student's object by an error, whose kinds are the first argument."""
    return call.function in ("__exit__", "__aexit__") and call.args[:1] not in ((), (None,))


def _warnings_asked() -> bool:
    """Return True if the check looks at warnings, as inside of `pytest.warns`, or turns them into errors."""
    first: Any = next(iter(warnings.filters), ("ignore", None, Warning))
    return first[0] != "ignore" and not issubclass(first[2], _DEPRECATIONS)


def _places(call: Call) -> dict[int | str, object]:
    """Return the arguments of a call by position or name."""
    by_position: dict[int | str, object] = dict(enumerate(call.args))
    return by_position | call.kwargs
