"""Grade many submissions, each once, and write each result as soon as it is there.

One submission never stops the others: if the grader itself fails on one, that becomes a `Failure` and the rest go on. A run
that was interrupted continues when it is started again. Nothing here imports torch, so that an unchanged class takes no time.

With `attempts = "best"` in `class.toml` all attempts of a student are graded, each under a name of its own; then the class is
taken in as if the best had been the last.
"""

import contextlib
import functools
import hashlib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.errors import UsageError
from autograder.grading.jobs import GradedTask, GradeTasks, Task, reason_of_fault
from autograder.grading.spec import GradingSpec
from autograder.results.store import ResultStore, hold, read_result, write_result
from autograder.results.types import SubmissionResult, legible, points_text
from autograder.results.wording import NO_GRADE
from autograder.submissions import RawSubmission, Submission, collect_for, parse_submission, refuse_course_inside
from autograder.submissions.hand_in import SECOND, HandIn, Intake, LeftOut

#: Returns the score of an attempt: by the name that it was graded under, the student, and the hand-in.
Score = Callable[[str, str, HandIn], float | None]
_NAME_BYTES = 200
#: Signs that no file name may hold; names such as `Kumar a/l Raju` do.
_SLASHES = re.compile(r"[/\\]")


def attempts_of(intake: Intake) -> dict[str, HandIn]:
    """Return every attempt of each student who has several, by a name to grade it under."""
    return {_name(student, number): each for student in intake.earlier for number, each in _attempts(intake, student)}


def best_attempts(intake: Intake, score: Score) -> Intake:
    """Return the class with the best attempt of each student; if two have the same score, the later one counts.

    An attempt that could not be graded is the worst. The others are listed with their scores.
    """
    chosen = replace(intake, hand_ins=dict(intake.hand_ins), left_out=list(intake.left_out), earlier={})
    for student in intake.earlier:
        scores = [(score(_name(student, number), student, each), each) for number, each in _attempts(intake, student)]
        ranked = sorted(scores, key=lambda pair: -math.inf if pair[0] is None else pair[0])
        *others, (_, best) = ranked
        chosen.hand_ins[student] = best
        chosen.earlier[student] = [each for _, each in scores if each is not best]
        # In the zip of a section, what was left out is listed with the name of the zip.
        own = {path for _, each in scores for path in _paths(each)}
        own |= {f"{legible(each.path.name)}/{path}" for _, each in scores for path in _paths(each)}
        chosen.left_out = [
            left
            for left in chosen.left_out
            if left.path not in own and not (left.student == student and left.reason.startswith(SECOND.format(student)))
        ]
        counted = set(_paths(best))  # two attempts at one assignment may share the files of another
        for earned, each in others:
            what = f"another attempt, of {each.at}" if each.at else "another attempt"
            reason = f"{what}: {NO_GRADE if earned is None else points_text(earned)}; the best counts"
            chosen.left_out += [
                LeftOut(path, student, reason, graded=True) for path in _paths(each) if path not in counted
            ]
    return chosen


def _attempts(intake: Intake, student: str) -> list[tuple[int, HandIn]]:
    """Return all attempts of a student with their numbers from 1; the last is the one that has counted so far."""
    last = intake.hand_ins[student]
    own = [replace(each, students=last.students) for each in intake.earlier[student]]
    return list(enumerate([*own, last], 1))


def _name(student: str, number: int) -> str:
    return f"{student}, attempt {number}"


def _paths(hand_in: HandIn) -> list[str]:
    return [legible(str(path)) for path in (hand_in.files or {}).values()]


@dataclass(frozen=True)
class StoredResult:
    """A result and the file that holds it; `known` is True if an earlier run had graded it."""

    result: SubmissionResult
    path: Path
    known: bool = False


