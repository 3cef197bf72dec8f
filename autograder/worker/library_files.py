"""Have libraries that open files by themselves read and write through `open`, which knows the files in memory (`files`)."""

import builtins
import functools
import importlib
import inspect
import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any

from autograder.libraries import is_loaded, torch


def read_and_write_by_open() -> None:
    """Put the functions in place, for the libraries that are loaded."""
    for archives, name in (("bz2", "_builtin_open"), ("tarfile", "bltn_open")):  # which keep `open` as it was at import
        setattr(importlib.import_module(archives), name, _open)
    if not is_loaded("torch"):
        return
    torch.save = torch.serialization.save = _into_stream(torch.save)
    torch.load = torch.serialization.load = _without_map(torch.load)
    torch.jit.save, torch.jit.load = _into_stream(torch.jit.save), _from_stream(torch.jit.load)
    scripted: Any = torch.jit.RecursiveScriptModule  # type: ignore[attr-defined] # not among the public names
    scripted.save = lambda module, f, **options: torch.jit.save(module, f, **options)
    if is_loaded("numpy"):  # which keeps `open` as it was at import
        openers: Any = getattr(importlib.import_module("numpy.lib._datasource"), "_file_openers", None)
        getattr(openers, "_file_openers", {})[None] = _open
    if is_loaded("safetensors.torch"):
        for name in ("torch", "numpy")[: 1 + is_loaded("numpy")]:
            _use_streams(importlib.import_module(f"safetensors.{name}"))
        sys.modules["safetensors"].safe_open = _OpenedTensors  # type: ignore[attr-defined] # replaced on purpose
    if is_loaded("torchvision.io.image"):
        for module in map(sys.modules.get, ("torchvision.io.image", "torchvision.io")):
            vars(module).update(read_file=_read_file, write_file=_write_file)


def _open(*args: Any, **kwargs: Any) -> Any:
    """Open a file as `open` does now."""
    return builtins.open(*args, **kwargs)


def _into_stream(save: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that saves an object as this one does, in a file that `open` opens."""
    signature = inspect.signature(save)

    @functools.wraps(save)
    def save_into_stream(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs)
        path = given.arguments["f"]
        if not isinstance(path, str | os.PathLike):
            return save(*args, **kwargs)
        with open(path, "wb") as file:
            given.arguments["f"] = file
            return save(*given.args, **given.kwargs)

    return save_into_stream


def _from_stream(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that loads an object as this one does, from a file that `open` opens."""

    @functools.wraps(load)
    def load_from_stream(f: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(f, str | os.PathLike):
            return load(f, *args, **kwargs)
        with open(f, "rb") as file:
            return load(io.BytesIO(file.read()), *args, **kwargs)

    return load_from_stream


def _without_map(load: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that loads as this one does and never maps a file: a file in memory cannot be mapped."""

    @functools.wraps(load)
    def load_without_map(*args: Any, **kwargs: Any) -> Any:
        return load(*args, **{name: value for name, value in kwargs.items() if name != "mmap"})

    return load_without_map


def _use_streams(library: Any) -> None:
    """Have safetensors read and write the files that `open` opens."""
    signature = inspect.signature(library.save_file)  # it calls the first argument otherwise for torch and for NumPy

    def save_file(*args: Any, **kwargs: Any) -> None:
        tensors, filename, *metadata = signature.bind(*args, **kwargs).args
        with open(filename, "wb") as file:
            file.write(library.save(tensors, *metadata))

    def load_file(filename: Any, device: Any = "cpu", **_: object) -> dict[str, Any]:
        with open(filename, "rb") as file:
            tensors: dict[str, Any] = library.load(file.read())
        return tensors if device == "cpu" else {name: tensor.to(device) for name, tensor in tensors.items()}

    library.save_file, library.load_file = save_file, load_file


class _OpenedTensors:
    """Stand-in for `safetensors.safe_open`, on the files that `open` opens."""

    def __init__(self, filename: Any, framework: str, device: Any = "cpu", **_: object) -> None:
        library = importlib.import_module(f"safetensors.{'numpy' if framework.startswith('n') else 'torch'}")
        with open(filename, "rb") as file:
            data = file.read()
        tensors = library.load(data)
        self._tensors = tensors if device == "cpu" else {name: tensor.to(device) for name, tensor in tensors.items()}
        self._header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])

    def __enter__(self) -> "_OpenedTensors":
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: the file has been read."""

    def keys(self) -> list[str]:
        """Return the names of the tensors."""
        return sorted(self._tensors)

    offset_keys = keys

    def metadata(self) -> dict[str, str] | None:
        """Return the texts that were saved with the tensors; None if there are none."""
        found: dict[str, str] | None = self._header.get("__metadata__")
        return found

    def get_tensor(self, name: str) -> Any:
        """Return one tensor."""
        return self._tensors[name]

    def get_slice(self, name: str) -> "_Slice":
        """Return one tensor, to be cut by subscripts."""
        return _Slice(self.get_tensor(name), self._header[name])


class _Slice:
    """Stand-in for what `safe_open(...).get_slice(...)` gives."""

    def __init__(self, tensor: Any, header: dict[str, Any]) -> None:
        self._tensor, self._header = tensor, header

    def __getitem__(self, index: Any) -> Any:
        return self._tensor[index]

    def get_shape(self) -> list[int]:
        """Return the tensor's shape."""
        return list(self._header["shape"])

    def get_dtype(self) -> str:
        """Return the tensor's dtype, as the format names it."""
        return str(self._header["dtype"])


def _read_file(path: Any) -> Any:
    """Stand in for `torchvision.io.read_file`."""
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.uint8)


def _write_file(filename: Any, data: Any) -> None:
    """Stand in for `torchvision.io.write_file`."""
    with open(filename, "wb") as file:
        file.write(bytes(data.tolist()))
