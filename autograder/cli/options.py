"""Options that several commands have: units, rungs, processes."""

import os
from collections.abc import Iterable
from typing import Annotated

import typer

from autograder.errors import UsageError
from autograder.sandbox import REQUIRED

Units = Annotated[str, typer.Option("--units", help="Only these units, separated by commas.")]
Require = Annotated[
    str,
    typer.Option(
        "--require", help="Isolation to insist on, separated by commas; of a/b one is enough.", metavar="RUNGS"
    ),
]
HiddenOption = Annotated[
    str, typer.Option("--hidden", help="What is shown of hidden checks: nothing, points, sentence, everything.")
]
#: As many as this process may use.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]


def names_in(text: str) -> list[str] | None:
    """The names in a list with commas; nothing where there is none."""
    return [name.strip() for name in text.split(",") if name.strip()] or None


def required(rungs: str, trusted: bool) -> tuple[str, ...]:
    """The rungs that must hold."""
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
