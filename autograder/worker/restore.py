"""Put back, before the next check, the state that a careless function may have changed in its process.

Settings of the numerical libraries are put back wherever the worker runs. What else a process has (its folder, environment,
signal handlers, modules, warnings) is put back in a process of the worker's own alone: at home it is the student's.
"""

import builtins
import decimal
import functools
import gc
import os
import random
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

#: A mode lasts as long as its object.
_HELD: list[object] = []


@dataclass(frozen=True)
class Setting:
    """One setting of the process: how it is read, and how it is written."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


_NUMERICAL = (
    Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    Setting(torch.is_inference_mode_enabled, lambda _: _leave_inference_mode()),
    Setting(torch.get_default_dtype, torch.set_default_dtype),
    Setting(torch.get_default_device, lambda _: torch.set_default_device(None)),
    Setting(torch.get_num_threads, torch.set_num_threads),
    Setting(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    Setting(lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on)),
    Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    Setting(
        lambda: (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda mode: torch.use_deterministic_algorithms(mode[0], warn_only=mode[1]),
    ),
    Setting(np.geterr, lambda errors: np.seterr(**errors)),
    Setting(np.random.get_bit_generator, np.random.set_bit_generator),  # type: ignore[attr-defined]
    Setting(lambda: str(decimal.getcontext()), lambda _: decimal.setcontext(decimal.Context())),
)
_PROCESS = (
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
    """Remembers the state of a process and puts it back.

    Args:
        process: the whole state is the worker's to put back, not the numerical libraries' alone.
    """

    def __init__(self, *, process: bool) -> None:
        self._process = process
        self._settings = _NUMERICAL + _PROCESS if process else _NUMERICAL
        self._before = [setting.read() for setting in self._settings]
        self._modules = dict(sys.modules) if process else {}

    def restore(self, seed: int) -> None:
        """Put everything back, and start all random numbers from a seed."""
        if self._process:
            for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
                signal.setitimer(timer, 0)
            self._restore_modules()
        for setting, before in zip(self._settings, self._before, strict=True):
            if setting.read() != before:
                setting.write(before)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        # torch.manual_seed would also leave word for accelerators, which nothing here uses, and that takes milliseconds.
        torch.default_generator.manual_seed(seed)

    def _restore_modules(self) -> None:
        """Put back the modules that were replaced or removed, and forget those that no import has made.

        A library that was imported stays: many cannot be imported twice.
        """
        for name in sys.modules.keys() - self._modules.keys():
            module = sys.modules[name]
            if module is None or (type(module) is types.ModuleType and module.__spec__ is None):
                del sys.modules[name]
        sys.modules.update(self._modules)


def _leave_inference_mode() -> None:
    ordinary = torch.inference_mode(False)
    ordinary.__enter__()
    _HELD.append(ordinary)


@functools.cache
def restorer(*, process: bool) -> Restorer:
    """Return the one that remembers how this process was when it was first asked for."""
    return Restorer(process=process)


def _set_streams(*streams: Any) -> None:
    sys.stdin, sys.stdout, sys.stderr = streams


def _set_warnings(show: Any, filters: list[Any]) -> None:
    warnings.showwarning = show
    warnings.resetwarnings()  # which also has Python forget what it has warned of
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
