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
    rows, columns = images.shape[2] - 1, images.shape[3] - 1
    down = images.narrow(2, 1, rows) - images.narrow(2, 0, rows)
    right = images.narrow(3, 1, columns) - images.narrow(3, 0, columns)
    return (Absolute.apply(down).sum() + Absolute.apply(right).sum()) / images.numel()
