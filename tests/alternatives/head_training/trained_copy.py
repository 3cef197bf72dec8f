"""Trains a copy with AdamW, keeps every epoch's weights, and loads the best of them into the head at the very end."""

import copy
import random

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy


def build_head(in_features, num_classes):
    for name, value in {"in_features": in_features, "num_classes": num_classes}.items():
        if not value >= 1:
            raise ValueError(f"{name} has to be a positive number")
    return nn.Linear(in_features, num_classes, bias=False)


def accuracy(logits, labels):
    if len(labels) != len(logits) or len(logits) == 0:
        raise ValueError("logits: one row for each label, and at least one")
    answers = logits.detach().cpu().numpy().argmax(axis=1)
    return float(np.mean(answers == labels.cpu().numpy()))


@torch.no_grad()
def evaluate(head, features, labels):
    modes = [module.training for module in head.modules()]
    head.eval()
    logits = torch.cat([head(part) for part in features.split(16)])
    for module, mode in zip(head.modules(), modes, strict=True):
        module.training = mode
    losses = cross_entropy(logits, labels, reduction="none")
    return losses.mean().item(), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    dice = random.Random(seed)
    student = copy.deepcopy(head).train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=learning_rate, weight_decay=1e-3)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    versions = []
    for _ in range(epochs):
        order = list(range(len(train[1])))
        dice.shuffle(order)
        while order:
            rows, order = order[:batch_size], order[batch_size:]
            student.zero_grad()
            cross_entropy(student(train[0][rows]), train[1][rows]).backward()
            optimizer.step()
        versions.append({name: value.clone() for name, value in student.state_dict().items()})
        for part, examples in (("train", train), ("valid", valid)):
            for what, value in zip(("loss", "accuracy"), evaluate(student, *examples), strict=True):
                history[f"{part}_{what}"].append(value)
        losses = history["valid_loss"]
        if patience is not None and len(losses) - 1 - losses.index(min(losses)) >= patience:
            break
    head.load_state_dict(versions[int(np.argmin(history["valid_loss"]))])
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError("k has to be positive")
    with torch.no_grad():
        values, indices = model(images).softmax(1).sort(dim=1, descending=True)
    names = [[model.classes[i] for i in row] for row in indices[:, :k].tolist()]
    return [list(zip(row, shares, strict=True)) for row, shares in zip(names, values[:, :k].tolist(), strict=True)]
