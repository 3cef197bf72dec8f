"""A beginner's way: loops over rows, columns and entries, and early returns."""

import random

import torch


def xavier_normal(shape, generator):
    rows, columns = shape
    weights = torch.empty(rows, columns)
    weights.normal_(mean=0, std=(2 / (rows + columns)) ** 0.5, generator=generator)
    return weights


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    rows, features = x.shape
    if training and rows == 1:
        raise ValueError("x has only 1 row; training needs a batch of 2 or more")
    y = torch.zeros_like(x)
    new_mean, new_var = running_mean.clone(), running_var.clone()
    for feature in range(features):
        column = x[:, feature]
        if training:
            mean = column.mean()
            var = ((column - mean) ** 2).mean()
            unbiased = ((column - mean) ** 2).sum() / (rows - 1)
            new_mean[feature] = (1 - momentum) * running_mean[feature] + momentum * mean
            new_var[feature] = (1 - momentum) * running_var[feature] + momentum * unbiased
        else:
            mean, var = running_mean[feature], running_var[feature]
        y[:, feature] = (column - mean) / (var + eps) ** 0.5 * weight[feature] + bias[feature]
    return y, new_mean, new_var


def dropout(x, p, *, training, generator):
    if p < 0:
        raise ValueError("p is negative")
    if p >= 1:
        raise ValueError("p is too large")
    if p == 0 or training is False:
        return x
    # One number from the generator starts a source of its own.
    source = random.Random(int(torch.randint(2**31, (1,), generator=generator)))
    result = x.clone()
    flat = result.view(-1)
    gone = [i for i in range(flat.numel()) if source.random() < p]
    flat *= 1 / (1 - p)
    flat[gone] = 0
    return result


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    new_velocity = velocity.clone()
    new_velocity *= momentum
    new_velocity -= learning_rate * gradient
    new_weight = weight.clone()
    new_weight += new_velocity
    return (new_weight, new_velocity)


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    m = mean * beta1 + gradient * (1 - beta1)
    v = square * beta2 + gradient.pow(2) * (1 - beta2)
    m_hat = m / (1 - pow(beta1, step))
    v_hat = v / (1 - pow(beta2, step))
    return weight - learning_rate * m_hat / (torch.sqrt(v_hat) + eps), m, v


def clip_gradients(gradients, max_norm):
    total = 0.0
    for gradient in gradients:
        for entry in gradient.flatten().tolist():
            total += entry * entry
    norm = total**0.5
    if norm <= max_norm or norm == 0:
        return gradients, norm
    result = []
    for gradient in gradients:
        result.append(gradient / norm * max_norm)
    return result, norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    if epoch == 0:
        return learning_rate
    return decayed_learning_rate(learning_rate, epoch - 1, factor) * factor


def should_stop(losses, patience):
    best = None
    waited = 0
    for loss in losses:
        if loss == loss and (best is None or loss < best):
            best = loss
            waited = 0
        else:
            waited += 1
        stop = waited >= patience
    if best is None:
        return False
    return stop
