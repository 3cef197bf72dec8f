"""What `watch` is told of, from several threads through one queue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from autograder.results.types import CheckResult


@dataclass(frozen=True)
class Saved:
    """A unit's file was written."""

    unit: str


@dataclass(frozen=True)
class Pressed:
    """A key was pressed; `q` too where nobody can press one any more."""

    key: str


@dataclass
class Judged:
    """A run over a unit has ended.

    Attributes:
        unit: its name.
        checks: all of them by id, as far as they got.
        broken: whether the process died on the way.
    """

    unit: str
    checks: dict[str, CheckResult] = field(default_factory=dict)
    broken: bool = False


@dataclass(frozen=True)
class Drawn:
    """The picture of a unit is there."""

    unit: str
    path: Path


@dataclass(frozen=True)
class Refused:
    """What was asked for cannot be done, by no fault of the student's."""

    reason: str


Event = Saved | Pressed | Judged | Drawn | Refused
Report = Callable[[Event], None]
