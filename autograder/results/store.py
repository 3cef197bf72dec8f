"""Keep results by the key of all that they depend on (`GradingSpec.key`).

They lie in a folder beside the results of a class rather than with the user: with the class they are copied, archived and
thrown away, and another teacher's run of the same folder finds them.
"""

import contextlib
from dataclasses import replace
from pathlib import Path

from autograder.errors import GraderError
from autograder.results.files import write_atomically
from autograder.results.types import SubmissionResult


class ResultStore:
    """A folder of results, made when the first is put into it.

    Args:
        folder: holds one file for each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> SubmissionResult | None:
        """Return the result of this key, under the name that it was graded for; None if there is none."""
        return read_result(self._path(key))

    def put(self, key: str, result: SubmissionResult) -> None:
        """Keep a result, unless it has a fault of the grader's own and is to be graded again.

        Raises:
            GraderError: it cannot be written.
        """
        if not result.errors:
            write_atomically(self._path(key), result.to_json())

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def with_key(result: SubmissionResult, key: str) -> SubmissionResult:
    """Return the result with its key among its hashes."""
    return replace(result, hashes={**result.hashes, "key": key})


def read_result(path: Path) -> SubmissionResult | None:
    """Read the result in a file; None if there is no whole one of this schema."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, GraderError):
        return SubmissionResult.from_json(path.read_text(encoding="utf-8"))
    return None
