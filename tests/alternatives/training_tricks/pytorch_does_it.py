"""Every trick by PyTorch's own implementation, on copies of what came in."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def xavier_normal(shape, generator):
    layer = nn.Linear(shape[1], shape[0], bias=False)
    return nn.init.xavier_normal_(layer.weight.detach(), generator=generator)


def batch_norm(x, weight, bias, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    if training and x.size(0) < 2:
        raise ValueError(f"Expected more than one sample in the batch x, got {x.size(0)}")
    running_mean, running_var = running_mean.clone(), running_var.clone()
    y = F.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
    return y, running_mean, running_var


def dropout(x, p, *, training, generator):
    if p < 0 or p >= 1:
        raise ValueError(f"dropout probability p must be in [0, 1), got {p}")
    if not training:
        return x.clone()
    kept = torch.empty_like(x).bernoulli_(1 - p, generator=generator)
    return x * kept / (1 - p)


def _optimised(make, weight, gradient, state):
    parameter = nn.Parameter(weight.detach().clone())
    parameter.grad = gradient.detach().clone()
    optimizer = make([parameter])
    optimizer.state[parameter].update(state)
    optimizer.step()
    return parameter.detach(), optimizer.state[parameter]


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum):
    # SGD's buffer is ours divided by minus the learning rate.
    state = {"momentum_buffer": -velocity / learning_rate}
    moved, state = _optimised(
        lambda parameters: torch.optim.SGD(parameters, learning_rate, momentum), weight, gradient, state
    )
    return moved, -learning_rate * state["momentum_buffer"]


def adam_step(weight, gradient, mean, square, step, *, learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    state = {"step": torch.tensor(float(step - 1)), "exp_avg": mean.clone(), "exp_avg_sq": square.clone()}
    moved, state = _optimised(
        lambda parameters: torch.optim.Adam(parameters, learning_rate, (beta1, beta2), eps), weight, gradient, state
    )
    return moved, state["exp_avg"], state["exp_avg_sq"]


def clip_gradients(gradients, max_norm):
    parameters = [nn.Parameter(torch.empty_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    norm = nn.utils.clip_grad_norm_(parameters, max_norm)
    return [parameter.grad for parameter in parameters], float(norm)


def decayed_learning_rate(learning_rate, epoch, factor=0.98):
    return float(learning_rate * np.power(factor, epoch))


def should_stop(losses, patience):
    if not losses:
        return False
    best = int(np.nanargmin(losses))
    return len(losses) - best > patience
