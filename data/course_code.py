"""Share between the course's commands: a student's units as modules, and help and messages in the reader's language."""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from autograder.course.catalog import speak_here
from autograder.errors import AutograderError
from autograder.messages import tr, translate_sentence
from data.cache import DataError


class CodeError(DataError):
    """Error: a unit is missing, cannot be imported, or lacks a function; the sentence says which."""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        """Add the usage line."""
        super().add_usage(usage, actions, groups, f"{tr('Usage:')} " if prefix is None else prefix)


class Parser(argparse.ArgumentParser):
    """Parser whose own words are in the reader's language; its caller translates the help that it gives."""

    def __init__(self, **options: Any) -> None:
        try:
            speak_here()
        except AutograderError as error:
            sys.exit(f"{options['prog']}: {error}")
        super().__init__(add_help=False, formatter_class=_Formatter, **options)
        self._positionals.title, self._optionals.title = tr("Arguments"), tr("Options")
        self.add_argument("-h", "--help", action="help", help=tr("Show this message and exit."))


def whole_number(text: str) -> int:
    """Return the number that was typed for an option which counts something.

    Raises:
        ArgumentTypeError: it is below 1.
        ValueError: it is no whole number.
    """
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def say(text: str) -> None:
    """Print an English text in the reader's language."""
    print(translate_sentence(text), flush=True)


def give_up(command: str, error: DataError) -> NoReturn:
    """End a command with the sentence of an error in the reader's language."""
    sys.exit(f"{command}: {translate_sentence(str(error))}")


class CourseCode:
    """Functions by unit and name, from a folder of units.

    Args:
        folder: holds `<unit>.py`: the student's `exercises`, or the `solutions`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._modules: dict[str, ModuleType] = {}

    def function(self, unit: str, name: str) -> Callable[..., Any]:
        """Return a function of a unit. A call of it raises CodeError if it is not written yet.

        Raises:
            CodeError: there is no such unit or function, or the unit cannot be imported.
        """
        if unit not in self._modules:
            self._modules[unit] = self._import_unit(unit)
        function = getattr(self._modules[unit], name, None)
        if not callable(function):
            raise CodeError(f"{self.folder / unit}.py has no function {name}; this command needs it")

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._importable():
                try:
                    return function(*args, **kwargs)
                except NotImplementedError as error:
                    raise CodeError(f"{name} in {self.folder / unit}.py is not written yet; write it first") from error

        return call

    def _import_unit(self, unit: str) -> ModuleType:
        path = self.folder / f"{unit}.py"
        spec = importlib.util.spec_from_file_location(unit, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise CodeError(f"{path} is not there; name the folder of your units with --code")
        module = importlib.util.module_from_spec(spec)
        sys.modules[unit] = module  # dataclasses look up the module of their class there
        try:
            with self._importable():
                spec.loader.exec_module(module)
        except Exception as error:  # whatever a student's file raises
            sys.modules.pop(unit, None)
            raise CodeError(f"{path} cannot be imported ({type(error).__name__}: {error})") from error
        return module

    @contextmanager
    def _importable(self) -> Iterator[None]:
        """Let one unit import another by its name."""
        sys.path.insert(0, str(self.folder))
        try:
            yield
        finally:
            sys.path.remove(str(self.folder))
