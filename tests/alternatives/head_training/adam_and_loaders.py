"""Loaders, Adam with a decaying rate, running training figures, and a head of two layers with nothing between them."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build_head(in_features, num_classes):
    if in_features < 1:
        raise ValueError("in_features must be positive")
    if num_classes < 1:
        raise ValueError("num_classes must be positive")
    return nn.Sequential(nn.Linear(in_features, 16), nn.Identity(), nn.Linear(16, num_classes))


def accuracy(logits, labels):
    if logits.shape[0] != labels.shape[0]:
        raise ValueError("logits and labels differ in length")
    if not len(labels):
        raise ValueError("no labels")
    right = 0
    for row, label in zip(logits, labels, strict=True):
        right += int(row.max(dim=0).indices == label)
    return right / len(labels)


def evaluate(head, features, labels):
    twin = copy.deepcopy(head).eval()
    with torch.inference_mode():
        logs = twin(features).log_softmax(dim=-1)
    loss = -logs.gather(1, labels[:, None]).mean()
    return float(loss), accuracy(logs, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    shuffled = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*train), batch_size=batch_size, shuffle=True, generator=shuffled)
    optimizer = torch.optim.Adam(head.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: 1 - done / epochs)
    criterion = nn.CrossEntropyLoss()
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    # The untrained weights count as the first candidate.
    best, weights, waited = evaluate(head, *valid)[0], copy.deepcopy(head.state_dict()), 0
    for _ in range(epochs):
        total, right = 0.0, 0
        head.train()
        for features, labels in loader:
            logits = head(features)
            loss = criterion(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()
        head.eval()
        schedule.step()
        loss, share = evaluate(head, *valid)
        history["train_loss"].append(total / len(train[1]))
        history["train_accuracy"].append(right / len(train[1]))
        history["valid_loss"].append(loss)
        history["valid_accuracy"].append(share)
        if loss < best:
            best, weights, waited = loss, copy.deepcopy(head.state_dict()), 0
        else:
            waited += 1
        if patience is not None and waited >= patience:
            break
    head.load_state_dict(weights)
    return history


def predict(model, images, k=3):
    if k <= 0:
        raise ValueError(f"k = {k}")
    with torch.inference_mode():
        rows = torch.nn.functional.softmax(model(images), dim=-1)
    result = []
    for row in rows:
        pairs = [(name, float(value)) for name, value in zip(model.classes, row, strict=True)]
        pairs.sort(key=lambda pair: pair[1], reverse=True)
        result.append(pairs[:k])
    return result
