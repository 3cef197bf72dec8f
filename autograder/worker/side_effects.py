"""What a call leaves behind: arguments changed in place, modules left in another state, random numbers drawn."""

import ctypes
import random
from typing import Any

import numpy as np
import torch
from torch import nn

from autograder.errors import RefusedValue
from autograder.worker.codec import Limits, encode

#: A key of 624 numbers of 32 bits, and the place in it.
_MT19937_BYTES = 625 * 4


def random_state(device: str) -> tuple[bytes, bytes, int]:
    """The states of every global source of random numbers that a call on this device may draw from."""
    of_device = torch.get_device_module(device).get_rng_state().numpy().tobytes() if device != "cpu" else b""
    return (
        torch.get_rng_state().numpy().tobytes() + of_device,
        _numpy_state(),
        hash(random.getstate()),
    )


def _numpy_state() -> bytes:
    """The memory of numpy's generator: its own way to tell is a loop over all numbers, and takes longer than most calls."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined] # numpy's types lack it
    if type(generator) is np.random.MT19937:
        return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)
    return repr(generator.state).encode()


def state_of(value: object) -> dict[str, object]:
    """Everything about an argument that a function could change behind the caller's back."""
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
) -> tuple[list[str], list[list[object]]]:
    changed: list[str] = []
    left: list[list[object]] = []
    for name, value in arguments.items():
        after = state_of(value)
        if isinstance(value, nn.Module):
            left += [[name, kind, _differing(before[name][kind], after[kind])] for kind in after]
        elif after != before[name]:
            changed.append(name)
    return changed, [entry for entry in left if entry[2]]


def _differing(before: Any, after: Any) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def inspection(module: nn.Module) -> dict[str, object]:
    return {
        "state": {name: value.detach().clone() for name, value in module.state_dict().items()},
        "training": [name for name, child in module.named_modules() if child.training],
        "frozen": [name for name, parameter in module.named_parameters() if not parameter.requires_grad],
        "hooks": sum(_hooks(child) for child in module.modules()),
        "classes": _names(getattr(module, "classes", None)),
    }


def _names(classes: object) -> list[str] | None:
    """The names in a model's `classes`, where it has some."""
    return [str(name) for name in classes] if isinstance(classes, list | tuple) else None
