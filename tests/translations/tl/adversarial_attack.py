"""Adversarial attack: isang aso na tinatawag ng network na pusa."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _direction(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    # Ang sign ng gradient ng loss ayon sa mga pixel; walang naiiwan sa mga weight.
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        loss = F.cross_entropy(model(x), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, x)
    return gradient.sign()


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return (images.detach() + epsilon * _direction(model, images, labels)).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    images, originals = images.detach(), originals.detach()
    inside = torch.minimum(torch.maximum(images, originals - epsilon), originals + epsilon)
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
    attacked = originals.clone()
    left = torch.arange(len(attacked), device=attacked.device)
    for _ in range(steps):
        # Ang mga hindi pa nakalilinlang lamang ang ginagalaw.
        with torch.no_grad():
            left = left[model(attacked[left]).argmax(dim=1) != targets[left]]
        if len(left) == 0:
            break
        attacked[left] = targeted_step(
            model, attacked[left], originals[left], targets[left], step_size=step_size, epsilon=epsilon
        )
    return attacked


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        hits = model(images).argmax(dim=1) == targets
    return hits.double().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1), change.norm(dim=1)
