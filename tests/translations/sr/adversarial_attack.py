"""Адверзаријални напад."""

import torch
import torch.nn.functional as F


def signs(model, images, labels):
    """Врати знак градијента губитка по пикселима, а на моделу не остави ништа."""
    return torch.func.grad(lambda pixels: F.cross_entropy(model(pixels), labels))(images.detach()).sign().detach()


def fgsm(model, images, labels, epsilon):
    return images.detach().add(signs(model, images, labels), alpha=epsilon).clamp(0, 1)


def project(images, originals, epsilon):
    return images.clamp(originals - epsilon, originals + epsilon).clamp(0, 1).detach()


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images - step_size * signs(model, images, targets), originals, epsilon)


@torch.no_grad()
def fooled(model, images, targets):
    return model(images).argmax(1).eq(targets)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    current = images.detach()
    for _ in range(steps):
        done = fooled(model, current, targets)
        if done.all():
            break
        moved = targeted_step(model, current, images, targets, step_size=step_size, epsilon=epsilon)
        current = torch.where(done[:, None, None, None], current, moved)
    return current.clone()


def success_rate(model, images, targets):
    return fooled(model, images, targets).double().mean().item()


def perturbation_norms(images, originals):
    change = images - originals
    largest, length = (torch.linalg.vector_norm(change, order, dim=(1, 2, 3)) for order in (float("inf"), 2))
    return largest, length
