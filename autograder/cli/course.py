"""What several commands are given: the course at hand, units, rungs, processes."""

import os
from pathlib import Path
from typing import Annotated

import typer

from autograder.catalog import Catalog, find_course, read_catalog
from autograder.errors import UsageError
from autograder.sandbox import REQUIRED

Units = Annotated[str, typer.Option("--units", help="Only these units, separated by commas.")]
Require = Annotated[
    str,
    typer.Option(
        "--require", help="Isolation to insist on, separated by commas; of a/b one is enough.", metavar="RUNGS"
    ),
]
#: As many as this process may use.
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]


def the_course() -> Catalog:
    """The course in this folder or above it, or the one that came with the program.

    Raises:
        UsageError: there is none.
    """
    root = find_course(Path.cwd(), Path(__file__).parent)
    if root is None:
        raise UsageError("there is no course here; run this in a folder with exercises/catalog.toml")
    return read_catalog(root)


def names_in(text: str) -> list[str] | None:
    """The names in a list with commas; nothing where there is none."""
    return [name.strip() for name in text.split(",") if name.strip()] or None


def required(rungs: str, trusted: bool) -> tuple[str, ...]:
    """The rungs that must hold."""
    return () if trusted else tuple(names_in(rungs) or REQUIRED)
