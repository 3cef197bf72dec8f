"""Put back before the next check what a careless function may have changed in the process.

Settings of the numerical libraries are put back wherever the worker runs. What else a process has (its folder, environment,
signal handlers, modules, warnings) is put back in a process of the worker's own alone: at home it is the student's.
"""

import builtins
import ctypes
import decimal
import functools
import gc
import logging
import os
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from autograder.libraries import is_loaded, np, torch

#: Objects of inference modes that were left: a mode lasts as long as its object.
_HELD_MODES: list[object] = []


@dataclass(frozen=True)
class Setting:
    """One setting of the process: how it is read, and how it is written."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def loggers() -> list[logging.Logger]:
    """Return all loggers that there are. The student's code may have replaced `isinstance`."""
    known: list[Any] = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(each for each in known if logging.Logger in type(each).__mro__)]


def added_handlers() -> dict[logging.Logger, list[logging.Handler]]:
    """Return the handlers of each logger that has any; pytest's own come and go with its tests, and are not among them."""
    own = {each: [handler for handler in each.handlers if not _is_pytests(handler)] for each in loggers()}
    return {each: handlers for each, handlers in own.items() if handlers}


def remove_handlers_beside(before: Mapping[logging.Logger, list[logging.Handler]]) -> None:
    """Remove the handlers that were added since."""
    for logger, handlers in added_handlers().items():
        for handler in handlers:
            if handler not in before.get(logger, []):
                logger.removeHandler(handler)


def levels() -> tuple[int, dict[logging.Logger, int]]:
    """Return the level up to which logging is off, and each logger's own, if it has one."""
    return logging.root.manager.disable, {each: each.level for each in loggers() if each.level}


def set_levels(disabled_up_to: int, before: Mapping[logging.Logger, int]) -> None:
    """Put levels back."""
    logging.disable(disabled_up_to)
    for logger in loggers():
        logger.setLevel(before.get(logger, logging.NOTSET))


def _is_pytests(handler: logging.Handler) -> bool:
    return type(handler).__module__.startswith("_pytest.")


