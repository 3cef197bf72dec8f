"""Fresh pictures of the world's classes as batches, for checks and lessons."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from data.world import CLASSES, draw

DOGS = ("dog", "dalmatian", "husky", "hound", "poodle")
CATS = ("tabby_cat", "siamese_cat", "black_cat", "white_cat", "ginger_cat")
SEED = 2_000_000  # neither the pretraining's pictures nor its held-out ones begin here


def samples(names: Sequence[str], count: int, *, size: int = 64, seed: int = 0) -> tuple[Tensor, Tensor]:
    """`count` pictures of each class, which no pretraining has seen.

    Args:
        names: classes of the world, such as `"zebra"`; a name is one of `data.world.CLASSES`.
        count: pictures of each.
        size: height and width in pixels.
        seed: other seeds below 1000 give other pictures.

    Returns:
        Images `(len(names) * count, 3, size, size)`, float32 in `[0, 1]`, class by class, and their labels in
        the order of a network's logits, int64.

    Raises:
        ValueError: a name is no class of the world, or `count` is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    first = SEED + 1_000_000 * seed
    pictures = [
        np.array(draw(name, first + 10_000 * CLASSES.index(name) + k if name in CLASSES else first, size))
        for name in names
        for k in range(count)
    ]
    images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
    return images.contiguous(), torch.tensor([CLASSES.index(name) for name in names]).repeat_interleave(count)


def dogs(count: int, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """`count` dogs of each of the world's five kinds, 64 x 64, and their labels, for the attack."""
    return samples(DOGS, count, seed=seed)
