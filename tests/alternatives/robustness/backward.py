"""backward() with the gradients of the weights put aside, a shifted softmax, equality of argmax counted by hand."""

import torch
import torch.nn.functional as F


def transfer_rates(images, targets, models):
    if images.shape[0] == 0:
        raise ValueError("images: there are none")
    if targets.shape[0] != images.shape[0]:
        raise ValueError("targets: not as many as images")
    with torch.no_grad():
        return {
            name: torch.count_nonzero(model(images).max(dim=1).indices == targets).item() / images.shape[0]
            for name, model in models.items()
        }


def ensemble_logits(models, images):
    if not len(models):
        raise ValueError("models must not be empty")
    logits = [model(images) for model in models]
    if len({each.shape[1] for each in logits}) != 1:
        raise ValueError("models disagree about the number of classes")
    logs = torch.stack([each - each.logsumexp(dim=1, keepdim=True) for each in logits], dim=-1)
    top = logs.max(dim=-1, keepdim=True).values.detach()
    return (logs - top).exp().mean(dim=-1).log() + top.squeeze(-1)


def adversarial_loss(model, images, labels, *, epsilon, steps=1):
    standing = [(each, each.grad) for each in model.parameters()]
    for each, _ in standing:
        each.grad = None  # or backward() would add to the very tensors that are put aside
    moved = images.clone().detach()
    for _ in range(steps):
        moved.requires_grad_(True)
        F.cross_entropy(model(moved), labels).backward()
        with torch.no_grad():
            moved = moved + 2.5 * epsilon / steps * moved.grad.sign()
            moved = torch.max(torch.min(moved, images + epsilon), images - epsilon).clamp(0, 1)
    for each, gradient in standing:
        each.grad = gradient
    return F.cross_entropy(model(moved), labels)
