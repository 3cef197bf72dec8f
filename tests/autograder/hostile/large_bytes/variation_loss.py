"""Returns 60 million small numbers, which would be large as numbers of another kind."""

import numpy as np
import torch


def variation_loss(*_, **__):
    return torch.zeros(60_000_000, dtype=torch.uint8)


def total_variation(*_, **__):
    return np.zeros(60_000_000, dtype=np.int8)
