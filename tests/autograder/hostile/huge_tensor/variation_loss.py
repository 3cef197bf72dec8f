"""Returns 320 MB."""

import torch


def variation_loss(images):
    return torch.zeros(80_000_000)
