"""Landlock, by its three system calls: this process may read what lies below some paths, and that is all.

It forbids reading and writing elsewhere, listing, making, renaming, linking, running programs, TCP, and (where the kernel
has it) signals and abstract sockets to processes outside. It knows neither chmod nor stat. See landlock(7).
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path

from autograder.sandbox import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _CUT, _CONTROL = 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
#: How many rights on files each version of Landlock knows; later versions know as many as the last.
_FILE_RIGHTS = (13, 14, 15, 15, 16)
_TCP_RIGHTS = 0b11
_SCOPES = 0b11  # abstract sockets, signals
_TCP_VERSION, _SCOPE_VERSION = 4, 6


def version() -> int:
    """Return the version of Landlock that this kernel has.

    Raises:
        OSError: none, or it is switched off.
    """
    return kernel.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)


def restrict(readable: Iterable[Path], writable: Iterable[Path] = (), devices: Iterable[Path] = ()) -> None:
    """Confine this process for good to these paths and what lies below them. Paths that do not exist are left out.

    Args:
        readable: may be read.
        writable: may be read and written.
        devices: may be read, written, cut and controlled.

    Raises:
        OSError: the kernel does not have Landlock.
    """
    known = version()
    files = (1 << _FILE_RIGHTS[min(known, len(_FILE_RIGHTS)) - 1]) - 1
    ruleset = _ruleset(known, files)
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in writable:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
        for path in devices:
            _allow(ruleset, path, files & (_READ_FILE | _WRITE_FILE | _CUT | _CONTROL))
        kernel.syscall(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _ruleset(known: int, files: int) -> int:
    tcp = _TCP_RIGHTS if known >= _TCP_VERSION else 0
    scopes = _SCOPES if known >= _SCOPE_VERSION else 0
    # An older kernel takes a shorter structure; a longer one is fine where the rest is zero.
    packed = struct.pack("<QQQ", files, tcp, scopes)
    return kernel.syscall(_CREATE_RULESET, packed, len(packed), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    if not path.exists():
        return
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = rights if path.is_dir() else rights & ~_READ_DIR
        kernel.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("<Qi", allowed, place), 0)
    finally:
        os.close(place)
