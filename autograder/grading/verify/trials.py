"""Trials: one module handed in as a submission, and the checks run on it. Many at once, in processes of their own."""

import ast
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
    """A module on which checks are run.

    Attributes:
        unit: which unit it is.
        text: its source.
        seed: for its random inputs.
        functions: run the checks of these alone; of all functions of the unit if empty.
        until_failure: run no more checks once one has failed.
        seconds: the limit for a call, in place of the catalog's.
    """

    unit: str
    text: str
    seed: str = "verify"
    functions: frozenset[str] = frozenset()
    until_failure: bool = False
    seconds: float | None = None


#: Yields the checks of each trial, in the order of the trials.
RunTrials = Callable[[Iterable[Trial]], Iterator[tuple[CheckResult, ...]]]


@dataclass(frozen=True)
class Bench:
    """Runs trials in one process."""

    catalog: Catalog
    sandbox: Sandbox

    def run(self, trial: Trial) -> tuple[CheckResult, ...]:
        """Run the checks of the trial's unit. Units that its module imports are those of the solutions."""
        catalog = self.catalog
        if trial.seconds is not None:
            unit = replace(catalog.units[trial.unit], seconds=trial.seconds)
            catalog = replace(catalog, units={**catalog.units, trial.unit: unit})
        spec = GradingSpec(catalog, units=(trial.unit,), functions=trial.functions, seed=trial.seed)
        grader = Grader(spec, self.sandbox, _UntilFailure() if trial.until_failure else None)
        with tempfile.TemporaryDirectory() as folder:
            texts = {**_imported_solutions(catalog, trial.text), trial.unit: trial.text}
            for name, text in texts.items():
                Path(folder, f"{name}.py").write_text(text, encoding="utf-8")
            return grader.grade_path(Path(folder), trial.unit).checks


def _imported_solutions(catalog: Catalog, text: str) -> dict[str, str]:
    """Return the solutions of the units that a module imports, directly or by way of others."""
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in _imports(waiting.pop()) & catalog.units.keys() - found.keys():
            found[name] = catalog.solution(name).read_text(encoding="utf-8")
            waiting.append(found[name])
    return found


def _imports(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


class _UntilFailure(Observer):
    def ended(self, check: CheckResult) -> bool:
        return check.outcome in (Outcome.PASSED, Outcome.BLOCKED)


_bench: Bench | None = None


@contextlib.contextmanager
def open_benches(root: Path, jobs: int) -> Iterator[RunTrials]:
    """Yield what runs trials in so many processes.

    Raises:
        GraderError: while trials are run, if the checks of one cannot be run.
    """
    # Spawned, not forked: a fork of a process that has computed with torch may hang.
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open_bench, (root,)) as pool:
        yield lambda trials: pool.map(_run, trials)


def _open_bench(root: Path) -> None:
    global _bench
    torch.set_num_threads(1)
    catalog = read_catalog(root)
    _bench = Bench(catalog, Sandbox(catalog.preload))


def _run(trial: Trial) -> tuple[CheckResult, ...]:
    if _bench is None:
        raise GraderError("a trial was sent to a process that was not set up")
    return _bench.run(trial)
