"""Functions and classes of a student's module, seen from a check: each use of one is a call that a worker carries out."""

from collections.abc import Coroutine, Generator, Iterator
from typing import Any, NoReturn, Protocol

from autograder.checks.call import Call
from autograder.errors import CheckError
from autograder.libraries import Tensor

#: Names of attributes that a check may ask for although they begin with an underscore.
SPECIAL_NAMES = ("__name__", "__qualname__", "_asdict", "_replace", "_fields", "_field_defaults")


class Caller(Protocol):
    """Interface that carries out the calls of a check: a student's module from afar."""

    #: How each object came about, by its number.
    _labels: dict[int, str]

    def _call(self, call: Call) -> Any: ...

    def _attribute(self, name: str) -> Any: ...


class Unseen:
    """An attribute that tells nothing of the student's function or class: a check that reads it gets an error."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __get__(self, instance: Any, owner: type) -> None:
        if instance is not None:
            name = getattr(instance, "_label", "") or getattr(instance, "__name__", "the module")
            raise CheckError(f"a check does not see {self._words} of {name}")


class RemoteFunction:
    """A function or a class of the student's module, or a method of a class."""

    def __init__(self, submission: Caller, name: str) -> None:
        self._submission = submission
        self.__name__ = name

    __doc__ = Unseen("the docstring")
    __signature__ = Unseen("the arguments")

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """Return what the student's function returns for these arguments, or an object of the student's class."""
        __tracebackhide__ = True
        return self._submission._call(Call(self.__name__, args, kwargs))

    def __repr__(self) -> str:
        return self.__name__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name not in SPECIAL_NAMES:
            raise AttributeError(name)
        __tracebackhide__ = True
        return self._submission._attribute(f"{self.__name__}.{name}")

    def _use_operator(self, name: str, *args: object) -> Any:
        """Return what one of Python's operators gives for an enumeration."""
        __tracebackhide__ = True
        return self._submission._call(Call(f"{self.__name__}.{name}", args, {}))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._use_operator("__iter__"))

    def __len__(self) -> int:
        return int(self._use_operator("__len__"))

    def __bool__(self) -> bool:
        return True

    def __getitem__(self, name: object) -> Any:
        return self._use_operator("__getitem__", name)

    def __contains__(self, value: object) -> bool:
        return self._use_operator("__contains__", value) is True

    def __instancecheck__(self, value: object) -> bool:
        __tracebackhide__ = True
        return self._submission._call(Call(f"{self.__name__}.__instancecheck__", (value,), {})) is True

    def __subclasscheck__(self, kind: object) -> bool:
        __tracebackhide__ = True
        return self._submission._call(Call(f"{self.__name__}.__subclasscheck__", (kind,), {})) is True

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


class Awaited(Coroutine[Any, Any, Any]):
    """The coroutine of a student's `async def`: it has run to its end in the worker, and awaiting it gives its result."""

    def __init__(self, value: object) -> None:
        self._value = value

    def send(self, _: object) -> NoReturn:
        raise StopIteration(self._value)

    def throw(self, error: Any, *_: object) -> NoReturn:
        raise error

    def close(self) -> None:
        """Do nothing: it has ended."""

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._value
        yield  # which makes this a generator, as Python asks

    def __repr__(self) -> str:
        return "a coroutine that was not awaited"


Awaited.__name__ = "coroutine"  # what a sentence calls its type
