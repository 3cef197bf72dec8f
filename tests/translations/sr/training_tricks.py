"""Трикови тренирања."""

import torch


def xavier_normal(shape, generator):
    deviation = (2 / sum(shape)) ** 0.5
    return torch.empty(shape).normal_(0, deviation, generator=generator)


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    mean, variance = running_mean, running_var
    if training:
        if x.shape[0] == 1:
            raise ValueError("x има само један ред, без варијансе")
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        running_mean = torch.lerp(running_mean, mean, momentum)
        running_var = torch.lerp(running_var, x.var(0), momentum)
    return (x - mean) * torch.rsqrt(variance + eps) * weight + bias, running_mean, running_var


def dropout(x, p, *, training, generator):
    if p < 0 or p >= 1:
        raise ValueError(f"p мора бити у [0, 1), а јесте {p}")
    if not training:
        return x
    return x * torch.bernoulli(torch.full_like(x, 1 - p), generator=generator) / (1 - p)


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    velocity = velocity.mul(momentum).sub(gradient, alpha=learning_rate)
    return weight.add(velocity), velocity


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    mean = torch.lerp(gradient, mean, beta1)
    square = torch.lerp(gradient.square(), square, beta2)
    direction = mean.div(1 - beta1**step) / (square.div(1 - beta2**step).sqrt() + eps)
    return weight.sub(direction, alpha=learning_rate), mean, square


def clip_gradients(gradients, max_norm):
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    factor = max_norm / norm if norm > max_norm else 1.0
    return [gradient * factor for gradient in gradients], norm


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return learning_rate * pow(factor, epoch)


def should_stop(losses, patience):
    numbered = [(loss, epoch) for epoch, loss in enumerate(losses) if loss == loss]
    if not numbered:
        return False
    _, best = min(numbered)
    return len(losses) - (best + 1) >= patience
