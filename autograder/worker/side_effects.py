"""Find the side effects of a call: arguments changed in place, modules left in another state, random numbers drawn."""

import contextlib
import ctypes
import functools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from autograder.errors import RefusedValue
from autograder.worker.codec import Limits, encode
from autograder.worker.protocol import Inspection, SideEffect

#: A key of 624 numbers of 32 bits, and the place in it.
_MT19937_BYTES = 625 * 4


RandomState = tuple[bytes, bytes, int]


@dataclass
class RandomWatch:
    """Changes of the global random state during a call.

    Attributes:
        drawn: numbers were drawn from it, or it was seeded, otherwise than by starting to read a `DataLoader`.
    """

    drawn: bool = False
    _by_loaders: list[tuple[RandomState, RandomState]] = field(default_factory=list)

    def compare(self, before: RandomState, after: RandomState) -> None:
        for earlier, later in self._by_loaders:
            before = later if earlier == before else before
        self.drawn = before != after


@contextlib.contextmanager
def watch_random_state(device: str) -> Iterator[RandomWatch]:
    """Watch every global source of random numbers that the code inside may draw from on this device.

    Each reading of a `DataLoader` draws one number at its beginning, as a seed for its processes, even if it has none and
    does not shuffle. Nothing depends on that number, so it does not count.
    """
    watch, make_iterator = RandomWatch(), DataLoader.__iter__

    @functools.wraps(make_iterator)
    def noted(loader: Any) -> Any:
        earlier = _random_state(device)
        iterator = make_iterator(loader)
        watch._by_loaders.append((earlier, _random_state(device)))
        return iterator

    DataLoader.__iter__ = noted  # type: ignore[method-assign]
    before = _random_state(device)
    try:
        yield watch
    finally:
        DataLoader.__iter__ = make_iterator  # type: ignore[method-assign]
        watch.compare(before, _random_state(device))


def _random_state(device: str) -> RandomState:
    of_device = torch.get_device_module(device).get_rng_state().numpy().tobytes() if device != "cpu" else b""
    return (
        torch.get_rng_state().numpy().tobytes() + of_device,
        _numpy_state(),
        hash(random.getstate()),
    )


def _numpy_state() -> bytes:
    """Return the memory of numpy's generator. Its own way to tell loops over all numbers, longer than most calls take."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined] # numpy's types lack it
    if type(generator) is np.random.MT19937:
        return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)
    return repr(generator.state).encode()


def state_of(value: object) -> dict[str, object]:
    """Return everything about an argument that a function could change behind the caller's back."""
    if isinstance(value, nn.Module):
        return _condition(value)
    try:
        return {"value": encode(value, lambda inner: repr(type(inner)), Limits(bytes=2**40), grad=False)}
    except RefusedValue:
        return {}


def _condition(module: nn.Module) -> dict[str, object]:
    children = dict(module.named_modules())
    parameters = dict(module.named_parameters())
    return {
        "weights": {name: encode(value.detach(), grad=False) for name, value in module.state_dict().items()},
        "training mode": {name: child.training for name, child in children.items()},
        "requires_grad": {name: parameter.requires_grad for name, parameter in parameters.items()},
        "gradients": {
            name: None if parameter.grad is None else encode(parameter.grad) for name, parameter in parameters.items()
        },
        "hooks": {name: _hooks(child) for name, child in children.items()},
    }


def _hooks(module: nn.Module) -> int:
    return sum(len(value) for key, value in vars(module).items() if key.endswith("_hooks") and value)


def differences(
    before: dict[str, dict[str, object]], arguments: dict[str, object]
) -> tuple[list[str], list[SideEffect]]:
    """Return the names of the arguments that were changed in place, and what stayed behind on modules."""
    changed: list[str] = []
    left: list[SideEffect] = []
    for name, value in arguments.items():
        after = state_of(value)
        if isinstance(value, nn.Module):
            left += [(name, kind, _differing(before[name][kind], after[kind])) for kind in after]
        elif after != before[name]:
            changed.append(name)
    return changed, [effect for effect in left if effect[2]]


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
