"""Adversarial attack၊ မြန်မာ skeleton မှ ရေးထားသည်: log-softmax နှင့် torch.where ဖြင့်။"""

import torch
from torch import Tensor, nn


def _uphill(model: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Loss တိုးသောဘက်ကို +1, 0, -1 ဖြင့် ပြောပါ။"""
    with torch.enable_grad():
        x = images.detach().requires_grad_()
        loss = -model(x).log_softmax(1).gather(1, classes[:, None]).sum()
        return torch.autograd.grad(loss, x)[0].sign()


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return images.detach().add(_uphill(model, images, labels), alpha=epsilon).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    change = (images - originals).clamp(-epsilon, epsilon)
    return (originals + change).clamp(0, 1).detach()


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    return project(images.detach().sub(_uphill(model, images, targets), alpha=step_size), originals, epsilon)


@torch.no_grad()
def _fooled(model: nn.Module, images: Tensor, targets: Tensor) -> Tensor:
    return model(images).max(dim=1).indices.eq(targets)


def targeted_attack(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    x = images.detach().clone()
    for _ in range(steps):
        done = _fooled(model, x, targets)
        if bool(done.all()):
            return x
        moved = targeted_step(model, x, images, targets, step_size=step_size, epsilon=epsilon)
        x = torch.where(done[:, None, None, None], x, moved)
    return x


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    return sum(_fooled(model, images, targets).tolist()) / len(targets)


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    change = images - originals
    largest, length = (torch.linalg.vector_norm(change, ord=order, dim=(1, 2, 3)) for order in (float("inf"), 2))
    return largest, length
