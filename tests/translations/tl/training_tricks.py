"""Training tricks."""

import math

import torch


def xavier_normal(shape, generator):
    rows, columns = shape
    standard = torch.randn(rows * columns, generator=generator).reshape(rows, columns)
    return standard * math.sqrt(2 / (rows + columns))


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training:
        if len(x) < 2:
            raise ValueError("x: walang variance ang iisang row")
        variance, mean = torch.var_mean(x, dim=0, correction=0)
        unbiased = variance * len(x) / (len(x) - 1)
        running_mean = running_mean + momentum * (mean - running_mean)
        running_var = running_var + momentum * (unbiased - running_var)
    else:
        mean, variance = running_mean, running_var
    scale = weight / torch.sqrt(variance + eps)
    return torch.addcmul(bias, x - mean, scale), running_mean, running_var


def dropout(x, p, *, training, generator):
    if not (p >= 0 and p < 1):
        raise ValueError(f"p = {p}, dapat 0 <= p < 1")
    if not training or p == 0:
        return x
    dropped = torch.rand(x.shape, generator=generator) < p
    return (x / (1 - p)).masked_fill(dropped, 0)


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    new_velocity = momentum * velocity
    new_velocity = new_velocity - learning_rate * gradient
    return weight + new_velocity, new_velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    new_mean = beta1 * mean + (1 - beta1) * gradient
    new_square = beta2 * square + (1 - beta2) * gradient.pow(2)
    corrected_mean = new_mean / (1 - pow(beta1, step))
    corrected_square = new_square / (1 - pow(beta2, step))
    return weight - learning_rate * corrected_mean / (corrected_square.sqrt() + eps), new_mean, new_square


def clip_gradients(gradients, max_norm):
    norms = torch.tensor([torch.linalg.vector_norm(gradient).item() for gradient in gradients], dtype=torch.float64)
    norm = float(torch.linalg.vector_norm(norms))
    if norm > max_norm:
        gradients = [gradient.mul(max_norm / norm) for gradient in gradients]
    return list(gradients), norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    for _ in range(epoch):
        learning_rate = learning_rate * factor
    return learning_rate


def should_stop(losses, patience):
    best, age = math.inf, -1
    for loss in losses:
        age += 1
        if loss < best:
            best, age = loss, 0
    return age >= patience
