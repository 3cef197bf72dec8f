"""Variation loss."""

import torch
import torch.nn.functional as F


def total_variation(images):
    if images.ndim != 4:
        raise ValueError(f"images: {images.ndim}-D, dapat 4-D")
    totals = []
    for image in images:
        vertical = (image[:, 1:] - image[:, :-1]).abs().sum()
        horizontal = (image[:, :, 1:] - image[:, :, :-1]).abs().sum()
        totals.append(vertical + horizontal)
    return torch.stack(totals)


def isotropic_variation(images, eps=1e-8):
    if images.ndim != 4:
        raise ValueError(f"images: {images.ndim}-D, dapat 4-D")
    dx = images.diff(dim=3)[:, :, :-1]
    dy = images.diff(dim=2)[:, :, :, :-1]
    return torch.einsum("nchw->n", torch.sqrt(dx * dx + dy * dy + eps))


def variation_loss(images):
    totals = total_variation(images)
    entries = images.shape[1] * images.shape[2] * images.shape[3]
    return (totals / entries).mean()


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    if images.ndim != 4:
        raise ValueError(f"images: {images.ndim}-D, dapat 4-D")
    goal = images.detach()
    x = goal.clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=learning_rate)
    for _ in range(steps):
        optimizer.zero_grad()
        objective = F.mse_loss(x, goal, reduction="sum") + weight * total_variation(x).sum()
        objective.backward()
        optimizer.step()
        x.data.clamp_(0, 1)
    return x.detach()
