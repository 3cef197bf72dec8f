"""Serangan adversarial: anjing yang dipanggil kucing oleh rangkaian."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _tanda_kecerunan(model: nn.Module, images: Tensor, kelas: Tensor) -> Tensor:
    with torch.enable_grad():
        x = images.detach().clone().requires_grad_(True)
        # Jumlah, bukan purata: tanda yang sama, dan saiz kelompok tidak mengecilkan kecerunan.
        kehilangan = F.cross_entropy(model(x), kelas, reduction="sum")
        (kecerunan,) = torch.autograd.grad(kehilangan, x)
    return kecerunan.sign()


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    arah = _tanda_kecerunan(model, images, labels)
    return (images.detach() + epsilon * arah).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    asal = originals.detach()
    dalam_bebola = torch.clamp(images.detach(), asal - epsilon, asal + epsilon)
    return dalam_bebola.clamp(0, 1)


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    arah = _tanda_kecerunan(model, images, targets)
    return project(images.detach() - step_size * arah, originals, epsilon)


def targeted_attack(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    asal = images.detach()
    x = asal.clone()
    for _ in range(steps):
        with torch.no_grad():
            belum = model(x).argmax(dim=1) != targets
        if not belum.any():
            break
        # Hanya imej yang belum memperdaya model digerakkan lagi.
        x[belum] = targeted_step(model, x[belum], asal[belum], targets[belum], step_size=step_size, epsilon=epsilon)
    return x


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        betul = model(images).argmax(dim=1) == targets
    return betul.double().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    perubahan = (images - originals).flatten(start_dim=1)
    return perubahan.abs().amax(dim=1), perubahan.square().sum(dim=1).sqrt()
