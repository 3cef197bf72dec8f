"""How much memory this process holds, as the C library counts it: in microseconds, and without `/proc`."""

import ctypes
import functools
import sys
from typing import Any

_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _Counts(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]  # ctypes reads it once


def held_bytes() -> int | None:
    """Return the bytes that are in use, tensors included; None if the C library does not tell."""
    count = _counter()
    if count is None:
        return None
    counts = count()
    return int(counts.uordblks + counts.hblkhd)


@functools.cache
def _counter() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if function is not None:
        function.restype = _Counts
    return function
