"""Run a student's module as a program: with its own input, arguments and folder, in the process of the worker.

A worker can start no process and write no file. So the program runs here as `__main__`, and the files of its folder are held
in memory: `open`, `os.stat`, `os.listdir` and their like find them there. At home it is the same, and the student's own folder
stays as it is.
"""

import builtins
import contextlib
import errno
import functools
import io
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

from autograder.worker.deadline import DeadlinePassed
from autograder.worker.faults import fault_of
from autograder.worker.protocol import Finished, Run

#: The most that a program may print, or write into its files, in bytes.
_MOST_BYTES = 8 * 2**20
#: Of a notebook only the definitions are taken, and no cell starts the program: its `main` is called.
_NOTEBOOK = ".ipynb"
_FILE_MODE = 0o100644
_FOLDER_MODE = 0o040755


class _Bytes(io.BytesIO):
    """A file in memory, of bounded size; `close` is told what it holds."""

    def __init__(self, data: bytes, closed: Callable[[bytes], object] = lambda _: None) -> None:
        super().__init__(data)
        self._closed = closed

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > _MOST_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)

    def flush(self) -> None:
        super().flush()
        self._closed(self.getvalue())

    def close(self) -> None:
        if not self.closed:
            self._closed(self.getvalue())
        super().close()


