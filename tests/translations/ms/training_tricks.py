"""Teknik latihan: apa yang menjadikan latihan berjaya."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    n_out, n_in = shape
    piawai = torch.randn(n_out, n_in, generator=generator, dtype=torch.float32, device=generator.device)
    return piawai * math.sqrt(2 / (n_in + n_out))


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
    if not training:
        y = (x - running_mean) / torch.sqrt(running_var + eps) * weight + bias
        return y, running_mean, running_var
    n = x.shape[0]
    if n < 2:
        raise ValueError(f"x mempunyai {n} baris; varians dalam latihan memerlukan sekurang-kurangnya 2")
    purata = x.mean(dim=0)
    varians = (x - purata).square().mean(dim=0)
    y = (x - purata) / torch.sqrt(varians + eps) * weight + bias
    # Statistik bergerak menyimpan varians saksama, dan tidak membawa graf.
    saksama = varians.detach() * (n / (n - 1))
    purata_baharu = (1 - momentum) * running_mean + momentum * purata.detach()
    varians_baharu = (1 - momentum) * running_var + momentum * saksama
    return y, purata_baharu, varians_baharu


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p mesti memenuhi 0 <= p < 1, bukan {p}")
    if not training:
        return x
    kekal = torch.rand(x.shape, generator=generator, device=generator.device).to(x.device) >= p
    return torch.where(kekal, x / (1 - p), torch.zeros_like(x))


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
    momen1 = beta1 * mean + (1 - beta1) * gradient
    momen2 = beta2 * square + (1 - beta2) * gradient.square()
    # Pembetulan hanya bagi langkah ini; momen dikembalikan tanpa dibetulkan.
    arah = momen1 / (1 - beta1**step)
    saiz = torch.sqrt(momen2 / (1 - beta2**step)) + eps
    return weight - learning_rate * arah / saiz, momen1, momen2


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    # float64, supaya kuasa dua kecerunan yang besar tidak melimpah.
    norma = math.hypot(*(torch.linalg.vector_norm(g, dtype=torch.float64).item() for g in gradients))
    if norma <= max_norm:
        return list(gradients), norma
    return [g * (max_norm / norma) for g in gradients], norma


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return learning_rate * factor**epoch


def should_stop(losses: Sequence[float], patience: int) -> bool:
    if len(losses) == 0:
        return False
    terbaik, epok_terbaik = math.inf, 0
    for epok, kehilangan in enumerate(losses):
        if kehilangan < terbaik:  # palsu bagi NaN dan bagi nilai yang sama
            terbaik, epok_terbaik = kehilangan, epok
    return len(losses) - 1 - epok_terbaik >= patience
