"""Training tricks: training ကို ဘာက အလုပ်ဖြစ်စေသလဲ။"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def xavier_normal(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    n_out, n_in = shape
    normal = torch.randn(n_out, n_in, generator=generator, dtype=torch.float32, device=generator.device)
    return normal * math.sqrt(2 / (n_in + n_out))


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
    if training:
        if len(x) < 2:
            raise ValueError("x needs two rows or more in training: one row has no variance")
        mean, variance = x.mean(dim=0), x.var(dim=0, correction=0)
        # data အားလုံးအတွက် ခန့်မှန်းချက်ကို N - 1 ဖြင့် စားသည်
        unbiased = x.detach().var(dim=0, correction=1)
        running_mean = (1 - momentum) * running_mean + momentum * mean.detach()
        running_var = (1 - momentum) * running_var + momentum * unbiased
    else:
        mean, variance = running_mean, running_var
    y = (x - mean) / torch.sqrt(variance + eps) * weight + bias
    return y, running_mean, running_var


def dropout(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p must be in [0, 1), not {p}")
    if not training:
        return x
    kept = torch.rand(x.shape, generator=generator, device=generator.device) >= p
    return torch.where(kept.to(x.device), x / (1 - p), torch.zeros_like(x))


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
    square = beta2 * square + (1 - beta2) * gradient * gradient
    # ပြင်ထားသော moment များကို ဤ step အတွက်သာ သုံးသည်
    direction = mean / (1 - beta1**step)
    size = torch.sqrt(square / (1 - beta2**step)) + eps
    return weight - learning_rate * direction / size, mean, square


def clip_gradients(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    total = math.hypot(*(torch.linalg.vector_norm(gradient, dtype=torch.float64).item() for gradient in gradients))
    if total <= max_norm:
        return list(gradients), total
    return [gradient * (max_norm / total) for gradient in gradients], total


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return learning_rate * factor**epoch


def should_stop(losses: Sequence[float], patience: int) -> bool:
    if len(losses) == 0:
        return False
    best, best_epoch = math.nan, 0
    for epoch, loss in enumerate(losses):
        # တူညီသော loss နှင့် NaN တို့သည် တိုးတက်မှု မဟုတ်
        if loss < best or (math.isnan(best) and not math.isnan(loss)):
            best, best_epoch = loss, epoch
    return len(losses) - 1 - best_epoch >= patience
