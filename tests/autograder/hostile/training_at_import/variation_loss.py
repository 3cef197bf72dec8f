"""Trains at import, and would for ten minutes."""

import torch

weights = torch.zeros(10, requires_grad=True)
while weights is not None:
    weights.sum().backward()


def variation_loss(images):
    return weights.sum()
