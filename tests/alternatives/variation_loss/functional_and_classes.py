"""A class that holds the objective, torch.func for its gradient, einsum for the sums."""

import torch
from torch import nn


class _Differences(nn.Module):
    """Differences of neighbours along one side."""

    def __init__(self, side):
        super().__init__()
        self.side = side

    def forward(self, images):
        count = images.shape[self.side]
        if count < 2:
            return images.narrow(self.side, 0, 0)
        return images.narrow(self.side, 1, count - 1) - images.narrow(self.side, 0, count - 1)


ACROSS, DOWN = _Differences(-1), _Differences(-2)


def _require(images):
    if images.ndim != 4:
        raise ValueError(f"images has {images.ndim} dimensions, expected 4")


def total_variation(images):
    _require(images)
    return torch.einsum("nchw->n", ACROSS(images).abs()) + torch.einsum("nchw->n", DOWN(images).abs())


def isotropic_variation(images, eps=1e-8):
    _require(images)
    dx, dy = ACROSS(images)[:, :, :-1], DOWN(images)[..., :-1]
    return torch.stack([dx, dy]).pow(2).sum(0).add(eps).pow(0.5).flatten(1).sum(1)


def variation_loss(images):
    _require(images)
    return torch.func.vmap(lambda image: total_variation(image[None])[0] / image.numel())(images).mean()


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    _require(images)
    images = images.detach()

    def objective(pictures):
        change = pictures - images
        return torch.einsum("nchw,nchw->", change, change) + weight * total_variation(pictures).sum()

    descend, pictures = torch.func.grad(objective), images
    for _ in range(steps):
        pictures = pictures - learning_rate * descend(pictures)
    return pictures.detach().clamp(0, 1)
