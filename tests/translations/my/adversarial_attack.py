"""Adversarial attack: network က ကြောင်ဟုခေါ်သော ခွေး။"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _uphill(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    # loss တိုးစေသော pixel ဘက်၏ လက္ခဏာ
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        loss = F.cross_entropy(model(x), labels, reduction="sum")
        (slope,) = torch.autograd.grad(loss, x)
    return slope.sign()


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return (images.detach() + epsilon * _uphill(model, images, labels)).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    images, originals = images.detach(), originals.detach()
    return torch.clamp(images, originals - epsilon, originals + epsilon).clamp(0, 1)


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    return project(images.detach() - step_size * _uphill(model, images, targets), originals, epsilon)


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
    for _ in range(steps):
        with torch.no_grad():
            left = (model(attacked).argmax(dim=1) != targets).nonzero().flatten()
        if len(left) == 0:
            break
        # target မမြင်သေးသော image များကိုသာ ဆက်ပြောင်းသည်
        attacked[left] = targeted_step(
            model, attacked[left], originals[left], targets[left], step_size=step_size, epsilon=epsilon
        )
    return attacked


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        hits = model(images).argmax(dim=1) == targets
    return hits.float().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    change = (images - originals).flatten(start_dim=1)
    return change.abs().amax(dim=1), torch.linalg.vector_norm(change, dim=1)
