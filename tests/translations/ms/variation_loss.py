"""Kehilangan variasi: sejauh mana piksel yang bersebelahan berbeza."""

import torch
from torch import Tensor


def _mesti_4d(images: Tensor) -> None:
    if images.ndim != 4:
        raise ValueError(f"images mesti 4-D (N, C, H, W), bukan {images.ndim}-D")


def total_variation(images: Tensor) -> Tensor:
    _mesti_4d(images)
    menegak = images.diff(dim=2).abs().sum(dim=(1, 2, 3))
    mendatar = images.diff(dim=3).abs().sum(dim=(1, 2, 3))
    return menegak + mendatar


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _mesti_4d(images)
    sini = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - sini
    dy = images[:, :, 1:, :-1] - sini
    return torch.sqrt(dx.square() + dy.square() + eps).sum(dim=(1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    _mesti_4d(images)
    return (total_variation(images) / images[0].numel()).mean()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    _mesti_4d(images)
    asal = images.detach()
    x = asal.clamp(0, 1)
    for _ in range(steps):
        with torch.enable_grad():
            x.requires_grad_(True)
            objektif = (x - asal).square().sum() + weight * total_variation(x).sum()
            (kecerunan,) = torch.autograd.grad(objektif, x)
        # Langkah pada piksel, kemudian kembali ke [0, 1].
        x = (x.detach() - learning_rate * kecerunan).clamp(0, 1)
    return x
