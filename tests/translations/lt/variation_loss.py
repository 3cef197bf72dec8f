"""Variacijos nuostoliai."""

import torch


def differences(images):
    if images.ndim != 4:
        raise ValueError(f"images turi būti 4-D, o yra {images.ndim}-D")
    down = images[:, :, 1:, :] - images[:, :, :-1, :]
    right = images[:, :, :, 1:] - images[:, :, :, :-1]
    return down, right


def total_variation(images):
    down, right = differences(images)
    return down.abs().sum(dim=(1, 2, 3)) + right.abs().sum(dim=(1, 2, 3))


def isotropic_variation(images, eps=1e-8):
    down, right = differences(images)
    lengths = (right[:, :, :-1, :] ** 2 + down[:, :, :, :-1] ** 2 + eps).sqrt()
    return lengths.sum(dim=(1, 2, 3))


def variation_loss(images):
    return total_variation(images).mean() / images[0].numel()


def denoise(images, *, weight=0.1, steps=100, learning_rate=0.05):
    noisy = images.detach()
    x = noisy.clone()
    for _ in range(steps):
        x.requires_grad_()
        goal = ((x - noisy) ** 2).sum() + weight * total_variation(x).sum()
        (slope,) = torch.autograd.grad(goal, x)
        x = (x.detach() - learning_rate * slope).clamp(0, 1)
    differences(x)  # ir be žingsnių atmeta netinkamą formą
    return x
