"""Starts at random within the ball, as Madry et al. (2018) do, always from the same seed; gradients by torch.func."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import grad_and_value


def _slope(model, x, y):
    def loss(pixels):
        return F.cross_entropy(model(pixels), y, reduction="sum")

    slope, _ = grad_and_value(loss)(x.detach())
    return slope.detach()


def fgsm(model, images, labels, epsilon):
    with torch.no_grad():
        adversarial = images + epsilon * _slope_with_grad(model, images, labels).sign()
        return torch.clip(adversarial, 0.0, 1.0)


@torch.enable_grad()
def _slope_with_grad(model, images, labels):
    x = images.detach().clone()
    x.requires_grad = True
    loss = nn.CrossEntropyLoss()(model(x), labels)
    return torch.autograd.grad(loss, x, retain_graph=False, create_graph=False)[0]


def project(images, originals, epsilon):
    with torch.no_grad():
        delta = torch.clamp(images - originals, -epsilon, epsilon)
        return torch.clamp(originals + delta, 0, 1)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    return project(images.detach() - step_size * _slope(model, images, targets).sign(), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    originals = images.detach()

    def answer(x):
        return model(x).detach().argmax(1)

    done = answer(originals) == targets
    rng = torch.Generator().manual_seed(0)
    start = originals + epsilon * (2 * torch.rand(originals.shape, generator=rng, dtype=originals.dtype) - 1)
    x = torch.where(done[:, None, None, None], originals, start.clamp(0, 1))
    for _ in range(steps):
        done = answer(x) == targets
        if torch.all(done):
            break
        moved = targeted_step(model, x, originals, targets, step_size=step_size, epsilon=epsilon)
        x = torch.where(done[:, None, None, None], x, moved)
    return x


def success_rate(model, images, targets):
    return 1.0 - float((model(images).detach().argmax(1) != targets).float().mean())


def perturbation_norms(images, originals):
    d = images - originals
    return torch.amax(d.abs(), (1, 2, 3)), torch.linalg.vector_norm(d, dim=(1, 2, 3))
