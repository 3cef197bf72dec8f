"""Idealus vaizdas: paveikslėlis, kurį tinklas laiko zebru."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _variation(images: Tensor) -> Tensor:
    steps = images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()
    return steps / images.numel()


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logits = model(images)
    return F.cross_entropy(logits, torch.full((len(logits),), target, dtype=torch.int64, device=logits.device))


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    return class_loss(model, images, target) + variation_weight * _variation(images)


def _descend(
    model: nn.Module, images: Tensor, target: int, learning_rate: float, variation_weight: float
) -> tuple[Tensor, float]:
    # Gradientas imamas tik pagal pikselius, todėl modelyje nieko nelieka.
    x = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = ideal_loss(model, x, target, variation_weight)
    (slope,) = torch.autograd.grad(loss, x)
    return (x.detach() - learning_rate * slope).clamp(0, 1), loss.item()


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    return _descend(model, images, target, learning_rate, variation_weight)[0]


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
    anchor = next(model.parameters(), torch.empty(0))
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed)).to(anchor.device)
    losses = []
    for _ in range(steps):
        image, loss = _descend(model, image, target, learning_rate, variation_weight)
        losses.append(loss)
    return image, losses
