"""Trials: one module handed in as a submission, and what the checks made of it. Many at once, in processes of their own."""

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import torch

from autograder.course.catalog import Catalog, read_catalog
from autograder.errors import GraderError
from autograder.grading.grade import Grader
from autograder.grading.session import Observer
from autograder.grading.spec import GradingSpec
from autograder.results.types import CheckResult, Outcome
from autograder.sandbox import Sandbox


@dataclass(frozen=True)
class Trial:
    """A module to be judged.

    Attributes:
        unit: which unit it is.
        text: its source.
        seed: for its random inputs.
        functions: judge these alone; all of the unit where empty.
        until_failure: look no further once a check has failed.
        seconds: the limit for a call, where another than the catalog's is wanted.
    """

    unit: str
    text: str
    seed: str = "verify"
    functions: frozenset[str] = frozenset()
    until_failure: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Bench:
    """What judges trials in one process."""

    catalog: Catalog
    sandbox: Sandbox

    def judge(self, trial: Trial) -> tuple[CheckResult, ...]:
        """The checks of the trial's unit."""
        catalog = self.catalog
        if trial.seconds is not None:
            unit = replace(catalog.units[trial.unit], seconds=trial.seconds)
            catalog = replace(catalog, units={**catalog.units, trial.unit: unit})
        spec = GradingSpec(catalog, units=(trial.unit,), functions=trial.functions, seed=trial.seed)
        grader = Grader(spec, self.sandbox, _UntilFailure() if trial.until_failure else None)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, f"{trial.unit}.py").write_text(trial.text, encoding="utf-8")
            return grader.grade_path(Path(folder), trial.unit).checks


class _UntilFailure(Observer):
    def ended(self, check: CheckResult) -> bool:
        return check.outcome in (Outcome.PASSED, Outcome.BLOCKED)


_bench: Bench | None = None


Judge = Callable[[Iterable[Trial]], Iterator[tuple[CheckResult, ...]]]


@contextlib.contextmanager
def judging(root: Path, jobs: int) -> Iterator[Judge]:
    """What gives the checks of each of some trials, in their order.

    Raises:
        GraderError: from the judging, where the checks of some trial cannot be run.
    """
    # Spawned, not forked: a fork of a process that has computed with torch may hang.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open_bench, (root,)) as pool:
        yield lambda trials: pool.map(_judge, trials)


def _open_bench(root: Path) -> None:
    global _bench
    torch.set_num_threads(1)
    catalog = read_catalog(root)
    _bench = Bench(catalog, Sandbox(catalog.preload))


def _judge(trial: Trial) -> tuple[CheckResult, ...]:
    if _bench is None:
        raise GraderError("a trial was sent to a process that was not set up")
    return _bench.judge(trial)
