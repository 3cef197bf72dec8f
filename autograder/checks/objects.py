"""Objects of a student's code, seen from a check: each use of one is a call that a worker carries out.

An instance of the student's classes, an `nn.Module` that their code makes, and an iterator stay with the worker: a check calls
their methods, reads their attributes and uses them with Python's operators as if they were here.
"""

import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.checks.call import Call
from autograder.checks.compare import Printed, show
from autograder.checks.crossing import SentIterator
from autograder.checks.functions import SPECIAL_NAMES, Caller, RemoteFunction, Unseen
from autograder.errors import (
    AutograderError,
    CheckError,
    CheckFailed,
    MalformedMessage,
    MissingAttribute,
    OverBudget,
    Raised,
    RefusedValue,
)
from autograder.worker import protocol
from autograder.worker.codec import BUILTIN_CLASSES, Callback, Handle, Recipe, Record, with_article
from autograder.worker.codec.message import class_or_instance, fields_named, leaves, map_tree

#: Most items that a check asks an iterator for: one may never end, and each crosses on its own.
_MOST_ITEMS = 10_000


class RemoteObject:
    """An object that lives with the worker. Its methods, attributes and operators are the student's."""

    def __init__(self, submission: Any, handle: Handle) -> None:
        self.__dict__.update(_submission=submission, _handle=handle)

    __doc__ = Unseen("the docstring")

    @property
    def _label(self) -> str:
        """Return how the object came about, as a check wrote it: `Stump(max_depth=2)`."""
        return str(self._submission._labels.get(self._handle.number, self._handle.type_name))

    @property
    def _words(self) -> str:
        """Return the words for the object as a value in a sentence."""
        return with_article(self._handle.type_name) if self._handle.type_name == "function" else self._label

    def _record(self, like: Record) -> object:
        """Return the object's fields as a record, to be compared with another; the object itself if its class is another."""
        if self._handle.type_name != like.type_name:
            return self
        return Record(like.type_name, {name: getattr(self, name) for name in like.fields}, like.named_tuple)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in SPECIAL_NAMES:
            raise AttributeError(name)
        __tracebackhide__ = True
        value = self._submission._call(Call(name, (), {}, on=self, get=True))
        return RemoteMethod(self, name) if isinstance(value, Handle) else value

    def __setattr__(self, name: str, value: object) -> None:
        _use(self, "__setattr__", name, value)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        __tracebackhide__ = True
        return self._submission._call(Call("__call__", args, kwargs, on=self))

    def __iter__(self) -> Iterator[Any]:
        __tracebackhide__ = True
        if _is_asked_by("_pytest.assertion."):
            raise TypeError  # pytest explains an `assert`
        found = _use(self, "__iter__")
        # A worker gives an empty iterator, or one of parameters, as a list.
        return iter(found) if isinstance(found, list) else found

    def __next__(self) -> Any:
        return _next(self, "__next__")

    def __bool__(self) -> bool:
        return _use(self, "__bool__") is not False

    def __len__(self) -> int:
        return _expect(int, _use(self, "__len__"))  # type: ignore[no-any-return] # it is that, or raises

    def __contains__(self, value: object) -> bool:
        return _use(self, "__contains__", value) is not False

    def __repr__(self) -> str:
        if _is_asked_by("_pytest."):
            return self._label  # pytest explains an `assert`: the check itself has not asked for it
        return _expect(str, _use(self, "__repr__"))  # type: ignore[no-any-return] # it is that, or raises

    def __str__(self) -> str:
        return _expect(str, _use(self, "__str__"))  # type: ignore[no-any-return] # it is that, or raises

    def __format__(self, spec: str) -> str:
        return str(_expect(str, _use(self, "__format__", spec))) if spec else str(self)

    def __hash__(self) -> int:
        return int(_expect(int, _use(self, "__hash__")))

    def __int__(self) -> int:
        return int(_expect(int, _use(self, "__int__")))

    def __index__(self) -> int:
        return int(_expect(int, _use(self, "__index__")))

    def __float__(self) -> float:
        return float(_expect(float, _use(self, "__float__")))

    def __complex__(self) -> complex:
        return complex(_expect(complex, _use(self, "__complex__")))

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> Any:
        return _swallowed(error, _use(self, "__exit__", *_kinds_and_text(error)))

    async def __anext__(self) -> Any:
        try:
            return await _use(self, "__anext__")
        except Raised as error:
            if error.kinds[0] == "StopAsyncIteration":
                raise StopAsyncIteration from None
            raise

    async def __aenter__(self) -> Any:
        return await _use(self, "__aenter__")

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> Any:
        return _swallowed(error, await _use(self, "__aexit__", *_kinds_and_text(error)))

    def __deepcopy__(self, memo: object) -> Any:
        return _use(self, "__deepcopy__")


