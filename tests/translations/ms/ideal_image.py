"""Imej ideal: gambar yang dianggap zebra oleh rangkaian."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _variasi(images: Tensor) -> Tensor:
    jumlah = images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()
    return jumlah / images.numel()


def class_loss(model: nn.Module, images: Tensor, target: int) -> Tensor:
    logits = model(images)
    return F.cross_entropy(logits, torch.full((len(logits),), target, dtype=torch.int64, device=logits.device))


def ideal_loss(model: nn.Module, images: Tensor, target: int, variation_weight: float) -> Tensor:
    return class_loss(model, images, target) + variation_weight * _variasi(images)


def ideal_step(
    model: nn.Module, images: Tensor, target: int, *, learning_rate: float, variation_weight: float
) -> Tensor:
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        kehilangan = ideal_loss(model, x, target, variation_weight)
        (kecerunan,) = torch.autograd.grad(kehilangan, x)
    return (x.detach() - learning_rate * kecerunan).clamp(0, 1)


def ideal_image(
    model: nn.Module,
    target: int,
    *,
    size: int = 64,
    steps: int = 200,
    learning_rate: float = 5.0,
    variation_weight: float = 1.0,
    seed: int = 0,
) -> tuple[Tensor, list[float]]:
    hingar = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    contoh = next(model.parameters(), hingar)
    x = hingar.to(contoh.device)
    terbaik, kehilangan_terbaik = x, float("inf")
    halaju = torch.zeros_like(x)
    kehilangan_setiap_langkah = []
    with torch.enable_grad():
        x = x.clone().requires_grad_(True)
        kehilangan = ideal_loss(model, x, target, variation_weight)
        kehilangan_terbaik = kehilangan.item()
        for _ in range(steps):
            # Penurunan dengan momentum; halaju ialah gerakan yang benar-benar berlaku, selepas had [0, 1].
            (kecerunan,) = torch.autograd.grad(kehilangan, x)
            lama = x.detach()
            baharu = (lama + 0.9 * halaju - learning_rate * kecerunan).clamp(0, 1)
            halaju = baharu - lama
            x = baharu.clone().requires_grad_(True)
            kehilangan = ideal_loss(model, x, target, variation_weight)
            # Gambar terbaik setakat ini disimpan, jadi senarai kehilangan tidak pernah naik.
            if kehilangan.item() < kehilangan_terbaik:
                terbaik, kehilangan_terbaik = baharu, kehilangan.item()
            kehilangan_setiap_langkah.append(kehilangan_terbaik)
    return terbaik.detach(), kehilangan_setiap_langkah
