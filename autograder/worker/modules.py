"""A student's modules, made from the sources in a request and importable by name."""

import contextlib
import functools
import importlib.abc
import importlib.machinery
import linecache
import sys
import types
from collections.abc import Iterator
from typing import Any

from autograder.worker.deadline import Budget


class LoadedModule(types.ModuleType):
    """A module whose source came in the request; it is executed on `load`, once."""

    def __init__(self, name: str, filename: str, text: str) -> None:
        super().__init__(name)
        self.__file__ = filename
        self.__dict__["_source"] = text

    def load(self) -> None:
        text = self.__dict__.pop("_source", None)
        if text is None:
            return
        filename = str(self.__file__)
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        exec(_compile(text, filename), self.__dict__)


@functools.lru_cache(maxsize=16)
def _compile(text: str, filename: str) -> types.CodeType:
    """Compile a text once for all checks that a worker serves."""
    return compile(text, filename, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets a unit import an earlier one of the same submission by its name, and excuses the time that a library takes."""

    def __init__(self, modules: dict[str, types.ModuleType], libraries: Budget | None) -> None:
        self.modules = modules
        self.libraries = libraries

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name in self.modules:
            return importlib.machinery.ModuleSpec(name, self)
        if self.libraries is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self and hasattr(finder, "find_spec"))
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Library(spec.loader, self.libraries)
        return spec

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self.modules[spec.name]

    def exec_module(self, module: types.ModuleType) -> None:
        module.load()


class _Library(importlib.abc.Loader):
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


@contextlib.contextmanager
def importable(modules: dict[str, types.ModuleType], libraries: Budget | None = None) -> Iterator[None]:
    """Let the student's modules be imported by name while the code inside runs, and only then.

    Args:
        modules: the student's, by name.
        libraries: of which the time that other imports take is not to count; all of it counts by default.
    """
    finder = _Finder(modules, libraries)
    sys.meta_path.insert(0, finder)
    shadowed = {name: sys.modules.pop(name) for name in list(modules) if name in sys.modules}
    try:
        yield
    finally:
        if finder in sys.meta_path:  # the student's code may have cleared it
            sys.meta_path.remove(finder)
        for name in modules:
            sys.modules.pop(name, None)
        sys.modules.update(shadowed)
