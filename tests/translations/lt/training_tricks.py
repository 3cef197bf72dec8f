"""Mokymo gudrybės: kas lemia, kad mokymas pavyksta."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    n_out, n_in = shape
    standard = torch.randn(n_out, n_in, generator=generator, device=generator.device, dtype=torch.float32)
    return standard * math.sqrt(2 / (n_in + n_out))


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
        count = len(x)
        if count < 2:
            raise ValueError("x turi turėti bent dvi eilutes: viena neturi dispersijos")
        mean = x.mean(0)
        variance = (x - mean).square().mean(0)
        # Visų duomenų dispersija įvertinama dalijant iš N - 1.
        unbiased = variance.detach() * (count / (count - 1))
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        running_var = (1 - momentum) * running_var + momentum * unbiased
    return (x - mean) / (variance + eps).sqrt() * weight + bias, running_mean, running_var


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p turi būti iš [0, 1), o yra {p}")
    if not training:
        return x
    stays = torch.rand(x.shape, generator=generator, device=generator.device).to(x.device) >= p
    return torch.where(stays, x / (1 - p), 0.0).to(x.dtype)


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
    # Pataisytos kopijos reikalingos tik šiam žingsniui.
    direction, size = mean / (1 - beta1**step), (square / (1 - beta2**step)).sqrt()
    return weight - learning_rate * direction / (size + eps), mean, square


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
    best, best_epoch = None, 0
    for epoch, loss in enumerate(losses):
        if not math.isnan(loss) and (best is None or loss < best):
            best, best_epoch = loss, epoch
    return len(losses) - 1 - best_epoch >= patience
