"""Teknik latihan, ditulis daripada skeleton bahasa Melayu, formula demi formula."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    keluar, masuk = shape
    return math.sqrt(2 / (masuk + keluar)) * torch.randn(keluar, masuk, generator=generator)


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
    min_, varians = running_mean, running_var
    if training:
        n = len(x)
        if n < 2:
            raise ValueError(f"x mempunyai {n} baris: tiada varians")
        min_ = x.sum(0) / n
        kuasa = ((x - min_) ** 2).sum(0)
        varians = kuasa / n
        running_mean = (1 - momentum) * running_mean + momentum * min_
        running_var = (1 - momentum) * running_var + momentum * kuasa / (n - 1)
    y = (x - min_) / (varians + eps).sqrt() * weight + bias
    return y, running_mean, running_var


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p mesti memenuhi 0 <= p < 1, bukan {p}")
    if not training:
        return x
    gugur = torch.rand(x.shape, generator=generator) < p
    return (x / (1 - p)).masked_fill(gugur, 0)


def momentum_step(
    weight: Tensor, velocity: Tensor, gradient: Tensor, *, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    halaju = momentum * velocity - learning_rate * gradient
    return weight + halaju, halaju


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
    square = beta2 * square + (1 - beta2) * gradient**2
    arah = mean / (1 - beta1**step)
    saiz = (square / (1 - beta2**step)).sqrt() + eps
    return weight - learning_rate * arah / saiz, mean, square


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    jumlah = 0.0
    for kecerunan in gradients:
        jumlah += kecerunan.double().square().sum().item()
    panjang = math.sqrt(jumlah)
    if panjang <= max_norm:
        return list(gradients), panjang
    return [kecerunan * (max_norm / panjang) for kecerunan in gradients], panjang


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return learning_rate * factor**epoch


def should_stop(losses: Sequence[float], patience: int) -> bool:
    terendah, sejak = math.inf, 0
    for epok, kehilangan in enumerate(losses):
        if kehilangan < terendah:
            terendah, sejak = kehilangan, epok
    return len(losses) - 1 - sejak >= patience
