"""Trains a twin that was saved and loaded, by Adagrad on batches of an IterableDataset; the head is normalised by weight."""

import copy
import io
import itertools
import random

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset


def build_head(in_features: int, num_classes: int) -> nn.Module:
    if in_features <= 0:
        raise ValueError("in_features has to be positive")
    if num_classes <= 0:
        raise ValueError("num_classes has to be positive")
    head = nn.Linear(in_features, num_classes)
    nn.init.orthogonal_(head.weight)
    nn.init.zeros_(head.bias)
    return nn.utils.parametrizations.weight_norm(head)


def accuracy(logits, labels):
    n, m = logits.shape[0], labels.shape[0]
    if n != m or n == 0:
        raise ValueError(f"logits: {n} rows; labels: {m} entries")
    hits = [row.index(max(row)) == label for row, label in zip(logits.tolist(), labels.tolist(), strict=False)]
    return sum(hits) / n


def evaluate(head, features, labels):
    copied = copy.deepcopy(head)
    copied.eval()
    with torch.no_grad():
        logits = copied(features)
    loss = sum(
        F.cross_entropy(part, y, reduction="sum").item()
        for part, y in zip(logits.split(100), labels.split(100), strict=False)
    )
    return loss / len(labels), accuracy(logits, labels)


class Shuffled(IterableDataset):
    def __init__(self, features, labels, dice):
        self.pairs = list(zip(features, labels, strict=False))
        self.dice = dice

    def __iter__(self):
        return iter(self.dice.sample(self.pairs, len(self.pairs)))


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    file = io.BytesIO()
    torch.save(head, file)
    file.seek(0)
    given, head = head, torch.load(file, weights_only=False)  # a twin learns, and hands over its weights in the end
    loader = DataLoader(Shuffled(*train, random.Random(seed)), batch_size=batch_size)
    optimizer = torch.optim.Adagrad(head.parameters(), lr=learning_rate)

    def one_epoch():
        total = right = count = 0
        for x, y in loader:
            logits = head(x)
            loss = F.cross_entropy(logits, y)
            grads = torch.autograd.grad(loss, list(head.parameters()))
            for p, g in zip(head.parameters(), grads, strict=False):
                p.grad = g
            optimizer.step()
            total += loss.item() * len(y)
            right += (logits.argmax(1) == y).sum().item()
            count += len(y)
        return total / count, right / count

    rows = []
    best, best_head, best_epoch = None, None, 0
    for epoch in itertools.count():
        if epoch == epochs:
            break
        rows.append((*one_epoch(), *evaluate(head, *valid)))
        print(f"[{epoch + 1}/{epochs}] " + " ".join(f"{figure:.3f}" for figure in rows[-1]))
        if best is None or rows[-1][2] < best:
            best, best_head, best_epoch = rows[-1][2], copy.deepcopy(head), epoch
        elif patience is not None and epoch - best_epoch >= patience:
            break
    if best_head is not None:
        with torch.no_grad():
            for p, q in zip(given.parameters(), best_head.parameters(), strict=False):
                p.copy_(q)
            for p, q in zip(given.buffers(), best_head.buffers(), strict=False):
                p.copy_(q)
    return dict(
        zip(
            ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy"),
            map(list, zip(*rows, strict=False)),
            strict=False,
        )
    )


def predict(model, images, k=3):
    if k < 1:
        raise ValueError("k: at least one class has to be named")
    result = []
    for image in images:
        with torch.no_grad():
            p = model(image.unsqueeze(0)).squeeze(0).softmax(0)
        order = sorted(enumerate(p.tolist()), key=lambda pair: pair[1], reverse=True)
        result.append([(model.classes[i], q) for i, q in order[: min(k, len(order))]])
    return result
