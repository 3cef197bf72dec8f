"""Адверзаријални напад: пас за којег мрежа каже да је мачка."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _direction(model: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    # Знак градијента по пикселима; збир уместо просека, да ниједна слика не зависи од величине пакета.
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_()
        loss = F.cross_entropy(model(x), classes, reduction="sum")
        (slope,) = torch.autograd.grad(loss, x)
    return slope.sign()


def _seen(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1)


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return (images.detach() + epsilon * _direction(model, images, labels)).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    center = originals.detach()
    inside = torch.minimum(torch.maximum(images.detach(), center - epsilon), center + epsilon)
    return inside.clamp(0, 1)


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    moved = images.detach() - step_size * _direction(model, images, targets)
    return project(moved, originals, epsilon)


def targeted_attack(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    originals = images.detach()
    current = originals.clone()
    for _ in range(steps):
        # Само слике које још нису стигле до циља.
        left = _seen(model, current) != targets
        if not left.any():
            break
        current[left] = targeted_step(
            model, current[left], originals[left], targets[left], step_size=step_size, epsilon=epsilon
        )
    return current


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    return _seen(model, images).eq(targets).double().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1), change.square().sum(dim=1).sqrt()
