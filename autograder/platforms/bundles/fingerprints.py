"""Make the fingerprints of the known mistakes, by running the visible checks on each as at home."""

import contextlib
import hashlib
import json
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from autograder.checks.answers import ALL, Telling, telling_of
from autograder.checks.call import UNANSWERED, Call
from autograder.checks.diagnose import Asked, Diagnosis
from autograder.checks.fingerprints import RECOGNISED, Fingerprint, Fingerprints, fingerprint_of, fingerprints_text
from autograder.checks.mistakes import Mistake, known_mistakes, variant_text
from autograder.checks.plugin.runs import HOME_SEED, StudentRun
from autograder.checks.replays import is_diagnosable, of_function
from autograder.course.catalog import Catalog
from autograder.course.skeletons import whole_solution
from autograder.errors import GraderError
from autograder.grading.session import Observer, UnitRun, check_session
from autograder.grading.spec import course_facts
from autograder.results.store import write_atomically
from autograder.submissions import Module, read_module
from autograder.worker.codec import leaves

#: Where a course keeps the fingerprints of its units, beside other things that are not under version control.
_KEPT = Path(".autograder", "fingerprints")

#: By path inside a bundle.
Files = dict[str, bytes]


def fingerprint_files(catalog: Catalog, units: Collection[str] = ()) -> Files:
    """Return the files of fingerprints that a student release holds, by path inside the bundle.

    Args:
        catalog: of the course, with solutions and mistakes.
        units: names of the units to release; all if empty.

    Raises:
        GraderError: the checks cannot be run.
    """
    chosen = [unit for unit in catalog.units if unit in units or not units]
    found = {unit: _kept_or_made(catalog, unit) for unit in chosen}
    return {
        catalog.fingerprints(unit).relative_to(catalog.root).as_posix(): text.encode()
        for unit, text in found.items()
        if text
    }


def _kept_or_made(catalog: Catalog, unit: str) -> str:
    """Return the text of a unit's fingerprints, empty if it has none.

    It takes up to a minute to make, so it is kept in the course, with the key of all that it depends on.
    """
    kept, key = catalog.root / _KEPT / f"{unit}.json", _key(catalog, unit)
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(kept.read_text(encoding="utf-8"))
        if document["key"] == key:
            return str(document["text"])
    prints = unit_fingerprints(catalog, unit)
    text = fingerprints_text(prints) if prints else ""
    with contextlib.suppress(GraderError):  # in a course where nobody may write they are made each time
        write_atomically(kept, json.dumps({"key": key, "text": text}))
    return text


def _key(catalog: Catalog, unit: str) -> str:
    """Return sha256 of all that a unit's fingerprints depend on: what makes marks, all solutions, and this module."""
    solutions = [catalog.solution(name).read_text(encoding="utf-8") for name in catalog.modules]
    facts = course_facts(catalog, [catalog.units[unit]])
    document = [facts, solutions, Path(__file__).read_text(encoding="utf-8")]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def unit_fingerprints(catalog: Catalog, unit: str) -> Fingerprints:
    """Return the fingerprints of the known mistakes of a unit that visible checks catch."""
    mistakes = known_mistakes(catalog.mistakes(unit))
    found = {known: _fingerprints(catalog, unit, known) for known in mistakes}
    return {known: prints for known, prints in found.items() if prints}


def _fingerprints(catalog: Catalog, unit: str, known: Mistake) -> dict[int, Fingerprint]:
    """Run the visible checks of a mistake's function on it, and return the fingerprint of each that fails."""
    session = check_session(catalog, unit)
    text = variant_text(whole_solution(catalog, unit), catalog.mistakes(unit), known)
    run = _MistakeRun(catalog, Module(unit, f"{unit}.py", text))
    unit_run = UnitRun(session, catalog, run, lambda check: check.function == known.function, Observer())
    collecting = _Collecting.of(catalog, unit, known.function)
    collecting.mistake = known.name
    collecting.has_hidden = any(check.hidden for check in unit_run.results)
    unit_run.recorder.diagnoses[unit, known.function] = collecting
    unit_run.run_checks(hidden=False)
    return collecting.found


class _Collecting(Diagnosis):
    """Stands in the place of the diagnosis of a function, and makes fingerprints of what it is told.

    Attributes:
        mistake: the name of the one that is run.
        has_hidden: True if hidden checks judge the function too.
        found: the fingerprints, by the seed of the check's worker.
    """

    mistake = ""
    has_hidden = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.found: dict[int, Fingerprint] = {}

    def add(
        self,
        calls: Sequence[Call],
        seed: int = 0,
        *,
        by_value: bool = True,
        recognised: str = "",
        seconds: float = 0.0,
    ) -> bool:
        """Keep the fingerprint of a failed check."""
        calls = of_function(self._function, calls)
        if is_diagnosable(calls):
            right = tuple(self._replays(Asked(calls, seed), calls, self._right))
            telling = telling_of(calls, right, by_value=by_value)
            if telling is not None and not (self.has_hidden and _is_text(right)):
                self.found[seed] = _fingerprint(calls, right, telling)
        if recognised == self.mistake:
            self.found.setdefault(seed, Fingerprint("", kind=RECOGNISED))
        return False


def _fingerprint(calls: Sequence[Call], right: Sequence[Call], telling: Telling) -> Fingerprint:
    pairs = list(enumerate(zip(calls, right, strict=True)))
    unworded = [number for number, (_, answer) in pairs if answer.value is UNANSWERED or telling == ALL]
    printed = [number for number, (call, _) in pairs if call.printed]
    return fingerprint_of(calls, telling, unworded, printed)


def _is_text(right: Sequence[Call]) -> bool:
    """Return True if the right answers are texts, as the letters of a quiz: a hash of one is guessed by trying."""
    return any(isinstance(leaf, str) for call in right for leaf in leaves(call.value))


class _MistakeRun(StudentRun):
    """A run at home of a module that is on no disk."""

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
        """Limit nothing: the code is the course's own."""
        return contextlib.nullcontext()

    def failed(self, error: BaseException, *, answered: bool) -> bool:
        """Run no check again."""
        return False
