"""A module class, gradient descent with momentum written out with torch.autograd.grad, and no optimizer."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Head(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(num_classes, in_features))
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, features):
        return features @ self.weight.T + self.bias


def build_head(in_features, num_classes):
    if min(in_features, num_classes) < 1:
        raise ValueError(f"in_features ({in_features}) and num_classes ({num_classes}) must be at least 1")
    return Head(in_features, num_classes)


def accuracy(logits, labels):
    if labels.numel() == 0 or labels.shape != logits.shape[:1]:
        raise ValueError("labels must be as many as there are rows of logits, and there must be some")
    return torch.count_nonzero(logits.argmax(-1).eq(labels)).item() / labels.numel()


def evaluate(head, features, labels):
    training = {module for module in head.modules() if module.training}
    head.eval()
    try:
        with torch.no_grad():
            logits = head(features)
    finally:
        for module in training:
            module.training = True
    loss = (logits.logsumexp(1) - logits[torch.arange(len(labels)), labels]).mean()
    return loss.item(), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    generator = torch.Generator()
    generator.manual_seed(seed)
    parameters = list(head.parameters())
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    history = {f"{part}_{what}": [] for part in ("valid", "train") for what in ("accuracy", "loss")}
    best, since = math.inf, 0
    kept = [parameter.detach().clone() for parameter in parameters]
    for _ in range(epochs):
        order = torch.randperm(len(train[0]), generator=generator)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            loss = F.cross_entropy(head(train[0][rows]), train[1][rows])
            with torch.no_grad():
                for parameter, velocity, slope in zip(
                    parameters, velocities, torch.autograd.grad(loss, parameters), strict=True
                ):
                    velocity.mul_(0.5).sub_(learning_rate * slope)
                    parameter.add_(velocity)
        for part, data in (("train", train), ("valid", valid)):
            loss, share = evaluate(head, *data)
            history[f"{part}_loss"].append(loss)
            history[f"{part}_accuracy"].append(share)
        if loss < best:
            best, since = loss, 0
            kept = [parameter.detach().clone() for parameter in parameters]
        else:
            since += 1
            if since == patience:
                break
    with torch.no_grad():
        for parameter, value in zip(parameters, kept, strict=True):
            parameter.copy_(value)
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError("k must not be below 1")
    logits = model(images).detach()
    odds = (logits - logits.amax(dim=1, keepdim=True)).exp()
    probabilities = odds / odds.sum(dim=1, keepdim=True)
    order = probabilities.argsort(dim=1, descending=True)[:, :k]
    return [[(model.classes[j], probabilities[i, j].item()) for j in row] for i, row in enumerate(order.tolist())]
