"""Callable objects, static methods, partials and modules stand where functions are asked for."""

import functools

import torch
from torch import nn


class Variation(nn.Module):
    axes = (2, 3)

    def __init__(self, reduce=False):
        super().__init__()
        self.reduce = reduce

    @staticmethod
    def checked(images):
        if images.ndim != 4:
            raise ValueError(f"images is {images.ndim}-D and not 4-D")
        return images

    def forward(self, images):
        images = self.checked(images)
        total = torch.stack([images.diff(dim=axis).abs().flatten(1).sum(1) for axis in self.axes]).sum(0)
        return (total / images[0].numel()).mean() if self.reduce else total


def _isotropic(eps, images):
    images = Variation.checked(images)
    down, right = images.diff(dim=2)[..., :-1], images.diff(dim=3)[:, :, :-1]
    return (down**2 + right**2 + eps).sqrt().sum(dim=(1, 2, 3))


class Isotropic:
    def __call__(self, images, eps=1e-8):
        return functools.partial(_isotropic, eps)(images)


total_variation = Variation()
variation_loss = Variation(reduce=True).forward
isotropic_variation = Isotropic()
