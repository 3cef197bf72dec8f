"""Kehilangan variasi, ditulis daripada skeleton bahasa Melayu: hirisan dan autograd."""

import torch
from torch import Tensor


def semak(images: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(f"images mesti 4-D, bukan {images.dim()}-D")


def total_variation(images: Tensor) -> Tensor:
    semak(images)
    menegak = images[:, :, 1:, :] - images[:, :, :-1, :]
    mendatar = images[:, :, :, 1:] - images[:, :, :, :-1]
    return menegak.abs().sum((1, 2, 3)) + mendatar.abs().sum((1, 2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    semak(images)
    sudut = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - sudut
    dy = images[:, :, 1:, :-1] - sudut
    return (dx * dx + dy * dy + eps).sqrt().sum((1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    semak(images)
    return (total_variation(images) / images[0].numel()).mean()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    semak(images)
    berhingar = images.detach()
    x = berhingar.clone()
    for _ in range(steps):
        x.requires_grad_()
        with torch.enable_grad():
            objektif = ((x - berhingar) ** 2).sum() + weight * total_variation(x).sum()
            (kecerunan,) = torch.autograd.grad(objektif, x)
        x = (x.detach() - learning_rate * kecerunan).clamp(0, 1)
    return x.clamp(0, 1)
