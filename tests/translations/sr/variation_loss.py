"""Губитак варијације: колико се суседни пиксели разликују."""

import torch
from torch import Tensor


def _check(images: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(f"images мора имати 4 димензије, а има их {images.dim()}")


def total_variation(images: Tensor) -> Tensor:
    _check(images)
    down = images[:, :, 1:, :] - images[:, :, :-1, :]
    right = images[:, :, :, 1:] - images[:, :, :, :-1]
    return down.abs().sum(dim=(1, 2, 3)) + right.abs().sum(dim=(1, 2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _check(images)
    # Само пиксели који имају и десног и доњег суседа.
    corner = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - corner
    dy = images[:, :, 1:, :-1] - corner
    return (dx.square() + dy.square() + eps).sqrt().sum(dim=(1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    return (total_variation(images) / images.shape[1:].numel()).mean()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    _check(images)
    noisy = images.detach()
    current = noisy.clamp(0, 1)
    for _ in range(steps):
        with torch.enable_grad():
            x = current.clone().requires_grad_()
            objective = (x - noisy).square().sum() + weight * total_variation(x).sum()
            (slope,) = torch.autograd.grad(objective, x)
        # Корак низбрдо, па назад у опсег пиксела.
        current = (current - learning_rate * slope).clamp(0, 1)
    return current
