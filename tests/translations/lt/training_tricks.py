"""Mokymo gudrybės."""

import math

import torch


def xavier_normal(shape, generator):
    n_out, n_in = shape
    return math.sqrt(2 / (n_in + n_out)) * torch.randn(n_out, n_in, generator=generator)


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if not training:
        return (x - running_mean) / (running_var + eps).sqrt() * weight + bias, running_mean, running_var
    count = len(x)
    if count == 1:
        raise ValueError("x turi tik vieną eilutę, o mokant reikia bent dviejų")
    mean = x.mean(dim=0)
    squares = ((x - mean) ** 2).sum(dim=0)
    y = (x - mean) / (squares / count + eps).sqrt() * weight + bias
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * squares / (count - 1)
    return y, new_mean, new_var


def dropout(x, p, *, training, generator):
    if not 0 <= p < 1:
        raise ValueError(f"p turi būti 0 <= p < 1, o yra {p}")
    if not training:
        return x
    kept = torch.rand(x.shape, generator=generator) >= p
    return torch.where(kept, x / (1 - p), torch.zeros_like(x))


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient * gradient
    top = mean / (1 - beta1**step)
    bottom = (square / (1 - beta2**step)).sqrt() + eps
    return weight - learning_rate * top / bottom, mean, square


def clip_gradients(gradients, max_norm):
    norm = math.sqrt(sum((gradient.double() ** 2).sum().item() for gradient in gradients))
    if norm <= max_norm:
        return list(gradients), norm
    return [gradient * (max_norm / norm) for gradient in gradients], norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return learning_rate * factor**epoch


def should_stop(losses, patience):
    best, when = math.inf, 0
    for epoch, loss in enumerate(losses):
        if loss < best:
            best, when = loss, epoch
    return len(losses) > 0 and len(losses) - 1 - when >= patience
