"""Substitutes for calls that a sandbox does not allow: the same results in another way, with a notice.

What cannot be had in another way (weights from the network, CUDA in a grading on the CPU) fails at once, in a plain sentence.
"""

import concurrent.futures
import contextlib
import functools
import importlib
import inspect
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlparse

from autograder.libraries import Image, is_loaded, torch
from autograder.worker import library_files
from autograder.worker.modules import event_loop

_UNCOMPILED = "TORCH_COMPILE_DISABLE"
#: Arguments of a `DataLoader` that starts no processes.
_WITHOUT_PROCESSES = {"num_workers": 0, "timeout": 0, "multiprocessing_context": None, "prefetch_factor": None}
#: Most threads of a pool: fewer than a worker can start.
_MOST_THREADS = 8
#: What processes share, where there are threads alone.
_SHARED = ("Barrier", "BoundedSemaphore", "Condition", "Event", "Lock", "RLock", "Semaphore")


def install() -> None:
    """Put the substitutes in place, after the imports, for this process and those that are forked from it."""
    _work_in_threads()
    _loop_without_sockets()
    library_files.read_and_write_by_open()
    if not is_loaded("torch"):
        return
    loader = torch.utils.data.DataLoader
    loader.__init__ = _without_workers(loader.__init__)  # type: ignore[method-assign] # replaced on purpose
    torch.compile = _leave_uncompiled
    load = torch.hub.load_state_dict_from_url
    for module in list(sys.modules.values()):  # torchvision has it under names of its own
        if getattr(module, "__dict__", {}).get(load.__name__) is load:
            setattr(module, load.__name__, _without_network(load))


def draw_in_memory() -> None:
    """Have Pillow and matplotlib, those that are loaded, draw what they save without writing a file.

    It is called once, before workers are forked: matplotlib lists fonts in a folder that it can write to, and takes long.
    """
    if is_loaded("PIL.Image"):
        Image.Image.save = _in_memory(Image.Image.save)  # type: ignore[method-assign] # replaced on purpose
    if is_loaded("matplotlib"):
        matplotlib: Any = sys.modules["matplotlib"]
        pyplot: Any = importlib.import_module("matplotlib.pyplot")
        bases: Any = importlib.import_module("matplotlib.backend_bases")
        pyplot.switch_backend("Agg")
        matplotlib.use = pyplot.switch_backend = _keep_backend
        bases.FigureCanvasBase.print_figure = _in_memory(bases.FigureCanvasBase.print_figure)


def step_without_compiler() -> None:
    """Have torch's optimizers step without its compiler, which takes as long to import as torch itself.

    They import it only to tell it which functions to leave alone, and a process of the grader compiles nothing.
    """
    for kind in vars(torch.optim).values():
        if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
            continue
        for name, function in list(vars(kind).items()):
            if "_dynamo" in getattr(getattr(function, "__code__", None), "co_names", ()):
                plain = function.__wrapped__
                setattr(kind, name, _with_gradients_as_told(plain) if name == "step" else plain)


def forbid_cuda() -> None:
    """Hide CUDA from this process: code that asks for it computes on the CPU, code that just uses it gets a plain error."""
    if is_loaded("torch"):
        for name, substitute in _WITHOUT_CUDA.items():
            setattr(torch.cuda, name, substitute)


@contextlib.contextmanager
def without_cuda() -> Iterator[None]:
    """Hide CUDA from the code inside, as in a graded run: a student's own machine may have a GPU."""
    kept = {name: getattr(torch.cuda, name) for name in _WITHOUT_CUDA} if is_loaded("torch") else {}
    forbid_cuda()
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(torch.cuda, name, value)


@contextlib.contextmanager
def run_uncompiled() -> Iterator[None]:
    """Have what `torch.compile` has wrapped, or wraps inside, run as it is written: a compiler takes longer than a call may.

    For runs in a student's own process, where `install` would change `torch` for good.
    """
    if is_loaded("torch._dynamo"):
        with torch.compiler.set_stance("force_eager"):
            yield
        return
    before = os.environ.get(_UNCOMPILED)  # read once, when something is compiled for the first time
    os.environ[_UNCOMPILED] = "1"
    compiles = torch.compile if is_loaded("torch") else None
    if compiles is not None:  # what is compiled as a full graph fails where nothing may be compiled
        torch.compile = _as_written
    try:
        yield
    finally:
        if compiles is not None:
            torch.compile = compiles
        del os.environ[_UNCOMPILED]
        if before is not None:
            os.environ[_UNCOMPILED] = before


def reset_notices() -> None:
    """Let each notice be printed again: another check may have another reader."""
    _notice.cache_clear()


def _without_workers(make: Callable[..., None]) -> Callable[..., None]:
    """Return the `__init__` of a loader that has its own order and batches and reads in this process."""
    signature = inspect.signature(make)

    @functools.wraps(make)
    def init(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs)
        if given.arguments.get("num_workers"):
            _notice("a DataLoader reads without worker processes: a graded submission can start none")
            given.arguments |= _WITHOUT_PROCESSES | {"persistent_workers": False}
        make(*given.args, **given.kwargs)

    return init


