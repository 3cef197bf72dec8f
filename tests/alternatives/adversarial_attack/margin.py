"""The attack goes down the margin between the best other logit and the target's instead of the cross-entropy."""

import torch
import torch.nn.functional as F


def _gradient(objective, images):
    images = images.detach().requires_grad_()
    return torch.autograd.grad(objective(images), images)[0]


def fgsm(model, images, labels, epsilon):
    slope = _gradient(lambda x: F.nll_loss(model(x).log_softmax(1), labels), images)
    return torch.clamp(images.detach().add(slope.sign(), alpha=epsilon), 0, 1)


def project(images, originals, epsilon):
    return torch.clamp(torch.clamp(images - originals, min=-epsilon, max=epsilon) + originals, 0, 1).detach()


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    slope = _gradient(lambda x: F.cross_entropy(model(x), targets), images)
    return project(images - step_size * slope.sign(), originals, epsilon)


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    rows = torch.arange(len(images))

    def margin(x):
        logits = model(x)
        others = logits.clone()
        others[rows, targets] = -torch.inf
        return (others.max(dim=1).values - logits[rows, targets]).sum()

    current = images.detach()
    for _ in range(steps):
        fooled = (model(current).argmax(1) == targets).detach().view(-1, 1, 1, 1)
        moved = project(current - step_size * _gradient(margin, current).sign(), images, epsilon)
        current = torch.where(fooled, current, moved)
    return current


def success_rate(model, images, targets):
    with torch.no_grad():
        return torch.mean((model(images).max(1).indices == targets).double()).item()


def perturbation_norms(images, originals):
    change = images - originals
    return change.abs().amax(dim=(1, 2, 3)), torch.sqrt(torch.einsum("nchw,nchw->n", change, change))
