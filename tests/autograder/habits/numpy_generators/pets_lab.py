"""Shuffles with a generator of NumPy's, and one of Python's, both its own."""

import random

import numpy as np
import torch


def stratified_split(labels, fraction, seed=0):
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must lie between 0 and 1, not {fraction}")
    rng, order = np.random.default_rng(seed), random.Random(seed)
    labels = labels.numpy()
    train, valid = [], []
    for label in np.unique(labels):
        places = rng.permutation(np.flatnonzero(labels == label))
        many = len(places)
        held_out = 0 if many == 1 else int(np.clip(round(fraction * many), 1, many - 1))
        valid.extend(places[:held_out])
        train.extend(places[held_out:])
    order.shuffle(train)
    order.shuffle(valid)
    return torch.as_tensor(np.array(train, dtype=np.int64)), torch.as_tensor(np.array(valid, dtype=np.int64))


def confusion_matrix(predictions, labels, num_classes):
    table = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(table, (labels.numpy(), predictions.numpy()), 1)
    return torch.from_numpy(table)
