"""Губитак варијације."""

import torch


def check(images):
    if images.dim() != 4:
        raise ValueError(f"images мора имати 4 димензије, а има {images.dim()}")


def total_variation(images):
    check(images)
    return sum(images.diff(dim=dim).abs().flatten(1).sum(1) for dim in (2, 3))


def isotropic_variation(images, eps=1e-8):
    check(images)
    corner = images[..., :-1, :-1]
    dx, dy = images[..., :-1, 1:] - corner, images[..., 1:, :-1] - corner
    return torch.sqrt(dx.square() + dy.square() + eps).flatten(1).sum(1)


def variation_loss(images):
    check(images)
    return torch.mean(total_variation(images) / images.shape[1:].numel())


def slope(x):
    """Израчунај градијент тоталне варијације: знак разлике на једном крају, супротан на другом."""
    total = torch.zeros_like(x)
    for dim in (2, 3):
        size = x.shape[dim]
        if size > 1:
            signs = x.diff(dim=dim).sign()
            total.narrow(dim, 1, size - 1).add_(signs)
            total.narrow(dim, 0, size - 1).sub_(signs)
    return total


@torch.no_grad()
def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    check(images)
    x = images.detach().clone()
    for _ in range(steps):
        x = (x - learning_rate * (2 * (x - images) + weight * slope(x))).clamp(0, 1)
    return x
