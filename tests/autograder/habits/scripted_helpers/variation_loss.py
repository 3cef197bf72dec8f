"""Helpers compiled by torch.jit."""

import torch
from torch import Tensor


@torch.jit.script
def steps(x: Tensor, dim: int) -> Tensor:
    return (x.narrow(dim, 1, x.size(dim) - 1) - x.narrow(dim, 0, x.size(dim) - 1)).abs().flatten(1).sum(1)


@torch.jit.script
def average(totals: Tensor, size: int) -> Tensor:
    return (totals / size).mean()


def total_variation(images):
    if images.ndim != 4:
        raise ValueError(f"images must be 4-D, not {images.ndim}-D")
    return steps(images, 2) + steps(images, 3)


def variation_loss(images):
    return average(total_variation(images), images[0].numel())
