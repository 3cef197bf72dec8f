"""Streams in memory: of what a student's code prints, and of files (`files`), with the entries of a listing."""

import errno
import io
import os
import stat
import time
from collections.abc import Callable, Iterator
from typing import Any

FILE_MODE = stat.S_IFREG | 0o644
FOLDER_MODE = stat.S_IFDIR | 0o755


class Node:
    """The content of a file, which lasts as long as it has a name or is open.

    Args:
        data: what it holds at first.
        allow: raises OSError if there is no room for so many more bytes.
    """

    def __init__(self, data: bytes, allow: Callable[[int], None]) -> None:
        self.data = bytearray(data)
        self.changed = time.time()
        self._allow = allow

    def stat(self) -> os.stat_result:
        """Return its facts as `os.stat` does."""
        return os.stat_result((FILE_MODE, id(self), 0, 1, 0, 0, len(self.data), *[int(self.changed)] * 3))

    def write(self, position: int, data: memoryview) -> None:
        """Put bytes at a place, which may lie behind the end."""
        self.enlarge(position + len(data))
        self.data[position : position + len(data)] = data
        self.changed = time.time()

    def enlarge(self, size: int) -> None:
        """Fill up with zeros to a size, unless it is larger."""
        more = size - len(self.data)
        if more > 0:
            self._allow(more)
            self.data.extend(bytes(more))


class Stream(io.RawIOBase):
    """A file, opened: without a buffer, and without a descriptor of the kernel's.

    Args:
        flags: as `os.open` has them.
        closed: called when it is closed.
    """

    def __init__(self, node: Node, flags: int, closed: Callable[[], object] = lambda: None) -> None:
        self._node, self._flags, self._closed = node, flags, closed
        self._position = 0

    def fileno(self) -> int:
        """Raise an error in plain words: some libraries read and write by the number that the system gives to a file."""
        raise io.UnsupportedOperation(
            "files of a graded submission lie in memory, where this library cannot reach them; use np.save and np.load, "
            "torch.save and torch.load, or read() and write() of an open file"
        )

    @property
    def mode(self) -> str:
        """Return the mode in which it was opened, as a real file tells it."""
        first = "a" if self._flags & os.O_APPEND else "r" if self.readable() else "w"
        return f"{first}b+" if self._flags & os.O_RDWR else f"{first}b"

    def readable(self) -> bool:
        """Return True if it can be read."""
        return not self._flags & os.O_WRONLY

    def writable(self) -> bool:
        """Return True if it can be written to."""
        return bool(self._flags & (os.O_WRONLY | os.O_RDWR))

    def seekable(self) -> bool:
        """Return True: its place can be set."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as much as the buffer holds, and return how much that was."""
        if not self.readable():
            raise io.UnsupportedOperation("not readable")
        found = self._node.data[self._position : self._position + len(buffer)]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def write(self, data: Any) -> int:
        """Write all of the bytes, and return how many they were."""
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        new = memoryview(data).cast("B")
        if self._flags & os.O_APPEND:
            self._position = len(self._node.data)
        self._node.write(self._position, new)
        self._position += len(new)
        return len(new)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the place, and return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._node.data)}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = start + offset
        return self._position

    def truncate(self, size: int | None = None) -> int:
        """Cut the file, or fill it up with zeros, to a size."""
        if not self.writable():
            raise io.UnsupportedOperation("File not open for writing")
        size = self._position if size is None else size
        self._node.enlarge(size)
        del self._node.data[size:]
        return size

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self._closed()
        super().close()

    def reopen(self) -> "Stream":
        """Return another stream of this file, at the same place."""
        other = Stream(self._node, self._flags)
        other._position = self._position
        return other

    def stat(self) -> os.stat_result:
        """Return its facts as `os.fstat` does."""
        return self._node.stat()


class Prints(io.RawIOBase):
    """Stream of what a student's code prints, kept elsewhere: the code may wrap or close the stream.

    Args:
        keep: called with each piece.
    """

    def __init__(self, keep: Callable[[bytes], object]) -> None:
        self._keep = keep

    def writable(self) -> bool:
        """Return True: it can be written to, and only that."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes, and return how many they were."""
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        piece = memoryview(data).tobytes()
        self._keep(piece)
        return len(piece)


def text_of_prints(keep: Callable[[bytes], object], errors: str) -> io.TextIOWrapper:
    """Return the text stream that stands for `sys.stdout`; `errors` as for `open`."""
    prints: Any = Prints(keep)  # typed as no buffer, for lack of a name
    return io.TextIOWrapper(prints, encoding="utf-8", errors=errors, newline="", write_through=True)


class Entry:
    """Entry of a folder, as `os.scandir` gives it: a file or a folder.

    Args:
        place: the folder that was listed.
        ask: `os.stat`.
    """

    def __init__(self, place: str, name: str, ask: Callable[[str], os.stat_result]) -> None:
        self.name, self.path, self._ask = name, f"{place.rstrip(os.sep)}{os.sep}{name}", ask

    def __fspath__(self) -> str:
        return self.path

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return True for a folder."""
        return stat.S_ISDIR(self.stat().st_mode)

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return True for a file."""
        return stat.S_ISREG(self.stat().st_mode)

    def is_symlink(self) -> bool:
        """Return False: no file in memory is a link."""
        return False

    def is_junction(self) -> bool:
        """Return False, as for a link: Python asks from 3.12 on."""
        return False

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return its facts as `os.stat` does."""
        return self._ask(self.path)

    def inode(self) -> int:
        """Return its number."""
        return self.stat().st_ino


class Entries:
    """The iterator of `os.scandir`."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Entry]:
        return self._entries

    def __next__(self) -> Entry:
        return next(self._entries)

    def __enter__(self) -> "Entries":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do nothing: there is no descriptor to close."""
