"""Идеална слика: слика за коју мрежа мисли да је зебра."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_MOMENTUM = 0.8


def _variation(images: Tensor) -> Tensor:
    # Губитак варијације у два реда, као у претходној целини.
    total = images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()
    return total / images.numel()


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logits = model(images)
    goals = torch.full((len(logits),), target, dtype=torch.int64, device=logits.device)
    return F.cross_entropy(logits, goals)


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    return class_loss(model, images, target) + variation_weight * _variation(images)


def _loss_and_slope(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> tuple[float, Tensor]:
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        loss = ideal_loss(model, x, target, variation_weight)
        # Градијент само по пикселима, да на тежинама не остане ништа.
        (slope,) = torch.autograd.grad(loss, x)
    return loss.item(), slope


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    _, slope = _loss_and_slope(model, images, target, variation_weight)
    return (images.detach() - learning_rate * slope).clamp(0, 1)


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
    noise = torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(seed))
    weight = next(model.parameters(), None)
    image = noise if weight is None else noise.to(weight.device)
    velocity = torch.zeros_like(image)
    losses: list[float] = []
    # Моментум: градијент једног пиксела је сићушан, па се корак залеће.
    for _ in range(steps):
        loss, slope = _loss_and_slope(model, image, target, variation_weight)
        losses.append(loss)
        velocity = _MOMENTUM * velocity - learning_rate * slope
        image = (image + velocity).clamp(0, 1)
    if steps > 0:
        # Бележи се губитак после сваког корака, па је последњи баш онај готове слике.
        with torch.no_grad():
            losses = losses[1:] + [ideal_loss(model, image, target, variation_weight).item()]
    return image, losses
