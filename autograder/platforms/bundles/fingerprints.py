"""Make the fingerprints of known mistakes: run the visible checks on each mistake as on a student's work at home."""

import atexit
import contextlib
import gc
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path

from autograder.checks.answers import ALL, Criterion, criterion_of
from autograder.checks.call import UNANSWERED, Call
from autograder.checks.fingerprints import RECOGNISED, Fingerprint, Fingerprints, fingerprint_of, fingerprints_text
from autograder.checks.mistakes import Mistake, known_mistakes, variant_text
from autograder.checks.plugin.runs import HOME_SEED, StudentRun
from autograder.checks.replays import CheckCalls
from autograder.checks.variants import Variants
from autograder.course.catalog import Catalog, read_catalog
from autograder.course.skeletons import whole_solution
from autograder.errors import GraderError
from autograder.grading.session import Observer, UnitRun, check_session
from autograder.grading.spec import course_facts
from autograder.results.store import write_atomically
from autograder.submissions import Module, read_module
from autograder.worker.codec import leaves

#: Folder in which a course keeps the fingerprints of its units; it is not under version control.
_FOLDER = Path(".autograder", "fingerprints")

#: Least number of mistakes for a further process: importing the course takes longer than running a few mistakes.
MISTAKES_A_PROCESS = 10
#: Most processes at once, as each takes up to 800 MB.
MOST_PROCESSES = 8

#: Contents of files by path inside a bundle.
Files = dict[str, bytes]
#: Called with a name for the work and the number of its steps. Returns a function to call whenever one more step is done.
ReportProgress = Callable[[str, int], Callable[[], None]]
_RunCases = Callable[[Iterable[tuple[str, Mistake]]], Iterator[dict[int, Fingerprint]]]


def fingerprint_files(
    catalog: Catalog, units: Collection[str] = (), jobs: int = 1, progress: ReportProgress = lambda *_: lambda: None
) -> Files:
    """Return the files of fingerprints that a student release holds, by path inside the bundle.

    Making them takes minutes, so they are kept in the course, each with a key of everything that it depends on.

    Args:
        catalog: the catalog of the course, with solutions and mistakes.
        units: names of the units to release; all if empty.
        jobs: number of processes that make them; at most `MOST_PROCESSES` are started.
        progress: shows how many of the mistakes have been run.

    Raises:
        GraderError: the checks cannot be run.
    """
    chosen = [unit for unit in catalog.units if unit in units or not units]
    texts = {unit: text for unit in chosen if (text := _read_kept(catalog, unit)) is not None}
    lacking = [unit for unit in chosen if unit not in texts]
    for unit, prints in make_fingerprints(catalog, lacking, jobs, progress):
        texts[unit] = fingerprints_text(prints) if prints else ""
        with contextlib.suppress(GraderError):  # if nobody may write into the course, they are made each time
            write_atomically(_kept_path(catalog, unit), json.dumps({"key": _key(catalog, unit), "text": texts[unit]}))
    return {
        catalog.fingerprints(unit).relative_to(catalog.root).as_posix(): texts[unit].encode()
        for unit in chosen
        if texts[unit]
    }


def _kept_path(catalog: Catalog, unit: str) -> Path:
    return catalog.root / _FOLDER / f"{unit}.json"


