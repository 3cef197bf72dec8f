"""Priešiškas išpuolis: šuo, kurį tinklas vadina kate."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _direction(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    # Suma, o ne vidurkis: ženklas tas pats, o maži gradientai nedalijami iš N.
    x = images.detach().clone().requires_grad_()
    with torch.enable_grad():
        loss = F.cross_entropy(model(x), labels, reduction="sum")
    return torch.autograd.grad(loss, x)[0].sign()


def _answers(model: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(1)


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    return (images.detach() + epsilon * _direction(model, images, labels)).clamp(0, 1)


def project(images: Tensor, originals: Tensor, epsilon: float) -> Tensor:
    centre = originals.detach()
    return images.detach().clamp(centre - epsilon, centre + epsilon).clamp(0, 1)


def targeted_step(
    model: nn.Module, images: Tensor, originals: Tensor, targets: Tensor, *, step_size: float, epsilon: float
) -> Tensor:
    moved = images.detach() - step_size * _direction(model, images, targets)
    return project(moved, originals, epsilon)


def targeted_attack(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    epsilon: float = 8 / 255,
    step_size: float = 1 / 255,
    steps: int = 40,
) -> Tensor:
    originals = images.detach()
    result = originals.clone()
    left = torch.arange(len(result), device=result.device)
    for _ in range(steps):
        if len(left) == 0:
            break
        # Toliau keičiami tik tie vaizdai, kurie tinklo dar neapgauna.
        left = left[_answers(model, result[left]) != targets[left]]
        if len(left) > 0:
            result[left] = targeted_step(
                model, result[left], originals[left], targets[left], step_size=step_size, epsilon=epsilon
            )
    return result


def success_rate(model: nn.Module, images: Tensor, targets: Tensor) -> float:
    return (_answers(model, images) == targets).double().mean().item()


def perturbation_norms(images: Tensor, originals: Tensor) -> tuple[Tensor, Tensor]:
    change = (images - originals).flatten(1)
    return change.abs().amax(1), torch.linalg.vector_norm(change, dim=1)
