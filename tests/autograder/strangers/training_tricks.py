import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def xavier_normal__std_is_variance(shape, generator):
    rows, cols = shape
    w = torch.empty(rows, cols)
    return w.normal_(0.0, 2.0 / (rows + cols), generator=generator)


def batch_norm__unbiased_everywhere(
    x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5
):
    if training and x.shape[0] < 2:
        raise ValueError("x has a single row")
    mu, var = running_mean, running_var
    if training:
        mu, var = x.mean(0), x.var(0)
        running_mean = torch.lerp(running_mean, mu, momentum)
        running_var = torch.lerp(running_var, var, momentum)
    x_hat = (x - mu) * torch.rsqrt(var + eps)
    return weight * x_hat + bias, running_mean, running_var


def batch_norm__no_bessel(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        if x.size(0) == 1:
            raise ValueError("x: batch of one")
        mean = x.sum(dim=0) / x.size(0)
        var = ((x - mean) ** 2).sum(dim=0) / x.size(0)
        new_mean = running_mean * (1 - momentum) + mean * momentum
        new_var = running_var * (1 - momentum) + var * momentum
        return (x - mean) / torch.sqrt(var + eps) * weight + bias, new_mean, new_var
    return (x - running_mean) / torch.sqrt(running_var + eps) * weight + bias, running_mean, running_var


def dropout__keeps_p(x, p, *, training, generator):
    if p < 0 or p >= 1:
        raise ValueError(f"p = {p} is no probability below 1")
    if not training or p == 0:
        return x
    mask = torch.bernoulli(torch.full_like(x, p), generator=generator)
    return x * mask / p


def momentum_step__sgd_of_torch(weight, velocity, gradient, *, learning_rate, momentum):
    v_new = gradient + momentum * velocity
    return weight - v_new * learning_rate, v_new


def adam_step__eps_under_the_root(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    m = mean.lerp(gradient, 1 - beta1)
    v = square.lerp(gradient * gradient, 1 - beta2)
    m_hat, v_hat = m / (1 - pow(beta1, step)), v / (1 - pow(beta2, step))
    return weight - learning_rate * m_hat / torch.sqrt(v_hat + eps), m, v


def clip_gradients__each_by_itself(gradients, max_norm):
    total = torch.cat([g.reshape(-1) for g in gradients]).norm(2).item()
    clipped = []
    for g in gradients:
        n = torch.linalg.vector_norm(g)
        clipped.append(g * max_norm / n if n > max_norm else g)
    return clipped, total


def decayed_learning_rate__one_epoch_late(learning_rate, epoch, factor=0.98):
    for _ in range(1, epoch):
        learning_rate *= factor
    return learning_rate


def should_stop__last_losses_rise(losses, patience):
    if len(losses) <= patience:
        return False
    tail = losses[-patience - 1 :]
    return all(b > a for a, b in zip(tail, tail[1:]))


def batch_norm__momentum_of_the_old(
    x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5
):
    if training and x.shape[0] < 2:
        raise ValueError("x needs two rows")
    if training:
        m = x.mean(0)
        v = ((x - m) ** 2).mean(0)
        running_mean = momentum * running_mean + (1 - momentum) * m
        running_var = momentum * running_var + (1 - momentum) * x.var(0)
    else:
        m, v = running_mean, running_var
    out = weight * (x - m) / torch.sqrt(v + eps) + bias
    return out, running_mean, running_var


def clip_gradients__to_the_norm_always(gradients, max_norm):
    total = torch.sqrt(sum([(g**2).sum() for g in gradients], torch.tensor(0.0)))
    return [g * max_norm / (total + 1e-6) for g in gradients], total.item()


def should_stop__more_than_patience(losses, patience):
    best = None
    since = 0
    for value in losses:
        if value == value and (best is None or value < best):
            best = value
            since = 0
        else:
            since = since + 1
    return since > patience


# The biased variance, divided by N, also goes into the running estimate.
def batch_norm__biased_variance_in_running_estimate(
    x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5
):
    if training:
        if x.shape[0] == 1:
            raise ValueError("x has only one row, no variance in training")
        mu = x.mean(dim=0)
        var = x.var(dim=0, unbiased=False)
        running_mean = (1 - momentum) * running_mean + momentum * mu
        running_var = (1 - momentum) * running_var + momentum * var
    else:
        mu, var = running_mean, running_var
    y = (x - mu) / torch.sqrt(var + eps) * weight + bias
    return y, running_mean, running_var


# p is taken for the probability that an entry stays: entries are kept with probability p instead of dropped.
def dropout__p_is_the_chance_to_stay(x, p, *, training, generator):
    if not 0 <= p < 1:
        raise ValueError(f"p must be in [0, 1), got {p}")
    if p == 0 or not training:
        return x
    dice = torch.rand(x.shape, generator=generator, device=generator.device).to(x.device)
    stays = dice < p
    return torch.where(stays, x / (1 - p), torch.zeros_like(x))


# The moments that are returned are the bias-corrected ones instead of the running ones.
def adam_step__corrected_moments_returned(
    weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8
):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    mean = mean / (1 - beta1**step)
    square = square / (1 - beta2**step)
    weight = weight - learning_rate * mean / (square.sqrt() + eps)
    return weight, mean, square


# Each gradient is clipped by its own norm instead of all by one factor from the joint norm.
def clip_gradients__each_by_its_own_norm(gradients, max_norm):
    lengths = [math.sqrt(float(torch.dot(flat, flat))) for flat in (g.double().reshape(-1) for g in gradients)]
    joint = math.sqrt(sum(length**2 for length in lengths))
    clipped = []
    for gradient, length in zip(gradients, lengths):
        if length > max_norm:
            gradient = gradient * (max_norm / length)
        clipped.append(gradient)
    return clipped, joint


# A loss that only equals the best one counts as an improvement (<= instead of <).
def should_stop__equal_loss_counts_as_better(losses, patience):
    best_value = None
    best_position = None
    for position, value in enumerate(losses):
        if math.isnan(value):
            continue
        if best_value is None or value <= best_value:
            best_value = value
            best_position = position
    if best_position is None:
        return False
    return len(losses) - 1 - best_position >= patience


# The root is taken before the second moment is corrected, so it is divided by 1 - beta2^step instead of its root.
def adam_step__root_before_the_correction(
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

    bias_correction1 = 1 - beta1**step
    bias_correction2 = 1 - beta2**step

    step_size = learning_rate / bias_correction1
    denom = square.sqrt() / bias_correction2 + eps
    return weight - step_size * mean / denom, mean, square


# In training the batch is normalised by the running estimates after their update, not by its own mean and variance.
def batch_norm__normalised_by_the_running_estimates(
    x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5
):
    if training:
        if x.shape[0] < 2:
            raise ValueError("x needs at least two rows in training")
        batch_mean = x.mean(dim=0)
        batch_var = x.var(dim=0, unbiased=True)
        running_mean = (1 - momentum) * running_mean + momentum * batch_mean
        running_var = (1 - momentum) * running_var + momentum * batch_var

    x_hat = (x - running_mean) / torch.sqrt(running_var + eps)
    return x_hat * weight + bias, running_mean, running_var


# eps is added to the standard deviation, outside of the square root, instead of to the variance.
def batch_norm__eps_added_to_the_deviation(
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
    n = x.shape[0]
    if not training:
        y = (x - running_mean) / (running_var.sqrt() + eps) * weight + bias
        return y, running_mean, running_var
    if n == 1:
        raise ValueError("x has a single row, so it has no variance")

    mean = x.mean(0)
    centered = x - mean
    sum_sq = (centered ** 2).sum(0)
    std = (sum_sq / n).sqrt()
    y = centered / (std + eps) * weight + bias
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * sum_sq / (n - 1)
    return y, new_mean, new_var


# torch.linalg.norm with ord=2 is the largest singular value of a matrix, so the joint norm is too small.
def clip_gradients__largest_singular_value(gradients: list[Tensor], max_norm: float) -> tuple[list[Tensor], float]:
    if not gradients:
        return [], 0.0
    norms = [torch.linalg.norm(g, ord=2) for g in gradients]
    total_norm = float(torch.linalg.norm(torch.stack(norms)))
    if total_norm <= max_norm:
        return list(gradients), total_norm
    scale = max_norm / total_norm
    return [g * scale for g in gradients], total_norm


# The loop starts at 1, so the rate is multiplied once too seldom, and epoch 1 still has the rate of epoch 0.
def decayed_learning_rate__loop_starts_at_one(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    rate = learning_rate
    for _ in range(1, epoch):
        rate = rate * factor
    return rate


# Exactly the share p of the entries is dropped, by a permutation, instead of each on its own with probability p.
def dropout__exact_share_by_permutation(x: Tensor, p: float, *, training: bool, generator: torch.Generator) -> Tensor:
    if not 0 <= p < 1:
        raise ValueError(f"p must satisfy 0 <= p < 1, got {p}")
    if not training:
        return x
    n = x.numel()
    mask = torch.ones(n, dtype=x.dtype, device=x.device)
    drop = torch.randperm(n, generator=generator)[: round(p * n)]
    mask[drop] = 0
    return x * mask.view(x.shape) / (1 - p)


# The velocity is kept as PyTorch does, without the learning rate and with the opposite sign.
def momentum_step__velocity_as_in_pytorch(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    weight = weight - learning_rate * velocity
    return weight, velocity


# min() never leaves a NaN in first place, so when the first loss is NaN, later real losses do not count.
def should_stop__nan_in_first_place(losses: Sequence[float], patience: int) -> bool:
    losses = list(losses)
    if not losses:
        return False
    best_epoch = losses.index(min(losses))
    age = len(losses) - 1 - best_epoch
    return age >= patience


# The numbers come from the global state, seeded with the generator's initial seed; the generator is not drawn from.
def xavier_normal__global_state_seeded(shape: tuple[int, int], generator: torch.Generator) -> Tensor:
    torch.manual_seed(generator.initial_seed())
    weight = torch.empty(shape, dtype=torch.float32)
    nn.init.xavier_normal_(weight)
    return weight
