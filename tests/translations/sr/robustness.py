"""Робусност."""

import math

import torch
import torch.nn.functional as F


@torch.no_grad()
def transfer_rates(images, targets, models):
    if not len(images) == len(targets) > 0:
        raise ValueError(f"images и targets морају имати исту дужину већу од нуле: {len(images)}, {len(targets)}")
    return {name: model(images).argmax(1).eq(targets).double().mean().item() for name, model in models.items()}


def ensemble_logits(models, images):
    logs = [F.log_softmax(model(images), dim=-1) for model in models]
    if len({log.shape for log in logs}) != 1:
        raise ValueError("models мора имати бар један модел, и сви исти број класа")
    return torch.logsumexp(torch.stack(logs), dim=0) - math.log(len(logs))


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    start = images.detach()
    low, high = (start - epsilon).clamp(min=0), (start + epsilon).clamp(max=1)
    length = epsilon if steps == 1 else 2.5 * epsilon / steps
    point = start.clone()
    for _ in range(steps):
        point.requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(point), labels), [point])
        point = torch.clamp(point.detach() + length * gradient.sign(), low, high)
    return F.cross_entropy(model(point), labels)
