"""Many submissions: each is graded once, by whatever grades at the time, and its result written as soon as it is there.

One submission never stops the others: where the grader itself fails on one, that becomes a `Failure` and the rest go on. A
run that was ended, however that was, goes on where it stood when it is started again. Nothing here imports torch, so that a
class in which nothing has changed is there at once.
"""

import contextlib
import errno
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.course.catalog import Catalog
from autograder.errors import GraderError, UsageError
from autograder.grading.spec import GradingSpec
from autograder.results.files import hold, write_atomically
from autograder.results.store import ResultStore, keyed, read_result
from autograder.results.types import SubmissionResult, legible
from autograder.submissions import RawSubmission, collect_submission, submission_name, submissions_in

_NAME_BYTES = 200


@dataclass(frozen=True)
class Graded:
    """A result and the file that holds it."""

    result: SubmissionResult
    path: Path
    #: Whether it was there before.
    known: bool = False


@dataclass(frozen=True)
class Failure:
    """A submission that could not be graded, by the grader's own fault."""

    submission: str
    reason: str


@dataclass(frozen=True)
class Task:
    """A submission to be graded, wherever that will be."""

    name: str
    raw: RawSubmission


@dataclass(frozen=True)
class Judged:
    """A task and its result, or the reason why there is none."""

    task: Task
    result: SubmissionResult | None
    reason: str = ""


#: Grades tasks, in any order, and takes the next when it has room for one.
Judge = Callable[[Iterable[Task]], Iterator[Judged]]


def find_submissions(paths: Iterable[Path], units: Iterable[str]) -> dict[str, Path]:
    """The submissions under some paths, each under a name of its own.

    Raises:
        UsageError: a path does not exist.
    """
    names = tuple(units)
    found = dict.fromkeys(submission.resolve() for path in paths for submission in submissions_in(path, names))
    count = Counter(submission_name(path) for path in found)
    named: dict[str, Path] = {}
    for path in found:
        plain = submission_name(path)
        # alice/ and alice.zip are two submissions; so are two folders of that name in different places.
        whole = legible(path.name)
        name = plain if count[plain] == 1 else whole
        name = name if name not in named else f"{legible(path.parent.name)}-{whole}"
        number = 2
        while name in named:
            name, number = f"{whole}-{number}", number + 1
        named[name] = path
    return named


@dataclass(frozen=True)
class Batch:
    """A class, to be graded into a folder.

    Attributes:
        spec: what it is graded by.
        submissions: paths by name.
        out: the folder; `results/<name>.json` is each submission's.
        cache: where the results of earlier runs are.
        fresh: whether those are not to be used.
    """

    spec: GradingSpec
    submissions: dict[str, Path]
    out: Path
    cache: ResultStore
    fresh: bool = False

    def graded(self, open_judge: Callable[[int], AbstractContextManager[Judge]]) -> Iterator[Graded | Failure]:
        """Each submission's ending, as it comes: first those that are known, then those that have to be graded.

        Args:
            open_judge: what grades so many submissions; asked for only where there are any.

        Raises:
            SandboxError: without a sandbox none can be graded.
            UsageError: another run is writing into the same folder.
            GraderError: a result cannot be written.
        """
        unknown = []
        for name in self.submissions:
            ending = self._known(name)
            if ending is None:
                unknown.append(name)
            else:
                yield ending
        if unknown:
            with open_judge(len(unknown)) as judge, _alone_in(self.out):
                for judged in judge(self._task(name) for name in unknown):
                    yield self._kept(judged)

    def _known(self, name: str) -> Graded | Failure | None:
        """The ending of a submission that needs no grading."""
        try:
            refuse_own_judge(self.submissions[name], self.spec.catalog)
        except GraderError as error:
            return Failure(name, str(error))
        if self.fresh:
            return None
        key = self.spec.key(self._task(name).raw)
        path = self.result_path(name)
        there = read_result(path)
        if there is not None and there.hashes.get("key") == key and not there.errors:
            return Graded(there, path, known=True)
        result = self.cache.get(key)
        return None if result is None else self._written(name, keyed(result, key), known=True)

    def _task(self, name: str) -> Task:
        return Task(name, collect_submission(self.submissions[name], self.spec.catalog.units))

    def _kept(self, judged: Judged) -> Graded | Failure:
        if judged.result is None:
            return Failure(judged.task.name, judged.reason)
        key = self.spec.key(judged.task.raw)
        # First into the cache: whatever ends the run between the two, the result is not lost.
        self.cache.put(key, judged.result)
        return self._written(judged.task.name, keyed(judged.result, key))

    def _written(self, name: str, result: SubmissionResult, *, known: bool = False) -> Graded:
        own = replace(result, name=name)
        path = self.result_path(name)
        write_atomically(path, own.to_json())
        return Graded(own, path, known)

    def result_path(self, name: str) -> Path:
        """The file of a submission's result."""
        return self.out / "results" / _filename(name)


def refuse_own_judge(path: Path, catalog: Catalog) -> None:
    """A course that came with the submission would be the student's own checks, run in this process.

    Raises:
        GraderError: it did.
    """
    root = catalog.root.resolve()
    if path.resolve() in (root, *root.parents):
        raise GraderError(f"the course lies inside the submission {path}; run this in the folder of your own course")


@contextlib.contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Only one run at a time grades into a folder. The kernel gives its place up when it ends, however it ends."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / ".grading").open("w")
    except OSError as error:
        raise UsageError(
            f"nothing can be written into {out} ({error.strerror}); give another folder with -o"
        ) from error
    with file:
        try:
            hold(file)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):  # any other: a file system without locks
                busy = f"another run is grading into {out}; wait for it, or give another folder with -o"
                raise UsageError(busy) from error
        yield


def _filename(name: str) -> str:
    """A file name for a submission's result: one of its own also where the name is longer than file names may be."""
    data = name.encode("utf-8", "replace")
    if len(data) <= _NAME_BYTES:
        return f"{name}.json"
    return f"{data[:_NAME_BYTES].decode('utf-8', 'ignore')}-{hashlib.sha256(data).hexdigest()[:8]}.json"
