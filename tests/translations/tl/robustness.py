"""Robustness."""

import math

import torch
from torch import nn


def transfer_rates(images, targets, models):
    if len(images) == 0:
        raise ValueError("images: walang laman")
    if len(images) != len(targets):
        raise ValueError(f"targets: {len(targets)}, ngunit {len(images)} ang images")
    rates = {}
    for name in models:
        with torch.no_grad():
            first = models[name](images).max(dim=1).indices
        rates[name] = float((first == targets).double().mean())
    return rates


def ensemble_logits(models, images):
    total = None
    for model in models:
        logs = nn.functional.log_softmax(model(images), dim=1)
        if total is None:
            total = logs
        elif total.shape != logs.shape:
            raise ValueError(f"models: magkaibang bilang ng class, {total.shape[1]} at {logs.shape[1]}")
        else:
            total = torch.logaddexp(total, logs)
    if total is None:
        raise ValueError("models: walang laman")
    return total - math.log(len(models))


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    criterion = nn.CrossEntropyLoss()
    originals = images.detach()
    moved = originals.clone()
    step_size = epsilon if steps == 1 else 2.5 * epsilon / steps
    for _ in range(steps):
        moved.requires_grad_(True)
        gradient = torch.autograd.grad(criterion(model(moved), labels), moved)[0]
        with torch.no_grad():
            moved = moved + step_size * gradient.sign()
            moved = torch.max(torch.min(moved, originals + epsilon), originals - epsilon).clamp(0, 1)
    return criterion(model(moved.detach()), labels)
