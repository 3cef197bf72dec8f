"""The class comes back, and not a head."""

from torch import nn


def build_head(in_features, num_classes):
    return nn.Linear
