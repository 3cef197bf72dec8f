import torch
import torch.nn.functional as F
from torch import nn


def class_loss__double_softmax(model, images, target):
    probs = nn.Softmax(dim=1)(model(images))
    y = torch.ones(images.size(0), dtype=torch.long) * target
    return nn.CrossEntropyLoss()(probs, y)


def class_loss__probability(model, images, target):
    p = torch.softmax(model(images), dim=-1)
    return -p[:, target].mean()


def ideal_step__plus(model, images, target, *, learning_rate, variation_weight):
    x = images.clone().detach()
    x.requires_grad = True
    y = torch.full((x.shape[0],), target, dtype=torch.int64)
    tv = (x[:, :, 1:] - x[:, :, :-1]).abs().sum() + (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum()
    loss = F.cross_entropy(model(x), y) + variation_weight * tv / x.numel()
    g = torch.autograd.grad(loss, [x])[0]
    return torch.clamp(x + learning_rate * g, min=0.0, max=1.0).detach()


def class_loss__added_up(model, images, target):
    log_probabilities = torch.log_softmax(model(images), dim=-1)
    return -log_probabilities[:, target].sum()


def ideal_loss__weighs_the_class(model, images, target, variation_weight):
    tv = (images[:, :, 1:] - images[:, :, :-1]).abs().sum() + (images[..., 1:] - images[..., :-1]).abs().sum()
    return variation_weight * class_loss(model, images, target) + tv / images.numel()


def ideal_step__sign_of_the_gradient(model, images, target, *, learning_rate, variation_weight):
    x = images.detach().clone().requires_grad_(True)
    grad = torch.autograd.grad(ideal_loss(model, x, target, variation_weight), x)[0]
    x = x.detach() - learning_rate * torch.sign(grad)
    return torch.clamp(x, min=0.0, max=1.0)
