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


def hold(file: IO[str]) -> None:
    """Takes a file for this process alone, until it is closed or the process ends, however it ends.

    Raises:
        OSError: another process holds it.
    """
    if sys.platform == "win32":
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
