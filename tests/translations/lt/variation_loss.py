"""Variacijos nuostoliai: kiek skiriasi kaimyniniai pikseliai."""

import torch
from torch import Tensor


def _require_batch(images: Tensor) -> None:
    if images.ndim != 4:
        raise ValueError(f"images turi būti 4-D, o yra {images.ndim}-D")


def total_variation(images: Tensor) -> Tensor:
    _require_batch(images)
    # diff palei kraštinę, kurios ilgis 1, yra tuščias, o tuščia suma yra 0.
    return images.diff(dim=2).abs().sum((1, 2, 3)) + images.diff(dim=3).abs().sum((1, 2, 3))


def isotropic_variation(images: Tensor, eps: float = 1e-8) -> Tensor:
    _require_batch(images)
    corner = images[:, :, :-1, :-1]
    dx, dy = images[:, :, :-1, 1:] - corner, images[:, :, 1:, :-1] - corner
    return (dx.square() + dy.square() + eps).sqrt().sum((1, 2, 3))


def variation_loss(images: Tensor) -> Tensor:
    return total_variation(images).mean() / images.shape[1:].numel()


def denoise(images: Tensor, *, weight: float = 0.1, steps: int = 100, learning_rate: float = 0.05) -> Tensor:
    _require_batch(images)
    noisy = images.detach()
    x = noisy.clone()
    for _ in range(steps):
        x.requires_grad_()
        with torch.enable_grad():
            goal = (x - noisy).square().sum() + weight * total_variation(x).sum()
        (slope,) = torch.autograd.grad(goal, x)
        x = (x.detach() - learning_rate * slope).clamp(0, 1)
    return x.clamp(0, 1)  # ir tada, kai žingsnių nebuvo
