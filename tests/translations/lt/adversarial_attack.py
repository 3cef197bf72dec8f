"""Priešiškas išpuolis."""

import torch
import torch.nn.functional as F


def slope(model, images, labels):
    x = images.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
    return gradient


def fgsm(model, images, labels, epsilon):
    moved = images.detach() + epsilon * slope(model, images, labels).sign()
    return moved.clamp(0, 1)


def project(images, originals, epsilon):
    images, originals = images.detach(), originals.detach()
    near = torch.minimum(torch.maximum(images, originals - epsilon), originals + epsilon)
    return near.clamp(0, 1)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    moved = images.detach() - step_size * slope(model, images, targets).sign()
    return project(moved, originals, epsilon)


def answers(model, images):
    with torch.no_grad():
        return model(images).argmax(dim=1)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    attacked = images.detach().clone()
    for _ in range(steps):
        left = (answers(model, attacked) != targets).nonzero().flatten()
        if len(left) == 0:
            break
        attacked[left] = targeted_step(
            model, attacked[left], images[left], targets[left], step_size=step_size, epsilon=epsilon
        )
    return attacked


def success_rate(model, images, targets):
    return (answers(model, images) == targets).double().mean().item()


def perturbation_norms(images, originals):
    change = (images - originals).flatten(1)
    return change.abs().amax(dim=1), (change**2).sum(dim=1).sqrt()
