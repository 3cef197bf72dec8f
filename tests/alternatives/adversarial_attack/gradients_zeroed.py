"""Gradients on the model are set to zero instead of None; norms by pairwise distances; PyTorch's module as an attack."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def _slope(model, images, labels):
    pixels = images.clone().detach().to(DEVICE)
    pixels.requires_grad = True
    nn.CrossEntropyLoss()(model(pixels), labels).backward()
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.zero_()
    return pixels.grad.data


def fgsm(model, images, labels, epsilon):
    return torch.clamp(images.detach() + epsilon * _slope(model, images, labels).sign(), 0, 1)


def project(images, originals, epsilon):
    pixels, middle = images.detach().cpu().numpy(), originals.detach().cpu().numpy()
    pixels = np.clip(np.clip(pixels, middle - epsilon, middle + epsilon), 0, 1)
    return torch.tensor(pixels, dtype=images.dtype, device=images.device)


def targeted_step(model, images, originals, targets, *, step_size, epsilon):
    moved = images.detach() - step_size * torch.sgn(_slope(model, images, targets))
    return project(moved, originals, epsilon)


class PGD(nn.Module):
    def __init__(self, model, epsilon, step_size, steps):
        super().__init__()
        self.model, self.epsilon, self.step_size, self.steps = model, epsilon, step_size, steps

    def forward(self, images, targets):
        attacked, momentum = images.clone().detach(), torch.zeros_like(images)
        for _ in range(self.steps):
            with torch.no_grad():
                fooled = self.model(attacked).argmax(dim=1) == targets
            if fooled.all():
                break
            slope = _slope(self.model, attacked, targets)
            momentum = 0.5 * momentum + slope / slope.abs().mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
            moved = project(attacked - self.step_size * momentum.sign(), images, self.epsilon)
            attacked = torch.where(fooled[:, None, None, None], attacked, moved)
        return attacked


def targeted_attack(model, images, targets, *, epsilon=8 / 255, step_size=1 / 255, steps=40):
    return PGD(model, epsilon, step_size, steps)(images, targets)


def success_rate(model, images, targets):
    with torch.no_grad():
        return np.mean(model(images).numpy().argmax(axis=-1) == targets.numpy())


def perturbation_norms(images, originals):
    rows = images.flatten(1), originals.flatten(1)
    return F.pairwise_distance(*rows, p=float("inf")), F.pairwise_distance(*rows)
