"""Results that have been found out before, by the key of all that they depend on (`GradingSpec.key`).

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
    """A folder of results; it is made when the first is put into it.

    Args:
        folder: where they lie, one file each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> SubmissionResult | None:
        """The result of this key, under the name that it was graded for."""
        return read_result(self._path(key))

    def put(self, key: str, result: SubmissionResult) -> None:
        """Keeps a result; not one with a fault of the grader's own, which is to be graded again.

        Raises:
            GraderError: it cannot be written.
        """
        if not result.errors:
            write_atomically(self._path(key), result.to_json())

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


def keyed(result: SubmissionResult, key: str) -> SubmissionResult:
    """The result with its key among its hashes."""
    return replace(result, hashes={**result.hashes, "key": key})


def read_result(path: Path) -> SubmissionResult | None:
    """The result in a file, where there is a whole one of this schema."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, GraderError):
        return SubmissionResult.from_json(path.read_text(encoding="utf-8"))
    return None
