# %% [markdown]
# # Tricks

# %%
from __future__ import annotations

import argparse
import logging
import typing
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

    Vector = Float[torch.Tensor, "n"]

Pair: typing.TypeAlias = "tuple[torch.Tensor, torch.Tensor]"

# %%
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
log = logging.getLogger(__name__)


# %%
def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    log.info("epoch %d", epoch)
    return learning_rate * pow(factor, epoch)


# %%
def should_stop(losses: Sequence[float], patience: int) -> bool:
    log.debug("%s", losses)
    best, since = float("inf"), 0
    for loss in losses:
        best, since = (loss, 0) if loss < best else (best, since + 1)
    return bool(losses) and since >= patience


# %%
def momentum_step(
    weight: torch.Tensor, velocity: torch.Tensor, gradient: Vector, *, learning_rate: float, momentum: float
) -> Pair:
    velocity = momentum * velocity - learning_rate * gradient
    logging.warning("a step of %s", tuple(velocity.shape))
    return weight + velocity, velocity


# %%
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    args = parser.parse_args()
    for epoch in range(args.epochs):
        print(decayed_learning_rate(0.1, epoch))
