"""Ideal image."""

import torch
from torch import nn


def variation_loss(images):
    return (images.diff(dim=2).abs().sum() + images.diff(dim=3).abs().sum()) / images.numel()


def class_loss(model, images, target):
    logits = model(images)
    return nn.CrossEntropyLoss()(logits, torch.tensor([target] * len(logits)))


def ideal_loss(model, images, target, variation_weight):
    loss = class_loss(model, images, target)
    if variation_weight:
        loss = loss + variation_weight * variation_loss(images)
    return loss


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    start = images.detach()
    pixels = start.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(ideal_loss(model, pixels, target, variation_weight), pixels)
    return start.sub(gradient, alpha=learning_rate).clamp(min=0, max=1)


def ideal_image(model, target, *, size=64, steps=200, learning_rate=10.0, variation_weight=1.0, seed=0):
    noise = torch.Generator()
    noise.manual_seed(seed)
    picture = torch.rand(1, 3, size, size, generator=noise)
    losses = []
    while len(losses) < steps:
        with torch.no_grad():
            losses.append(ideal_loss(model, picture, target, variation_weight).item())
        picture = ideal_step(model, picture, target, learning_rate=learning_rate, variation_weight=variation_weight)
    return picture, losses
