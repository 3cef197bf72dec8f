"""Imej ideal, ditulis daripada skeleton bahasa Melayu: penurunan biasa, langkah demi langkah."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logit = model(images)
    return F.cross_entropy(logit, torch.full((len(logit),), target))


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    beza = images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()
    return class_loss(model, images, target) + variation_weight * beza / images.numel()


def turun(
    model: nn.Module, images: Tensor, target: int, learning_rate: float, variation_weight: float
) -> tuple[Tensor, float]:
    """Kembalikan imej seterusnya, dan kehilangan sebelum langkah itu."""
    piksel = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        kehilangan = ideal_loss(model, piksel, target, variation_weight)
        (kecerunan,) = torch.autograd.grad(kehilangan, piksel)
    return (piksel.detach() - learning_rate * kecerunan).clamp(0, 1), kehilangan.item()


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    return turun(model, images, target, learning_rate, variation_weight)[0]


def ideal_image(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 5.0,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    gambar = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    perjalanan = []
    for _ in range(steps):
        gambar, kehilangan = turun(model, gambar, target, learning_rate, variation_weight)
        perjalanan.append(kehilangan)
    return gambar, perjalanan
