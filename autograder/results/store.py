"""Keep results by the key of all that they depend on (`GradingSpec.key`), and read what lies beside them.

Results are kept in a folder beside the results of a class rather than with the user: they are copied, archived and thrown away
with the class, and another teacher's run of the same folder finds them.

Files are written whole or not at all, and one process at a time holds a file.
"""

import contextlib
import csv
import io
import itertools
import json
import os
import secrets
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.errors import GraderError, UsageError
from autograder.results.foreign_tables import delimiter_of, table_text, unquote
from autograder.results.types import SubmissionResult, read_moment

#: File beside the results of a class that tells what was graded, and by what.
GRADED = "graded.json"
#: Table beside them of all that was taken in, and of what was left out.
INTAKE = "intake.csv"


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that at any moment it holds either the old content or the whole new one; text is in UTF-8.

    Raises:
        GraderError: it cannot be written; the old content, if any, is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, content.encode() if isinstance(content, str) else content)
    except OSError as error:
        advice = "make room for it, or mend its folder, and run the same command again: what is done stays done"
        raise GraderError(f"{path} cannot be written ({error.strerror}); {advice}") from error


@contextlib.contextmanager
def hold(path: Path, busy: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a file for this process alone. The kernel lets go of it when the process ends, however it ends.

    A file system without locks holds nothing.

    Args:
        path: the file; it is made if there is none.
        busy: sentence for the case that another process holds it.
        patience: seconds to wait until that process lets go of it.

    Raises:
        UsageError: another process holds it.
        OSError: the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=patience, fallback_to_soft=False, preserve_lock_file=True)
    with contextlib.ExitStack() as stack:
        try:
            with contextlib.suppress(NotImplementedError):
                stack.enter_context(lock)
        except Timeout as error:
            raise UsageError(busy) from error
        yield


def _replace(path: Path, content: bytes) -> None:
    """Write a file under another name beside the old one, then rename it: a rename happens whole or not at all.

    Whoever may read the old file may read the new one; a file that is new has the rights that any other would have.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_result(path: Path, result: SubmissionResult) -> None:
    """Write a result into its file and remove the signature of the result before it; the same result is not written again.

    Raises:
        GraderError: it cannot be written.
    """
    content = result.to_json().encode()
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return
    signature_path(path).unlink(
        missing_ok=True
    )  # first: a run that ends in between leaves no signature of another result
    write_atomically(path, content)


def signature_path(result: Path) -> Path:
    """Return the file beside a result that holds its signature, if it has one."""
    return result.with_name(f"{result.name}.sig")


#: Folder beside the results, for those of earlier gradings.
EARLIER = "earlier"


def put_aside(out: Path, published: Iterable[Path]) -> list[str]:
    """Move the results of whoever is no longer in a class out of its results, and return their names.

    Args:
        out: the folder of the grading.
        published: files of the results of everybody in the class.

    Raises:
        GraderError: one cannot be moved.
    """
    kept = {_nfc(path.name) for path in published}
    stale = [path for path in sorted((out / "results").glob("*.json")) if _nfc(path.name) not in kept]
    try:
        for path in stale:
            (out / EARLIER).mkdir(exist_ok=True)
            signature_path(out / EARLIER / path.name).unlink(missing_ok=True)
            for file in (path, signature_path(path)):
                if file.exists():
                    file.replace(out / EARLIER / file.name)
    except OSError as error:
        raise GraderError(f"{path} cannot be moved ({error.strerror}); mend the folder and grade again") from error
    return [path.stem for path in stale]


def holds_table(out: Path) -> bool:
    """Return True if the table of a class was written into a folder, and not the result of one student alone."""
    return (out / "grades.csv").exists()


def decisions_in(out: Path) -> list[Path]:
    """Return the files that people put beside the results of a class: tables of points by hand, and `class.toml`."""
    return [*sorted(out.glob("manual*.csv")), *out.glob("class.toml")]


def copy_aside(out: Path, name: str) -> Path:
    """Copy the results of a class, its tables and its points by hand into a new folder of this name beside earlier results.

    Raises:
        GraderError: they cannot be copied.
    """
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    folder = next(each for each in (out / EARLIER / name for name in names) if not each.exists())
    files = [
        out / GRADED,
        out / INTAKE,
        *(out / "results").glob("*"),
        *out.glob("grades.csv"),
        *decisions_in(out),
    ]
    try:
        for file in filter(Path.is_file, files):
            target = folder / file.relative_to(out)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
    except OSError as error:
        raise GraderError(f"{file} cannot be copied ({error.strerror}); name another folder with -o") from error
    return folder


def _nfc(name: str) -> str:
    """Return a name as all file systems agree on it."""
    return unicodedata.normalize("NFC", name)


class ResultStore:
    """A folder of results, made when the first is put into it.

    Args:
        folder: holds one file for each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> SubmissionResult | None:
        """Return what was kept under this key; None if there is nothing."""
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


def read_result(path: Path) -> SubmissionResult | None:
    """Read the result in a file; None if there is no whole one of this schema."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, GraderError):
        return SubmissionResult.from_json(path.read_text(encoding="utf-8"))
    return None


def read_grading(out: Path) -> dict[str, object]:
    """Return what `autograder grade` keeps of a class; nothing if there is none.

    Raises:
        UsageError: it cannot be read.
    """
    path = out / GRADED
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise broken_grading(out, str(error)) from error
    if not isinstance(kept, dict):
        raise broken_grading(out, "it is no table")
    return kept


def broken_grading(out: Path, reason: str) -> UsageError:
    """Return the error that what `autograder grade` keeps of a class cannot be read."""
    return UsageError(
        f"{out / GRADED} cannot be read ({reason}), which tells what was graded into {out} and by which rules; delete it and"
        f" grade the class again with -o {out}"
    )


def read_intake_rows(out: Path) -> dict[str, dict[str, str]]:
    """Read the rows of the table of intake about what was taken, by student; there are none without the table.

    Raises:
        UsageError: it cannot be read.
    """
    path = out / INTAKE
    if not path.exists():
        return {}
    try:
        text = table_text(path.read_bytes(), str(path))
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
        return {unquote(row["student"]): row for row in rows if not row["reason"]}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} cannot be read ({error}); grade the class again, which writes it") from error


def read_moments(out: Path) -> dict[str, str]:
    """Read the moment of each student's hand-in, empty if it is unknown. Without the table of intake there are none.

    Raises:
        UsageError: it cannot be read, or a moment in it is none, as after an edit by a spreadsheet.
    """
    moments = {student: row.get("submitted") or "" for student, row in read_intake_rows(out).items()}
    for student, moment in moments.items():
        try:
            if moment:
                read_moment(moment)
        except ValueError as error:
            wanted = "write it as 2026-11-20T10:00:00+01:00, or grade the class again"
            raise UsageError(
                f"{out / INTAKE}: {student} has {moment!r} under submitted, which is no moment; {wanted}"
            ) from error
    return moments
