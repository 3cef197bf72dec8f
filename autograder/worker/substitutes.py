"""What a sandbox does not allow and a submission need not do without: the same results, had in another way, with a notice."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import DataLoader

_ALONE = {"num_workers": 0, "timeout": 0, "multiprocessing_context": None, "prefetch_factor": None}


def install() -> None:
    """Puts them in place, for this process."""
    DataLoader.__init__ = _without_workers(DataLoader.__init__)  # type: ignore[method-assign]
    torch.compile = _uncompiled


def _without_workers(make: Callable[..., None]) -> Callable[..., None]:
    """The loader's own order and batches, read in this process."""
    signature = inspect.signature(make)

    @functools.wraps(make)
    def init(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs)
        if given.arguments.get("num_workers"):
            _notice("a DataLoader reads without worker processes: a graded submission can start none")
            given.arguments |= _ALONE | {"persistent_workers": False}
        make(*given.args, **given.kwargs)

    return init


def _uncompiled(model: Any = None, **_: object) -> Any:
    """`torch.compile`, as a call or as a decorator, that leaves the code as it is."""
    _notice("torch.compile leaves the code as it is: a graded submission can start no compiler")
    return model if model is not None else lambda later: later


def tell_again() -> None:
    """For another check, which may have another reader."""
    _notice.cache_clear()


@functools.cache
def _notice(text: str) -> None:
    """Once, among what the student's code prints."""
    print(f"Note: {text}.")
