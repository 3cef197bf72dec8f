"""Ideal image: ang larawang inaakala ng network na zebra."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _variation(x: Tensor) -> Tensor:
    total = x.diff(dim=2).abs().sum() + x.diff(dim=3).abs().sum()
    return total / x.numel()


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logits = model(images)
    targets = torch.full((len(logits),), target, dtype=torch.int64, device=logits.device)
    return F.cross_entropy(logits, targets)


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    return class_loss(model, images, target) + variation_weight * _variation(images)


def _look(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> tuple[float, Tensor]:
    # Ang loss at ang gradient nito ayon sa mga pixel lamang; walang naiiwan sa mga weight.
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        loss = ideal_loss(model, x, target, variation_weight)
        (gradient,) = torch.autograd.grad(loss, x)
    return loss.item(), gradient


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    _, gradient = _look(model, images, target, variation_weight)
    return (images.detach() - learning_rate * gradient).clamp(0, 1)


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
    # Mahinang noise sa paligid ng grey, mula sa sariling generator.
    noise = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    x = 0.4 + 0.2 * noise
    for parameter in model.parameters():
        x = x.to(parameter.device)
        break
    rate, velocity = learning_rate, torch.zeros_like(x)
    loss, gradient = _look(model, x, target, variation_weight)
    losses = []
    for _ in range(steps):
        velocity = 0.9 * velocity - rate * gradient
        candidate = (x + velocity).clamp(0, 1)
        new_loss, new_gradient = _look(model, candidate, target, variation_weight)
        if new_loss <= loss:
            velocity = candidate - x
            x, loss, gradient = candidate, new_loss, new_gradient
            rate = min(1.2 * rate, learning_rate)
        else:
            # Lumampas: manatili rito, at subukan ang mas maikling hakbang.
            velocity = torch.zeros_like(x)
            rate = rate / 2
        losses.append(loss)
    return x, losses
