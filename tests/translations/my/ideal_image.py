"""Ideal image၊ မြန်မာ skeleton မှ ရေးထားသည်: momentum ဖြင့် ဆင်းသည်။"""

import torch
from torch import Tensor, nn


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    return -model(images).log_softmax(dim=1)[:, target].mean()


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    variation = sum(images.diff(dim=dim).abs().sum() for dim in (-2, -1)) / images.numel()
    return class_loss(model, images, target) + variation_weight * variation


def _slope(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> tuple[Tensor, float]:
    with torch.enable_grad():
        pixels = images.detach().requires_grad_()
        loss = ideal_loss(model, pixels, target, variation_weight)
        return torch.autograd.grad(loss, pixels)[0], loss.item()


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    slope, _ = _slope(model, images, target, variation_weight)
    return torch.clamp(images.detach() - learning_rate * slope, 0, 1)


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
    generator = torch.Generator().manual_seed(seed)
    x = torch.empty(1, 3, size, size).uniform_(generator=generator)
    velocity, losses = torch.zeros_like(x), []
    for _ in range(steps):
        slope, loss = _slope(model, x, target, variation_weight)
        losses.append(loss)
        velocity = 0.5 * velocity - learning_rate * slope
        x = (x + velocity).clamp(0, 1)
    return x, losses
