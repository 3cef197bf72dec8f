"""Random starts, pairs of models added up by logaddexp, images one after another."""

import functools
import math

import torch
import torch.nn.functional as F


def transfer_rates(images, targets, models):
    if not len(images) or targets.shape != images.shape[:1]:
        raise ValueError(f"as many targets as images, and some: not {len(targets)} and {len(images)}")
    rates = {}
    for name, model in models.items():
        with torch.no_grad():
            hits = [
                int(model(image[None]).argmax()) == int(target) for image, target in zip(images, targets, strict=True)
            ]
        rates[name] = sum(hits) / len(hits)
    return rates


def ensemble_logits(models, images):
    logs = [model(images).log_softmax(dim=-1) for model in models]
    if len(logs) == 0 or any(each.shape != logs[0].shape for each in logs):
        raise ValueError("models must be some, with the same classes")
    return functools.reduce(torch.logaddexp, logs) - math.log(len(logs))


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    images = images.detach()
    low, high = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)
    moved, step = images, epsilon
    if steps > 1:
        step = 2.5 * epsilon / steps
        moved = (images + epsilon * (2 * torch.rand_like(images) - 1)).clamp(0, 1)
    for _ in range(steps):
        delta = torch.zeros_like(images, requires_grad=True)
        loss = F.cross_entropy(model(moved + delta), labels, reduction="sum")
        slope = torch.autograd.grad(loss, delta)[0]
        moved = torch.clamp(moved + step * torch.sign(slope), low, high)
    return F.cross_entropy(model(moved.detach()), labels)
