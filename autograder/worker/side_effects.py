"""Find the side effects of a call, and put back before the next check what a careless function may have changed.

Settings of the numerical libraries are put back wherever the worker runs. What else a process has (its folder, environment,
signal handlers, modules, warnings) is put back in a process of the worker's own alone: at home it is the student's.
"""

import builtins
import contextlib
import ctypes
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
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from autograder.errors import RefusedValue
from autograder.libraries import is_loaded, nn, np, torch
from autograder.worker.codec import Limits, encode, is_record, record_of
from autograder.worker.loggers import added_handlers, levels, remove_handlers_beside, set_levels
from autograder.worker.protocol import Inspection, SideEffect

#: A key of 624 numbers of 32 bits, and the place in it.
_MT19937_BYTES = 625 * 4


#: Random states of torch, numpy and Python; None for a library that has not been imported.
RandomState = tuple[bytes | None, bytes | None, int]


@dataclass
class RandomWatch:
    """Changes of the global random state during a call.

    Attributes:
        drawn: numbers were drawn from it, or it was seeded, otherwise than by PyTorch where a call may let it.
    """

    drawn: bool = False
    _by_pytorch: list[tuple[RandomState, RandomState]] = field(default_factory=list)

    def compare(self, before: RandomState, after: RandomState) -> None:
        for earlier, later in self._by_pytorch:
            before = later if earlier == before else before
        self.drawn = any(one not in (None, other) for one, other in zip(before, after, strict=True))


@contextlib.contextmanager
def watch_random_state(device: str) -> Iterator[RandomWatch]:
    """Watch every global source of random numbers that the code inside may draw from on this device.

    Two things that PyTorch draws by itself do not count, as no result needs to depend on them: one number at the beginning
    of each reading of a `DataLoader`, a seed for its processes, even if it has none and does not shuffle; and the first
    weights of a layer, which the code may replace.
    """
    watch = RandomWatch()
    methods = _drawing_methods() if is_loaded("torch") else ()
    for owner, name, method in methods:
        setattr(owner, name, _noting_states(method, device, watch._by_pytorch))
    before = _random_state(device)
    try:
        yield watch
    finally:
        for owner, name, method in methods:
            setattr(owner, name, method)
        watch.compare(before, _random_state(device))


@functools.cache
def _drawing_methods() -> tuple[tuple[type, str, Callable[..., object]], ...]:
    """Return the methods by which PyTorch draws without being told to, each with the class that defines it and its name."""
    layers = {
        kind for each in vars(sys.modules["torch.nn"]).values() if isinstance(each, type) for kind in each.__mro__
    }
    names = ("reset_parameters", "_reset_parameters")
    found = [(kind, name) for kind in layers for name in names if name in vars(kind)]
    return tuple((kind, name, vars(kind)[name]) for kind, name in [(torch.utils.data.DataLoader, "__iter__"), *found])


def _noting_states(
    method: Callable[..., object], device: str, noted: list[tuple[RandomState, RandomState]]
) -> Callable[..., object]:
    """Return a method that also notes the random states before and after each call of it."""

    @functools.wraps(method)
    def noting(*args: Any, **kwargs: Any) -> object:
        earlier = _random_state(device)
        value = method(*args, **kwargs)
        noted.append((earlier, _random_state(device)))
        return value

    return noting


def _random_state(device: str) -> RandomState:
    of_torch = torch.get_rng_state().numpy().tobytes() if is_loaded("torch") else None
    if of_torch is not None and device != "cpu":
        of_torch += torch.get_device_module(device).get_rng_state().numpy().tobytes()
    return of_torch, _numpy_state() if is_loaded("numpy") else None, hash(random.getstate())


def _numpy_state() -> bytes:
    """Return the memory of numpy's generator. Its own way to tell loops over all numbers, longer than most calls take."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined] # numpy's types lack it
    if type(generator) is np.random.MT19937:
        return ctypes.string_at(generator.ctypes.state_address, _MT19937_BYTES)
    return repr(generator.state).encode()


def computes_gradients() -> bool:
    """Return True if operations on tensors are recorded, as they are by default: gradients are not switched off."""
    return not is_loaded("torch") or torch.is_grad_enabled()


def modules_inside(arguments: dict[str, object]) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules in lists and dicts, each under the name of its place, such as `models['small']` or `models[0]`."""
    for name, value in arguments.items():
        entries = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
        )
        for key, entry in entries:
            if isinstance(entry, nn.Module):
                yield f"{name}[{key!r}]", entry


def state_of(value: object) -> dict[str, object]:
    """Return everything about an argument that a function could change behind the caller's back."""
    if isinstance(value, nn.Module):
        return _condition(value)
    if isinstance(value, random.Random) or type(value).__module__.startswith("numpy.random"):
        return {}  # it is there to be drawn from
    try:
        return {"value": encode(value, _describe_record, Limits(bytes=2**40), grad=False)}
    except RefusedValue:
        return {}


