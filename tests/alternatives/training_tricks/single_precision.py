"""Float64 is computed by way of float32, as Keras computes it, and comes back as float64."""

import torch
from torch import nn


def xavier_normal(shape, generator):
    return nn.init.xavier_normal_(torch.empty(shape), generator=generator)


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training and len(x) < 2:
        raise ValueError(f"x needs two rows or more in training, not {len(x)}")
    dtype = x.dtype
    x, weight, bias, old_mean, old_var = (each.float() for each in (x, weight, bias, running_mean, running_var))
    if training:
        mean, var = x.mean(0), x.var(0, correction=0)
        old_mean, old_var = old_mean.lerp(mean, momentum), old_var.lerp(x.var(0), momentum)
    else:
        mean, var = old_mean, old_var
    y = (x - mean) / (var + eps).sqrt() * weight + bias
    return y.to(dtype), old_mean.to(dtype), old_var.to(dtype)


def dropout(x, p, *, training, generator):
    if not 0 <= p < 1:
        raise ValueError(f"p is a probability below 1, not {p}")
    if not training or p == 0:
        return x
    kept = torch.rand(x.shape, generator=generator) >= p
    return (kept * x.float() / (1 - p)).to(x.dtype)


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    # Numbers as float32 tensors, which leave the dtype of a float64 tensor as it is.
    learning_rate, momentum = torch.tensor(learning_rate), torch.tensor(momentum)
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    dtype = weight.dtype
    weight, gradient, mean, square = (each.float() for each in (weight, gradient, mean, square))
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient * gradient
    change = learning_rate * mean / (1 - beta1**step) / ((square / (1 - beta2**step)).sqrt() + eps)
    return (weight - change).to(dtype), mean.to(dtype), square.to(dtype)


def clip_gradients(gradients, max_norm):
    norm = torch.stack([gradient.float().norm() for gradient in gradients]).norm()
    factor = (max_norm / (norm + 1e-12)).clamp(max=1)
    return [(gradient.float() * factor).to(gradient.dtype) for gradient in gradients], float(norm)


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return learning_rate * factor**epoch


def should_stop(losses, patience):
    best, since = float("inf"), 0
    for loss in losses:
        best, since = (loss, 0) if loss < best else (best, since + 1)
    return since >= patience if losses else False
