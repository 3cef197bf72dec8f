"""Variation loss: gaano magkaiba ang magkatabing pixel."""

import torch
from torch import Tensor


def _check(images: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(f"images: dapat 4-D, ngunit {tuple(images.shape)} ang shape")


def total_variation(images: Tensor) -> Tensor:
    _check(images)
    down = images[:, :, 1:, :] - images[:, :, :-1, :]
    right = images[:, :, :, 1:] - images[:, :, :, :-1]
    return down.abs().sum(dim=(1, 2, 3)) + right.abs().sum(dim=(1, 2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _check(images)
    # Ang mga pixel lamang na may katabi sa kanan at may katabi rin sa ibaba.
    here = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - here
    dy = images[:, :, 1:, :-1] - here
    return (dx.square() + dy.square() + eps).sqrt().sum(dim=(1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    _check(images)
    _, channels, height, width = images.shape
    return (total_variation(images) / (channels * height * width)).mean()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    _check(images)
    noisy = images.detach()
    x = noisy.clone()
    for _ in range(steps):
        with torch.enable_grad():
            x.requires_grad_(True)
            objective = (x - noisy).square().sum() + weight * total_variation(x).sum()
            (gradient,) = torch.autograd.grad(objective, x)
        # Nananatili sa [0, 1] pagkatapos ng bawat hakbang.
        x = (x.detach() - learning_rate * gradient).clamp(0, 1)
    return x.clamp(0, 1).detach()
