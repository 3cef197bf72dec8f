"""Type hints that are texts, aliases, variables, protocols and overloads."""

from __future__ import annotations

import typing as t
from collections.abc import Sequence

if t.TYPE_CHECKING:
    from no_such_package import Losses

Number = t.TypeVar("Number", int, float)
Rate: t.TypeAlias = "float"
Pair = t.Annotated[tuple["torch.Tensor", "torch.Tensor"], "weight, velocity"]
Params = t.ParamSpec("Params")


class HasNorm(t.Protocol):
    def norm(self) -> t.Any: ...


@t.overload
def first(values: list[Number]) -> Number: ...
@t.overload
def first(values: tuple[Number, ...]) -> Number: ...
def first(values):
    return values[0]


def momentum_step(weight, velocity, gradient, *, learning_rate: Rate, momentum: Rate) -> Pair:
    velocity = momentum * velocity - learning_rate * gradient
    return weight + velocity, velocity


def should_stop(losses: Sequence[float] | Losses, patience: t.Literal[1, 2] | int) -> bool:
    best, age = float("inf"), 0
    for loss in losses:
        best, age = (loss, 0) if loss < best else (best, age + 1)
    return t.cast("bool", len(losses) > 0 and age >= patience)
