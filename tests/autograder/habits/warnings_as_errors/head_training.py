"""Warnings are errors, from the import on."""

import warnings

import numpy as np
import torch

warnings.simplefilter("error")
np.seterr(all="raise")


def accuracy(logits, labels):
    if len(logits) != len(labels) or len(labels) == 0:
        raise ValueError("logits and labels must be of one length, of at least 1")
    return float((logits.argmax(dim=1) == labels).double().mean())


def build_head(in_features, num_classes):
    if min(in_features, num_classes) < 1:
        raise ValueError(f"in_features and num_classes must be positive, not {in_features} and {num_classes}")
    return torch.nn.Linear(in_features, num_classes)
