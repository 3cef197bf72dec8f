"""Start the fork server, lease workers from it, and say which rungs of the isolation ladder hold."""

import contextlib
import dataclasses
import importlib.util
import os
import secrets
import shutil
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgpack
from platformdirs import user_cache_path

from autograder.errors import SandboxError, ServerDiedError, UsageError
from autograder.libraries import KERAS_ON_TORCH
from autograder.sandbox.confines import DATA_VARIABLES, Allowance, Setup
from autograder.sandbox.process import Worker
from autograder.sandbox.zygote import FEW, GPU_HIDDEN, GPU_UNOPENED, MANY, ONE_THREAD, Zygote
from autograder.worker.deadline import Waiting

#: Without these untrusted work is not graded; of `a/b` one is enough.
REQUIRED = ("rlimits", "no_new_privs", "seccomp", "landlock/mount_namespace")

#: Every rung, from the outside in, and what it keeps from happening.
KEEPS = {
    "process": "a submission runs in a process of its own, without the grader's memory",
    "ipc_namespace": "shares no memory or message queue with other programs",
    "network_namespace": "reaches no network, not even this machine's own",
    "mount_namespace": "sees only the interpreter, its libraries and the course's data, read-only",
    "pid_namespace": "sees no process of this machine; all that it starts ends with it",
    "session": "has no terminal",
    "own_uid": "is a user of its own, who owns nothing",
    "no_capabilities": "has none of root's powers",
    "parent_death": "ends when the grader ends",
    "rlimits": "processor time, memory and open files are limited; it writes no file",
    "thread_limit": "cannot start threads without end",
    "no_new_privs": "gains no rights by running a program",
    "landlock": "may open only the interpreter, its libraries and the course's data",
    "seccomp": "makes only the system calls that computing needs: no sockets, no programs",
    "deadline": "is killed when its time is over",
}

#: With torch, workers have these imported too, unless it is known that nothing uses them: its compiler, which some of its
#: functions import when they are first called, and matplotlib.
EXTRAS = ("torch._dynamo", "matplotlib")

_START_SECONDS = 120
_ENVIRONMENT = {
    **{"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent", "USER": "student"},
    **ONE_THREAD,
    **KERAS_ON_TORCH,
}
#: By PYTHONPATH the server may find this package and the course's; it hides the variable from its workers.
_KEPT_VARIABLES = (*DATA_VARIABLES, "PYTHONPATH")


