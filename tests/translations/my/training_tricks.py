"""Training tricks၊ မြန်မာ skeleton မှ ရေးထားသည်: torch ၏ အသင့်ရှိ function များဖြင့်။"""

from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    return torch.empty(shape).normal_(0.0, (2 / sum(shape)) ** 0.5, generator=generator)


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
        return (x - running_mean) * torch.rsqrt(running_var + eps) * weight + bias, running_mean, running_var
    if x.size(0) < 2:
        raise ValueError("x တွင် အတန်းတစ်ခုတည်းသာ ရှိ၍ variance မရှိပါ")
    mean = x.mean(0)
    y = (x - mean) * torch.rsqrt(x.var(0, correction=0) + eps) * weight + bias
    return y, torch.lerp(running_mean, mean, momentum), torch.lerp(running_var, x.var(0), momentum)


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if p < 0 or p >= 1 or p != p:
        raise ValueError(f"p = {p} သည် 0 <= p < 1 မဟုတ်ပါ")
    if training:
        kept = torch.empty(x.shape).bernoulli_(1 - p, generator=generator).bool()
        return torch.where(kept, x / (1 - p), torch.zeros_like(x))
    return x


def momentum_step(
    weight: Tensor, velocity: Tensor, gradient: Tensor, *, learning_rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    velocity = velocity.mul(momentum).sub(gradient, alpha=learning_rate)
    return weight.add(velocity), velocity


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
    first = mean.mul(beta1).add(gradient, alpha=1 - beta1)
    second = square.mul(beta2).addcmul(gradient, gradient, value=1 - beta2)
    below = second.div(1 - beta2**step).sqrt().add(eps)
    return weight.addcdiv(first.div(1 - beta1**step), below, value=-learning_rate), first, second


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float64) for gradient in gradients]
    together = float(torch.stack(norms).norm()) if norms else 0.0
    factor = max_norm / together if together > max_norm else 1.0
    return [gradient.mul(factor) for gradient in gradients], together


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    for _ in range(epoch):
        learning_rate *= factor
    return learning_rate


def should_stop(losses: Sequence[float], patience: int) -> bool:
    age, best = -1, float("inf")
    for loss in losses:
        age += 1
        if loss < best:
            age, best = 0, loss
    return age >= patience
