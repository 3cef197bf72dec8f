"""The unit in NumPy: tensors come as arrays, and a generator as one of NumPy's."""

import math

import numpy as np

FRAMEWORK = "numpy"


def xavier_normal(shape, generator):
    return generator.standard_normal(shape, dtype=np.float32) * math.sqrt(2 / sum(shape))


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        if len(x) == 1:
            raise ValueError("x has a single row, and no variance; expected at least 2 in training")
        mean, variance = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)
    return (x - mean) / np.sqrt(variance + eps) * weight + bias, running_mean, running_var


def dropout(x, p, *, training, generator):
    if not 0 <= p < 1:
        raise ValueError(f"p is {p}; expected 0 <= p < 1")
    return np.where(generator.random(x.shape) >= p, x / (1 - p), np.zeros_like(x)) if training else x


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * gradient**2
    root = np.sqrt(square / (1 - beta2**step))
    return weight - learning_rate * mean / (1 - beta1**step) / (root + eps), mean, square


def clip_gradients(gradients, max_norm):
    norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
    return [gradient * (max_norm / norm) if norm > max_norm else gradient for gradient in gradients], norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return learning_rate * factor**epoch


def should_stop(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        best, age = (loss, 0) if loss < best else (best, age + 1)
    return age >= patience
