"""Training tricks: ang nagpapagana sa pagsasanay."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    n_out, n_in = shape
    draws = torch.randn(n_out, n_in, generator=generator, device=generator.device, dtype=torch.float32)
    return draws * math.sqrt(2 / (n_in + n_out))


def batch_norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    mean, variance = running_mean, running_var
    if training:
        rows = x.shape[0]
        if rows < 2:
            raise ValueError(f"x: {rows} row lamang, kaya walang variance")
        mean = x.mean(dim=0)
        variance = (x - mean).square().mean(dim=0)
        # Unbiased ang sinusundan ng running estimate.
        unbiased = variance.detach() * rows / (rows - 1)
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        running_var = (1 - momentum) * running_var + momentum * unbiased
    y = (x - mean) / torch.sqrt(variance + eps) * weight + bias
    return y, running_mean, running_var


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p: dapat 0 <= p < 1, ngunit {p} ito")
    if not training:
        return x
    kept = (torch.rand(x.shape, generator=generator, device=generator.device) >= p).to(x.device)
    return torch.where(kept, x / (1 - p), torch.zeros_like(x))


def momentum_step(
    weight: Tensor, velocity: Tensor, gradient: Tensor, *, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity


def adam_step(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    square: Tensor,
    step: int,
    *,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
) -> tuple[Tensor, Tensor, Tensor]:
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient.square()
    # Para sa hakbang na ito lamang ang pagtatama; ang mga hindi itinama ang bumabalik.
    direction = (mean / (1 - beta1**step)) / (torch.sqrt(square / (1 - beta2**step)) + eps)
    return weight - learning_rate * direction, mean, square


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    norm = math.sqrt(sum(gradient.double().square().sum().item() for gradient in gradients))
    if norm <= max_norm:
        return list(gradients), norm
    return [gradient * (max_norm / norm) for gradient in gradients], norm


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return learning_rate * factor**epoch


def should_stop(losses: Sequence[float], patience: int) -> bool:
    if len(losses) == 0:
        return False
    best, best_epoch = losses[0], 0
    for epoch, loss in enumerate(losses):
        # Hindi pagbuti ang NaN, ngunit pagbuti mula sa NaN ang anumang tunay na bilang.
        if loss < best or (math.isnan(best) and not math.isnan(loss)):
            best, best_epoch = loss, epoch
    return len(losses) - 1 - best_epoch >= patience
