"""Robustness: ang asong nakalilinlang sa isang network ba ay nakalilinlang din sa iba?"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if len(images) == 0:
        raise ValueError("images: walang laman")
    if len(images) != len(targets):
        raise ValueError(f"targets: {len(targets)}, ngunit {len(images)} ang images")
    rates = {}
    with torch.no_grad():
        for name, model in models.items():
            rates[name] = (model(images).argmax(dim=1) == targets).sum().item() / len(images)
    return rates


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models: walang laman")
    logs = [model(images).log_softmax(dim=1) for model in models]
    widths = [log.shape[1] for log in logs]
    if len(set(widths)) > 1:
        raise ValueError(f"models: magkakaiba ang bilang ng class, {widths}")
    # Nananatili sa mga logarithm, kaya hindi nawawala ang napakaliliit.
    return torch.stack(logs).logsumexp(dim=0) - math.log(len(logs))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    originals = images.detach()
    step_size = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = originals
    for _ in range(steps):
        with torch.enable_grad():
            x = moved.clone().requires_grad_(True)
            (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
        moved = moved + step_size * gradient.sign()
        moved = torch.minimum(torch.maximum(moved, originals - epsilon), originals + epsilon).clamp(0, 1)
    # Constant na ang mga inilipat na imahe: ang mga weight lamang ang aabutin ng gradient.
    return F.cross_entropy(model(moved.detach()), labels)
