"""Atsparumas: ar vieną tinklą apgaunantis šuo apgauna ir kitą?"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if len(images) == 0:
        raise ValueError("images yra tuščias")
    if len(targets) != len(images):
        raise ValueError(f"images yra {len(images)}, o targets {len(targets)}")
    with torch.no_grad():
        return {name: (model(images).argmax(1) == targets).sum().item() / len(images) for name, model in models.items()}


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models yra tuščias")
    logs = [F.log_softmax(model(images), dim=1) for model in models]
    sizes = {log.shape[1] for log in logs}
    if len(sizes) > 1:
        raise ValueError(f"models turi skirtingą klasių skaičių: {sorted(sizes)}")
    return torch.logsumexp(torch.stack(logs), dim=0) - math.log(len(logs))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    start = images.detach()
    stride = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = start.clone()
    for _ in range(steps):
        moved.requires_grad_()
        with torch.enable_grad():
            rising = F.cross_entropy(model(moved), labels, reduction="sum")
        # Tik pagal pikselius: prie svorių gradientų nelieka.
        (slope,) = torch.autograd.grad(rising, moved)
        moved = (moved.detach() + stride * slope.sign()).clamp(start - epsilon, start + epsilon).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)
