"""Files in memory, for code that may write none: a student's temporary files, and the folder of a program.

`open`, `os.stat`, `os.listdir` and their like find them where they would lie. What is there already can be read as before, and
not be changed. A worker has such files on every machine alike, because nothing in them asks the kernel for a right.
"""

import builtins
import contextlib
import errno
import functools
import glob
import io
import itertools
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

from autograder.worker.streams import FOLDER_MODE, Entries, Entry, Node, Stream

#: The most that all files of a folder hold, in bytes.
MOST_BYTES = 64 * 2**20
#: Descriptors of files in memory: far from those that the kernel gives.
_FIRST_DESCRIPTOR = 2**20
_BUFFER_BYTES = 2**16
_WRITES = os.O_WRONLY | os.O_RDWR
_WITHOUT_NAME = getattr(os, "O_TMPFILE", 0)
#: A mode of `open` has exactly one of these letters.
_KINDS = frozenset("rwax")


class Folder:
    """Files in memory: in the working directory, in the place for temporary files, and in folders that are made there.

    Args:
        files: what lies in the working directory at first, by name.
        alone: nothing that really is in the working directory can be seen.
        most_bytes: that all files may hold.
    """

    def __init__(
        self, files: Mapping[str, str | bytes] | None = None, *, alone: bool = False, most_bytes: int = MOST_BYTES
    ) -> None:
        self._given = {name: data.encode() if isinstance(data, str) else data for name, data in (files or {}).items()}
        self._alone = alone
        self._most_bytes = most_bytes
        self._real = {name: getattr(os, name) for name in (*_OF_PATHS, *_OF_DESCRIPTORS, *_OTHERS)}
        self._open = builtins.open
        self._numbers = itertools.count(_FIRST_DESCRIPTOR)
        self._lock = threading.RLock()
        self._since = int(time.time())
        self.clear()

    def clear(self) -> None:
        """Put back what lay here at first."""
        self._living: weakref.WeakSet[Node] = weakref.WeakSet()
        self._buffers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._descriptors: dict[int, Stream] = {}
        self._inside: str | None = None
        self._shared: str | None = None
        self._home = str(self._real["getcwd"]())
        self._files = {self._full_path(name): self._new_file(data) for name, data in self._given.items()}
        self._folders = {self._full_path(above) for name in self._given for above in PurePosixPath(name).parents}
        self._folders |= {self._home, self._full_path(_temporary())}

    def add(self, files: Mapping[str, str]) -> None:
        """Put more files here, by path, until they are cleared."""
        for path, text in files.items():
            full = self._full_path(path)
            self._files[full] = self._new_file(text.encode())
            self._folders.add(str(Path(full).parent))

    def files_written(self) -> dict[str, bytes]:
        """Return the files that were made or changed in the working directory, by name."""
        self._flush()
        below = _below(self._home)
        inside = {path: bytes(node.data) for path, node in self._files.items() if path.startswith(below)}
        written = {path.removeprefix(below).replace(os.sep, "/"): data for path, data in inside.items()}
        return {name: data for name, data in written.items() if self._given.get(name) != data}

    def share(self, folder: str) -> None:
        """Let files be written in a real folder too: they lie in memory until `take_shared` gives them away."""
        self._shared = self._full_path(folder)
        self._folders.add(self._shared)

    def take_shared(self) -> dict[str, bytes]:
        """Return the files that were written in the shared folder, by name, and forget them: the grader writes them."""
        self._flush()
        below = _below(self._shared or "")
        written = [path for path in self._files if self._shared and path.startswith(below)]
        return {path.removeprefix(below).replace(os.sep, "/"): bytes(self._files.pop(path).data) for path in written}

    def _flush(self) -> None:
        for buffer in list(self._buffers):
            with contextlib.suppress(OSError, ValueError):  # it is closed, or there is no room
                buffer.flush()

    @contextlib.contextmanager
    def working_inside(self) -> Iterator[None]:
        """Let what runs inside find these files where they would lie."""
        patched: dict[str, Any] = {name: getattr(self, name) for name in (*_OF_PATHS, "chdir", "getcwd")}
        patched |= {name: functools.partial(self._use_descriptor, name) for name in _OF_DESCRIPTORS}
        patched |= {"lstat": self.stat, "unlink": self.remove, "rename": self.replace, "open": self.open_descriptor}
        with (
            mock.patch.multiple(os, **patched),
            mock.patch.object(builtins, "open", self.open),
            mock.patch.object(io, "open", self.open),
            mock.patch.object(shutil, "_use_fd_functions", False),  # a folder in memory has no descriptor
            contextlib.ExitStack() as stack,
        ):
            # From Python 3.13 on `glob` keeps both functions as they were when it was imported.
            globber = getattr(glob, "_StringGlobber", None)
            if globber is not None:
                for name, function in (("lstat", self.stat), ("scandir", self.scandir)):
                    stack.enter_context(mock.patch.object(globber, name, staticmethod(function)))
            for function in vars(tempfile._TemporaryFileCloser).values():  # type: ignore[attr-defined] # typed without it
                kept = getattr(function, "__defaults__", None) or ()
                if self._real["unlink"] in kept:  # as it was when `tempfile` was imported
                    ours = tuple(self.remove if each == self._real["unlink"] else each for each in kept)
                    stack.enter_context(mock.patch.object(function, "__defaults__", ours))
            yield

    def open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Callable[[Any, int], int] | None = None,
    ) -> Any:
        """Open a file as `open` does."""
        is_binary = "b" in mode
        if len(_KINDS & set(mode)) != 1 or (is_binary and (encoding, errors, newline) != (None, None, None)):
            self._open(file, mode, buffering, encoding, errors, newline)  # raises ValueError in Python's own words
        flags = _flags(mode)
        where = file if opener is None else opener(file, flags)
        stream: Stream | None = None
        if isinstance(where, int):
            stream = self._descriptors.get(where)
            stream = stream if closefd or stream is None else stream.reopen()
        elif self._find(where) is not None or (flags & _WRITES and os.fspath(where) != os.devnull):
            stream = self._open_node(where, flags)
        if stream is None:
            return self._open(self._real_path(where), mode, buffering, encoding, errors, newline, closefd)
        stream.name = file  # type: ignore[attr-defined] # as a real file has it
        if is_binary and buffering == 0:
            return stream
        kind: Any = io.BufferedRandom if flags & os.O_RDWR else io.BufferedWriter
        made: Any = (kind if flags & _WRITES else io.BufferedReader)(stream, max(buffering, _BUFFER_BYTES))
        if not is_binary:
            encoding = "utf-8" if encoding in (None, "locale") else encoding
            made = io.TextIOWrapper(made, encoding, errors, newline, line_buffering=buffering == 1)
            made.mode = mode
        self._buffers.add(made)
        return made

    def open_descriptor(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """Open a file as `os.open` does."""
        if dir_fd is not None or (self._find(path) is None and not flags & _WRITES):
            return int(self._real["open"](self._real_path(path), flags, mode, dir_fd=dir_fd))
        number = next(self._numbers)
        forget = functools.partial(self._descriptors.pop, number, None)
        self._descriptors[number] = self._open_node(path, flags, forget)
        return number

    def stat(self, path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
        """Return the facts of a file as `os.stat` does."""
        if isinstance(path, int) and path in self._descriptors:
            return self._descriptors[path].stat()
        found = self._find(path)
        if isinstance(found, Node):
            return found.stat()
        if found is not None:
            return os.stat_result((FOLDER_MODE, hash(found) & 0xFFFF_FFFF, 0, 1, 0, 0, 0, *[self._since] * 3))
        result: os.stat_result = self._call_real("stat", path, *args, **kwargs)
        return result

    def listdir(self, path: Any = ".") -> list[Any]:
        """List a folder as `os.listdir` does."""
        if isinstance(self._find(path), Node):
            raise _error(errno.ENOTDIR, path)
        names = self._names_below(path)
        with contextlib.suppress(OSError) if names is not None else contextlib.nullcontext():
            real = list(self._call_real("listdir", path))
            return real if not names else sorted({*names, *real})
        return sorted(names or ())

    def scandir(self, path: Any = ".") -> Any:
        """List a folder as `os.scandir` does."""
        if self._names_below(path) is None:
            return self._call_real("scandir", path)
        return Entries(iter([Entry(os.fspath(path), name, self.stat) for name in self.listdir(path)]))

    def remove(self, path: Any, **kwargs: Any) -> None:
        """Remove a file as `os.remove` does."""
        if not isinstance(self._find(path), Node):
            raise self._refusal(path)
        del self._files[self._full_path(path)]

    def rmdir(self, path: Any, **kwargs: Any) -> None:
        """Remove an empty folder as `os.rmdir` does."""
        full = self._full_path(path)
        if full not in self._folders or self._is_real(full):
            raise self._refusal(path)
        if self._names_below(path):
            raise _error(errno.ENOTEMPTY, path)
        self._folders.remove(full)

    def replace(self, src: Any, dst: Any, **kwargs: Any) -> None:
        """Rename a file or a folder as `os.replace` does."""
        found = self._find(src)
        if found is None or self._is_real(self._full_path(src)):
            raise self._refusal(src)
        self._must_hold(dst)
        if isinstance(found, str):
            self._move_folder(found, dst)
            return
        if isinstance(self._find(dst), str):
            raise _error(errno.EISDIR, dst)
        del self._files[self._full_path(src)]
        self._files[self._full_path(dst)] = found

    def _move_folder(self, old: str, target: Any) -> None:
        """Rename a folder, with all that is in it."""
        new = self._full_path(target)
        if new == old:
            return
        if new.startswith(_below(old)):
            raise _error(errno.EINVAL, target)
        if self._exists(target) and (new not in self._folders or self._is_real(new)):
            raise _error(errno.ENOTDIR if new in self._files else errno.EACCES, target)
        if self._names_below(target):
            raise _error(errno.ENOTEMPTY, target)

        def new_path(path: str) -> str:
            return new + path[len(old) :] if _below(path).startswith(_below(old)) else path

        self._files = {new_path(path): node for path, node in self._files.items()}
        self._folders = {new_path(path) for path in self._folders}
        self._inside = new_path(self._inside) if self._inside else None

    def mkdir(self, path: Any, mode: int = 0o777, **kwargs: Any) -> None:
        """Make a folder as `os.mkdir` does."""
        if self._exists(path):
            raise _error(errno.EEXIST, path)
        self._must_hold(path)
        self._folders.add(self._full_path(path))

    def access(self, path: Any, mode: int, **kwargs: Any) -> bool:
        """Return True if something can be read or written, as `os.access` does."""
        with contextlib.suppress(OSError):  # it is not to be seen
            return self._find(path) is not None or bool(self._call_real("access", path, mode, **kwargs))
        return False

    def chmod(self, path: Any, mode: int, **kwargs: Any) -> None:
        """Take a mode as `os.chmod` does; all files here can be read and written."""
        if self._find(path) is None:
            self._call_real("chmod", path, mode, **kwargs)

    def utime(self, path: Any, *args: Any, **kwargs: Any) -> None:
        """Take the times of a file as `os.utime` does; they stay as they are."""
        if self._find(path) is None:
            self._call_real("utime", path, *args, **kwargs)

    def listxattr(self, path: Any = None, **kwargs: Any) -> list[str]:
        """List what else is known of a file as `os.listxattr` does: nothing."""
        return [] if self._find(path) is not None else list(self._call_real("listxattr", path, **kwargs))

    def chdir(self, path: Any) -> None:
        """Change the working directory as `os.chdir` does."""
        full = self._full_path(path)
        if full in self._folders and full != self._home:
            self._inside = full
            return
        self._real["chdir"](full if self._inside else path)
        self._inside = None
        self._folders.add(str(self._real["getcwd"]()))

    def getcwd(self) -> str:
        """Return the working directory."""
        return self._inside or str(self._real["getcwd"]())

    def _open_node(self, path: Any, flags: int, closed: Callable[[], object] = lambda: None) -> Stream:
        """Open a file in memory, and make it if that is wanted."""
        node = self._find(path)
        if isinstance(node, str):
            if not _WITHOUT_NAME or flags & _WITHOUT_NAME != _WITHOUT_NAME:
                raise _error(errno.EISDIR, path)
            return Stream(self._new_file(), flags, closed)
        if flags & os.O_CREAT and flags & os.O_EXCL and self._exists(path):
            raise _error(errno.EEXIST, path)
        if node is None and self._is_shared(path) and self._exists(path):
            with self._open(self._real_path(path), "rb") as file:  # a copy, which will take its place
                node = self._files[self._full_path(path)] = self._new_file(file.read(self._most_bytes + 1))
        if node is None:
            if not flags & os.O_CREAT or self._exists(path):
                raise self._refusal(path)
            self._must_hold(path)
            node = self._files[self._full_path(path)] = self._new_file()
        if flags & os.O_TRUNC:
            node.data.clear()
        stream = Stream(node, flags, closed)
        if flags & os.O_APPEND:
            stream.seek(0, os.SEEK_END)
        return stream

    def _new_file(self, data: bytes = b"") -> Node:
        """Return a new file, whose bytes count against the limit of the folder."""
        with self._lock:
            self._require_room(len(data))
            node = Node(data, self._require_room)
            self._living.add(node)
        return node

    def _require_room(self, more: int) -> None:
        """Raise OSError if the files cannot grow by so many bytes."""
        with self._lock:
            if sum(len(node.data) for node in self._living) + more > self._most_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _use_descriptor(self, name: str, number: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of `os` on an open file, in memory or real."""
        stream = self._descriptors.get(number) if isinstance(number, int) else None
        return self._real[name](number, *args, **kwargs) if stream is None else _OF_DESCRIPTORS[name](stream, *args)

    def _full_path(self, path: Any) -> str:
        """Return an absolute path without `..`, by which files in memory are known."""
        return os.path.normpath(Path(self.getcwd(), os.fsdecode(path)))

    def _find(self, path: Any) -> Node | str | None:
        """Return what is in memory there: a file, or a folder by its path; None if nothing is."""
        if path is None or isinstance(path, int):
            return None
        full = self._full_path(path)
        return self._files.get(full) or (full if full in self._folders else None)

    def _names_below(self, path: Any) -> set[str] | None:
        """Return the names of what is in memory in a folder; None if it is no folder that files can be made in."""
        folder = self._find(path)
        if not isinstance(folder, str):
            return None
        known = {*self._files, *self._folders}
        # A program's folder is its own, although the folder for temporary files may lie there.
        places = (
            os.path.split(each) for each in known - ({self._full_path(_temporary())} if folder == self._home else set())
        )
        return {name for above, name in places if above == folder and name}

    def _is_shared(self, path: Any) -> bool:
        return self._shared is not None and self._full_path(path).startswith(_below(self._shared))

    def _is_real(self, full: str) -> bool:
        """Return True for a folder that was not made in memory, and stays where it is."""
        return full in (self._home, self._full_path(_temporary()), self._shared)

    def _must_hold(self, path: Any) -> None:
        """Raise OSError unless a file can be made there."""
        above, _ = os.path.split(self._full_path(path))
        if above not in self._folders and not (self._is_shared(path) and self._exists(above)):
            raise _error(errno.EACCES if self._exists(above) else errno.ENOENT, path)

    def _exists(self, path: Any) -> bool:
        """Return True if there is something, in memory or really."""
        try:
            self.stat(path)
        except OSError:
            return False
        return True

    def _refusal(self, path: Any) -> OSError:
        """Return why something that is not in memory cannot be changed."""
        return _error(errno.EACCES if self._exists(path) else errno.ENOENT, path)

    def _call_real(self, name: str, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a function of `os` on a real file, if it can be seen from here."""
        return self._real[name](self._real_path(path), *args, **kwargs)

    def _real_path(self, path: Any) -> Any:
        """Return the path at which the kernel finds a real file.

        Raises:
            OSError: it lies in the working directory, and is not to be seen.
        """
        if path is None or isinstance(path, int):
            return path
        full = self._full_path(path)
        if self._alone and self._home != os.sep and _below(full).startswith(_below(self._home)):
            raise _error(errno.ENOENT, path)
        return full if self._inside else path


#: The functions of `os` that take a path; `Folder` has each as a method.
_OF_PATHS = (
    *("stat", "listdir", "scandir", "remove", "rmdir", "replace", "mkdir", "access", "chmod", "utime"),
    *(("listxattr",) if hasattr(os, "listxattr") else ()),
)
_OTHERS = ("open", "unlink", "chdir", "getcwd")
#: Those that take a descriptor, and what each does with a stream.
_OF_DESCRIPTORS: dict[str, Callable[..., Any]] = {
    "read": Stream.read,
    "write": Stream.write,
    "lseek": Stream.seek,
    "ftruncate": lambda stream, size: stream.truncate(size) and None,
    "fstat": Stream.stat,
    "fsync": Stream.flush,
    "close": Stream.close,
}


def _temporary() -> str:
    """Return the place where `tempfile` puts what it makes."""
    return next((os.environ[name] for name in ("TMPDIR", "TEMP", "TMP") if os.environ.get(name)), "/tmp")


def _below(folder: str) -> str:
    """Return what the paths of all that is in a folder begin with."""
    return folder.rstrip(os.sep) + os.sep


def _flags(mode: str) -> int:
    """Return the flags of `os.open` for a mode of `open`."""
    made = {"w": os.O_CREAT | os.O_TRUNC, "a": os.O_CREAT | os.O_APPEND, "x": os.O_CREAT | os.O_EXCL}
    (kind,) = _KINDS & set(mode)
    return made.get(kind, 0) | (os.O_RDWR if "+" in mode else os.O_RDONLY if kind == "r" else os.O_WRONLY)


def _error(code: int, path: Any) -> OSError:
    return OSError(code, os.strerror(code), os.fspath(path))
