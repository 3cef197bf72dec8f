"""Galvos mokymas."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def build_head(in_features, num_classes):
    if in_features < 1:
        raise ValueError(f"in_features yra {in_features}, o turi būti bent 1")
    if num_classes < 1:
        raise ValueError(f"num_classes yra {num_classes}, o turi būti bent 1")
    return nn.Linear(in_features, num_classes)


def accuracy(logits, labels):
    if len(logits) != len(labels):
        raise ValueError(f"logits ilgis {len(logits)}, labels ilgis {len(labels)}")
    if len(labels) == 0:
        raise ValueError("labels tuščias")
    right = (logits.argmax(dim=1) == labels).sum().item()
    return right / len(labels)


def evaluate(head, features, labels):
    modes = [(module, module.training) for module in head.modules()]
    head.eval()
    try:
        with torch.no_grad():
            logits = head(features)
            return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)
    finally:
        for module, mode in modes:
            module.training = mode


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    features, labels = train
    dice = torch.Generator().manual_seed(seed)
    descent = torch.optim.SGD(head.parameters(), lr=learning_rate)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best_loss, best_weights, since = float("inf"), None, 0
    for _ in range(epochs):
        order = torch.randperm(len(labels), generator=dice)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            descent.zero_grad()
            F.cross_entropy(head(features[rows]), labels[rows]).backward()
            descent.step()
        for part, examples in (("train", train), ("valid", valid)):
            loss, share = evaluate(head, *examples)
            history[part + "_loss"].append(loss)
            history[part + "_accuracy"].append(share)
        since += 1
        if history["valid_loss"][-1] < best_loss:
            best_loss, since = history["valid_loss"][-1], 0
            best_weights = copy.deepcopy(head.state_dict())
        if patience is not None and since >= patience:
            break
    descent.zero_grad()
    if best_weights is not None:
        head.load_state_dict(best_weights)
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k yra {k}, o turi būti bent 1")
    with torch.no_grad():
        chances = model(images).softmax(dim=1)
    answers = []
    for row in chances:
        order = row.argsort(descending=True)[:k]
        answers.append([(model.classes[place], row[place].item()) for place in order.tolist()])
    return answers
