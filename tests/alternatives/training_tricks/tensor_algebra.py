"""Written with einsum, stacked vectors and rearranged formulas; in float64 where that is easy."""

import itertools
import math

import torch


def xavier_normal(shape, generator):
    deviation = math.sqrt(2.0 / sum(shape))
    return torch.normal(0.0, deviation, size=tuple(shape), generator=generator)


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    count = x.shape[0]
    if not training:
        scale = weight * torch.rsqrt(running_var + eps)
        return x * scale + (bias - running_mean * scale), running_mean.clone(), running_var.clone()
    if count == 1:
        raise ValueError("x needs more than one row when training")
    mean = x.sum(0) / count
    centred = x - mean
    squares = torch.einsum("nd,nd->d", centred, centred)
    y = torch.addcmul(bias, centred * torch.rsqrt(squares / count + eps), weight)
    new_var = torch.lerp(running_var, squares / (count - 1), momentum)
    return y, torch.lerp(running_mean, mean, momentum), new_var


def dropout(x, p, *, training, generator):
    if not (0 <= p < 1):
        raise ValueError("p must lie in [0, 1)")
    if training:
        x = x.clone()
        x[torch.rand(x.shape, generator=generator) < p] = 0
        x = x.div(1 - p)
    return x


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    step = torch.add(velocity * momentum, gradient, alpha=-learning_rate)
    return torch.add(weight, step), step


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = torch.lerp(mean, gradient, 1 - beta1)
    square = torch.addcmul(beta2 * square, gradient, gradient, value=1 - beta2)
    root = math.sqrt(1 - beta2**step)
    # Both corrections in the step size, and eps enlarged to match.
    size = learning_rate * root / (1 - beta1**step)
    return weight - size * mean / (square.sqrt() + eps * root), mean, square


def clip_gradients(gradients, max_norm):
    everything = torch.cat([gradient.flatten() for gradient in gradients])
    norm = torch.linalg.vector_norm(everything)
    factor = (max_norm / norm.clamp(min=1e-30)).clamp(max=1.0)
    if norm <= max_norm:
        return [gradient.clone() for gradient in gradients], norm.item()
    return [gradient * factor for gradient in gradients], norm.item()


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    for _ in range(epoch):
        learning_rate *= factor
    return learning_rate


def should_stop(losses, patience):
    numbers = [(loss, epoch) for epoch, loss in enumerate(losses) if not math.isnan(loss)]
    lowest = list(itertools.accumulate((loss for loss, _ in numbers), min))
    if not lowest:
        return False
    first = next(epoch for loss, epoch in numbers if loss == lowest[-1])
    return len(losses) - 1 - first >= patience
