"""What a worker may use, and what the grader tells the fork server when it starts."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Allowance:
    """What one worker may use.

    Attributes:
        cpu_seconds: processor time in all.
        data_bytes: private memory on top of what the warm server holds.
        descriptors: open files.
        threads: threads at once, where they can be counted for each worker.
    """

    cpu_seconds: int = 120
    data_bytes: int = 2 * 2**30
    descriptors: int = 64
    threads: int = 64


@dataclass(frozen=True)
class Setup:
    """How a fork server is to be.

    Attributes:
        folder: a folder of the grader's, in which each worker finds one of its own, to read.
        allowance: for each worker.
        gpu: whether workers may use CUDA's devices.
        without: rungs that are not to be tried, to see what holds without them.
    """

    folder: str = ""
    allowance: Allowance = field(default_factory=Allowance)
    gpu: bool = False
    without: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the wire."""
        return {**dataclasses.asdict(self), "without": sorted(self.without)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Setup":
        """The setup that `to_dict` gave."""
        return cls(
            values["folder"],
            Allowance(**values["allowance"]),
            values["gpu"],
            frozenset(values["without"]),
        )


@dataclass(frozen=True)
class Confines:
    """What one worker stands in.

    Attributes:
        allowance: what it may use.
        readable: the files and folders that it may read.
        uid: a user id that no other process has; None where the server may not change its own.
        counted_apart: whether the kernel counts its processes apart from others': by that user id, or by a user namespace.
        data_in_use: private memory of the warm server, in bytes.
        gpu: whether it may use CUDA's devices.
    """

    allowance: Allowance
    readable: tuple[Path, ...]
    uid: int | None
    counted_apart: bool
    data_in_use: int
    gpu: bool
