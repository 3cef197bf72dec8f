"""Find the side effects of a call: on its arguments, on the global random state, and on modules."""

import contextlib
import ctypes
import functools
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import is_loaded, nn, np, torch
from autograder.worker.codec import Limits, encode, is_record, record_of
from autograder.worker.protocol import Inspection, SideEffect

#: A key of 624 numbers of 32 bits, and the place in it.
_MT19937_BYTES = 625 * 4


#: Random states of torch, numpy and Python; None for a library that has not been imported.
RandomState = tuple[bytes | None, bytes | None, int]


@dataclass
class RandomWatch:
    """Changes of the global random state during a call.

    Attributes:
        drawn: True if numbers were drawn or a seed was set, other than in what `watch_random_state` allows PyTorch.
        by_pytorch: states before and after each time that PyTorch drew by itself.
    """

    drawn: bool = False
    by_pytorch: list[tuple[RandomState, RandomState]] = field(default_factory=list)

    def compare(self, before: RandomState, after: RandomState) -> None:
        """Set `drawn` by the states before and after the call."""
        for earlier, later in self.by_pytorch:
            before = later if earlier == before else before
        self.drawn = any(one not in (None, other) for one, other in zip(before, after, strict=True))


@contextlib.contextmanager
def watch_random_state(device: str) -> Iterator[RandomWatch]:
    """Watch every global source of random numbers that the code inside may draw from on this device.

    Two things that PyTorch draws by itself do not count, as no result needs to depend on them: one number at the beginning
    of each reading of a `DataLoader`, a seed for its processes, even if it has none and does not shuffle; and the first
    weights of a layer, which the code may replace.
    """
    watch = RandomWatch()
    methods = _drawing_methods() if is_loaded("torch") else ()
    for owner, name, method in methods:
        setattr(owner, name, _noting_states(method, device, watch.by_pytorch))
    before = _random_state(device)
    try:
        yield watch
    finally:
        for owner, name, method in methods:
            setattr(owner, name, method)
        watch.compare(before, _random_state(device))


@functools.cache
def _drawing_methods() -> tuple[tuple[type, str, Callable[..., object]], ...]:
    """Return the methods in which PyTorch draws by itself, each with the class that defines it and its name."""
    layers = {
        kind for each in vars(sys.modules["torch.nn"]).values() if isinstance(each, type) for kind in each.__mro__
    }
    names = ("reset_parameters", "_reset_parameters")
    found = [(kind, name) for kind in layers for name in names if name in vars(kind)]
    return tuple((kind, name, vars(kind)[name]) for kind, name in [(torch.utils.data.DataLoader, "__iter__"), *found])


def _noting_states(
    method: Callable[..., object], device: str, noted: list[tuple[RandomState, RandomState]]
) -> Callable[..., object]:
    """Return a method that also notes the random states before and after each call of it."""

    @functools.wraps(method)
    def noting(*args: Any, **kwargs: Any) -> object:
        earlier = _random_state(device)
        value = method(*args, **kwargs)
        noted.append((earlier, _random_state(device)))
        return value

    return noting


def _random_state(device: str) -> RandomState:
    of_torch = torch.get_rng_state().numpy().tobytes() if is_loaded("torch") else None
    if of_torch is not None and device != "cpu":
        of_torch += torch.get_device_module(device).get_rng_state().numpy().tobytes()
    return of_torch, _numpy_state() if is_loaded("numpy") else None, hash(random.getstate())


def _numpy_state() -> bytes:
    """Return the state of NumPy's generator from its memory: NumPy itself needs longer to tell it than most calls take."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined] # numpy's types lack it
    if type(generator) is np.random.MT19937:
        return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)
    return repr(generator.state).encode()


def computes_gradients() -> bool:
    """Return True if operations on tensors are recorded, as they are by default: gradients are not switched off."""
    return not is_loaded("torch") or torch.is_grad_enabled()


def modules_inside(arguments: dict[str, object]) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules in lists and dicts, each under the name of its place, such as `models['small']` or `models[0]`."""
    for name, value in arguments.items():
        entries = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
        )
        for key, entry in entries:
            if isinstance(entry, nn.Module):
                yield f"{name}[{key!r}]", entry


def state_of(value: object) -> dict[str, object]:
    """Return everything about an argument that a function could change behind the caller's back."""
    if isinstance(value, nn.Module):
        return _condition(value)
    if isinstance(value, random.Random) or type(value).__module__.startswith("numpy.random"):
        return {}  # it is there to be drawn from
    try:
        return {"value": encode(value, _describe_record, Limits(bytes=2**40), grad=False)}
    except RefusedValue:
        return {}


def _describe_record(value: object) -> object:
    """Return the record of a named tuple or a dataclass; of any other object, what it is."""
    return record_of(value) if is_record(value) else repr(type(value))


def _condition(module: nn.Module) -> dict[str, object]:
    children = dict(module.named_modules())
    parameters = dict(module.named_parameters())
    return {
        "weights": {name: encode(value.detach(), grad=False) for name, value in module.state_dict().items()},
        "training mode": {name: child.training for name, child in children.items()},
        "requires_grad": {name: parameter.requires_grad for name, parameter in parameters.items()},
        "gradients": {name: _gradient(parameter) for name, parameter in parameters.items()},
        "hooks": {name: _hooks(child) for name, child in children.items()},
    }


def _gradient(parameter: nn.Parameter) -> object:
    """Return the gradient that stands on a parameter; None if there is none, or it is zero, as after `grad.zero_()`."""
    if parameter.grad is None:
        return None
    encoded = encode(parameter.grad)  # first, as it refuses what has no entries to count: sparse gradients
    return encoded if parameter.grad.count_nonzero() else None


def _hooks(module: nn.Module) -> int:
    return sum(len(value) for key, value in vars(module).items() if key.endswith("_hooks") and value)


def differences(
    before: dict[str, dict[str, object]], arguments: dict[str, object]
) -> tuple[list[str], list[SideEffect]]:
    """Return the names of the arguments that were changed in place, and what stayed behind on modules."""
    changed: list[str] = []
    effects: list[SideEffect] = []
    for name, value in arguments.items():
        after = state_of(value)
        if isinstance(value, nn.Module):
            effects += [(name, kind, _differing(before[name][kind], after[kind])) for kind in after]
        elif after != before[name]:
            changed.append(name)
    return changed, [effect for effect in effects if effect[2]]


def _differing(before: Any, after: Any) -> tuple[str, ...]:
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def inspection(module: nn.Module) -> Inspection:
    """Return the facts about a module, its weights copied."""
    classes = getattr(module, "classes", None)
    return Inspection(
        state={name: value.detach().clone() for name, value in module.state_dict().items()},
        training=[name for name, child in module.named_modules() if child.training],
        frozen=[name for name, parameter in module.named_parameters() if not parameter.requires_grad],
        hooks=sum(_hooks(child) for child in module.modules()),
        classes=[str(name) for name in classes] if isinstance(classes, list | tuple) else None,
    )
