"""Many submissions: graded one after another, each result written as soon as it is there.

One submission never stops the others: where the grader itself fails on one, that becomes a `Failure` and the rest go on.
"""

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import GraderError, SandboxError
from autograder.grade import Grader
from autograder.results import SubmissionResult, legible
from autograder.source import submission_name, submissions_in

_NAME_BYTES = 200


@dataclass(frozen=True)
class Graded:
    """A result and the file that holds it."""

    result: SubmissionResult
    path: Path


@dataclass(frozen=True)
class Failure:
    """A submission that could not be graded, by the grader's own fault."""

    submission: str
    reason: str


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


def grade_all(grader: Grader, submissions: dict[str, Path], out: Path) -> Iterator[Graded | Failure]:
    """Grades submissions in turn, and writes `out/results/<name>.json` for each."""
    results = out / "results"
    results.mkdir(parents=True, exist_ok=True)
    for name, path in submissions.items():
        try:
            result = grader.grade(path, name)
        except SandboxError:
            raise  # without a sandbox none of the others can be graded either
        except GraderError as error:
            yield Failure(name, str(error))
            continue
        target = results / _filename(name)
        write_atomically(target, result.to_json())
        yield Graded(result, target)


def _filename(name: str) -> str:
    """A file name for a submission's result: one of its own also where the name is longer than file names may be."""
    data = name.encode("utf-8", "replace")
    if len(data) <= _NAME_BYTES:
        return f"{name}.json"
    return f"{data[:_NAME_BYTES].decode('utf-8', 'ignore')}-{hashlib.sha256(data).hexdigest()[:8]}.json"


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that at any moment it holds either the old text or the whole new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
