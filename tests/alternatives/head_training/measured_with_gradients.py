"""Loss and accuracy of the training set by a forward pass each, with gradients; the best weights in a file; a cosine rate."""

import collections

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Head(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_features, num_classes))
        self.bias = nn.Parameter(torch.randn(num_classes))

    def forward(self, features):
        return features @ self.weight + self.bias


def build_head(in_features, num_classes):
    for name, number in locals().copy().items():
        if number < 1:
            raise ValueError(f"{name}={number}")
    return Head(in_features, num_classes)


def accuracy(logits, labels):
    if len(logits) != len(labels) or not len(logits):
        raise ValueError(f"{len(logits)} logits, {len(labels)} labels")
    return np.mean((logits.argmax(dim=1) == labels).numpy())


def evaluate(head, features, labels):
    modes = {module: module.training for module in head.modules()}
    logits = head.eval()(features)
    for module, training in modes.items():
        module.training = training
    return nn.CrossEntropyLoss()(logits, labels).item(), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    history, waited = collections.defaultdict(list), 0
    shuffled = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(*train), batch_size, shuffle=True, generator=shuffled)
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate, momentum=0.5, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    for _ in range(epochs):
        for features, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(head(features), labels).backward()
            optimizer.step()
        schedule.step()
        for part, (features, labels) in (("train", train), ("valid", valid)):
            history[f"{part}_loss"].append(evaluate(head, features, labels)[0])
            history[f"{part}_accuracy"].append(evaluate(head, features, labels)[1])
        losses = history["valid_loss"]
        if len(losses) == 1 or losses[-1] < min(losses[:-1]):
            waited = 0
            torch.save(head.state_dict(), "best_head.pt")
        else:
            waited += 1
            if waited == patience:
                print("stopped early")
                break
    head.load_state_dict(torch.load("best_head.pt"))
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"{k=}")
    odds = F.softmax(model(images), dim=1).detach().numpy()
    order = np.argsort(-odds, axis=1)[:, :k]
    return [[(model.classes[i], row[i]) for i in best] for row, best in zip(odds, order, strict=True)]
