"""Everything that is measured comes out of loaders that do not shuffle; training goes by hand through an epoch's order."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


def build_head(in_features, num_classes):
    sizes = {"in_features": in_features, "num_classes": num_classes}
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} = {size}, which is too few")
    return nn.Sequential(nn.Flatten(), nn.Linear(in_features, num_classes))


def accuracy(logits, labels):
    if len(labels) == 0 or len(logits) != len(labels):
        raise ValueError(f"{len(logits)} rows of logits, {len(labels)} labels")
    return 1 - torch.count_nonzero(logits.argmax(dim=1) - labels).item() / len(labels)


def evaluate(head, features, labels):
    modes = [module.training for module in head.modules()]
    head.eval()
    loss, right = 0.0, 0
    with torch.no_grad():
        for some, answers in DataLoader(TensorDataset(features, labels), batch_size=16):
            logits = head(some)
            loss += F.cross_entropy(logits, answers, reduction="sum").item()
            right += int((logits.argmax(dim=1) == answers).sum())
    for module, training in zip(head.modules(), modes, strict=True):
        module.training = training
    return loss / len(labels), right / len(labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    shuffle = torch.Generator().manual_seed(seed)
    examples = TensorDataset(*train)
    optimizer = torch.optim.RMSprop(head.parameters(), lr=learning_rate / 10)
    names = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")
    rows, states = [], []
    for epoch in range(epochs):
        head.train()
        order = torch.randperm(len(examples), generator=shuffle).tolist()
        for features, labels in DataLoader(Subset(examples, order), batch_size=batch_size):
            head.zero_grad()
            F.cross_entropy(head(features), labels).backward()
            optimizer.step()
        rows.append((*evaluate(head, *train), *evaluate(head, *valid)))
        states.append({name: value.clone() for name, value in head.state_dict().items()})
        best = min(range(epoch + 1), key=lambda i: rows[i][2])
        if patience is not None and epoch - best >= patience:
            break
    head.load_state_dict(states[best])
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k must be positive, not {k}")
    named = []
    with torch.no_grad():
        for (batch,) in DataLoader(TensorDataset(images), batch_size=2):
            top = model(batch).softmax(dim=1).topk(min(k, len(model.classes)))
            for odds, places in zip(top.values.tolist(), top.indices.tolist(), strict=True):
                named.append([(model.classes[place], value) for place, value in zip(places, odds, strict=True)])
    return named
