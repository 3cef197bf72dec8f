"""Descent with momentum, from noise of numpy; the model's gradients are left to torch.func."""

import numpy as np
import torch
from torch.nn import functional


def _variation_loss(images):
    count, channels, height, width = images.shape
    shifted_down = functional.pad(images, (0, 0, 0, 1), mode="replicate")[:, :, 1:]
    shifted_right = functional.pad(images, (0, 1, 0, 0), mode="replicate")[:, :, :, 1:]
    total = (shifted_down - images).abs() + (shifted_right - images).abs()
    return total.sum() / (count * channels * height * width)


def class_loss(model, images, target):
    logits = model(images)
    return (logits.logsumexp(dim=1) - logits[:, target]).mean()


def ideal_loss(model, images, target, variation_weight):
    return class_loss(model, images, target) + variation_weight * _variation_loss(images)


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    slope = torch.func.grad(lambda x: ideal_loss(model, x, target, variation_weight))(images)
    return (images - learning_rate * slope.detach()).clamp(0, 1).detach()


def ideal_image(model, target, *, size=64, steps=200, learning_rate=1.0, variation_weight=1.0, seed=0):
    noise = np.random.default_rng(seed).random((1, 3, size, size), dtype=np.float32)
    image, velocity = torch.from_numpy(noise), 0.0
    losses = []
    for _ in range(steps):
        image.requires_grad_()
        loss = ideal_loss(model, image, target, variation_weight)
        slope = torch.autograd.grad(loss, image)[0]
        velocity = 0.9 * velocity - learning_rate * slope
        image = (image.detach() + velocity).clamp(0, 1)
        losses.append(loss.item())
    return image, losses
