"""The unit in Keras: its operations on PyTorch's tensors, its random numbers from a seed that the generator draws."""

import math

import keras
import torch
from keras import ops


def _seed(generator):
    return int(torch.randint(2**31 - 1, (), generator=generator))


def xavier_normal(shape, generator):
    n_out, n_in = shape
    return keras.random.normal((n_out, n_in), stddev=math.sqrt(2 / (n_in + n_out)), seed=_seed(generator))


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        rows = len(x)
        if rows == 1:
            raise ValueError("x has a single row, and no variance; expected at least 2 in training")
        mean, variance = ops.moments(x, axes=(0,))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * variance * rows / (rows - 1)
    y = ops.batch_normalization(x, mean, variance, axis=-1, offset=bias, scale=weight, epsilon=eps)
    return y, running_mean, running_var


def dropout(x, p, *, training, generator):
    if not 0 <= p < 1:
        raise ValueError(f"p is {p}; expected 0 <= p < 1")
    return keras.random.dropout(x, p, seed=_seed(generator)) if training else x


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = ops.subtract(ops.multiply(momentum, velocity), ops.multiply(learning_rate, gradient))
    return ops.add(weight, velocity), velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = beta1 * mean + (1 - beta1) * gradient
    square = beta2 * square + (1 - beta2) * ops.square(gradient)
    root = ops.sqrt(square / (1 - beta2**step))
    return weight - learning_rate * mean / (1 - beta1**step) / (root + eps), mean, square


def clip_gradients(gradients, max_norm):
    norm = math.sqrt(sum(float(ops.sum(ops.square(gradient))) for gradient in gradients))
    factor = max_norm / norm if norm > max_norm else 1.0
    return [ops.multiply(gradient, factor) for gradient in gradients], norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return learning_rate * factor**epoch


def should_stop(losses, patience):
    best, age = math.inf, 0
    for loss in losses:
        best, age = (loss, 0) if loss < best else (best, age + 1)
    return age >= patience
