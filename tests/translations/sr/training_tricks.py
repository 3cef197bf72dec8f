"""Трикови тренирања: шта чини да тренирање успе."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    n_out, n_in = shape
    drawn = torch.randn((n_out, n_in), generator=generator, device=generator.device, dtype=torch.float32)
    return drawn * math.sqrt(2 / (n_in + n_out))


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
        rows = len(x)
        if rows < 2:
            raise ValueError("x мора имати бар два реда: један ред нема варијансу")
        mean = x.mean(dim=0)
        variance = (x - mean).square().mean(dim=0)
        # У текућу процену улази непристрасна варијанса, а градијент кроз њу не тече.
        unbiased = variance.detach() * rows / (rows - 1)
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        running_var = (1 - momentum) * running_var + momentum * unbiased
    y = (x - mean) / torch.sqrt(variance + eps) * weight + bias
    return y, running_mean, running_var


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p мора бити у [0, 1), а јесте {p}")
    if not training:
        return x
    stays = torch.rand(x.shape, generator=generator, device=generator.device).to(x.device) >= p
    return torch.where(stays, x / (1 - p), torch.zeros_like(x))


def momentum_step(
    weight: Tensor, velocity: Tensor, gradient: Tensor, *, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    faster = momentum * velocity - learning_rate * gradient
    return weight + faster, faster


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
    # Исправљају се само копије; враћају се сирови моменти.
    direction = mean / (1 - beta1**step)
    size = torch.sqrt(square / (1 - beta2**step)) + eps
    return weight - learning_rate * direction / size, mean, square


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    # Збир у двострукој тачности, да се огромни квадрати не прелију.
    total = math.sqrt(sum(gradient.double().square().sum().item() for gradient in gradients))
    if total <= max_norm:
        return list(gradients), total
    return [gradient * (max_norm / total) for gradient in gradients], total


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return learning_rate * factor**epoch


def should_stop(losses: Sequence[float], patience: int) -> bool:
    best, best_epoch = math.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < best:  # NaN овде никада не пролази
            best, best_epoch = loss, epoch
    return len(losses) > 0 and len(losses) - 1 - best_epoch >= patience
