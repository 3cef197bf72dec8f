"""One call of a student's function: its arguments placed on the device, its gradient, and what it leaves behind.

Checks compute on the CPU. What they pass crosses from there and back; a student's code sees it on the device of the run.
"""

import contextlib
import inspect
import io
import itertools
import sys
import warnings
from collections.abc import Callable, ItemsView, Iterator, ValuesView
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import Tensor, is_loaded, nn, torch
from autograder.worker import protocol, side_effects
from autograder.worker.codec import leaves, map_tree
from autograder.worker.frameworks import PYTORCH, Framework
from autograder.worker.modules import run_awaited
from autograder.worker.objects import is_iterator
from autograder.worker.protocol import Answer, Fault

#: Options of `inspect.signature`. From Python 3.14 on, annotations are evaluated late and may name what is not there.
_ANNOTATIONS: dict[str, Any] = {}
if sys.version_info >= (3, 14):
    import annotationlib

    _ANNOTATIONS["annotation_format"] = annotationlib.Format.STRING
#: An iterator may never end; no network has more parameters.
_MOST_PARAMETERS = 100_000
#: So many letters are kept of what a call prints.
_KEPT_PRINTS = 100_000


def make_call(
    function: Callable[..., object], request: protocol.Invoke, framework: Framework = PYTORCH
) -> Answer | Fault:
    """Call a function and return what came of it.

    Args:
        function: the student's.
        request: its arguments are values and modules, no recipes and no handles.
        framework: what the function computes with.

    Raises:
        RefusedValue: the output has no gradient, or lies on another device than the input.
        BaseException: whatever the function raises.
    """
    device = request.device
    data = has_data([request.args, request.kwargs])
    args, kwargs = place((request.args, request.kwargs), device, data)
    arguments = _arguments_by_name(function, args, kwargs)
    if isinstance(arguments, str):  # they do not fit
        return Fault("signature", arguments, signature=_signature(function))
    arguments |= dict(side_effects.modules_inside(arguments))
    before = {name: side_effects.state_of(value) for name, value in arguments.items()}
    differentiating = side_effects.computes_gradients()
    with (
        framework.running(device),
        _compute_exactly(device),
        side_effects.watch_random_state(device) as random_state,
        watch_prints("stdout") as printed,
        watch_prints("stderr") as complained,
        _watch_warnings(request.warned) as warned,
    ):
        if request.of is None:
            value, awaited = _run_coroutine(framework.call(function, args, kwargs))
        else:
            weights = place(request.weights, device, False)
            value, awaited = framework.gradient(function, args, kwargs, request.of, weights), False
    changed, effects = side_effects.differences(before, arguments)
    if random_state.drawn:
        effects.append(("", "random state", ()))
    if differentiating and not side_effects.computes_gradients():
        effects.append(("", "gradients switched off", ()))
    if data:
        refuse_elsewhere(value, device)
    told = tuple((_kinds(each.category), str(each.message)) for each in warned)
    left = tuple(kwargs[place] if isinstance(place, str) else args[place] for place in request.mutable)
    return Answer(value, tuple(changed), tuple(effects), printed.data(), complained.data(), told, awaited, left=left)


def _run_coroutine(value: Any) -> tuple[Any, bool]:
    """Return what a coroutine gives, and True; any other value as it is, and False."""
    return (run_awaited(value), True) if inspect.iscoroutine(value) else (value, False)


def has_data(value: Any) -> bool:
    """Return True if there is a tensor or a module in a value: something that lies on some device."""
    return any(isinstance(leaf, Tensor | nn.Module) for leaf in leaves(value))


def place(value: Any, device: str, with_generators: bool) -> Any:
    """Return a value with its tensors on the device.

    A generator goes along if tensors do, as `torch.rand(x.shape, generator=g, device=x.device)` needs it; if it comes alone
    it stays on the CPU, as `torch.randn(3, 3, generator=g)` needs it. The state of a GPU's generator has another form, so
    that it starts from a number drawn from the CPU's: the same state gives the same numbers, another one gives others.
    """

    def move(leaf: Any) -> Any:
        if type(leaf) is torch.Tensor:
            return leaf.to(device).requires_grad_(leaf.requires_grad)
        if type(leaf) is torch.Generator and with_generators:
            seed = torch.randint(2**62, (), generator=leaf)
            return torch.Generator(device).manual_seed(int(seed))
        return leaf

    return value if device == "cpu" else map_tree(move, value)


@contextlib.contextmanager
def _compute_exactly(device: str) -> Iterator[None]:
    """Compute on a GPU as exactly as on the CPU, and the same each time.

    PyTorch leaves convolutions to the GPU's own choice of an algorithm and to TF32, which keeps 10 bits of a fraction.
    """
    if device == "cpu":
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False), warnings.catch_warnings():
        # An operation that has no deterministic algorithm warns, and computes all the same.
        warnings.filterwarnings("ignore", ".*deterministic")
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def refuse_elsewhere(value: Any, device: str) -> None:
    """Raise an error if an answer to data on the device lies elsewhere.

    Raises:
        RefusedValue: some tensor of the value is on another device.
    """
    for leaf in leaves(value):
        if type(leaf) is torch.Tensor and leaf.device.type not in (device, "meta"):
            raise RefusedValue(f"a tensor on {leaf.device}, expected it on the device of the input, {device}")


