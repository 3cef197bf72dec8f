"""Limits of a worker, the paths that it may read, and the settings that the fork server gets when it starts."""

import dataclasses
import os
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
    # Without the first, torch prints a complaint in every worker.
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
_OF_GPU = (
    *("/usr/local/nvidia", "/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/proc/sys/vm", "/proc/self"),
    *("/sys/bus", "/sys/class", "/sys/devices", "/sys/module"),
)
#: Environment variables that name further folders of the course's data.
DATA_VARIABLES = ("IDEALCAT_CACHE", "IDEALCAT_WEIGHTS", "OXFORD_PETS", "TORCH_HOME")


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Allowance:
    """Resources that one worker may use.

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
    """Settings of a fork server.

    Attributes:
        folder: a folder of the grader's, in which each worker finds one of its own, to read.
        allowance: for each worker.
        gpu: True if workers may use CUDA's devices.
        without: rungs that are not to be tried, to see what holds without them.
    """

    folder: str = ""
    allowance: Allowance = field(default_factory=Allowance)
    gpu: bool = False
    without: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for the wire."""
        return {**dataclasses.asdict(self), "without": sorted(self.without)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Setup":
        """Return the setup that `to_dict` gave."""
        return cls(
            values["folder"],
            Allowance(**values["allowance"]),
            values["gpu"],
            frozenset(values["without"]),
        )


@dataclass(frozen=True)
class Confines:
    """Limits of one worker.

    Attributes:
        allowance: what it may use.
        readable: the files and folders that it may read.
        uid: a user id that no other process has; None where the server may not change its own.
        counted_apart: True if the kernel counts its processes by themselves: by that user id, or in a user namespace.
        data_in_use: private memory of the warm server, in bytes.
        gpu: True if it may use CUDA's devices.
    """

    allowance: Allowance
    readable: tuple[Path, ...]
    uid: int | None
    counted_apart: bool
    data_in_use: int
    gpu: bool


def readable_paths() -> tuple[Path, ...]:
    """Return the files and folders that a worker may read, none inside another; to be called after the preload."""
    candidates = {*map(Path, _SYSTEM), *_interpreter(), *_packages(), *_data_paths()}
    present = {path for path in candidates if path.exists()}
    return tuple(sorted(path for path in present if present.isdisjoint(path.parents)))


def gpu_paths() -> tuple[Path, ...]:
    """Return the files and folders that CUDA's driver reads besides; `/proc/self` is the process that opens it."""
    return tuple(path for path in map(Path, _OF_GPU) if path.exists())


def _interpreter() -> Iterator[Path]:
    """Yield the virtual environment and the Python below it. A folder that merely is on the path may hold the course."""
    # Without the system's own prefix: all of /usr is more than a worker needs.
    yield from map(Path, {sys.prefix, sys.base_prefix} - {"/usr", "/usr/local"})
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from (path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages"))


def _packages() -> Iterator[Path]:
    """Yield what has been imported, package by package."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "")
        if file.is_absolute() and "." not in name:
            yield file.parent if file.name == "__init__.py" else file


def _data_paths() -> Iterator[Path]:
    """Yield the further folders of the course's data."""
    return (Path(os.environ[name]).absolute() for name in DATA_VARIABLES if os.environ.get(name))
