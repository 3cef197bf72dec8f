"""Тренирање главе."""

import torch
import torch.nn.functional as F
from torch import nn


def build_head(in_features, num_classes):
    for name, size in {"in_features": in_features, "num_classes": num_classes}.items():
        if size < 1:
            raise ValueError(f"{name} мора бити најмање 1, а јесте {size}")
    return nn.Linear(in_features, num_classes)


def accuracy(logits, labels):
    if not 0 < len(labels) == len(logits):
        raise ValueError(f"logits и labels морају имати исту дужину већу од нуле: {len(logits)}, {len(labels)}")
    return torch.eq(logits.argmax(-1), labels).double().mean().item()


@torch.no_grad()
def evaluate(head, features, labels):
    modes = {module: module.training for module in head.modules()}
    logits = head.eval()(features)
    for module, mode in modes.items():
        module.training = mode
    return F.cross_entropy(logits, labels).item(), accuracy(logits, labels)


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weights = [weight for weight in head.parameters() if weight.requires_grad]
    names = "train_loss", "train_accuracy", "valid_loss", "valid_accuracy"
    history = {name: [] for name in names}
    kept = None
    for epoch in range(epochs):
        for rows in torch.randperm(len(train[1]), generator=generator).split(batch_size):
            loss = F.cross_entropy(head(train[0][rows]), train[1][rows])
            with torch.no_grad():
                for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
                    weight -= learning_rate * gradient
        for name, figure in zip(names, evaluate(head, *train) + evaluate(head, *valid), strict=True):
            history[name].append(figure)
        best = min(range(epoch + 1), key=history["valid_loss"].__getitem__)
        if best == epoch:
            kept = {name: tensor.clone() for name, tensor in head.state_dict().items()}
        elif patience is not None and epoch - best >= patience:
            break
    if kept:
        head.load_state_dict(kept)
    return history


@torch.no_grad()
def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k мора бити најмање 1, а јесте {k}")
    shares = F.softmax(model(images), dim=-1)
    best = shares.topk(min(k, shares.shape[-1]), dim=-1)
    return [
        [(model.classes[place], share) for place, share in zip(places, values, strict=True)]
        for places, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