@dataclass(frozen=True)
class Failure:
    """A submission that could not be graded, through a fault of the grader."""

    submission: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """A class, to be graded into a folder.

    Attributes:
        spec: what it is graded by.
        submissions: hand-ins by name; members of a group share one.
        out: the folder; `results/<name>.json` is each submission's.
        cache: where the results of earlier runs are.
        fresh: True if those are not to be used.
    """

    spec: GradingSpec
    submissions: Mapping[str, HandIn]
    out: Path
    cache: ResultStore
    fresh: bool = False

    def grade(
        self, open_grading: Callable[[int, Collection[str]], AbstractContextManager[GradeTasks]]
    ) -> Iterator[StoredResult | Failure]:
        """Yield each submission's result or failure as it comes: first the known ones, then those that have to be graded.

        Args:
            open_grading: gives what grades so many submissions that name these libraries, see `GradingSpec.libraries`; each is
                yielded. It is called only if there are any.

        Raises:
            SandboxError: without a sandbox none can be graded.
            UsageError: another run is writing into the same folder.
            GraderError: a result cannot be written.
        """
        unknown = []
        for name in self.submissions:
            ending = self._known_ending(name)
            if ending is None:
                unknown.append(name)
            else:
                yield ending
        if unknown:
            sharing = self._sharing(unknown)
            libraries = self.spec.libraries(self._task(name).raw for name in sharing)
            with open_grading(len(unknown), libraries) as grade_tasks, _lock_folder(self.out):
                for graded in grade_tasks(self._task(name) for name in sharing):
                    for name in sharing[graded.task.name]:
                        yield self._store(name, graded)

    def _sharing(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the names whose checks give one result, such as a group's members, by the first name: that one is graded."""
        by_key: dict[str, list[str]] = {}
        for name in names:
            by_key.setdefault(self.spec.key(self._task(name).raw), []).append(name)
        return {names[0]: names for names in by_key.values()}

    def _known_ending(self, name: str) -> StoredResult | Failure | None:
        """Return the ending of a submission that needs no grading, or None."""
        try:
            if not self.submissions[name].problem:  # a hand-in with a problem may have no path
                refuse_course_inside(self.submissions[name].path, self.spec.catalog)
            task = self._task(name)
        except Exception as error:
            return Failure(name, reason_of_fault(error))
        if self.fresh:
            return None
        path = self.result_path(name)
        stored = read_result(path)
        if stored is not None and not stored.errors and stored.hashes.items() >= _keys(task.raw, self.spec).items():
            return StoredResult(stored, path, known=True)
        result = self.cache.get(self.spec.key(task.raw))
        return None if result is None else self._write(task, result, known=True)

    def _task(self, name: str) -> Task:
        return Task(name, collect_for(self.spec.catalog, self.submissions[name], name))

    def _store(self, name: str, graded: GradedTask) -> StoredResult | Failure:
        """Store a graded task as the result of a submission whose checks give the same."""
        if graded.result is None:
            return Failure(name, graded.reason)
        found = without_intake(graded.result, graded.task.raw, self.spec)
        # The cache comes first: if the run ends before the second write, the result is not lost.
        self.cache.put(self.spec.key(graded.task.raw), found)
        return self._write(graded.task if name == graded.task.name else self._task(name), found)

    def _write(self, task: Task, found: SubmissionResult, *, known: bool = False) -> StoredResult:
        own = with_intake(found, task, self.spec)
        path = self.result_path(task.name)
        write_result(path, own)
        return StoredResult(own, path, known)

    def result_path(self, name: str) -> Path:
        """Return the file of a submission's result."""
        return self.out / "results" / _filename(name, alone=self._names_by_fold[_fold(name)] == 1)

    @functools.cached_property
    def _names_by_fold(self) -> Counter[str]:
        """Return the number of submissions by name, as a disk sees names if capital letters do not matter to it."""
        return Counter(map(_fold, self.submissions))


def without_intake(result: SubmissionResult, raw: RawSubmission, spec: GradingSpec) -> SubmissionResult:
    """Return a result without what depends on how the submission was handed in: notes on its files, answers, its digest."""
    of_intake = len(_parse(raw, spec).sentences)
    hashes = {name: text for name, text in result.hashes.items() if name != "submission"}
    return replace(result, notes=result.notes[of_intake:], not_taken=(), answers={}, hashes=hashes)


def with_intake(found: SubmissionResult, task: Task, spec: GradingSpec) -> SubmissionResult:
    """Return the result of a submission: what its checks have found, and what its own intake tells."""
    submission = _parse(task.raw, spec)
    return replace(
        found,
        name=task.name,
        notes=(*submission.sentences, *found.notes),
        not_taken=submission.not_taken,
        answers=submission.answers,
        hashes={"submission": submission.digest, **found.hashes, **_keys(task.raw, spec)},
    )


def _parse(raw: RawSubmission, spec: GradingSpec) -> Submission:
    return parse_submission(raw, spec.catalog.functions, spec.catalog.questions)


def _keys(raw: RawSubmission, spec: GradingSpec) -> dict[str, str]:
    """Return the hashes by which a result is known again: of what its checks depend on, and of all that was handed in."""
    return {"key": spec.key(raw), "intake": raw.digest}


@contextlib.contextmanager
def _lock_folder(out: Path) -> Iterator[None]:
    """Hold a folder for this run alone."""
    busy = f"another run is grading into {out}; wait for it, or give another folder with -o"
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold(out / ".grading", busy))
        except OSError as error:
            raise UsageError(
                f"nothing can be written into {out} ({error.strerror}); give another folder with -o"
            ) from error
        yield


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _filename(name: str, *, alone: bool) -> str:
    """Return a file name for a submission's result: unique even if the submission's name is too long, or holds a slash.

    If it is not alone, another submission's name differs in capital letters only.
    """
    data = name.encode("utf-8", "replace")
    if alone and len(data) <= _NAME_BYTES and not _SLASHES.search(name):
        return f"{name}.json"
    stem = _SLASHES.sub("-", name).encode("utf-8", "replace")[:_NAME_BYTES].decode("utf-8", "ignore")
    return f"{stem}-{hashlib.sha256(data).hexdigest()[:8]}.json"
