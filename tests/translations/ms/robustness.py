"""Keteguhan, ditulis daripada skeleton bahasa Melayu."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    if len(images) == 0:
        raise ValueError("images kosong")
    if len(images) != len(targets):
        raise ValueError(f"{len(images)} images tetapi {len(targets)} targets")
    kadar = {}
    with torch.no_grad():
        for nama, model in models.items():
            kena = (model(images).argmax(1) == targets).sum().item()
            kadar[nama] = kena / len(images)
    return kadar


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models kosong")
    semua = [F.log_softmax(model(images), dim=1) for model in models]
    if len({logit.shape[1] for logit in semua}) > 1:
        raise ValueError("models mempunyai bilangan kelas yang berlainan")
    return torch.logsumexp(torch.stack(semua), dim=0) - math.log(len(semua))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    asal = images.detach()
    langkah = epsilon if steps == 1 else 2.5 * epsilon / steps
    x = asal
    for _ in range(steps):
        x = x.clone().requires_grad_()
        with torch.enable_grad():
            (kecerunan,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
        x = x.detach() + langkah * kecerunan.sign()
        x = (asal + (x - asal).clamp(-epsilon, epsilon)).clamp(0, 1)
    return F.cross_entropy(model(x), labels)
