"""Write files that are whole or not there, and hold a file for one process at a time."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from autograder.errors import GraderError, UsageError


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
def hold(path: Path, busy: str) -> Iterator[None]:
    """Hold a file for this process alone. The kernel lets go of it when the process ends, however it ends.

    A file system without locks holds nothing.

    Args:
        path: the file; it is made if there is none.
        busy: sentence for the case that another process holds it.

    Raises:
        UsageError: another process holds it.
        OSError: the file cannot be made.
    """
    lock = FileLock(path, timeout=0, fallback_to_soft=False, preserve_lock_file=True)
    with contextlib.ExitStack() as stack:
        try:
            with contextlib.suppress(NotImplementedError):
                stack.enter_context(lock)
        except Timeout as error:
            raise UsageError(busy) from error
        yield


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
