"""The way of one check to the worker: its requests, the replies, and what the worker asks meanwhile."""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from autograder.checks.call import Call, ModuleUnderTest
from autograder.checks.crossing import plain
from autograder.checks.faults import error_of, load_notes
from autograder.checks.transport import Transport, place_data
from autograder.errors import (
    AutograderError,
    CheckError,
    CheckFailed,
    MalformedMessage,
    MissingAttribute,
    MissingFunction,
    OverBudget,
    RefusedValue,
    StudentFault,
    TimedOut,
    Unusable,
)
from autograder.worker import protocol
from autograder.worker.codec import map_tree
from autograder.worker.protocol import Answer, Fault, Request

#: All that a submission answers in one check is held until the check ends.
_ANSWERS_BYTES = 96 * 2**20
_LARGE_BYTES = 8 * 2**20
#: Begins what the codec tells students about a value that they return: a check that passes one is told otherwise.
_ADVICE = re.compile(r",\sexpected\s|,\swhich\sis\snot\s|;\sreturn\s")


class Link:
    """A check's way to the worker that holds the student's module.

    Args:
        tested: the module, and what its calls depend on.
        transport: carries messages to the worker and back.
        seed: the seed of the worker's random state.
        incoming: returns a part of a value from the worker as the check sees it.
        outgoing: returns what is sent in place of an answer to the worker.

    Attributes:
        common: what each request says of its limit and its device.
        callbacks: functions that the check has handed over, by their numbers.
        notes: sentences about what stopped or was missing when the module was loaded.
        answered: True once the submission has answered a call or an inspection, be it with a fault.
    """

    def __init__(
        self,
        tested: ModuleUnderTest,
        transport: Transport,
        seed: int,
        incoming: Callable[[object], object],
        outgoing: Callable[[object], object],
    ) -> None:
        self._tested = tested
        self._transport = transport
        self._seed = seed
        self._incoming = incoming
        self._outgoing = outgoing
        self._loaded = False
        self._ended: StudentFault | None = None
        self._responding = False
        self._answers_bytes = 0
        self.common: dict[str, Any] = {"seconds": tested.seconds, "device": tested.device}
        self.callbacks: list[Any] = []
        self.notes: tuple[str, ...] = ()
        self.answered = False

    @property
    def large(self) -> bool:
        """Return True if so much was answered in this check that freeing it at once is worth the time."""
        return self._answers_bytes > _LARGE_BYTES

    def load(self) -> None:
        """Have the worker load the module, once; it lets go of what it holds for an earlier check.

        Raises:
            Unusable: the module cannot be read.
        """
        __tracebackhide__ = True
        if self._loaded:
            return
        self.require_usable()
        place = place_data(self._tested.data, self._transport)
        answer = self.request(protocol.Load(self._texts(), self._tested.module.unit, self._seed, place, **self.common))
        self.notes = tuple(load_notes(answer.value, self._tested.sources))
        self._loaded = True

    def run(self, call: Call) -> Answer:
        """Have the worker run the unit as a program, with the course's data beside the files of the call."""
        __tracebackhide__ = True
        data = {name: path.read_bytes() for name, path in self._tested.data.items()}
        asked = {**call.kwargs, "files": {**data, **call.kwargs["files"]}}
        run = protocol.Run(self._texts(), self._tested.module.unit, self._seed, **asked, **self.common)
        return self.request(run, call)

    def request(self, request: Request, call: Call | None = None) -> Answer:
        """Return the worker's answer to a request.

        Raises:
            StudentFault: the submission is the reason that there is none.
            CheckError: the check is.
        """
        __tracebackhide__ = True
        subject = str(call) if call is not None else "the module"
        if self._responding:
            raise TypeError("a function that a check has handed over cannot use the submission while it is called")
        if self._ended is not None:  # a check that tries again (hypothesis does) meets the same end
            raise self._ended
        message = self._message(request, subject)
        try:
            respond = self._respond if self.callbacks else None
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

    def _respond(self, question: bytes) -> bytes:
        """Answer a question of the worker: a call of a function that the check has handed over.

        Raises:
            MalformedMessage: it is no question.
            OverBudget: with what was answered before, it is more than a check may hold.
        """
        self._count(question)
        ask = protocol.read_question(question)
        if not 0 <= ask.number < len(self.callbacks):
            raise MalformedMessage("a question about a function that it does not have")
        args, kwargs = map_tree(self._incoming, (ask.args, ask.kwargs))
        self._responding = True
        try:
            value = self._outgoing(self.callbacks[ask.number](*args, **kwargs))
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
            text = f"passes {_ADVICE.split(str(error), maxsplit=1)[0]} to {subject}: it cannot cross"
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

    def require_usable(self) -> None:
        """Raise `Unusable` if the module cannot be used."""
        if self._tested.module.problem:
            raise Unusable(self._tested.module.problem)

    def _texts(self) -> dict[str, tuple[str, str]]:
        """Return the sources by module; a module that cannot be used says why when another imports it."""
        return {
            name: (module.filename, f"raise ModuleNotFoundError({module.problem!r})" if module.problem else module.text)
            for name, module in self._tested.sources.items()
        }
