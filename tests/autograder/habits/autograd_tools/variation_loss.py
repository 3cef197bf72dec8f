"""A gradient written by hand, torch.func and views instead of copies."""

import torch
from torch.func import vmap


class Absolute(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.abs()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * x.sign()


def of_one(image):
    return image.diff(dim=1).abs().sum() + image.diff(dim=2).abs().sum()


def total_variation(images):
    if images.dim() != 4:
        raise ValueError(f"images needs 4 axes, has {images.dim()}")
    return vmap(of_one)(images)


def variation_loss(images):
    if images.dim() != 4:
        raise ValueError(f"images needs 4 axes, has {images.dim()}")
    down, right = images.unfold(2, 2, 1).diff()[..., 0], images.unfold(3, 2, 1).diff()[..., 0]
    return (Absolute.apply(down).sum() + Absolute.apply(right).sum()) / images.numel()
