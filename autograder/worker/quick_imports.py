"""Import torch and torchvision without those of their parts that take long to import and are seldom used.

Each part is imported as ever by the first that needs it. It is looked for where Python looks for modules, so it does not
matter who imports torch.
"""

import functools
import importlib
import sys
import types
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from autograder.libraries import is_loaded, torch

#: What torch knows of tensors without data: a quarter of its import.
_META = "torch._meta_registrations"
#: Modules that need it, some of which cannot even be imported before it.
_AFTER_META = ("torch._decomp", "torch._dynamo", "torch._inductor", "torch._prims", "torch._refs")
#: Functions that torch too leaves to its core, as it does all views.
_LEFT_ALONE = {"aten::clone", "aten::_to_copy", "aten::copy_", "aten::constant_pad_nd", "aten::rot90"}
#: Beginnings of versions of torch that were tried without it at first: which modules need it differs from version to version.
_TRIED = ("2.15.",)
#: File that exists where NVIDIA's driver does.
_NVIDIA_DRIVER = Path("/dev/nvidiactl")


def quicken() -> None:
    """Have torch and torchvision leave out what is seldom used, if this process has not imported them yet.

    - Functions of tensors on the device "meta" are registered when the first of them is called, for versions that were tried.
    - torch's compiler is imported when something is compiled; torchvision asks it a question in one of its modules.
    - The bindings of CUDA are left out where there is no driver.

    Done twice it does nothing more.
    """
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finder of the modules that are imported in another way than usual."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if (
            name == "cuda.bindings"
            and not is_loaded("torch")
            and "torch" in sys.modules
            and not _NVIDIA_DRIVER.exists()
        ):
            raise ModuleNotFoundError("the bindings of CUDA are of no use without its driver", name=name)
        if name in _AFTER_META:
            _load_meta()
            if name in sys.modules:  # `_load_meta` has imported it; Python would run it again
                return ModuleSpec(name, _ImportedLoader(sys.modules.pop(name)))
        if name == _META and _is_tried(importlib.import_module("torch.version").__version__):
            return _with_loader(PathFinder.find_spec(name, path, target), _MetaLoader)
        if name == "torchvision.ops.roi_align" and "torch._dynamo" not in sys.modules:
            return _with_loader(PathFinder.find_spec(name, path, target), _LoaderWithoutCompiler)
        return None


def _is_tried(version: str) -> bool:
    """Return True for a tried version of torch, while torch is being imported."""
    return not is_loaded("torch") and version.startswith(_TRIED)


def _with_loader(spec: ModuleSpec | None, kind: Callable[[Any], Loader]) -> ModuleSpec | None:
    if spec is not None and spec.loader is not None:
        spec.loader = kind(spec.loader)
    return spec


class _WrappingLoader(Loader):
    """A loader of a module, with something done before or after."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        """Leave it to Python."""
        return None


class _ImportedLoader(Loader):
    """Loader that gives a module which has been imported already."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        """Return the module."""
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        """Give it back its own spec, and do not run it again."""
        module.__spec__ = self._spec


class _LaterModule(types.ModuleType):
    """A module that is run when something is read from it that only a run gives."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # as is asked of all modules
            raise AttributeError(name)
        self.load()
        return getattr(self, name)

    def load(self) -> None:
        """Run the module. It is a module like any other from then on."""
        self.__class__ = types.ModuleType  # type: ignore[assignment] # as Python's own lazy modules do it
        assert isinstance(self.__loader__, _MetaLoader)
        self.__loader__.run(self)


class _MetaLoader(_WrappingLoader):
    """Loader that runs the module of meta tensors later: when a function is called that torch's core lacks for them."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._stand_ins: dict[str, Any] = {}  # by namespace
        core: Any = importlib.import_module("torch._C")
        schemas = core._jit_get_all_schemas()
        views = {f"{each.name}.{each.overload_name}".removesuffix(".") for each in schemas if _is_view(each)}
        is_registered = core._dispatch_has_kernel_for_dispatch_key
        for name in core._dispatch_get_all_op_names():
            if name in views or name in _LEFT_ALONE:
                continue
            if not is_registered(name, "Meta") and not is_registered(name, "CompositeImplicitAutograd"):
                namespace = name.partition("::")[0]
                if namespace not in self._stand_ins:
                    self._stand_ins[namespace] = core._dispatch_library("IMPL", namespace, "Meta", __file__, 1)
                self._stand_ins[namespace].impl(name, "Meta", functools.partial(_load_and_call, name))

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        """Return the module, which is to be run later."""
        return _LaterModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Do what torch's generators need of it, and nothing else yet."""
        base = importlib.import_module("torch._custom_class_base")
        importlib.import_module("torch._C")._set_generator_metaclass(base.CustomClassBaseMeta)

    def run(self, module: types.ModuleType) -> None:
        """Take the stand-ins away, and run the module, which registers the functions."""
        self._stand_ins.clear()
        self._loader.exec_module(module)


def _is_view(schema: Any) -> bool:
    """Return True if what comes back shares memory with an argument that it leaves as it is."""
    return any(each.alias_info is not None and not each.alias_info.is_write for each in schema.arguments)


def _load_and_call(name: str, *args: Any, **kwargs: Any) -> Any:
    """Call a function of meta tensors once they are known."""
    _load_meta()
    namespace, _, rest = name.partition("::")
    function, _, overload = rest.partition(".")
    return getattr(getattr(getattr(torch.ops, namespace), function), overload or "default")(*args, **kwargs)


def _load_meta() -> None:
    module = sys.modules.get(_META)
    if isinstance(module, _LaterModule):
        module.load()


class _LoaderWithoutCompiler(_WrappingLoader):
    """Loader of the one module of torchvision that imports torch's compiler, which is then asked at calls alone."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the module with stand-ins for those of the compiler."""
        stand_ins = {name: types.ModuleType(name) for name in ("torch._dynamo", "torch._dynamo.utils")}
        stand_ins["torch._dynamo.utils"].is_compile_supported = _can_be_compiled  # type: ignore[attr-defined] # as in torch
        sys.modules.update(stand_ins)
        try:
            self._loader.exec_module(module)
        finally:
            for name in stand_ins:
                del sys.modules[name]


def _can_be_compiled(device: Any) -> Any:
    return importlib.import_module("torch._dynamo.utils").is_compile_supported(device)
