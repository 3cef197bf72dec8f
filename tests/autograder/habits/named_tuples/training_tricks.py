"""Results in classes of their own: a named tuple is a tuple."""

from dataclasses import astuple, dataclass
from typing import NamedTuple

from torch import Tensor


class Step(NamedTuple):
    weight: Tensor
    velocity: Tensor


@dataclass(frozen=True)
class Decay:
    rate: float
    factor: float = 0.98

    def after(self, epochs: int) -> float:
        rate, factor = astuple(self)
        return rate * factor**epochs


def momentum_step(weight, velocity, gradient, *, learning_rate, momentum) -> Step:
    velocity = momentum * velocity - learning_rate * gradient
    return Step(weight + velocity, velocity)


def decayed_learning_rate(learning_rate: float, epoch: int, factor: float = 0.98) -> float:
    return Decay(learning_rate, factor).after(epoch)
