"""Find on this side the class or the member that a worker names, and write the files that it has handed over."""

import builtins
import enum
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from autograder.checks.call import Call
from autograder.checks.compare import show
from autograder.errors import RefusedValue
from autograder.worker.codec import Member

#: That one call may write into the check's folder.
_MOST_FILES = 1000


def known_member(member: Member) -> object:
    """Return the member itself of an enumeration of the course or of Python; of one of the student's own as it is."""
    kind = getattr(sys.modules.get(member.module), "__dict__", {}).get(member.type_name)
    known = kind.__members__.get(member.name) if isinstance(kind, enum.EnumMeta) else None
    return known if known is not None and known == member else member


def warning_class(kinds: Sequence[str]) -> type[Warning]:
    """Return Python's own class of a warning, by the names of the student's and of its bases."""
    found = (getattr(builtins, name, None) for name in kinds)
    return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, Warning)), UserWarning)


def write_files(files: Mapping[str, bytes], folder: Path | None, call: Call) -> None:
    """Write what a call has written in a check's folder where the check looks for it.

    Raises:
        RefusedValue: there are too many, or one has a name that no file in the folder can have.
    """
    if files and folder is None:
        raise RefusedValue(f"{call} wrote files into a folder that the check does not have")
    if len(files) > _MOST_FILES:
        raise RefusedValue(f"{call} wrote {len(files)} files; {_MOST_FILES} are kept at most")
    for name, data in files.items():
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise RefusedValue(f"{call} wrote a file that is not in the folder: {show(name)}")
        path = Path(folder or "", name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (OSError, ValueError) as error:  # it has the name of a folder, for one
            reason = getattr(error, "strerror", "") or type(error).__name__
            raise RefusedValue(f"{call} wrote {show(name)}, which cannot be kept: {reason}") from error