class RemoteDataclass(RemoteObject):
    """An instance of a student's dataclass that lives with the worker. `dataclasses` takes it for one here, too."""

    @class_or_instance
    def __dataclass_fields__(self) -> dict[str, Any]:
        return fields_named(_use(self, "__fields__"))

    @property  # type: ignore[misc] # `dataclasses.replace` makes another of it
    def __class__(self) -> type:
        make = RemoteFunction(self._submission, self._handle.type_name)
        return type(make.__name__, (RemoteDataclass,), {"__new__": lambda _, **fields: make(**fields)})


class RemoteGenerator(RemoteObject):
    """A generator that lives with the worker. It passes for one here, too."""

    @property  # type: ignore[misc] # `isinstance` asks for it
    def __class__(self) -> type:
        return types.GeneratorType

    def send(self, value: object) -> Any:
        """Return what the student's generator yields next, when this is what its `yield` gives."""
        return _next(self, "send", value)

    def throw(self, error: Any, *_: object) -> Any:
        """Return what the student's generator yields next, when its `yield` raises this."""
        return _next(self, "__throw__", *_kinds_and_text(error() if isinstance(error, type) else error))


def object_of(submission: Caller, handle: Handle) -> RemoteObject:
    """Return the object of a handle."""
    if handle.type_name == "generator":
        return RemoteGenerator(submission, handle)
    return (RemoteDataclass if handle.kind == "dataclass" else RemoteObject)(submission, handle)


def _is_asked_by(package: str) -> bool:
    """Return True if an operation of an object, which calls this, is used by a module of a package."""
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith(package)


def _kinds_and_text(error: BaseException | None) -> tuple[list[str] | None, str]:
    """Return what a worker can make the exception of: the names of its kinds, and its text."""
    return (None, "") if error is None else ([kind.__name__ for kind in type(error).__mro__], str(error))


def _next(value: RemoteObject, name: str, *args: object) -> Any:
    """Return what an iterator gives.

    Raises:
        StopIteration: it has ended.
        OverBudget: it has given so much that it may have no end.
    """
    given = value.__dict__["_given"] = value.__dict__.get("_given", 0) + 1
    if given > _MOST_ITEMS:
        raise OverBudget(f"{value._label} has given {_MOST_ITEMS:,} items, and a check asks for no more")
    try:
        return _use(value, name, *args)
    except Raised as error:
        if error.kinds[0] == "StopIteration":
            raise StopIteration from None
        raise


def _use(value: RemoteObject, name: str, *args: object) -> Any:
    __tracebackhide__ = True
    return value._submission._call(Call(name, args, {}, on=value))


def _swallowed(error: BaseException | None, answer: object) -> object:
    """Return what the student's `__exit__` has answered; False if the check itself has failed, which no student decides."""
    own = isinstance(error, AssertionError | AutograderError) and not isinstance(error, Raised)
    return answer if error is None or (isinstance(error, Exception) and not own) else False


def _expect(kind: type, value: object) -> Any:
    if type(value) is not kind:
        raise CheckFailed(f"returned {show(value)}, expected a value of type {kind.__name__}", value)
    return value


def _operator(name: str) -> Any:
    def operate(self: RemoteObject, *args: object) -> Any:
        __tracebackhide__ = True
        return _use(self, name, *args)

    return operate


for _name in (
    *("reversed", "getitem", "setitem", "delitem", "delattr", "enter", "aiter", "copy"),
    *("abs", "neg", "pos", "invert", "round", "divmod", "rdivmod"),
    *("lt", "le", "gt", "ge", "eq", "ne"),
    *(
        f"{side}{name}"
        for side in ("", "r", "i")
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")
    ),
    *(f"{side}{name}" for side in ("", "r", "i") for name in ("matmul", "and", "or", "xor", "lshift", "rshift")),
):
    setattr(RemoteObject, f"__{_name}__", _operator(f"__{_name}__"))