def _torch_settings() -> tuple[Setting, ...]:
    return (
        Setting(torch.is_inference_mode_enabled, lambda on: _enter_inference_mode() if on else _leave_inference_mode()),
        Setting(torch.is_grad_enabled, torch.set_grad_enabled),
        Setting(torch.get_default_dtype, torch.set_default_dtype),
        # None, as the CPU would be a mode that looks at each operation.
        Setting(
            torch.get_default_device, lambda place: torch.set_default_device(None if place.type == "cpu" else place)
        ),
        Setting(torch.get_num_threads, torch.set_num_threads),
        Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        Setting(lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
        Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        Setting(
            lambda: (
                torch.are_deterministic_algorithms_enabled(),
                torch.is_deterministic_algorithms_warn_only_enabled(),
            ),
            lambda mode: torch.use_deterministic_algorithms(mode[0], warn_only=mode[1]),
        ),
    )


def _numpy_settings() -> tuple[Setting, ...]:
    return (
        Setting(np.geterr, lambda errors: np.seterr(**errors)),
        Setting(np.random.get_bit_generator, np.random.set_bit_generator),  # type: ignore[attr-defined] # typed without them
    )


def library_settings() -> tuple[Setting, ...]:
    """Return the settings of the numerical libraries that have been imported."""
    return tuple(each for name, settings in _OF_LIBRARIES.items() if is_loaded(name) for each in settings())


def logging_handlers() -> Setting:
    """Return the handlers of all loggers, which are put back as they were: those added since go, those removed return."""
    return Setting(added_handlers, _set_log_handlers)


def _set_log_handlers(before: Mapping[logging.Logger, list[logging.Handler]]) -> None:
    remove_handlers_beside(before)
    for logger, handlers in before.items():
        for handler in handlers:
            logger.addHandler(handler)  # nothing if it is there


#: Settings of libraries, which are remembered once those have been imported.
_OF_LIBRARIES = {"torch": _torch_settings, "numpy": _numpy_settings}
_PLAIN = (
    Setting(lambda: str(decimal.getcontext()), lambda _: decimal.setcontext(decimal.Context())),
    Setting(added_handlers, remove_handlers_beside),
)
_PROCESS = (
    Setting(levels, lambda before: set_levels(*before)),
    Setting(os.getcwd, os.chdir),
    Setting(lambda: dict(os.environ), lambda names: _set_names(os.environ, names)),
    Setting(sys.getrecursionlimit, sys.setrecursionlimit),
    Setting(sys.getswitchinterval, sys.setswitchinterval),
    Setting(sys.gettrace, sys.settrace),
    Setting(sys.getprofile, sys.setprofile),
    Setting(threading.gettrace, threading.settrace),
    Setting(threading.getprofile, threading.setprofile),
    Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    Setting(lambda: (sys.stdin, sys.stdout, sys.stderr), lambda streams: _set_streams(*streams)),
    Setting(lambda: list(sys.path), lambda path: sys.path.__setitem__(slice(None), path)),
    Setting(lambda: list(sys.meta_path), lambda path: sys.meta_path.__setitem__(slice(None), path)),
    Setting(lambda: list(sys.path_hooks), lambda path: sys.path_hooks.__setitem__(slice(None), path)),
    Setting(lambda: (warnings.showwarning, list(warnings.filters)), lambda before: _set_warnings(*before)),
    Setting(lambda: _handlers(), lambda before: _set_handlers(before)),
    Setting(
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        lambda mask: signal.pthread_sigmask(signal.SIG_SETMASK, mask),
    ),
    Setting(lambda: dict(vars(builtins)), lambda names: _set_names(vars(builtins), names)),
)


class Restorer:
    """Memory of the state of a process, which it puts back.

    Args:
        process: True to remember the whole state of the process, False for that of the numerical libraries.
    """

    def __init__(self, *, process: bool) -> None:
        self._process = process
        self._before: list[tuple[Setting, Any]] = []
        #: Those of the libraries among them.
        self._numerical: list[tuple[Setting, Any]] = []
        self._libraries: set[str] = set()
        self._seed = 0
        self.remember_libraries()
        self._remember(_PLAIN + _PROCESS if process else _PLAIN)
        self._modules = known_modules() if process else {}

    def remember_libraries(self) -> None:
        """Remember the settings of the libraries that have been imported since the last time, and seed those.

        Call this as soon as something may have imported a library, while it still has its first settings.
        """
        for name, settings in _OF_LIBRARIES.items():
            if name not in self._libraries and is_loaded(name):
                self._libraries.add(name)
                if name == "torch":
                    torch.set_num_threads(1)  # as in a graded worker, so that both round alike
                self._numerical += self._remember(settings())
                self._seed_library(name)

    def _seed_library(self, name: str) -> None:
        if name == "numpy":
            np.random.seed(self._seed % 2**32)
        else:
            # `torch.manual_seed` would seed accelerators too, which nothing here uses and which takes milliseconds.
            torch.default_generator.manual_seed(self._seed)

    def _remember(self, settings: tuple[Setting, ...]) -> list[tuple[Setting, Any]]:
        before = [(setting, setting.read()) for setting in settings]
        self._before += before
        return before

    def put_aside(self) -> list[tuple[Setting, Any]]:
        """Put the libraries' settings back. Return those that were others, with their values, to be written again."""
        changed = []
        for setting, before in self._numerical:
            now = setting.read()
            if now != before:
                setting.write(before)
                changed.append((setting, now))
        return changed

    def restore(self, seed: int, *, modules: bool = True) -> None:
        """Put everything back, and start all random numbers from a seed.

        Args:
            seed: the seed of them all.
            modules: False if no source that has run since names `sys.modules`; a look at thousands of modules takes longer
                than many checks.
        """
        if self._process:
            for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
                signal.setitimer(timer, 0)
            if modules:
                self._restore_modules()
        self._seed = seed
        self.remember_libraries()
        for setting, before in self._before:
            if setting.read() != before:
                setting.write(before)
        random.seed(seed)
        for name in self._libraries:
            self._seed_library(name)

    def _restore_modules(self) -> None:
        """Put back the modules that were replaced or removed, and forget those that no import has made.

        A library that was imported stays: many cannot be imported twice.
        """
        for name in sys.modules.keys() - self._modules.keys():
            module = sys.modules[name]
            if module is None or (type(module) is types.ModuleType and module.__spec__ is None):
                del sys.modules[name]
        sys.modules.update(self._modules)


@functools.cache
def known_modules() -> dict[str, types.ModuleType]:
    """Return the modules that were imported when this was first called.

    A process calls it before it is forked. A new reference to a module is counted in the module itself, and memory that is
    written to after a fork is copied.
    """
    return dict(sys.modules)


def _enter_inference_mode() -> None:
    mode = torch.inference_mode()
    mode.__enter__()
    _HELD_MODES.append(mode)


def _leave_inference_mode() -> None:
    # The object that has entered the mode ends it when it is freed: it should be freed now, and not in a later call.
    gc.collect()
    if torch.is_inference_mode_enabled():
        ordinary = torch.inference_mode(False)
        ordinary.__enter__()
        _HELD_MODES.append(ordinary)


@functools.cache
def restorer(*, process: bool) -> Restorer:
    """Return the restorer that remembers this process as it was at the first call."""
    return Restorer(process=process)


def _set_streams(*streams: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = streams


def _set_warnings(show: Any, filters: list[Any]) -> None:
    warnings.showwarning = show
    warnings.resetwarnings()  # this also lets Python repeat warnings
    warnings.filters[:] = filters  # type: ignore[index] # typed as a sequence, and a list


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in range(1, signal.SIGRTMIN)}


def _set_handlers(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        if handler is not None and signal.getsignal(number) != handler:
            signal.signal(number, handler)


def _set_names(namespace: MutableMapping[str, Any], names: dict[str, Any]) -> None:
    namespace.clear()
    namespace.update(names)


#: Names of what glibc counts.
_COUNTS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _MemoryCounts(ctypes.Structure):
    """`struct mallinfo2` of glibc."""

    _fields_ = [(name, ctypes.c_size_t) for name in _COUNTS]  # ctypes reads it once


def held_bytes() -> int | None:
    """Return the bytes of memory that are in use, tensors included, in microseconds and without `/proc`.

    None if the C library does not tell.
    """
    count = _memory_counter()
    if count is None:
        return None
    counts = count()
    return int(counts.uordblks + counts.hblkhd)


@functools.cache
def _memory_counter() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    function = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if function is not None:
        function.restype = _MemoryCounts
    return function
