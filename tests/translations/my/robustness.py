"""Robustness: network တစ်ခုကို လှည့်စားသော ခွေးက အခြားတစ်ခုကို လှည့်စားနိုင်သလား?"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if len(images) == 0:
        raise ValueError("images are empty")
    if len(targets) != len(images):
        raise ValueError(f"targets have length {len(targets)}, images {len(images)}")
    rates = {}
    with torch.no_grad():
        for name, model in models.items():
            rates[name] = int((model(images).argmax(dim=1) == targets).sum()) / len(images)
    return rates


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models are empty")
    logs = [F.log_softmax(model(images), dim=1) for model in models]
    if len({log.shape[1] for log in logs}) > 1:
        raise ValueError(f"models differ in their number of classes: {[log.shape[1] for log in logs]}")
    # အစမှ အဆုံး logarithm ဖြင့်သာ
    return torch.logsumexp(torch.stack(logs), dim=0) - math.log(len(logs))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    originals = images.detach()
    length = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = originals.clone()
    for _ in range(steps):
        with torch.enable_grad():
            moved.requires_grad_(True)
            # weight များ၏ .grad ကို မထိရန် pixel များ၏ gradient ကိုသာ တောင်းသည်
            (slope,) = torch.autograd.grad(F.cross_entropy(model(moved), labels, reduction="sum"), moved)
        moved = moved.detach() + length * slope.sign()
        moved = torch.clamp(moved, originals - epsilon, originals + epsilon).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)
