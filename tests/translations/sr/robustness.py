"""Робусност: да ли пас који вара једну мрежу вара и другу?"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if len(images) == 0 or len(images) != len(targets):
        raise ValueError(f"images и targets морају бити исте дужине и не празни: {len(images)} и {len(targets)}")
    rates = {}
    with torch.no_grad():
        for name, model in models.items():
            hits = model(images).argmax(dim=1).eq(targets).sum().item()
            rates[name] = hits / len(targets)
    return rates


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models је празно")
    logs = [F.log_softmax(model(images), dim=1) for model in models]
    if len({log.shape[1] for log in logs}) > 1:
        raise ValueError("модели из models имају различит број класа")
    # Никада се не излази из логаритама, па ништа не пада на 0.
    return torch.logsumexp(torch.stack(logs), dim=0) - math.log(len(logs))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    originals = images.detach()
    step_size = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = originals
    for _ in range(steps):
        with torch.enable_grad():
            x = moved.clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
        moved = moved + step_size * slope.sign()
        # Назад у куглу око оригинала, па у опсег пиксела.
        moved = torch.minimum(torch.maximum(moved, originals - epsilon), originals + epsilon).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)
