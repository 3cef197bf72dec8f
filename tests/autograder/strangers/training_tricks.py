import math
import torch


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
