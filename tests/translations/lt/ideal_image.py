"""Idealus vaizdas."""

import torch
import torch.nn.functional as F


def variation_loss(images):
    down = (images[:, :, 1:] - images[:, :, :-1]).abs().sum()
    right = (images[..., 1:] - images[..., :-1]).abs().sum()
    return (down + right) / images.numel()


def class_loss(model, images, target):
    return F.cross_entropy(model(images), torch.full((len(images),), target))


def ideal_loss(model, images, target, variation_weight):
    return class_loss(model, images, target) + variation_weight * variation_loss(images)


def descend(model, images, target, learning_rate, variation_weight):
    x = images.detach().clone().requires_grad_()
    loss = ideal_loss(model, x, target, variation_weight)
    (slope,) = torch.autograd.grad(loss, x)
    return (x.detach() - learning_rate * slope).clamp(0, 1), loss.item()


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    return descend(model, images, target, learning_rate, variation_weight)[0]


def ideal_image(model, target, *, size=64, steps=200, learning_rate=5.0, variation_weight=1.0, seed=0):
    x = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    losses = []
    for _ in range(steps):
        x, loss = descend(model, x, target, learning_rate, variation_weight)
        losses.append(loss)
    return x, losses
