"""The student's modules of one check, and what stands in them by name."""

import enum
import functools
import importlib
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from autograder.worker.codec import Handle, type_name
from autograder.worker.faults import fault_of
from autograder.worker.frameworks import Framework, framework, framework_note
from autograder.worker.modules import LoadedModule, loading_of, may_define
from autograder.worker.objects import is_method, operation
from autograder.worker.protocol import STOPPED, Fault

#: Stands for the value of a missing attribute.
_ABSENT = object()

_Note = tuple[str, int, str]


class Namespace:
    """The modules of a check.

    Args:
        sources: the file name and the text of each module, by its name.
        unit: the name of the module that is checked.
        place: the folder in which the modules find their data; empty if they have none.
        imported: called after each statement that imports something.
        sandboxed: True in a process of its own, where a fault may be the sandbox's doing.

    Attributes:
        modules: by name; each is executed when it is imported.
        texts: the student's texts by file name.
    """

    def __init__(
        self,
        sources: Mapping[str, tuple[str, str]],
        unit: str,
        place: str = "",
        imported: Callable[[], None] = lambda: None,
        *,
        sandboxed: bool,
    ) -> None:
        self.unit = unit
        self.place = place
        self.texts = dict(sources.values())
        self.modules = {name: LoadedModule(name, *source, imported, place) for name, source in sources.items()}
        self._sandboxed = sandboxed

    @property
    def scripts(self) -> dict[str, str]:
        """Return the text of each script by its path; a notebook finds no file of its own."""
        files = ((str(module.__file__), loading_of(module).filename) for module in self.modules.values())
        return {path: self.texts[name] for path, name in files if not name.endswith(".ipynb")}

    @property
    def notebook(self) -> LoadedModule | None:
        """Return the unit if it is a notebook, whose names stand in `__main__` in a kernel; None for a script."""
        unit = self.modules.get(self.unit)
        return unit if unit is not None and loading_of(unit).filename.endswith(".ipynb") else None

    @property
    def class_modules(self) -> set[str]:
        """Return the names of the modules whose classes are the student's; those of a notebook are defined in `__main__`."""
        return {*self.modules, "__main__"}

    @property
    def framework(self) -> Framework:
        """Return the framework that the unit is written in."""
        return framework(getattr(self.modules[self.unit], "FRAMEWORK", None))

    def load(self) -> list[_Note]:
        """Execute the unit and what it imports. Return notes: a file, a line and what happened there."""
        importlib.import_module(self.unit)
        states = map(loading_of, self.modules.values())
        missing = [(state.filename, *note) for state in states for note in state.notes]
        return [*missing, *self._stops(), *self._framework_notes()]

    def fault(self, error: BaseException) -> Fault:
        """Return the fault that tells of an exception in the student's code, and why a name in it is missing."""
        fault = fault_of(error, self.texts, sandboxed=self._sandboxed)
        reason = self._why_missing(error)
        return replace(fault, text=f"{fault.text}; {reason}") if reason else fault

    def function(self, name: str) -> Callable[..., object] | Fault:
        """Return a function of the unit, or a method of one of its classes by a dotted name; a fault if it is missing."""
        module = self.modules[self.unit]
        first, *rest = name.split(".")
        function: object = getattr(module, first, None)
        if callable(function):
            if not rest:
                return function
            owner: Any = function
            for part in rest[:-1]:
                owner = _part_of(owner, part, None)
            return method_of(owner, rest[-1])
        state = loading_of(module)
        if state.stopped is not None and not hasattr(module, first) and may_define(self.texts[state.filename], first):
            return replace(self.fault(state.stopped), found=STOPPED)
        own = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        return Fault("missing", found=type_name(function) if hasattr(module, first) else "", names=tuple(own))

    def attribute(self, name: str) -> object:
        """Return a constant of the module or of a class; for a function, or a missing name, the handle of a method.

        Whether there is such a function is told when it is called.
        """
        value: Any = self.modules[self.unit]
        for part in name.split("."):
            value = _part_of(value, part, _ABSENT)
        return Handle(0, name, "method") if callable(value) or value is _ABSENT or is_method(value) else value

    def _why_missing(self, error: BaseException) -> str:
        """Return why the name of a NameError is missing, if a statement was to define it that has failed; else nothing."""
        name = getattr(error, "name", None)
        if type(error) is not NameError or not isinstance(name, str):
            return ""
        for state in map(loading_of, self.modules.values()):
            if name in state.lost:
                fault = fault_of(state.lost[name], self.texts, sandboxed=self._sandboxed)
                return f"the line that defines it has failed ({fault.kinds[0]}: {fault.text})"
        return ""

    def _stops(self) -> Iterator[_Note]:
        """Yield the file and the line at which each module stopped, and what happened."""
        for state in map(loading_of, self.modules.values()):
            if state.stopped is not None:
                fault = self.fault(state.stopped)
                own = [line for filename, line, _ in fault.frames if filename == state.filename]
                words = "it did not end in time" if fault.kind == "timed out" else f"{fault.kinds[0]}: {fault.text}"
                what = "this has failed" if state.goes_on else "the module stopped here"
                yield state.filename, own[0] if own else 0, f"{what} ({words})"

    def _framework_notes(self) -> Iterator[_Note]:
        """Yield the file and the line at which a module names a framework, and what its functions get."""
        for module in self.modules.values():
            note = framework_note(getattr(module, "FRAMEWORK", None))
            if note is not None:
                filename = loading_of(module).filename
                lines = self.texts[filename].splitlines()
                line = next((number for number, text in enumerate(lines, 1) if text.startswith("FRAMEWORK")), 0)
                yield filename, line, note


def _part_of(owner: Any, name: str, default: object) -> Any:
    """Return an attribute; of a `Flag` also a combined member, such as `R|W`, or its empty one, named None."""
    if not (isinstance(owner, enum.EnumMeta) and issubclass(owner, enum.Flag)) or hasattr(owner, name):
        return getattr(owner, name, default)
    members, names = owner.__members__, name.split("|")
    if name == str(None):
        return owner(0)
    return functools.reduce(operator.or_, map(members.get, names)) if members.keys() >= {*names} else default


def attribute_of(value: object, name: str) -> object:
    """Return an attribute of an object; a fault if it has none of that name."""
    # An AttributeError inside a property of the student's must not look as if the property were missing.
    found = getattr(value, name) if hasattr(type(value), name) else getattr(value, name, _ABSENT)
    return _missing(value, name) if found is _ABSENT else found


def method_of(value: object, name: str) -> Callable[..., object] | Fault:
    """Return a method or an operation of a class or an object; a fault if it has none of that name."""
    found = operation(value, name)
    return _missing(value, name) if found is None else found


def _missing(value: object, name: str) -> Fault:
    """Return the fault of a class or an object that has nothing, or no method, of a name."""
    kind = value if isinstance(value, type) else type(value)
    found = type_name(getattr(value, name)) if hasattr(value, name) else ""
    return Fault("missing", kind.__name__, found=found, names=tuple(key for key in dir(kind) if key[0] != "_"))
