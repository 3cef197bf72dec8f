"""Serangan adversarial, ditulis daripada skeleton bahasa Melayu."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def tanda_kecerunan(model: nn.Module, images: Tensor, kelas: Tensor) -> Tensor:
    """Kira arah yang menaikkan entropi silang, tanpa menyentuh pemberat."""
    piksel = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        kehilangan = F.cross_entropy(model(piksel), kelas, reduction="sum")
        (kecerunan,) = torch.autograd.grad(kehilangan, piksel)
    return kecerunan.sign()


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    naik = tanda_kecerunan(model, images, labels)
    return (images.detach() + epsilon * naik).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    asal = originals.detach()
    dekat = torch.minimum(torch.maximum(images.detach(), asal - epsilon), asal + epsilon)
    return dekat.clamp(0, 1)


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    turun = -tanda_kecerunan(model, images, targets)
    return project(images + step_size * turun, originals, epsilon)


def tertipu(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(dim=1) == targets


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
        baki = ~tertipu(model, x, targets)
        if not baki.any():
            break
        x[baki] = targeted_step(model, x[baki], asal[baki], targets[baki], step_size=step_size, epsilon=epsilon)
    return x


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    return tertipu(model, images, targets).float().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    beza = (images - originals).flatten(start_dim=1)
    return beza.abs().amax(dim=1), beza.pow(2).sum(dim=1).sqrt()