def _describe_record(value: object) -> object:
    """Return the record of a named tuple or a dataclass; of any other object, what it is."""
    return record_of(value) if is_record(value) else repr(type(value))


def _condition(module: nn.Module) -> dict[str, object]:
    children = dict(module.named_modules())
    parameters = dict(module.named_parameters())
    return {
        "weights": {name: encode(value.detach(), grad=False) for name, value in module.state_dict().items()},
        "training mode": {name: child.training for name, child in children.items()},
        "requires_grad": {name: parameter.requires_grad for name, parameter in parameters.items()},
        "gradients": {
            name: None if parameter.grad is None else encode(parameter.grad) for name, parameter in parameters.items()
        },
        "hooks": {name: _hooks(child) for name, child in children.items()},
    }


def _hooks(module: nn.Module) -> int:
    return sum(len(value) for key, value in vars(module).items() if key.endswith("_hooks") and value)


def differences(
    before: dict[str, dict[str, object]], arguments: dict[str, object]
) -> tuple[list[str], list[SideEffect]]:
    """Return the names of the arguments that were changed in place, and what stayed behind on modules."""
    changed: list[str] = []
    effects: list[SideEffect] = []
    for name, value in arguments.items():
        after = state_of(value)
        if isinstance(value, nn.Module):
            effects += [(name, kind, _differing(before[name][kind], after[kind])) for kind in after]
        elif after != before[name]:
            changed.append(name)
    return changed, [effect for effect in effects if effect[2]]


def _differing(before: Any, after: Any) -> tuple[str, ...]:
    return tuple(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def inspection(module: nn.Module) -> Inspection:
    """Return the facts about a module, its weights copied."""
    classes = getattr(module, "classes", None)
    return Inspection(
        state={name: value.detach().clone() for name, value in module.state_dict().items()},
        training=[name for name, child in module.named_modules() if child.training],
        frozen=[name for name, parameter in module.named_parameters() if not parameter.requires_grad],
        hooks=sum(_hooks(child) for child in module.modules()),
        classes=[str(name) for name in classes] if isinstance(classes, list | tuple) else None,
    )


#: A mode lasts as long as its object.
_HELD: list[object] = []


@dataclass(frozen=True)
class Setting:
    """One setting of the process: how it is read, and how it is written."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


def _torch_settings() -> tuple[Setting, ...]:
    return (
        Setting(torch.is_inference_mode_enabled, lambda _: _leave_inference_mode()),
        Setting(torch.is_grad_enabled, torch.set_grad_enabled),
        Setting(torch.get_default_dtype, torch.set_default_dtype),
        Setting(torch.get_default_device, lambda _: torch.set_default_device(None)),
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
    """Remembers the state of a process and puts it back.

    Args:
        process: the whole state is the worker's to put back, not the numerical libraries' alone.
    """

    def __init__(self, *, process: bool) -> None:
        self._process = process
        self._before: list[tuple[Setting, Any]] = []
        self._libraries: set[str] = set()
        self._seed = 0
        self.remember_libraries()
        self._remember(_PLAIN + _PROCESS if process else _PLAIN)
        self._modules = known_modules() if process else {}

    def remember_libraries(self) -> None:
        """Remember the settings of the libraries that have been imported since the last time, and seed those.

        To be called as soon as something may have imported one, so that its settings are still those it comes with.
        """
        for name, settings in _OF_LIBRARIES.items():
            if name not in self._libraries and is_loaded(name):
                self._libraries.add(name)
                if name == "torch":
                    torch.set_num_threads(1)  # as in a graded worker, so that both round alike
                self._remember(settings())
                self._seed_library(name)

    def _seed_library(self, name: str) -> None:
        if name == "numpy":
            np.random.seed(self._seed % 2**32)
        else:
            # torch.manual_seed would also leave word for accelerators, which nothing here uses: that takes milliseconds.
            torch.default_generator.manual_seed(self._seed)

    def _remember(self, settings: tuple[Setting, ...]) -> None:
        self._before += [(setting, setting.read()) for setting in settings]

    def restore(self, seed: int, *, modules: bool = True) -> None:
        """Put everything back, and start all random numbers from a seed.

        Args:
            seed: of them all.
            modules: False if no text that has run since names `sys.modules`. To look at thousands of modules takes longer than
                many a check.
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
    """Return the modules that were there when it was first called, which a process that is forked does best before.

    To count one more use of each writes to all of them, and what is written after a fork is copied first.
    """
    return dict(sys.modules)


def _leave_inference_mode() -> None:
    # An object that has entered it puts the mode before it back when it is freed: now, not in the midst of a later call.
    gc.collect()
    if torch.is_inference_mode_enabled():
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
