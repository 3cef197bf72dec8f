"""Steps of a fixed length from faint noise, shrinking towards the end; gradients by backward() and cleared again."""

import torch
from torch import nn


def class_loss(model, images, target):
    labels = torch.zeros(images.shape[0], dtype=torch.long) + target
    return nn.CrossEntropyLoss()(model(images), labels)


def ideal_loss(model, images, target, variation_weight):
    down = torch.abs(images[:, :, :-1] - images[:, :, 1:])
    right = torch.abs(images[..., :-1] - images[..., 1:])
    per_image = (down.sum([1, 2, 3]) + right.sum([1, 2, 3])) / (images.shape[1] * images.shape[2] * images.shape[3])
    return class_loss(model, images, target) + variation_weight * torch.mean(per_image)


def _slope(model, images, target, variation_weight):
    before = [parameter.grad for parameter in model.parameters()]
    leaf = images.detach().clone()
    leaf.requires_grad = True
    loss = ideal_loss(model, leaf, target, variation_weight)
    loss.backward()
    for parameter, grad in zip(model.parameters(), before, strict=True):
        parameter.grad = grad
    return leaf.grad, loss.item()


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    slope, _ = _slope(model, images, target, variation_weight)
    moved = images.detach() - learning_rate * slope
    return moved.clip(0, 1)


def ideal_image(model, target, *, size=64, steps=200, learning_rate=1.5, variation_weight=3.0, seed=0):
    noise = torch.Generator().manual_seed(seed)
    image = 0.5 + 0.05 * torch.randn(1, 3, size, size, generator=noise)
    image = image.clamp(0, 1)
    losses = []
    for step in range(steps):
        slope, loss = _slope(model, image, target, variation_weight)
        length = learning_rate * (1 - step / steps)
        image = (image - length * slope / (slope.norm() + 1e-12)).clamp(0, 1)
        losses.append(loss)
    return image, losses