class Folder:
    """The folder in which a program runs, in memory. Paths that are relative, or below the working directory, are its own.

    Args:
        files: what lies in it at first, by name.
    """

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        given = {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}
        self._files = dict(given)
        self._given = given
        self._folders = {str(folder) for name in given for folder in PurePosixPath(name).parents} | {"."}
        self._here = str(Path.cwd())
        self._open = builtins.open
        self._real = {name: getattr(os, name) for name in ("stat", "listdir", "remove", "replace", "mkdir")}

    def files_written(self) -> dict[str, bytes]:
        """Return the files that were made or changed, by name."""
        return {name: data for name, data in self._files.items() if self._given.get(name) != data}

    @contextlib.contextmanager
    def working_inside(self) -> Iterator[None]:
        """Let what runs inside find this folder where it runs."""
        patched: dict[str, Any] = {"stat": self.stat, "lstat": self.stat, "listdir": self.listdir, "mkdir": self.mkdir}
        patched |= {"remove": self.remove, "unlink": self.remove, "replace": self.replace, "rename": self.replace}
        with (
            mock.patch.multiple(os, **patched),
            mock.patch.object(builtins, "open", self.open),
            mock.patch.object(io, "open", self.open),
        ):
            yield

    def open(self, file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kwargs: Any) -> Any:
        """Open a file as `open` does."""
        name = self._inside(file)
        writes = bool(set(mode) & set("wax+"))
        if name is None:
            if writes and not isinstance(file, int) and os.fspath(file) != os.devnull:
                raise _error(errno.EACCES, file)
            return self._open(file, mode, buffering, *args, **kwargs)
        if "x" in mode and name in self._files:
            raise _error(errno.EEXIST, file)
        if str(PurePosixPath(name).parent) not in self._folders or ("r" in mode and name not in self._files):
            raise _error(errno.ENOENT, file)
        data = b"" if "w" in mode else self._files.get(name, b"")
        if writes:
            self._files[name] = data
        stream = _Bytes(data, functools.partial(self._keep, name) if writes else lambda _: None)
        if "a" in mode:
            stream.seek(0, io.SEEK_END)
        if "b" in mode:
            return stream
        names = ("encoding", "errors", "newline")
        options = {**dict(zip(names, args, strict=False)), **{key: kwargs[key] for key in names if key in kwargs}}
        options["encoding"] = options.get("encoding") or "utf-8"
        return io.TextIOWrapper(stream, **options, write_through=True)

    def stat(self, path: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell about a file as `os.stat` does."""
        name = self._inside(path)
        if name is None:
            return self._real["stat"](path, *args, **kwargs)
        if name in self._folders:
            return os.stat_result((_FOLDER_MODE, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        if name not in self._files:
            raise _error(errno.ENOENT, path)
        return os.stat_result((_FILE_MODE, 0, 0, 1, 0, 0, len(self._files[name]), 0, 0, 0))

    def listdir(self, path: Any = ".") -> list[Any]:
        """List a folder as `os.listdir` does."""
        name = self._inside(path)
        if name is None:
            return list(self._real["listdir"](path))
        if name not in self._folders:
            raise _error(errno.ENOENT, path)
        inner = [PurePosixPath(each) for each in {*self._files, *self._folders} if each != "."]
        return sorted(each.name for each in inner if str(each.parent) == name)

    def remove(self, path: Any, **kwargs: Any) -> None:
        """Remove a file as `os.remove` does."""
        name = self._inside(path)
        if name is None:
            raise _error(errno.EACCES, path)
        if name not in self._files:
            raise _error(errno.ENOENT, path)
        del self._files[name]

    def replace(self, source: Any, target: Any, **kwargs: Any) -> None:
        """Rename a file as `os.replace` does."""
        names = self._inside(source), self._inside(target)
        if names[0] not in self._files or names[1] is None:
            raise _error(errno.ENOENT, source)
        self._files[names[1]] = self._files.pop(names[0])

    def mkdir(self, path: Any, mode: int = 0o777, **kwargs: Any) -> None:
        """Make a folder as `os.mkdir` does."""
        name = self._inside(path)
        if name is None:
            raise _error(errno.EACCES, path)
        if name in self._folders or name in self._files:
            raise _error(errno.EEXIST, path)
        self._folders.add(name)

    def _keep(self, name: str, data: bytes) -> None:
        self._files[name] = data

    def _inside(self, path: Any) -> str | None:
        """Return the name of a path in this folder; None for one outside, or a descriptor."""
        if isinstance(path, int):
            return None
        text = os.path.normpath(os.fsdecode(path))
        if text.startswith(self._here + os.sep) or text == self._here:
            text = os.path.relpath(text, self._here)
        return None if text.startswith((os.sep, "..")) else PurePosixPath(text).as_posix()


def _error(code: int, path: Any) -> OSError:
    return OSError(code, os.strerror(code), os.fspath(path))


def run_program(request: Run, sources: Mapping[str, str]) -> Finished:
    """Run a unit's source as `__main__` and return how it ended.

    Args:
        request: what it reads, its arguments and files.
        sources: all of the student's texts, by file name.

    Raises:
        NotImplementedError: it is not written yet.
        DeadlinePassed: it did not end in time.
    """
    filename, text = request.sources[request.unit]
    folder, output, error = Folder(request.files), _Bytes(b""), _Bytes(b"")
    program = types.ModuleType("__main__")
    program.__file__ = f"{request.unit}.py"
    with folder.working_inside(), _run_as_program(request, program, output, error):
        try:
            exec(compile(text, filename, "exec", dont_inherit=True), program.__dict__)
            if filename.endswith(_NOTEBOOK):
                program.__dict__["main"]()
            code = 0
        except SystemExit as end:
            code = _exit_code(end.code)
        except DeadlinePassed:
            raise
        except Exception as fault:
            if fault_of(fault, sources, sandboxed=False).kind == "not written":
                raise
            _write_traceback(fault, filename)
            code = 1
        finally:
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):  # the program may have closed it
                    stream.flush()
    return Finished(output.getvalue(), error.getvalue(), code, folder.files_written())


@contextlib.contextmanager
def _run_as_program(request: Run, program: types.ModuleType, output: io.BytesIO, error: io.BytesIO) -> Iterator[None]:
    """Have the process be the program's: its streams, its arguments, its module."""
    notebook = request.sources[request.unit][0].endswith(_NOTEBOOK)  # whose own `__main__` holds the definitions
    streams: dict[str, Any] = {
        "stdin": io.TextIOWrapper(io.BytesIO(request.stdin.encode("utf-8", "surrogatepass")), encoding="utf-8"),
        "stdout": io.TextIOWrapper(output, encoding="utf-8", errors="backslashreplace", write_through=True),
        "stderr": io.TextIOWrapper(error, encoding="utf-8", errors="backslashreplace", write_through=True),
    }
    try:
        with (
            mock.patch.multiple(sys, argv=[f"{request.unit}.py", *request.args], **streams),
            mock.patch.dict(sys.modules, {} if notebook else {"__main__": program}),
        ):
            yield
    finally:
        for stream in streams.values():
            with contextlib.suppress(OSError, ValueError):
                stream.detach()  # or closing it would close what it has written into


def _exit_code(code: object) -> int:
    """Return the exit code of `sys.exit(code)`; a text goes to stderr, as Python writes it there."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _write_traceback(fault: Exception, filename: str) -> None:
    """Write the traceback as Python does, from the program's first line on."""
    first = fault.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename != filename:
        first = first.tb_next
    sys.stderr.write("".join(traceback.format_exception(type(fault), fault, first)))