class RemoteMethod:
    """A method of an object that lives with the worker."""

    def __init__(self, owner: RemoteObject, name: str) -> None:
        self.owner = owner
        self.__name__ = name

    __doc__ = Unseen("the docstring")
    __signature__ = Unseen("the arguments")

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Return what the method returns for these arguments."""
        __tracebackhide__ = True
        return self.owner._submission._call(Call(self.__name__, args, kwargs, on=self.owner))


class RemoteModule(RemoteObject):
    """An `nn.Module` that lives with the worker.

    Attributes:
        recipe: that it was made from, if it was sent and not made by the student's code.
    """

    recipe: Recipe | None

    def __init__(self, submission: Any, handle: Handle, recipe: Recipe | None = None) -> None:
        super().__init__(submission, handle)
        self.__dict__["recipe"] = recipe

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except MissingAttribute as error:  # it was taken for something else, a tensor for one
            raise AttributeError(str(error)) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteModule) and self._handle == other._handle

    def __hash__(self) -> int:
        return hash(self._handle)

    @property
    def _label(self) -> str:
        """Return the name of its type, by which a sentence names a call of it."""
        return str(self._handle.type_name)

    @property
    def _words(self) -> str:
        """Return one word for every model: in a sentence all look alike."""
        return "module"

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return "module"

    __str__ = __repr__

    def inspect(self) -> dict[str, Any]:
        """Return what the worker says of the module; every word of it may be the student's own.

        Returns:
            Its `state` dict, the names of submodules in `training` mode and of `frozen` parameters, its number of `hooks`,
            and a model's `classes` (None if it has no list or tuple of names).
        """
        link = self._submission._link
        answer = link.request(protocol.Inspect(self._handle.number, **link.common))
        try:
            return dict(vars(protocol.read_inspection(answer.value)))
        except MalformedMessage as error:
            raise RefusedValue(f"{with_article(self._handle.type_name)} answered with {error}") from error


def assert_module(value: object) -> None:
    """Fail unless a submission has returned an `nn.Module`, which stays with the worker."""
    if not isinstance(value, RemoteModule):
        raise CheckFailed(f"returned {show(value)}, expected a module", value)


@dataclass(frozen=True)
class Program:
    """The end of a run of a student's program.

    Attributes:
        output: what it has printed.
        error: what it has written to `sys.stderr`, a traceback among that.
        exit_code: 0 if it came to its end.
        files: what it has written into its folder, by name; bytes if it is no text.
    """

    output: Printed
    error: Printed
    exit_code: int
    files: dict[str, str | bytes]

    @property
    def _words(self) -> str:
        """Return the words for the end of a program as a value in a sentence."""
        return f"exit code {self.exit_code} and the output {show(self.output)}"

    @classmethod
    def of(cls, finished: protocol.Finished) -> "Program":
        """Return the end of a program as a check sees it."""
        error = Printed(finished.error.decode("utf-8", "replace"), "wrote to stderr")
        files = {name: _text_or_bytes(data) for name, data in finished.files.items()}
        return cls(Printed(finished.output.decode("utf-8", "replace")), error, finished.code, files)


def objects_in(value: object) -> list[RemoteObject]:
    """Return the objects in a tree of values that stay with the worker."""
    return [each for each in leaves(value) if isinstance(each, RemoteObject)]


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def with_handles(value: object) -> object:
    """Return a value in which the worker's own objects are what it knows them by."""
    return map_tree(lambda part: part._handle if isinstance(part, RemoteObject) else part, value)


def callback_of(value: Any, callbacks: list[Any]) -> object:
    """Return the stand-in for a function or an iterator that a check hands over; any other value as it is.

    Args:
        value: the value of a call.
        callbacks: the functions that were handed over in it so far.

    Raises:
        CheckError: it is a class that the worker does not have.
    """
    if isinstance(value, RemoteFunction):
        return Callback(-1, value.__name__)
    if isinstance(value, RemoteMethod):
        return Handle(value.owner._handle.number, value.__name__, "method")
    if isinstance(value, SentIterator):
        callbacks.append(iter(value).__next__)
        return Callback(len(callbacks) - 1, "iterator", iterates=True)
    if type(value) is type and BUILTIN_CLASSES.get(value.__name__) is value:
        return value
    if isinstance(value, type):
        raise CheckError(
            f"the check passes the class {value.__name__}, and only Python's own classes cross, such as int or ValueError; "
            "pass a function that calls it"
        )
    if not callable(value) or isinstance(value, RemoteObject):
        return value
    callbacks.append(value)
    return Callback(len(callbacks) - 1, getattr(value, "__name__", type(value).__name__))
