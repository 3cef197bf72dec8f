"""Options that several commands have: units, rungs, processes, devices, what is shown of hidden checks."""

import os
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

from autograder.errors import UsageError
from autograder.results.mark import Hidden
from autograder.sandbox import REQUIRED

Units = Annotated[str, typer.Option("--units", help="Only these units, separated by commas.")]
Require = Annotated[
    str,
    typer.Option(
        "--require", help="Isolation to insist on, separated by commas; of a/b one is enough.", metavar="RUNGS"
    ),
]
HiddenOption = Annotated[Hidden, typer.Option("--hidden", help="What is shown of hidden checks.")]


class Device(StrEnum):
    """Where submissions compute."""

    CPU = "cpu"
    CUDA = "cuda"


DeviceOption = Annotated[Device, typer.Option("--device", help="Where submissions compute.")]
#: As many processes as this one may use cores.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]


def names_in(text: str) -> list[str] | None:
    """Return the names in a list with commas; None if there are none."""
    return [name.strip() for name in text.split(",") if name.strip()] or None


def required(rungs: str, trusted: bool) -> tuple[str, ...]:
    """Return the rungs that must hold; none for trusted work."""
    return () if trusted else tuple(names_in(rungs) or REQUIRED)


def one_of(choices: Iterable[str], value: str, option: str) -> str:
    """Return the value of an option that has a few choices.

    Raises:
        UsageError: it is none of them.
    """
    names = list(map(str, choices))
    if value not in names:
        raise UsageError(f"{option} is one of {', '.join(names)}; {value} is none of them")
    return value
