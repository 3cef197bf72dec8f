"""Robustness၊ မြန်မာ skeleton မှ ရေးထားသည်။"""

import functools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@torch.no_grad()
def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if not len(images):
        raise ValueError("images မရှိပါ")
    if len(targets) != len(images):
        raise ValueError(f"targets {len(targets)} ခု၊ images {len(images)} ခု")
    return {name: model(images).argmax(-1).eq(targets).double().mean().item() for name, model in models.items()}


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if not models:
        raise ValueError("models အလွတ် ဖြစ်နေသည်")
    answers = [model(images).log_softmax(-1) for model in models]
    if any(answer.size(-1) != answers[0].size(-1) for answer in answers):
        raise ValueError("models တွင် class အရေအတွက် မတူပါ")
    return functools.reduce(torch.logaddexp, answers) - math.log(len(answers))


def _moved(model: nn.Module, images: Tensor, labels: Tensor, length: float) -> Tensor:
    with torch.enable_grad():
        x = images.detach().requires_grad_()
        slope = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)[0]
    return images.detach() + length * slope.sign()


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    originals = images.detach()
    low, high = (originals - epsilon).clamp(min=0), (originals + epsilon).clamp(max=1)
    length = epsilon * (1 if steps == 1 else 2.5 / steps)
    x = originals
    for _ in range(steps):
        x = _moved(model, x, labels, length).clamp(low, high)
    return F.cross_entropy(model(x), labels)
