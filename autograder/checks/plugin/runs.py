"""Give checks the student's code: from the student's own disk and in this process, or as `grade` arranges it."""

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from autograder.checks.transport import Capturing, InProcess, Recording, Transport
from autograder.course.catalog import Catalog
from autograder.errors import UsageError
from autograder.libraries import KERAS_ON_TORCH, torch
from autograder.results.types import CheckResult
from autograder.submissions import Module, read_helpers, read_module
from autograder.worker.serving import open_device
from autograder.worker.substitutes import run_uncompiled, without_cuda

DEVICES = ("cpu", "cuda")
#: Seed of a run at home: each draws the same inputs, so that known mistakes are known by what they return.
HOME_SEED = "student"


class Run(Protocol):
    """Part of a run that differs between a student's own and a graded one."""

    #: The random inputs of a check are drawn from this seed and the check's id.
    seed: str
    #: Device of the student's code: `cpu` or `cuda`. The checks themselves stay on the CPU.
    device: str

    def modules(self, judged: Path) -> dict[str, Module]:
        """Return the modules of the submission whose unit lies at a path, by unit."""

    def note(self, sentence: str) -> None:
        """Take note of something about the submission that showed when it was loaded."""

    def worker(self, check: CheckResult | None = None) -> AbstractContextManager[Transport]:
        """Lend a worker for a check, or a fresh one for something else."""


class StudentRun:
    """A student's own run: in this process, on the folder in which the unit lies.

    Args:
        catalog: the course.
        seed: the seed of the inputs.
        device: the device of the student's code.
        debugged: True to keep the frames of the student's functions for a debugger.
        captured: False to let what they print go to the terminal at once.

    Attributes:
        recording: the worker of the latest check, if it is debugged.
    """

    def __init__(
        self, catalog: Catalog, seed: str, device: str, *, debugged: bool = False, captured: bool = True
    ) -> None:
        # A window of `plt.show()` would wait for somebody to close it.
        for name, value in {"MPLBACKEND": "Agg", **KERAS_ON_TORCH}.items():
            os.environ.setdefault(name, value)
        if device != "cpu":
            open_device(device)
        self.seed = seed
        self.device = device
        self.recording: Recording | None = None
        self._debugged = debugged
        self._captured = captured
        self._catalog = catalog
        self._noted: set[str] = set()
        self._read: dict[Path, dict[str, Module]] = {}

    def modules(self, judged: Path) -> dict[str, Module]:
        """Return the unit itself, its neighbours and what they import of the student's own, read once."""
        if judged not in self._read:
            beside = {unit: judged.with_name(f"{unit}.py") for unit in self._catalog.modules}
            paths = {unit: path for unit, path in beside.items() if path.is_file()} | {judged.stem: judged}
            units = {unit: read_module(path, unit, self._catalog.functions) for unit, path in paths.items()}
            self._read[judged] = read_helpers(judged.parent, units, self._catalog.preload) | units
        return self._read[judged]

    def note(self, sentence: str) -> None:
        """Print a sentence once."""
        if sentence not in self._noted:
            self._noted.add(sentence)
            print(f"Note: {sentence}", file=sys.stderr)

    @contextlib.contextmanager
    def worker(self, check: CheckResult | None = None) -> Iterator[Transport]:
        """Lend a worker without a process: state that one check leaves in the student's module does not reach the next."""
        on_device = without_cuda() if self.device == "cpu" else contextlib.nullcontext()
        with tempfile.TemporaryDirectory() as folder, run_uncompiled(), on_device:
            place = Path(folder).resolve()
            self.recording = Recording(place) if self._debugged else None
            yield self.recording or (Capturing(place) if self._captured else InProcess(place))


def usable_device(name: str) -> str:
    """Return the name of a device if PyTorch can compute on it.

    Raises:
        UsageError: it cannot, or there is no such device.
    """
    if name not in DEVICES:
        raise UsageError(f"--device {name}: no such device; it is one of {', '.join(DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: PyTorch finds no CUDA device on this machine; leave the option out")
    return name


def check_seed(seed: str, check: str) -> int:
    """Return the seed of what a check draws, in `[0, 2**63)`. It never leaves the trusted process."""
    return _hash_of(seed, check)


def seed_hypothesis(item: pytest.Item, seed: int) -> None:
    """Have a check of hypothesis draw its examples from a seed, keep none of them, and count no time.

    So a run at home and a graded one are alike. Each example uses the one `submission` of its check.
    """
    test: Any = getattr(item, "obj", None)
    if not hasattr(test, "hypothesis"):
        return
    from hypothesis import HealthCheck, settings
    from hypothesis import seed as seeded

    chosen = getattr(test, "_hypothesis_internal_use_settings", None) or settings.default
    test._hypothesis_internal_use_settings = settings(  # as a decorator it serves once
        chosen, database=None, deadline=None, print_blob=False, suppress_health_check=list(HealthCheck)
    )
    seeded(seed)(test)


def sent_seed(seed: str, what: str, check: str) -> int:
    """Return the seed of something that a submission can see, in `[0, 2**63)`; it tells nothing about `check_seed`.

    Args:
        seed: the seed of the run.
        what: what is drawn from it.
        check: the id of the check.
    """
    return _hash_of("sent", what, seed, check)


def _hash_of(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big") >> 1