class Sandbox:
    """The fork server, seen from the grader. It starts at the first worker and again should it die.

    Args:
        preload: modules that every worker has imported before it starts.
        allowance: what a worker may use.
        gpu: True if workers may use CUDA's devices.
        without: rungs that are not to be tried, to see what holds without them.
        control: the control socket of the zygote of another process's sandbox, to share what that has preloaded.
        folder: where the workers' folders are to be; the system's place for such by default.
        extras: those of `EXTRAS` that may be used.
        many: True if so many workers are to come that half a second at the start, which makes each cheaper, is worth it.
    """

    def __init__(
        self,
        preload: tuple[str, ...] = (),
        allowance: Allowance | None = None,
        *,
        gpu: bool = False,
        without: frozenset[str] = frozenset(),
        control: socket.socket | None = None,
        folder: Path | None = None,
        extras: Collection[str] = EXTRAS,
        many: bool = True,
    ) -> None:
        self._allowance = allowance or Allowance()
        self._gpu = gpu
        self._without = without
        self._place = folder
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        environment = {**_environment(preload, gpu), "MPLCONFIGDIR": str(_drawing_folder() or self.folder)}
        more = [name for name in extras if "torch" in preload and importlib.util.find_spec(name.partition(".")[0])]
        self.zygote = Zygote(
            "autograder.sandbox.server", (MANY if many else FEW, *preload, *more), environment, control
        )
        self._control: socket.socket | None = None
        self._rungs: tuple[str, ...] = ()
        self._missing: dict[str, str] = {}

    def __enter__(self) -> "Sandbox":
        # An error of the start is told to whoever asks for a worker.
        with contextlib.suppress(OSError):
            if sys.platform.startswith("linux"):
                self.zygote.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def isolation(self) -> tuple[str, ...]:
        """Return the rungs that every worker stands on."""
        self._ensure_server()
        return ("process", *self._rungs, "deadline")

    @property
    def limits(self) -> dict[str, float]:
        """Return the resources that one worker may use, by name."""
        return dataclasses.asdict(self._allowance)

    @property
    def missing(self) -> dict[str, str]:
        """Return the rungs that do not hold on this machine, and why."""
        self._ensure_server()
        return self._missing

    def require(self, rungs: tuple[str, ...]) -> None:
        """Raise an error unless every worker stands on these rungs; of `a/b` one is enough.

        Raises:
            UsageError: there is no such rung.
            SandboxError: some rung does not hold.
        """
        for wanted in rungs:
            names = wanted.split("/")
            for name in names:
                if name not in self.isolation and name not in self.missing:
                    raise UsageError(f"there is no rung called {name}; `autograder doctor` lists them")
            if not set(names) & set(self.isolation):
                reasons = "; ".join(f"{name} does not hold ({self.missing[name]})" for name in names)
                raise SandboxError(f"untrusted work is not graded here: {reasons}; mend it, or ask for less by name")

    def close(self) -> None:
        """End the server, and with it every worker."""
        self._end_server()
        self.zygote.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @contextlib.contextmanager
    def worker(self) -> Iterator[Worker]:
        """Give a fresh worker; it is killed on the way out, with everything that it started.

        Raises:
            SandboxError: no worker can be had.
        """
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        with contextlib.ExitStack() as near, contextlib.ExitStack() as far:
            near.enter_context(ours)
            output = near.enter_context(open(read, "rb", buffering=0))
            far.enter_context(theirs)
            far.enter_context(open(write, "wb", buffering=0))
            folder = near.enter_context(self._worker_folder())
            answer = self._start({"op": "start", "folder": str(folder)}, [theirs.fileno(), write])
            far.close()  # nobody but the worker may hold these ends: when they close, it has died
            pid, waiting = answer["pid"], Waiting.of_thread(f"{answer['process']}/task/{answer['process']}")
            worker = Worker(pid, folder, ours, output.fileno(), self._end_worker, waiting)
            try:
                yield worker
            finally:
                worker.end()
                waiting.close()

    @contextlib.contextmanager
    def _worker_folder(self) -> Iterator[Path]:
        # Every user may enter it, but only by its name: nobody else can list the folder above it.
        folder = self.folder / secrets.token_hex(8)
        folder.mkdir()
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def folder(self) -> Path:
        """Return the folder of the workers' folders."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="idealcat-", dir=self._place)
            Path(self._folder.name).chmod(0o711)
        return Path(self._folder.name).resolve()

    def _start(self, request: dict[str, str], descriptors: list[int]) -> dict[str, Any]:
        try:
            answer = self._ask_twice(request, descriptors)
        except OSError as error:
            raise ServerDiedError(f"the fork server died twice in a row ({error}); is there memory left?") from error
        if answer["problem"]:
            raise SandboxError(f"a worker could not begin: {answer['problem']}; `autograder doctor` tells more")
        return answer

    def _ask_twice(self, request: dict[str, str], descriptors: list[int]) -> dict[str, Any]:
        """Return the answer of this server or, if it has died, of the next one."""
        with contextlib.suppress(OSError):
            self._ensure_server()
            return self._ask(request, descriptors)
        self._end_server()
        self._ensure_server()
        return self._ask(request, descriptors)

    def _end_worker(self, pid: int) -> int | None:
        """Kill a worker. Return its exit code, minus its signal, or None if the server itself has died."""
        try:
            return int(self._ask({"op": "end", "pid": pid})["status"])
        except OSError:
            self._end_server()  # the workers have died with it
            return None

    def _ask(self, request: dict[str, Any], descriptors: list[int] | None = None) -> dict[str, Any]:
        if self._control is None:
            raise ConnectionError("the fork server is gone")
        socket.send_fds(self._control, [msgpack.packb(request)], descriptors or [])
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._control is not None
        message = self._control.recv(65536)
        if not message:
            raise ConnectionError("the fork server is gone")
        answer: dict[str, Any] = msgpack.unpackb(message)
        return answer

    def _ensure_server(self) -> None:
        """Start the fork server unless it runs."""
        if self._control is not None:
            return
        if not sys.platform.startswith("linux"):
            raise SandboxError(f"there is no sandbox on {sys.platform}; grade on Linux")
        self._control = self.zygote.child()
        self._control.settimeout(_START_SECONDS)
        setup = Setup(str(self.folder), self._allowance, self._gpu, self._without)
        try:
            answer = self._ask(setup.to_dict())
        except OSError as error:
            said = self.zygote.end_and_read_error()
            self.close()
            raise ServerDiedError(f"the fork server did not start: {said or error}") from error
        self._rungs, self._missing = tuple(answer["ready"]), answer["missing"]

    def _end_server(self) -> None:
        """Close the socket of the server, which then ends itself and all its workers."""
        if self._control is not None:
            self._control.close()
        self._control = None


def _environment(preload: tuple[str, ...], gpu: bool) -> dict[str, str]:
    """Return the server's variables, by which it finds the same packages as this process: installed, or beside the course."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    specs = [importlib.util.find_spec(name.partition(".")[0]) for name in preload]
    found = [Path(spec.origin) for spec in specs if spec is not None and spec.origin]
    own = [str(file.parents[1] if file.name == "__init__.py" else file.parent) for file in found]
    beside = [folder for folder in dict.fromkeys(own) if folder in sys.path and not _is_installed(folder)]
    paths = [*filter(None, kept.get("PYTHONPATH", "").split(os.pathsep)), *beside]
    seen = {name: os.environ[name] for name in GPU_HIDDEN if name in os.environ}
    of_gpu = {**GPU_UNOPENED, **seen} if gpu else GPU_HIDDEN
    return {**_ENVIRONMENT, **of_gpu, **kept, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}


def _is_installed(folder: str) -> bool:
    """Return True for a folder that every interpreter of this environment looks through."""
    return Path(folder).name in ("site-packages", "dist-packages") or folder == sysconfig.get_path("stdlib")


def _drawing_folder() -> Path | None:
    """Return the folder in which matplotlib finds its list of fonts again, or None if it cannot be written."""
    named = os.environ.get("IDEALCAT_CACHE")
    with contextlib.suppress(OSError, RuntimeError):  # there may be no home
        caches = named or user_cache_path("idealcat", appauthor=False, opinion=False)
        folder = Path(caches).expanduser().absolute() / "matplotlib"
        folder.mkdir(parents=True, exist_ok=True)
        return folder if os.access(folder, os.W_OK) else None
    return None


def diagnosis(isolation: Iterable[str], missing: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each rung: that it holds, or why not."""
    holding = set(isolation)
    for name, keeps in KEEPS.items():
        if name in holding:
            yield f"+ {name:<19}{keeps}"
        elif name in missing:
            yield f"x {name:<19}missing: {missing[name]}"
