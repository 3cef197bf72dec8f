"""Tells when a file in a folder is written. The only door to watchfiles, which works alike on all platforms."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import watchfiles

# An editor writes a file in several steps: after each the next one is waited for, this long at a time and in all.
_STEP_MS = 20
_LONGEST_MS = 200


class Saves:
    """Watches a folder from a thread of its own.

    Args:
        folder: the folder; folders inside it are not watched.
        saved: is told each file that was written, and not those that were deleted.
    """

    def __init__(self, folder: Path, saved: Callable[[Path], None]) -> None:
        self._folder = folder
        self._saved = saved
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Saves":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._over.set()

    def _watch(self) -> None:
        changes = watchfiles.watch(
            self._folder,
            watch_filter=lambda change, _: change is not watchfiles.Change.deleted,
            step=_STEP_MS,
            debounce=_LONGEST_MS,
            stop_event=self._over,
            recursive=False,
        )
        for batch in changes:
            for path in sorted({Path(path) for _, path in batch}):
                self._saved(path)
