"""Where a call computes: values come from the CPU and go back; a student's code sees them on the device of the run."""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.errors import RefusedValue


def has_data(value: Any) -> bool:
    """Whether there is a tensor or a module in it: something that lies on some device."""
    return any(isinstance(leaf, Tensor | nn.Module) for leaf in _leaves(value))


def placed(value: Any, device: str, with_generators: bool) -> Any:
    """The value with its tensors on the device.

    A generator goes along where tensors do, as `torch.rand(x.shape, generator=g, device=x.device)` needs it; where it comes
    alone it stays on the CPU, as `torch.randn(3, 3, generator=g)` needs it.
    """
    if device == "cpu":
        return value
    if type(value) is Tensor:
        return value.to(device).requires_grad_(value.requires_grad)
    if type(value) is torch.Generator and with_generators:
        return torch.Generator(device).manual_seed(value.initial_seed())
    if type(value) in (list, tuple):
        return type(value)(placed(item, device, with_generators) for item in value)
    if type(value) is dict:
        return {key: placed(item, device, with_generators) for key, item in value.items()}
    return value


def refuse_elsewhere(value: Any, device: str) -> None:
    """Sees that what came from data on the device has stayed there.

    Raises:
        RefusedValue: some tensor of the value is on another device.
    """
    for leaf in _leaves(value):
        if type(leaf) is Tensor and leaf.device.type not in (device, "meta"):
            raise RefusedValue(f"a tensor on {leaf.device}, expected it on the device of the input, {device}")


def _leaves(value: Any) -> list[Any]:
    """What lies in nested containers; each of those is entered once, as it may hold itself."""
    leaves, waiting, entered = [], [value], set()
    while waiting:
        each = waiting.pop()
        if type(each) not in (list, tuple, dict):
            leaves.append(each)
        elif id(each) not in entered:
            entered.add(id(each))
            waiting += each.values() if type(each) is dict else each
    return leaves
