"""Find the class or the member on this side that a worker names."""

import builtins
import enum
import sys
from collections.abc import Sequence

from autograder.worker.codec import Member


def known_member(member: Member) -> object:
    """Return the member itself of an enumeration of the course or of Python; of one of the student's own as it is."""
    kind = getattr(sys.modules.get(member.module), "__dict__", {}).get(member.type_name)
    known = kind.__members__.get(member.name) if isinstance(kind, enum.EnumMeta) else None
    return known if known is not None and known == member else member


def warning_class(kinds: Sequence[str]) -> type[Warning]:
    """Return Python's own class of a warning, by the names of the student's and of its bases."""
    found = (getattr(builtins, name, None) for name in kinds)
    return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, Warning)), UserWarning)