def _arguments_by_name(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> dict[str, object] | str:
    """Return the arguments under the names that the student gave them, or why they do not fit.

    A generator is named `generator`, whatever the student calls it, because a function may draw from it. Arguments that a
    function takes by `*args` are named by their place there, and all arguments are if Python cannot tell the signature.
    """
    try:
        signature = _signature_of(function)
    except (TypeError, ValueError):
        return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        if _takes(function, args, kwargs):  # a wrapper adds what the wrapped function needs
            return {**{str(i): value for i, value in enumerate(args)}, **kwargs}
        return str(error)
    names: dict[str, object] = {}
    for name, value in bound.arguments.items():
        match signature.parameters[name].kind:
            case inspect.Parameter.VAR_POSITIONAL:
                names |= {f"{name}[{i}]": each for i, each in enumerate(value)}
            case inspect.Parameter.VAR_KEYWORD:
                names |= value
            case _:
                names[name] = value
    return {"generator" if _is_generator(value) else name: value for name, value in names.items()}


def _is_generator(value: object) -> bool:
    """Return True for a generator of torch; told by name, as a student's code may have replaced its class."""
    return (type(value).__module__, type(value).__name__) == ("torch._C", "Generator")


def _takes(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> bool:
    """Return True if the function itself takes these, whatever the one does that it says to wrap."""
    try:
        _signature_of(function, follow_wrapped=False).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return False
    return True


def _signature_of(function: Callable[..., object], *, follow_wrapped: bool = True) -> inspect.Signature:
    """Return what a function takes; a module takes what its forward pass does."""
    if is_loaded("torch") and isinstance(function, nn.Module):
        function = function.forward
    return inspect.signature(function, follow_wrapped=follow_wrapped, **_ANNOTATIONS)


def _signature(function: Callable[..., object]) -> str:
    return "(" + ", ".join(_signature_of(function).parameters) + ")"


def listed_parameters(value: object) -> list[object] | None:
    """Return the items of an iterator, a view or a ParameterList, or None if one of them is no (named) parameter."""
    if not (is_iterator(value) or isinstance(value, ValuesView | ItemsView | nn.ParameterList)):
        return None
    items = list(itertools.islice(value, _MOST_PARAMETERS))
    parameters = [item[1] if type(item) is tuple and len(item) == 2 else item for item in items]
    return items if all(isinstance(parameter, nn.Parameter) for parameter in parameters) else None


class _Prints(io.TextIOBase):
    """Stand-in for a stream: passes on what is written, and keeps the beginning of it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._kept: list[str] = []
        self._room = _KEPT_PRINTS

    # The base class defines both as None, so `__getattr__` would never be asked for them.
    encoding = property(lambda self: self._stream.encoding)
    errors = property(lambda self: self._stream.errors)

    def write(self, text: str) -> int:
        self._stream.write(text)
        self._keep(text)
        return len(text)

    @property
    def buffer(self) -> "_PrintedBytes":
        return _PrintedBytes(self._stream.buffer, lambda data: self._keep(data.decode("utf-8", "replace")))

    def flush(self) -> None:
        self._stream.flush()

    def __del__(self) -> None:
        """Do nothing: to close it would flush the stream, which may be closed."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def data(self) -> bytes:
        return "".join(self._kept).encode("utf-8", "replace")

    def _keep(self, text: str) -> None:
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)


class _PrintedBytes(io.BufferedIOBase):
    """Stand-in for the bytes below a stream: passes on what is written, and keeps it."""

    def __init__(self, buffer: Any, keep: Callable[[bytes], None]) -> None:
        self._buffer = buffer
        self._keep = keep

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer.write(data)
        self._keep(bytes(data))
        return len(data)

    def flush(self) -> None:
        self._buffer.flush()

    def __del__(self) -> None:
        """Do nothing: to close it would close the stream."""


@contextlib.contextmanager
def watch_prints(name: str = "stdout") -> Iterator[_Prints]:
    """Keep what the code inside prints to a stream of `sys`, and let it be printed all the same."""
    stream = getattr(sys, name)
    prints = _Prints(stream)
    setattr(sys, name, prints)
    try:
        yield prints
    finally:
        if getattr(sys, name) is prints:
            setattr(sys, name, stream)


@contextlib.contextmanager
def _watch_warnings(asked: bool) -> Iterator[list[warnings.WarningMessage]]:
    """Keep the warnings of the code inside if they are asked for, as `pytest.warns` would."""
    if not asked:
        yield []
        return
    with warnings.catch_warnings(record=True) as kept:
        warnings.simplefilter("always")
        yield kept


def _kinds(kind: type) -> tuple[str, ...]:
    return tuple(base.__name__ for base in kind.__mro__ if base is not object)
