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
        exec(_compiled(text, filename), self.__dict__)


@functools.lru_cache(maxsize=16)
def _compiled(text: str, filename: str) -> types.CodeType:
    """Once for all checks that a worker serves."""
    return compile(text, filename, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets a unit import an earlier one of the same submission by its name."""

    def __init__(self, modules: dict[str, types.ModuleType]) -> None:
        self.modules = modules

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        return importlib.machinery.ModuleSpec(name, self) if name in self.modules else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return self.modules[spec.name]

    def exec_module(self, module: types.ModuleType) -> None:
        module.load()


@contextlib.contextmanager
def importable(modules: dict[str, types.ModuleType]) -> Iterator[None]:
    """The student's modules can be imported by name while their code runs, and only then."""
    finder = _Finder(modules)
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
