"""Frozen weights during the attack, one tensor for all models, the loss from its definition."""

import torch
from torch import nn


def transfer_rates(images, targets, models):
    count = images.size(0)
    if count < 1 or targets.numel() != count:
        raise ValueError("images and targets must be as many, at least one")
    names = list(models)
    with torch.inference_mode():
        firsts = torch.stack([models[name](images).argmax(1) for name in names])
    return dict(zip(names, (firsts == targets).double().mean(dim=1).tolist(), strict=True))


def ensemble_logits(models, images):
    models = nn.ModuleList(models)
    if len(models) == 0:
        raise ValueError("no models")
    try:
        logits = torch.stack([model(images) for model in models])
    except RuntimeError as error:
        raise ValueError("models of different classes") from error
    shares = torch.log_softmax(logits, dim=2)
    return torch.logsumexp(shares - torch.tensor(float(len(models))).log(), dim=0)


def mean_loss(model, images, labels):
    logits = model(images)
    return (logits.logsumexp(dim=1) - logits.gather(1, labels[:, None])[:, 0]).mean()


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    flags = [(each, each.requires_grad) for each in model.parameters()]
    for each, _ in flags:
        each.requires_grad_(False)
    change = torch.zeros_like(images)
    for _ in range(steps):
        change.requires_grad_()
        slope = torch.autograd.grad(mean_loss(model, images.detach() + change, labels), change)[0]
        with torch.no_grad():
            change = (change + 2.5 * epsilon / steps * slope.sign()).clamp(-epsilon, epsilon)
            change = (images + change).clamp(0, 1) - images
    for each, flag in flags:
        each.requires_grad_(flag)
    return mean_loss(model, (images + change).clamp(0, 1).detach(), labels)
