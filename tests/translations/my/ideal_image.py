"""Ideal image: network က မြင်းကျားဟု ထင်သော ပုံ။"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _variation(images: Tensor) -> Tensor:
    down = (images[:, :, 1:] - images[:, :, :-1]).abs().sum()
    right = (images[..., 1:] - images[..., :-1]).abs().sum()
    return (down + right) / images.numel()


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logits = model(images)
    return F.cross_entropy(logits, torch.full((len(logits),), target, dtype=torch.int64, device=logits.device))


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    return class_loss(model, images, target) + variation_weight * _variation(images)


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        # pixel များ၏ gradient ကိုသာ တောင်းသဖြင့် model ပေါ်တွင် ဘာမျှ မကျန်
        (slope,) = torch.autograd.grad(ideal_loss(model, x, target, variation_weight), x)
    return (x.detach() - learning_rate * slope).clamp(0, 1)


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
    first = next(model.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float32).to(device)
    losses = []
    for _ in range(steps):
        image = ideal_step(model, image, target, learning_rate=learning_rate, variation_weight=variation_weight)
        with torch.no_grad():
            losses.append(ideal_loss(model, image, target, variation_weight).item())
    return image, losses