def _with_gradients_as_told(step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a step of an optimizer that records gradients if the optimizer is `differentiable`."""

    @functools.wraps(step)
    def stepping(self: Any, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults["differentiable"]):
            return step(self, *args, **kwargs)

    return stepping


def _leave_uncompiled(model: Any = None, **_: object) -> Any:
    """Stand in for `torch.compile`, and say that the code stays as it is."""
    _notice("torch.compile leaves the code as it is: a graded submission can start no compiler")
    return _as_written(model)


def _as_written(model: Any = None, **_: object) -> Any:
    """Stand in for `torch.compile`, as a call or as a decorator, and leave the code as it is."""
    return model if model is not None else lambda later: later


def _without_network(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loader of weights that reads those on this disk, and says at once that others cannot be had."""
    signature = inspect.signature(load)

    @functools.wraps(load)
    def from_disk(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        name = given.get("file_name") or Path(urlparse(given["url"]).path).name
        folder = given.get("model_dir") or Path(torch.hub.get_dir(), "checkpoints")
        if not Path(folder, name).is_file():
            raise ConnectionError(
                f"{name} cannot be downloaded: a graded submission has no network; use the models that `data` gives"
            )
        return load(*args, **kwargs)

    return from_disk


def _work_in_threads() -> None:
    """Have pools of processes, and what processes share, work in the threads of this process."""
    # Not imported at the top: a student's own run needs none of them.
    executors: Any = importlib.import_module("concurrent.futures.process")
    concurrent.futures.ProcessPoolExecutor = executors.ProcessPoolExecutor = _Threads  # type: ignore[assignment, misc]
    contexts: Any = importlib.import_module("multiprocessing.context")
    contexts.BaseContext.Pool = _pool_of_threads
    for name in _SHARED:
        setattr(contexts.BaseContext, name, functools.partialmethod(_of_threads, name))
    modules = ("multiprocessing", *(("torch.multiprocessing",) if is_loaded("torch") else ()))
    for name in ("Pool", *_SHARED):
        for module in modules:
            setattr(sys.modules[module], name, getattr(contexts._default_context, name))


def _loop_without_sockets() -> None:
    """Have `asyncio.run` and its like use a loop that needs no socket."""
    # Not `asyncio.get_event_loop_policy()`, which warns from Python 3.14 on.
    events: Any = importlib.import_module("asyncio.unix_events")
    events._UnixDefaultEventLoopPolicy._loop_factory = event_loop()


def _of_threads(_: object, name: str, *args: Any, **kwargs: Any) -> Any:
    """Return a lock, an event or the like for the threads of this process."""
    return getattr(threading, name)(*args, **kwargs)


class _Threads(concurrent.futures.ThreadPoolExecutor):
    """Stand-in for a pool of processes."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: object = None,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        **_: object,
    ) -> None:
        _notice("a pool of processes works in threads: a graded submission can start no processes")
        super().__init__(min(max_workers or _MOST_THREADS, _MOST_THREADS), "", initializer, initargs)


def _pool_of_threads(
    _: object,
    processes: int | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    maxtasksperchild: int | None = None,
) -> Any:
    """Stand in for `multiprocessing.Pool`."""
    _notice("a pool of processes works in threads: a graded submission can start no processes")
    pools: Any = importlib.import_module("multiprocessing.pool")
    return pools.ThreadPool(min(processes or _MOST_THREADS, _MOST_THREADS), initializer, initargs)


def _in_memory(save: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that saves a picture as this one does; if no file can be written there, it draws and keeps none."""
    signature = inspect.signature(save)
    _, file_argument, *_ = signature.parameters  # `fp` in Pillow, `filename` in matplotlib

    @functools.wraps(save)
    def save_in_memory(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        path = given.arguments[file_argument]
        try:
            return save(*args, **kwargs)
        except OSError:
            if not isinstance(path, str | os.PathLike):
                raise
        _notice("a picture is drawn and not saved: a graded submission can write temporary files alone")
        given.arguments[file_argument] = io.BytesIO()
        if given.arguments.get("format") is None:
            given.arguments["format"] = _format(Path(path).suffix.lower())
        return save(*given.args, **given.kwargs)

    return save_in_memory


def _format(suffix: str) -> str | None:
    """Return the format of files with this suffix, as both libraries call it."""
    return Image.registered_extensions().get(suffix, suffix.removeprefix(".")) or None


def _keep_backend(*_: object, **__: object) -> None:
    """Stand in for the choice of a backend of matplotlib: there is no window here, and no other can be had."""


def _refuse_cuda() -> NoReturn:
    raise RuntimeError(
        "this is graded on the CPU, without CUDA: leave out .cuda() and 'cuda', or compute on the device of the input"
    )


#: Functions of `torch.cuda`, by name, on a machine that has none.
_WITHOUT_CUDA: dict[str, Callable[[], object]] = {
    "is_available": lambda: False,
    "device_count": lambda: 0,
    "_lazy_init": _refuse_cuda,
}


@functools.cache
def _notice(text: str) -> None:
    """Print a notice once, among what the student's code prints."""
    print(f"Note: {text}.")
