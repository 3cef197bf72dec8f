"""Let a student's modules be imported by name while their code runs, and by no other code."""

import contextlib
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unittest import mock

from autograder.worker.deadline import Budget
from autograder.worker.modules import LoadedModule, loading_of

#: A student's file may be imported as a module of this package too, and import its neighbours by a dot.
PACKAGE = "exercises"
#: The system's own: `os.stat` knows the files in memory too while a student's code runs.
_stat = os.stat


@contextlib.contextmanager
def importable(modules: Mapping[str, LoadedModule], budget: Budget | None = None) -> Iterator[None]:
    """Let the student's modules be imported by name while the code inside runs, and only then.

    Args:
        modules: the student's, by name.
        budget: the time of other imports does not count against it; without a budget all time counts.
    """
    finder = _Finder(modules, budget)
    sys.meta_path.insert(0, finder)
    shadowed = _remove_modules(modules)
    # A module inside a package is left out: it has to be imported anew, which sets it in its package.
    sys.modules.update(
        {name: each for name, each in modules.items() if loading_of(each).source is None and "." not in name}
    )
    by_file = functools.partial(_spec_of_file, finder, importlib.util.spec_from_file_location)
    try:
        with mock.patch.object(importlib.util, "spec_from_file_location", by_file):
            yield
    finally:
        if finder in sys.meta_path:  # the student's code may have cleared it
            sys.meta_path.remove(finder)
        _remove_modules(modules)
        sys.modules.update(shadowed)


@contextlib.contextmanager
def found_as_main(module: types.ModuleType) -> Iterator[None]:
    """Let the code inside find a module as `__main__`; in a kernel it finds the notebook itself, which is there already."""
    before = sys.modules["__main__"]
    if not hasattr(before, "get_ipython"):
        sys.modules["__main__"] = module
    try:
        yield
    finally:
        sys.modules["__main__"] = before


def _remove_modules(names: Iterable[str]) -> dict[str, types.ModuleType]:
    """Remove modules of these names, their packages and that of the exercises from `sys.modules`. Return them."""
    tops = {PACKAGE, *(name.partition(".")[0] for name in names)} & sys.modules.keys()
    own = list(tops)
    # There are thousands of modules, and this is done twice for each call: only a package has others inside.
    if any("__path__" in getattr(sys.modules[name], "__dict__", {}) for name in tops):
        own += [name for name in sys.modules if "." in name and name.partition(".")[0] in tops]
    return {name: sys.modules.pop(name) for name in own}


class _Spec(importlib.machinery.ModuleSpec):
    """The spec of a student's module or package, whose parent lies in the package of the exercises."""

    @property
    def parent(self) -> str:
        name = self.name.removeprefix(PACKAGE).removeprefix(".")
        inner = name if self.submodule_search_locations is not None else name.rpartition(".")[0]
        return f"{PACKAGE}.{inner}".removesuffix(".")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finder by which a unit imports another module of its submission by name, and which excuses the time of other imports."""

    def __init__(self, modules: Mapping[str, LoadedModule], budget: Budget | None) -> None:
        self.modules = modules
        self.budget = budget

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        own = name.removeprefix(f"{PACKAGE}.")
        package = name == PACKAGE or any(each.startswith(f"{own}.") for each in self.modules)
        if package or own in self.modules:
            return _Spec(name, self, is_package=package)
        if self.budget is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _LibraryLoader(spec.loader, self.budget)
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return self.modules.get(spec.name.removeprefix(f"{PACKAGE}."))

    def exec_module(self, module: types.ModuleType) -> None:
        if isinstance(module, LoadedModule):
            name = module.__name__
            # Under its own name too, as `dataclasses` looks up the module of a class; `importable` removes it.
            known = sys.modules.setdefault(name, module)
            try:
                loading_of(module).load()
            finally:
                if known is module and "." in name and module.__spec__ is not None and module.__spec__.name != name:
                    sys.modules.pop(name, None)  # only an import of this name sets it in its package


def _spec_of_file(
    finder: _Finder, by_file: Callable[..., Any], name: str, location: Any = None, **options: Any
) -> importlib.machinery.ModuleSpec | None:
    """Return the spec of a module that is imported by its file; one of the submission, which has no file here, by its name."""
    path = f"/{location}".replace("\\", "/")
    own = [each for each in finder.modules if path.endswith(f"/{each.replace('.', '/')}.py")]
    if location is not None and own and not _is_on_disk(location):
        return _Spec(max(own, key=len), finder)
    spec: importlib.machinery.ModuleSpec | None = by_file(name, location, **options)
    return spec


def _is_on_disk(location: Any) -> bool:
    """Return True for a file of the machine, and not one that is in memory alone."""
    try:
        _stat(location)
    except (OSError, TypeError, ValueError):
        return False
    return True


class _LibraryLoader(importlib.abc.Loader):
    """The loader of a library, whose time is not the student's: the first step of an optimizer imports for seconds."""

    def __init__(self, loader: Any, budget: Budget) -> None:
        self._loader = loader
        self._budget = budget

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        module: types.ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        with self._budget.excused():
            self._loader.exec_module(module)
