"""Values on their way between a check and the student's code: which of them stay with the worker, and what stands for them."""

import functools
import threading
from collections.abc import Callable
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import nn
from autograder.worker import protocol
from autograder.worker.calls import listed_parameters
from autograder.worker.codec import Callback, Handle, Member, Recipe, Record, is_record, map_tree, record_of, refuse
from autograder.worker.frameworks import PYTORCH, Framework, make_module
from autograder.worker.namespace import Namespace
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
    revive,
    revive_member,
    stays,
)
from autograder.worker.protocol import Fault, read_reply

Ask = Callable[[bytes], bytes]


class Exchange:
    """The values of one check, and the objects that stay here.

    Args:
        names: the student's modules, whose classes are the student's own.

    Attributes:
        framework: the framework of the present call; it converts tensors and arrays.
        has_asked: True if the present call has put a question to the grader.
    """

    def __init__(self, names: Namespace) -> None:
        self._names = names
        self._objects = Objects()
        self._ask: Ask | None = None
        self._asking = threading.Lock()  # a student's threads may all call a function of the check
        self.framework: Framework = PYTORCH
        self.has_asked = False

    def begin(self, ask: Ask | None) -> None:
        """Begin a request.

        Args:
            ask: puts a question to the grader and returns its answer.
        """
        self._ask, self.has_asked, self.framework = ask, False, PYTORCH

    def end(self) -> None:
        """End a request: what the student's code keeps of it can ask nothing any more."""
        self._ask = None

    def release(self) -> None:
        """Let go of the objects that stay here, whatever still holds this exchange."""
        self._objects.clear()

    def object_at(self, number: int, device: str = "cpu") -> Any:
        """Return an object that stays here; a network is on the device then, wherever a student's function has made it."""
        held = self._objects[number]
        return held.to(device) if device != "cpu" and isinstance(held, nn.Module) else held

    def make(self, recipe: Recipe, device: str) -> nn.Module:
        """Return the network of a recipe, which stays here."""
        module = make_module(recipe, device)
        self._objects.hold(module)
        return module

    def keep(self, value: object, function: Callable[..., object], name: str) -> object:
        """Return the handle of a value that a call has made and that stays here; any other value as it is."""
        is_made = (isinstance(function, type) and type(value) is function) or name in COPYING
        if is_made and stays(value, self._names.class_modules):
            return self._objects.hold(value)
        return self.keep_iterator(value)

    def keep_iterator(self, value: object) -> object:
        """Return the handle of an iterator, which stays here; anything else as it is."""
        if is_iterator(value) and not is_class_of(type(value), self._names.class_modules):
            return self._objects.hold_iterator(value) if not self._objects.holds(value) else self._objects.hold(value)
        return value

    def hold(self, value: object) -> object:
        """Return the handle of an object that stays here, or a list of the parameters that an optimizer would take.

        Raises:
            RefusedValue: the value is neither, and no record.
        """
        if self._objects.holds(value):
            return self._objects.hold(value)
        modules = self._names.class_modules
        own = is_class_of(type(value), modules)
        # An iterator of the student's own would be at its end once it was asked for all its items.
        parameters = None if own else listed_parameters(value)
        if parameters is not None:
            return parameters
        if is_record(value) and not isinstance(value, nn.Module):  # which may be a dataclass too
            tensors = self.framework.to_check
            return self._objects.hold_record(value, tensors) if own else record_of(value, tensors)
        if is_own_function(value, modules) or is_method(value):
            return self._objects.hold(value, "function")
        kept = (own or callable(value) or is_asynchronous(value)) and not isinstance(value, PLAIN_BASES)
        return self._objects.hold(value) if kept or isinstance(value, nn.Module) else refuse(value)

    def hold_whole(self, value: object) -> object:
        """Return the handle of a dataclass or a named tuple of the student's, in place of its fields; else as `hold`."""
        if is_record(value) and is_class_of(type(value), self._names.class_modules):
            return self._objects.hold(value)
        return self.hold(value)

    def revive(self, value: Any, device: str) -> Any:
        """Return what the student's code gets for a part of a request: the object of a handle, the function of a callback."""
        if isinstance(value, Recipe):
            return self.make(value, device)
        if isinstance(value, Handle):
            held = self.object_at(value.number, device)
            return getattr(held, value.type_name) if value.kind == "method" else held
        if isinstance(value, Record):
            with self.framework.running(device):
                fields = self.framework.to_student(value.fields)
            return revive(Record(value.type_name, fields, value.named_tuple, value.module), self._names.modules)
        if isinstance(value, Member):
            return revive_member(value, self._names.modules)
        if isinstance(value, Callback):
            if value.iterates:
                return items_of(self._callback(value))
            return self._names.function(value.name) if value.number < 0 else self._callback(value)
        return value

    def _callback(self, callback: Callback) -> Callable[..., Any]:
        """Return a function that has the grader call one of the check's."""

        def call(*args: Any, **kwargs: Any) -> Any:
            ask = self._ask  # of the present call, which may come after the one that was given the function
            if ask is None:
                raise TypeError(f"{callback.name} can be called while a call of the check lasts")
            try:
                given = self.framework.to_check((args, kwargs))
                question = protocol.write_question(protocol.Ask(callback.number, *given), self.hold)
            except RefusedValue as error:
                raise TypeError(f"{callback.name} was called with {error}") from None
            self.has_asked = True
            with self._asking:
                reply = read_reply(ask(question))
            if isinstance(reply, Fault):
                raise exception_of(reply)
            return self.framework.to_student(map_tree(functools.partial(self.revive, device="cpu"), reply.value))

        call.__name__ = call.__qualname__ = callback.name
        return call
