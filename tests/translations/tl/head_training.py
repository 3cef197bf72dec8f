"""Head training."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build_head(in_features, num_classes):
    if in_features < 1:
        raise ValueError(f"in_features = {in_features}, dapat hindi bababa sa 1")
    if num_classes < 1:
        raise ValueError(f"num_classes = {num_classes}, dapat hindi bababa sa 1")
    return nn.Sequential(nn.Linear(in_features, num_classes))


def accuracy(logits, labels):
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError(f"logits: {len(logits)}, labels: {len(labels)}; dapat magkapareho at may laman")
    correct = 0
    for row, label in zip(logits, labels, strict=True):
        correct += int(row.argmax() == label)
    return correct / len(labels)


def evaluate(head, features, labels):
    modules = list(head.modules())
    modes = [module.training for module in modules]
    head.eval()
    with torch.no_grad():
        logits = head(features)
        loss = nn.CrossEntropyLoss()(logits, labels)
    for module, mode in zip(modules, modes, strict=True):
        module.training = mode
    return float(loss), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    batches = DataLoader(
        TensorDataset(*train), batch_size=batch_size, shuffle=True, generator=torch.Generator().manual_seed(seed)
    )
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best, age, copy = math.inf, 0, None
    for _ in range(epochs):
        total, correct = 0.0, 0
        for features, labels in batches:
            logits = head(features)
            loss = criterion(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
            correct += int((logits.argmax(1) == labels).sum())
        # Habang natututo ang head kinukuha ang sa pagsasanay.
        history["train_loss"].append(total / len(train[1]))
        history["train_accuracy"].append(correct / len(train[1]))
        valid_loss, valid_accuracy = evaluate(head, *valid)
        history["valid_loss"].append(valid_loss)
        history["valid_accuracy"].append(valid_accuracy)
        if valid_loss < best:
            best, age = valid_loss, 0
            copy = [tensor.detach().clone() for tensor in head.state_dict().values()]
        else:
            age += 1
        if age == patience:
            break
    optimizer.zero_grad()
    if copy is not None:
        head.load_state_dict(dict(zip(head.state_dict(), copy, strict=True)))
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k = {k}, dapat hindi bababa sa 1")
    with torch.no_grad():
        probabilities = nn.Softmax(dim=1)(model(images)).tolist()
    lists = []
    for row in probabilities:
        pairs = sorted(zip(model.classes, row, strict=True), key=lambda pair: pair[1], reverse=True)
        lists.append(pairs[:k])
    return lists
