"""Atsparumas."""

import math

import torch
import torch.nn.functional as F


def transfer_rates(images, targets, models):
    if len(images) == 0:
        raise ValueError("images tuščias")
    if len(targets) != len(images):
        raise ValueError(f"targets ilgis {len(targets)}, o images {len(images)}")
    rates = {}
    for name, model in models.items():
        with torch.no_grad():
            seen = model(images).argmax(dim=1)
        rates[name] = (seen == targets).sum().item() / len(images)
    return rates


def ensemble_logits(models, images):
    if len(models) == 0:
        raise ValueError("models tuščias")
    logits = [model(images) for model in models]
    widths = [row.shape[1] for row in logits]
    if len(set(widths)) > 1:
        raise ValueError(f"models turi skirtingą klasių skaičių: {widths}")
    logs = torch.stack([row.log_softmax(dim=1) for row in logits])
    return logs.logsumexp(dim=0) - math.log(len(models))


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    originals = images.detach()
    size = epsilon if steps == 1 else 2.5 * epsilon / steps
    moved = originals
    for _ in range(steps):
        x = moved.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), labels), x)
        change = (moved + size * gradient.sign() - originals).clamp(-epsilon, epsilon)
        moved = (originals + change).clamp(0, 1)
    return F.cross_entropy(model(moved), labels)
