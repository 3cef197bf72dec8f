"""Идеална слика."""

import torch
import torch.nn.functional as F
from variation_loss import variation_loss


def class_loss(model, images, target):
    return -F.log_softmax(model(images), dim=1)[:, target].mean()


def ideal_loss(model, images, target, variation_weight):
    return class_loss(model, images, target) + variation_weight * variation_loss(images)


def ideal_step(model, images, target, *, learning_rate, variation_weight):
    point = images.detach().clone().requires_grad_()
    gradient = torch.autograd.grad(ideal_loss(model, point, target, variation_weight), point)[0]
    return torch.clamp(point.detach() - learning_rate * gradient, 0, 1)


def ideal_image(model, target, *, size=64, steps=200, learning_rate=0.02, variation_weight=1.0, seed=0):
    # Adam: и најмањи градијент помера пиксел отприлике за стопу учења.
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand((1, 3, size, size), generator=generator).requires_grad_()
    optimizer = torch.optim.Adam([image], lr=learning_rate)
    losses = []
    for _ in range(steps):
        loss = ideal_loss(model, image, target, variation_weight)
        (image.grad,) = torch.autograd.grad(loss, image)
        optimizer.step()
        image.data.clamp_(0, 1)
        losses.append(float(loss))
    return image.detach(), losses
