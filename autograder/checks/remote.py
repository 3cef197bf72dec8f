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
from typing import Any, NoReturn

from autograder.checks.call import NO_ANSWER, UNANSWERED, Call, ModuleUnderTest
from autograder.checks.compare import Printed, show
from autograder.checks.crossing import (
    Mutable,
    SentModule,
    as_sent,
    files_of,
    known_member,
    mutable,
    plain,
    put_back,
    recipe_of,
    warning_class,
    write_files,
)
from autograder.checks.faults import error_of, fault_in, load_notes
from autograder.checks.functions import Awaited, RemoteFunction, Unseen
from autograder.checks.objects import Program, RemoteModule, RemoteObject, assert_module, callback_of, object_of
from autograder.checks.transport import Transport, place_data
from autograder.errors import (
    AutograderError,
    CheckError,
    CheckFailed,
    MalformedMessage,
    MissingAttribute,
    MissingFunction,
    OverBudget,
    Raised,
    RefusedValue,
    StudentFault,
    TimedOut,
    Unusable,
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
from autograder.worker.protocol import Answer, Fault, Request

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
#: All that a submission answers in one check is held until the check ends.
_ANSWERS_BYTES = 96 * 2**20
_LARGE_BYTES = 8 * 2**20
#: First of the filters inside of `pytest.warns`: it asks for all warnings.
_WARNINGS_ASKED = [("always", None, Warning, None, 0)]


class StudentModule:
    """A student's module, for one check.

    Args:
        tested: the module, and what its calls depend on.
        transport: the way to the worker that carries out the calls.
        seed: of the worker's random state.

    Attributes:
        module: its source.
        seed: of the worker's random state.
        calls: every call made so far, in order.
        notes: sentences about what stopped or was missing when the module was loaded.
        answered: True once the submission has answered a call or an inspection, be it with a fault.
    """

    module: Module
    seed: int
    calls: list[Call]
    notes: tuple[str, ...]
    answered: bool

    def __init__(self, tested: ModuleUnderTest, transport: Transport, seed: int) -> None:
        self.module = tested.module
        self.seed = seed
        self._tested = tested
        self._transport = transport
        self._common: dict[str, Any] = {"seconds": tested.seconds, "device": tested.device}
        self._loaded = False
        self._labels: dict[int, str] = {}
        self._callbacks: list[Any] = []
        self._objects: dict[int, RemoteObject] = {}
        self._ended: StudentFault | None = None
        self._responding = False
        self._answers_bytes = 0
        self._shared_folder: Path | None = None
        self.calls = []
        self.notes = ()
        self.answered = False

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
        self._callbacks.clear()

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
        return self._answers_bytes > _LARGE_BYTES

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
        self._load()  # loading also clears what the worker holds for an earlier check
        made = self._request(protocol.Make(recipe, **self._common)).value
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
        """Return the call that returned this very object, or a container of it; otherwise the latest call."""
        for call in reversed(self.calls):
            if isinstance(call.value, Program) and any(part is value for part in vars(call.value).values()):
                return call
            if call.value is value or (isinstance(call.value, list | tuple) and any(x is value for x in call.value)):
                return call
        return self.calls[-1] if self.calls else None

    def fault_in(self, error: BaseException) -> BaseException:
        """Return the error that ended a check, as the student's failure if the check stumbled over a value of theirs.

        The check has stumbled if the submission has answered something and then an operation failed. Faults of the machine
        (files, memory) and of the check's own text (a name that is not there) come from no value.
        """
        values = [call.value for call in self.calls if call.answer is not NO_ANSWER]
        return fault_in(error, values) if self.answered else error

    def _call(self, call: Call) -> Any:
        __tracebackhide__ = True
        self._load()
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
            warnings.filters[:1] == _WARNINGS_ASKED,
            str(self._shared_folder or ""),
            tuple(place for place in call.mutable if place in _places(call)),
            **self._common,
        )
        try:
            answer = self._request(request, call)
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
        self._require_usable()
        self.calls.append(call)
        given = {name: path.read_bytes() for name, path in self._tested.data.items()}
        asked = {**call.kwargs, "files": {**given, **call.kwargs["files"]}}
        run = protocol.Run(self._texts(), self.module.unit, self.seed, **asked, **self._common)
        answer = self._request(run, call)
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
        return record_of(value, self._outgoing) if is_record(value) else callback_of(value, self._callbacks)

    def _respond(self, question: bytes) -> bytes:
        """Answer a question of the worker: a call of a function that the check has handed over.

        Raises:
            MalformedMessage: it is no question.
            OverBudget: with what was answered before, it is more than a check may hold.
        """
        self._count(question)
        ask = protocol.read_question(question)
        if not 0 <= ask.number < len(self._callbacks):
            raise MalformedMessage("a question about a function that it does not have")
        args, kwargs = map_tree(self._incoming, (ask.args, ask.kwargs))
        self._responding = True
        try:
            value = self._callbacks[ask.number](*args, **kwargs)
        except (AutograderError, AssertionError):
            raise
        except Exception as error:
            kinds = tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)
            return protocol.write(Fault("raised", str(error), kinds))
        finally:
            self._responding = False
        try:
            return protocol.write(Answer(value), plain)
        except RefusedValue as error:
            raise CheckError(f"a function of the check returned {error}") from error

    def _require_usable(self) -> None:
        if self.module.problem:
            raise Unusable(self.module.problem)

    def _texts(self) -> dict[str, tuple[str, str]]:
        """Return the sources by module; a module that cannot be used says why when another imports it."""
        return {
            name: (module.filename, f"raise ModuleNotFoundError({module.problem!r})" if module.problem else module.text)
            for name, module in self._tested.sources.items()
        }

    def _load(self) -> None:
        __tracebackhide__ = True
        if self._loaded:
            return
        self._require_usable()
        place = place_data(self._tested.data, self._transport)
        answer = self._request(protocol.Load(self._texts(), self.module.unit, self.seed, place, **self._common))
        self.notes = tuple(load_notes(answer.value, self._tested.sources))
        self._loaded = True

    def _request(self, request: Request, call: Call | None = None) -> Answer:
        __tracebackhide__ = True
        subject = str(call) if call is not None else "the module"
        if self._responding:
            raise TypeError("a function that a check has handed over cannot use the submission while it is called")
        if self._ended is not None:  # a check that tries again (hypothesis does) meets the same end
            raise self._ended
        message = self._message(request, subject)
        try:
            respond = self._respond if self._callbacks else None
            answer = self._transport.exchange(message, self._tested.seconds, respond)
            self.answered = self.answered or isinstance(request, protocol.Invoke | protocol.Run | protocol.Inspect)
            self._count(answer)
            reply = protocol.read_reply(answer)
        except MalformedMessage as error:
            raise RefusedValue(f"{subject} answered with {error}") from error
        except StudentFault as error:
            if isinstance(error, CheckFailed):  # raised by a function that the check has handed over
                raise
            ended = type(error)(f"{subject}: {error}")
            self._ended = ended if isinstance(ended, TimedOut) else None
            raise ended from error
        if isinstance(reply, Fault):
            self._raise_fault(reply, call)
        return reply

    def _count(self, message: bytes) -> None:
        """Count what the submission has answered, before anything is made of it.

        Raises:
            OverBudget: it is more than a check may hold.
        """
        self._answers_bytes += len(message)
        if self._answers_bytes > _ANSWERS_BYTES:
            limit = f"{_ANSWERS_BYTES // 2**20} MB"
            raise OverBudget(f"all that was answered in this check is more than {limit}, so the rest is not judged")

    def _message(self, request: Request, subject: str) -> bytes:
        """Return the message of a request.

        Raises:
            CheckError: the check passes what cannot cross, before anything of the submission's can be the reason.
            CheckFailed: it does so after the submission has answered.
        """
        try:
            return protocol.write(request, plain)
        except RefusedValue as error:
            text = f"passes {error} to {subject}"
            if not self.answered:
                raise CheckError(f"the check {text}") from error
            raise CheckFailed(f": the check {text}") from error

    def _raise_fault(self, fault: Fault, call: Call | None) -> NoReturn:
        """Raise the exception for a worker's fault, which ends the check."""
        __tracebackhide__ = True
        words, function = ("", "") if call is None else (str(call), call.function)
        error = error_of(fault, words, function, self._tested)
        if call is not None and call.get and type(error) is MissingFunction:
            error = MissingAttribute(str(error))
        if isinstance(error, TimedOut):
            self._ended = error
        inner = getattr(getattr(self._transport, "session", None), "last_error", None)
        # In the student's own process the debugger can go where the exception came from.
        raise error.with_traceback(inner.__traceback__) if inner is not None else error

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


def _places(call: Call) -> dict[int | str, object]:
    """Return the arguments of a call by position or name."""
    by_position: dict[int | str, object] = dict(enumerate(call.args))
    return by_position | call.kwargs
