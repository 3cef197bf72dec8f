"""The files that a worker may read: the interpreter, its libraries, preloaded packages, data. No check, no solution."""

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"),
    *("/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"),
    # Without the first, torch prints a complaint in every worker.
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
#: Where the course's data may lie besides.
_NAMED = ("IDEALCAT_CACHE", "IDEALCAT_WEIGHTS", "OXFORD_PETS", "TORCH_HOME")


def readable_paths() -> tuple[Path, ...]:
    """Files and folders that exist, without those that lie inside others of them; after the preload."""
    candidates = {*map(Path, _SYSTEM), *_interpreter(), *_packages(), *_named()}
    present = {path for path in candidates if path.exists()}
    return tuple(sorted(path for path in present if present.isdisjoint(path.parents)))


def _interpreter() -> Iterator[Path]:
    """The virtual environment and the Python below it, but no folder that merely is on the path: it may hold the course."""
    # Not where a prefix is the system's own: all of /usr is more than a worker needs.
    yield from map(Path, {sys.prefix, sys.base_prefix} - {"/usr", "/usr/local"})
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield from (path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages"))


def _packages() -> Iterator[Path]:
    """What has been imported, package by package."""
    for name, module in list(sys.modules.items()):
        file = Path(getattr(module, "__file__", None) or "")
        if file.is_absolute() and "." not in name:
            yield file.parent if file.name == "__init__.py" else file


def _named() -> Iterator[Path]:
    return (Path(os.environ[name]).absolute() for name in _NAMED if os.environ.get(name))
