"""Files that are whole or not there, and files that one process holds at a time."""

import os
import sys
import tempfile
from pathlib import Path
from typing import IO

from autograder.errors import GraderError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def write_atomically(path: Path, text: str) -> None:
    """Writes a file so that at any moment it holds either the old text or the whole new one.

    Raises:
        GraderError: it cannot be written; the old text, if any, is still there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)
    except OSError as error:
        advice = "make room for it, or mend its folder, and run the same command again: what is done stays done"
        raise GraderError(f"{path} cannot be written ({error.strerror}); {advice}") from error


def hold(file: IO[str]) -> None:
    """Takes a file for this process alone, until it is closed or the process ends, however it ends.

    Raises:
        OSError: another process holds it.
    """
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(path: Path, text: str) -> None:
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
