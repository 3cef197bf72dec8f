"""Doors to the libraries for numbers and pictures, each imported when it is first used.

A course in pure Python never pays for torch. A value can be a tensor only if something has imported torch, so asking
`isinstance(value, torch.Tensor)` looks among the modules that are there, and imports nothing. Anything else that is read
from a door imports its library.

A door stands for a module: `from autograder.libraries import torch`. What is read at the top level of a module, in a
default value or a table, would import at once; such tables go by names.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

#: Keras reads it when it is imported; its layers are PyTorch's modules then, and its tensors PyTorch's.
KERAS_ON_TORCH = {"KERAS_BACKEND": "torch"}

# jsonschema imports this library wherever it is installed, and nbformat jsonschema: its grammar of international addresses
# takes more than a second to build, and no schema of ours has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # None is how Python is told that a module is not there


class Kind:
    """A class of a library, for `isinstance`, unions and annotations, whether or not the library is there."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __instancecheck__(self, value: object) -> bool:
        kind = self.loaded_class()
        return kind is not None and isinstance(value, kind)

    def loaded_class(self) -> Any:
        """Return the class itself, or None as long as its library has not been imported."""
        return getattr(sys.modules.get(self._module), self._name, None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(self._module), self._name)(*args, **kwargs)

    def __or__(self, other: Any) -> "_Either":
        return _Either(self, other)

    def __ror__(self, other: Any) -> "_Either":
        return _Either(other, self)


class _Either(Kind):
    """A union of kinds."""

    def __init__(self, *kinds: Any) -> None:
        self._kinds = tuple(type(None) if kind is None else kind for kind in kinds)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self._kinds)


class Door:
    """Stand-in for a module, which is imported when something other than one of the kinds is read from it, or is set.

    Args:
        module: the full name.
        kinds: names of classes that values are asked about.
    """

    def __init__(self, module: str, *kinds: str) -> None:
        self.__dict__["_module"] = module
        self.__dict__["_kinds"] = kinds

    def __getattr__(self, name: str) -> Any:
        if not is_loaded(self._module):
            if name in self._kinds:
                return Kind(self._module, name)
            if name.startswith("_") and name != "__version__":  # pytest asks everything in a module for such names
                raise AttributeError(name)
            importlib.import_module(self._module)
        return getattr(sys.modules[self._module], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(importlib.import_module(self._module), name, value)


def is_loaded(module: str) -> bool:
    """Return True if a module has been imported in this process, to its end."""
    found = sys.modules.get(module)
    return found is not None and not getattr(found.__spec__, "_initializing", False)


if TYPE_CHECKING:
    import numpy as np
    import torch
    from PIL import Image, ImageDraw, ImageFont, ImageMode, PngImagePlugin
    from PIL import features as pillow_features
    from torch import Tensor, nn
else:
    torch = Door("torch", "Tensor", "Generator", "Size", "dtype", "device")
    nn = Door("torch.nn", "Module", "Parameter", "ParameterList")
    np = Door(
        "numpy", "ndarray", "generic", "bool_", "integer", "floating", "complexfloating", "str_", "bytes_", "Generator"
    )
    Image = Door("PIL.Image", "Image")
    ImageDraw = Door("PIL.ImageDraw")
    ImageFont = Door("PIL.ImageFont")
    ImageMode = Door("PIL.ImageMode")
    PngImagePlugin = Door("PIL.PngImagePlugin")
    pillow_features = Door("PIL.features")
    Tensor = Kind("torch", "Tensor")
#: `Any`, as type checkers seldom find it installed.
jax: Any = Door("jax", "Array")

__all__ = [
    "Door",
    "Image",
    "ImageDraw",
    "ImageFont",
    "ImageMode",
    "Kind",
    "PngImagePlugin",
    "Tensor",
    "is_loaded",
    "jax",
    "nn",
    "np",
    "pillow_features",
    "torch",
]
