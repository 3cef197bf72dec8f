"""Keep in the cache folder what the course draws or downloads once.

A folder in the cache is complete or absent. It is made under another name, with a manifest of its files
written last, and then renamed. While one process makes it, any other waits and then finds it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

MANIFEST = "manifest.json"


class DataError(RuntimeError):
    """Base of all errors that `data` raises itself. Its message is one sentence: what is wrong, and what to do.

    Args:
        message: for whoever can put files where they are looked for.
        lacks: what is missing, such as "the weights of vgg16", if that is the error. While a submission is graded the student
            reads this in place of the message, because the student can put no file anywhere there.
    """

    def __init__(self, message: str, lacks: str = "") -> None:
        super().__init__(message)
        self.lacks = lacks


class CacheError(DataError):
    """Error: the cache folder cannot be written, or what lies there cannot be replaced."""


def cache_folder() -> Path:
    """Return `IDEALCAT_CACHE`, or `idealcat` in the platform's folder for a user's caches; it may not exist yet."""
    named = os.environ.get("IDEALCAT_CACHE")
    return Path(named or user_cache_path("idealcat", appauthor=False, opinion=False)).expanduser()


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache; call `make` to fill it if it is missing or incomplete.

    Args:
        name: the folder's name; put a version in it, so that another version never reads it.
        make: writes the folder's content into the empty folder that it is given.

    Raises:
        CacheError: the cache cannot be written: no permission, a full disk, a file in the way.
    """
    target = cache_folder() / name
    if is_whole(target):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _hold_lock(target.with_name(f".{name}.lock")):
            # Another process may have made it while this one waited.
            if not is_whole(target):
                _replace(target, make)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CacheError(
            f"{name} could not be written to the cache folder {target.parent} ({reason}): make room or give"
            " the right to write there, or set IDEALCAT_CACHE to another folder.",
            lacks=f"the data {name}",
        ) from error
    return target


def is_whole(folder: Path) -> bool:
    """Return True if the folder has a manifest and each file has the size that the manifest gives."""
    try:
        sizes = json.loads((folder / MANIFEST).read_text())
        return all((folder / file).stat().st_size == size for file, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _replace(target: Path, make: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        make(fresh)
        _write_manifest(fresh)
        if target.exists():
            shutil.rmtree(target)
        fresh.rename(target)


def _write_manifest(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
    (folder / MANIFEST).write_text(json.dumps(sizes, indent=0) + "\n")


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file, where the file system has locks; the system releases it even if this process is killed."""
    with ExitStack() as stack:
        with suppress(NotImplementedError):
            stack.enter_context(FileLock(path, fallback_to_soft=False, preserve_lock_file=True))
        yield
