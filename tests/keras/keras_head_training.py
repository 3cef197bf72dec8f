"""The unit in Keras: a head of its layers, which are PyTorch's modules too, and its operations and losses."""

import copy

import keras
import torch
from keras import ops


def build_head(in_features, num_classes):
    if in_features < 1:
        raise ValueError(f"in_features is {in_features}; expected at least 1")
    if num_classes < 1:
        raise ValueError(f"num_classes is {num_classes}; expected at least 1")
    return keras.Sequential([keras.Input((in_features,)), keras.layers.Dense(num_classes)])


def accuracy(logits, labels):
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError("logits and labels must have the same length, and at least one row")
    return float(ops.mean(ops.cast(ops.argmax(logits, axis=1) == labels, "float32")))


def _loss(logits, labels):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def evaluate(head, features, labels):
    modes = [(module, module.training) for module in head.modules()]
    head.eval()
    with torch.no_grad():
        logits = head(features)
        figures = float(_loss(logits, labels)), accuracy(logits, labels)
    for module, mode in modes:
        module.training = mode
    return figures


def fit_head(head, train, valid, *, epochs=20, learning_rate=0.1, batch_size=32, patience=None, seed=0):
    features, labels = train
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(head.parameters(), lr=learning_rate)
    history = {"train_loss": [], "train_accuracy": [], "valid_loss": [], "valid_accuracy": []}
    best, kept, waited = float("inf"), copy.deepcopy(head.state_dict()), 0
    for _ in range(epochs):
        head.train()
        for rows in torch.randperm(len(labels), generator=generator).split(batch_size):
            optimizer.zero_grad()
            _loss(head(features[rows]), labels[rows]).backward()
            optimizer.step()
        for name, data in (("train", train), ("valid", valid)):
            loss, share = evaluate(head, *data)
            history[f"{name}_loss"].append(loss)
            history[f"{name}_accuracy"].append(share)
        if loss < best:
            best, kept, waited = loss, copy.deepcopy(head.state_dict()), 0
        else:
            waited += 1
        if patience is not None and waited >= patience:
            break
    head.load_state_dict(kept)
    return history


def predict(model, images, k=3):
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    with torch.no_grad():
        shares = ops.softmax(model(images), axis=-1)
    values, places = ops.top_k(shares, min(k, shares.shape[-1]))
    return [
        [(model.classes[int(place)], float(value)) for value, place in zip(row, found, strict=True)]
        for row, found in zip(values, places, strict=True)
    ]