def _read_kept(catalog: Catalog, unit: str) -> str | None:
    """Return the kept text of a unit's fingerprints, which may be empty; None if they have to be made."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(_kept_path(catalog, unit).read_text(encoding="utf-8"))
        if document["key"] == _key(catalog, unit):
            return str(document["text"])
    return None


def _key(catalog: Catalog, unit: str) -> str:
    """Return sha256 of all that a unit's fingerprints depend on: what marks depend on, all solutions, and this module."""
    solutions = [catalog.solution(name).read_text(encoding="utf-8") for name in catalog.modules]
    facts = course_facts(catalog, [catalog.units[unit]])
    document = [facts, solutions, Path(__file__).read_text(encoding="utf-8")]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def make_fingerprints(
    catalog: Catalog, units: Iterable[str], jobs: int = 1, progress: ReportProgress = lambda *_: lambda: None
) -> Iterator[tuple[str, Fingerprints]]:
    """Yield each unit with the fingerprints of its known mistakes that visible checks catch; see `fingerprint_files`."""
    mistakes = {unit: known_mistakes(catalog.mistakes(unit)) for unit in units}
    cases = [(unit, known) for unit, each in mistakes.items() for known in each]
    if not cases:  # no process is needed, and no bar
        yield from ((unit, {}) for unit in mistakes)
        return
    done = progress("Known mistakes", len(cases))
    with _open_processes(catalog, min(jobs, len(cases) // MISTAKES_A_PROCESS, MOST_PROCESSES)) as run_cases:
        found = run_cases(cases)
        for unit, each in mistakes.items():
            prints = {}
            for known in each:
                prints[known] = next(found)
                done()
            yield unit, {known: own for known, own in prints.items() if own}


@contextlib.contextmanager
def _open_processes(catalog: Catalog, jobs: int) -> Iterator[_RunCases]:
    """Yield a function that makes the fingerprints of mistakes, in some processes or in this one."""
    if jobs < 2:
        yield lambda cases: (_fingerprints(catalog, *case) for case in cases)
        return
    # Spawn the processes: a fork of a process that has computed with torch may hang.
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        try:
            yield partial(pool.map, partial(_fingerprints_there, catalog.root))
        finally:
            pool.shutdown(cancel_futures=True)


def _fingerprints_there(root: Path, case: tuple[str, Mistake]) -> dict[int, Fingerprint]:
    """Return what `_fingerprints` returns, in a process of its own."""
    found = _fingerprints(_catalog_there(root), *case)
    if not gc.get_freeze_count():
        gc.freeze()  # keep what the first case has imported: collecting it takes as long as ten checks
        atexit.register(gc.unfreeze)  # a library of torch's prints a warning if objects are frozen at the end
    return found


@lru_cache(maxsize=1)
def _catalog_there(root: Path) -> Catalog:
    return read_catalog(root)


def _fingerprints(catalog: Catalog, unit: str, known: Mistake) -> dict[int, Fingerprint]:
    """Run the visible checks of a function on a mistake in it. Return the fingerprint of each that fails, by its seed."""
    session = check_session(catalog, unit)
    text = variant_text(whole_solution(catalog, unit), catalog.mistakes(unit), known)
    run = _MistakeRun(catalog, Module(unit, f"{unit}.py", text))
    unit_run = UnitRun(session, catalog, run, lambda check: check.function == known.function, Observer())
    has_hidden = any(check.hidden for check in unit_run.results)
    collecting = _Collecting(Variants.of(catalog, unit, known.function), known.name, has_hidden)
    unit_run.recorder.searches[unit, known.function] = collecting
    unit_run.run_checks(hidden=False)
    return collecting.found


@dataclass
class _Collecting:
    """Collector of fingerprints, which replaces the search for a function's mistake during a run.

    Attributes:
        variants: the variants of the function.
        mistake: name of the mistake that is run.
        has_hidden: True if hidden checks judge the function too.
        found: the fingerprints, by the seed of the check's worker.
        spent: no seconds, as nothing is searched for.
    """

    variants: Variants
    mistake: str
    has_hidden: bool
    found: dict[int, Fingerprint] = field(default_factory=dict)
    spent: float = 0.0

    def add(self, failed: CheckCalls) -> bool:
        """Keep the fingerprint of a failed check."""
        failed = failed.of_function(self.variants.function)
        if failed.diagnosable:
            right = [*self.variants.right_answers(failed)]
            criterion = criterion_of(failed.calls, right, by_value=failed.by_value)
            if criterion is not None and not (self.has_hidden and _is_text(right)):
                self.found[failed.seed] = _fingerprint(failed.calls, right, criterion)
        if failed.recognised == self.mistake:
            self.found.setdefault(failed.seed, Fingerprint("", kind=RECOGNISED))
        return False

    def add_passed(self, _: CheckCalls) -> None:
        """Keep nothing, as only failed checks have fingerprints."""

    def mistakes(self, _: float) -> tuple[Mistake, ...]:
        """Name nothing."""
        return ()


def _fingerprint(calls: Sequence[Call], right: Sequence[Call], criterion: Criterion) -> Fingerprint:
    pairs = list(enumerate(zip(calls, right, strict=True)))
    unworded = [number for number, (_, answer) in pairs if answer.value is UNANSWERED or criterion == ALL]
    printed = [number for number, (call, _) in pairs if call.printed]
    return fingerprint_of(calls, criterion, unworded, printed)


def _is_text(right: Sequence[Call]) -> bool:
    """Return True if the right answers are texts, such as letters of a quiz: from a hash they could be guessed."""
    return any(isinstance(leaf, str) for call in right for leaf in leaves(call.value))


class _MistakeRun(StudentRun):
    """Run at home of a module that is in memory and in no file."""

    def __init__(self, catalog: Catalog, module: Module) -> None:
        super().__init__(catalog, HOME_SEED, "cpu")
        others = {name: read_module(catalog.solution(name), name) for name in catalog.modules}
        self._modules = {**others, module.unit: module}

    def modules(self, judged: Path) -> dict[str, Module]:
        """Return the mistake in its module, beside the solutions of the other units."""
        return self._modules

    def note(self, sentence: str) -> None:
        """Print nothing."""

    def limited(self) -> AbstractContextManager[None]:
        """Set no limit, as the code is the course's own."""
        return contextlib.nullcontext()

    def record_failure(self, error: BaseException, *, answered: bool) -> bool:
        """Run no check again."""
        return False
