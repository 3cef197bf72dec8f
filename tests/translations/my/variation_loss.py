"""Variation loss: အနီးအနား pixel များ မည်မျှ ကွာခြားသနည်း။"""

import torch
from torch import Tensor


def _need_four_dimensions(images: Tensor) -> None:
    if images.dim() != 4:
        raise ValueError(f"images must be 4-D (N, C, H, W), not {tuple(images.shape)}")


def total_variation(images: Tensor) -> Tensor:
    _need_four_dimensions(images)
    down = images[:, :, 1:] - images[:, :, :-1]
    right = images[..., 1:] - images[..., :-1]
    return down.abs().sum(dim=(1, 2, 3)) + right.abs().sum(dim=(1, 2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _need_four_dimensions(images)
    # ညာဘက်နှင့် အောက်ဘက် အိမ်နီးချင်း နှစ်ခုလုံးရှိသော pixel များ
    here = images[:, :, :-1, :-1]
    dx = images[:, :, :-1, 1:] - here
    dy = images[:, :, 1:, :-1] - here
    return torch.sqrt(dx.square() + dy.square() + eps).sum(dim=(1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    return (total_variation(images) / images[0].numel()).mean()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    _need_four_dimensions(images)
    noisy = images.detach()
    x = noisy.clamp(0, 1)
    for _ in range(steps):
        with torch.enable_grad():
            x.requires_grad_(True)
            objective = (x - noisy).square().sum() + weight * total_variation(x).sum()
            (slope,) = torch.autograd.grad(objective, x)
        x = (x.detach() - learning_rate * slope).clamp(0, 1)
    return x
