"""Keteguhan: adakah anjing yang memperdaya satu rangkaian memperdaya rangkaian lain?"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def transfer_rates(images: Tensor, targets: Tensor, models: dict[str, nn.Module]) -> dict[str, float]:
    n = len(images)
    if n == 0:
        raise ValueError("images kosong")
    if len(targets) != n:
        raise ValueError(f"targets mempunyai panjang {len(targets)}, images {n}")
    with torch.no_grad():
        return {nama: int((m(images).argmax(dim=1) == targets).sum()) / n for nama, m in models.items()}


def ensemble_logits(models: Sequence[nn.Module], images: Tensor) -> Tensor:
    if len(models) == 0:
        raise ValueError("models kosong")
    log_peluang = [m(images).log_softmax(dim=1) for m in models]
    bilangan = {lp.shape[1] for lp in log_peluang}
    if len(bilangan) > 1:
        raise ValueError(f"models mempunyai bilangan kelas yang berlainan: {sorted(bilangan)}")
    # log(purata p) = logsumexp(log p) - log M, tanpa pernah meninggalkan logaritma.
    return torch.logsumexp(torch.stack(log_peluang), dim=0) - math.log(len(models))


def adversarial_loss(model: nn.Module, images: Tensor, labels: Tensor, *, epsilon: float, steps: int = 1) -> Tensor:
    asal = images.detach()
    langkah = epsilon if steps == 1 else 2.5 * epsilon / steps
    x = asal
    for _ in range(steps):
        with torch.enable_grad():
            x = x.clone().requires_grad_(True)
            kehilangan = F.cross_entropy(model(x), labels, reduction="sum")
            # Kecerunan terhadap piksel sahaja; .grad parameter tidak disentuh.
            (kecerunan,) = torch.autograd.grad(kehilangan, x)
        x = x.detach() + langkah * kecerunan.sign()
        x = torch.clamp(x, asal - epsilon, asal + epsilon).clamp(0, 1)
    return F.cross_entropy(model(x), labels)
