"""Adversarial attack."""

import torch
from torch import nn


def direction(model, images, classes):
    pixels = images.detach().clone()
    pixels.requires_grad = True
    loss = nn.functional.cross_entropy(model(pixels), classes, reduction="sum")
    return torch.sign(torch.autograd.grad(loss, pixels)[0])


def fgsm(model, images, labels, epsilon):
    return torch.clamp(images.detach() + epsilon * direction(model, images, labels), 0, 1)


def project(images, originals, epsilon):
    images, originals = images.detach(), originals.detach()
    change = torch.clamp(images - originals, -epsilon, epsilon)
    return torch.clamp(originals + change, 0, 1)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images.detach() - step_size * direction(model, images, targets), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    finished = []
    for index in range(len(images)):
        original, target = images[index : index + 1].detach(), targets[index : index + 1]
        picture = original.clone()
        for _ in range(steps):
            if success_rate(model, picture, target) == 1:
                break
            picture = targeted_step(model, picture, original, target, step_size=step_size, epsilon=epsilon)
        finished.append(picture)
    return torch.cat(finished)


def success_rate(model, images, targets):
    with torch.no_grad():
        seen = model(images).max(dim=1).indices
    return float((seen == targets).float().mean())


def perturbation_norms(images, originals):
    largest, lengths = [], []
    for image, original in zip(images, originals, strict=True):
        change = image - original
        largest.append(change.abs().max())
        lengths.append(change.norm())
    return torch.stack(largest), torch.stack(lengths)
