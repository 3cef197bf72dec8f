"""Carry values between a check and a worker: arguments as they are sent, a module as the recipe by which a worker makes it.

On the way back the classes and members that a worker names are found, and the files that it has handed over are written.
"""

import builtins
import contextlib
import enum
import io
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from autograder.checks.showing import show
from autograder.errors import CheckError, RefusedValue
from autograder.libraries import Image, nn
from autograder.worker.codec import Member, Recipe, Record, leaves, refuse

#: Most files that one call may write into the check's folder.
_MOST_FILES = 1000
#: A longer text is no path.
_PATH_LETTERS = 1000


@dataclass(frozen=True)
class SentModule:
    """A module among the arguments of a call, as it was at the call: the check may change its own afterwards.

    Attributes:
        recipe: by which the module was sent.
        words: for the module in a sentence.
    """

    recipe: Recipe
    words: str

    @property
    def _words(self) -> str:
        """Return the words for the module as a value in a sentence."""
        return self.words


class SentIterator:
    """An iterator among the arguments of a call; a call that is repeated gets the same items.

    Each item is taken from the source when the student's code first asks for it.

    Args:
        source: the check's own iterator, which the check may go on to use.
    """

    def __init__(self, source: Iterator[object]) -> None:
        self._source = source
        self._given: list[object] = []

    def __iter__(self) -> Iterator[object]:
        for place in itertools.count():
            if place == len(self._given):
                try:
                    self._given.append(next(self._source))
                except StopIteration:
                    return
            yield self._given[place]

    @property
    def _words(self) -> str:
        """Return the words for the iterator as a value in a sentence."""
        return show(self._source)


class Mutable:
    """A container of a check's own that a call may change in place. A sentence says what the call has left in it.

    Attributes:
        kind: Python's own class of such a container.
        verb: the verb of a sentence about it.
    """

    kind: ClassVar[type]
    verb = "left"

    def plain(self) -> Any:
        """Return a copy of Python's own class."""
        return self.kind(self)

    def refill(self, value: Any) -> None:
        """Hold what another container holds.

        Raises:
            RefusedValue: it is of another class.
        """
        if type(value) is not self.kind:
            raise RefusedValue(f"{show(value)} in place of a {self.kind.__name__} that was to be changed")
        own: Any = self
        own.clear()
        fill = own.extend if issubclass(self.kind, list | bytearray) else own.update
        fill(value)

    def __repr__(self) -> str:
        return repr(self.plain())


_MUTABLE: dict[type, Any] = {
    kind: type(kind.__name__, (Mutable, kind), {"kind": kind}) for kind in (list, dict, set, bytearray)
}


def mutable(value: object) -> Any:
    """Return a list, a dict, a set or a bytearray that holds the same, and that a call may change in place.

    Raises:
        CheckError: the value is something else.
    """
    kind = _MUTABLE.get(type(value))
    if kind is None:
        raise CheckError(f"mutable() takes a list, a dict, a set or a bytearray, not {show(value)}")
    return kind(value)


def as_sent(value: object) -> object:
    """Return a module as it is now, an iterator as one that can be repeated, and what is mutable as a copy.

    Any other value is returned as it is.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    if isinstance(value, nn.Module):
        return SentModule(recipe_of(value), show(value))
    if isinstance(value, Mutable):
        return value.plain()
    if not isinstance(value, Iterator) or isinstance(value, io.IOBase | Record) or hasattr(value, "_handle"):
        return value
    return SentIterator(value)


def recipe_of(module: nn.Module) -> Recipe:
    """Return how a worker makes this module as it is now.

    Raises:
        CheckError: the module does not carry a recipe.
    """
    recipe = getattr(module, "recipe", None)
    if recipe is None:
        raise CheckError(f"a {type(module).__name__} was passed without a recipe; make it with a function of `data`")
    entry, arguments = recipe
    # The state is sent anyway, and a seed would tell what else the check draws from it.
    arguments = {name: value for name, value in arguments.items() if name != "seed"}
    state = {name: value.detach().clone() for name, value in module.state_dict().items()}
    training = [name for name, child in module.named_modules() if child.training]
    frozen = [name for name, parameter in module.named_parameters() if not parameter.requires_grad]
    return Recipe(entry, arguments, state, training, frozen)


def plain(value: object) -> object:
    """Return a value of a library in a form that crosses.

    Raises:
        RefusedValue: it has none.
    """
    if isinstance(value, Image.Image):
        return value.copy()  # an opened file becomes a plain image
    if isinstance(value, Path):
        return Path(value)
    return refuse(value)


def known_member(member: Member) -> object:
    """Return the member of an enumeration that the course or Python defines; one of the student's own stays as it is."""
    kind = getattr(sys.modules.get(member.module), "__dict__", {}).get(member.type_name)
    known = kind.__members__.get(member.name) if isinstance(kind, enum.EnumMeta) else None
    return known if known is not None and known == member else member


def warning_class(kinds: Sequence[str]) -> type[Warning]:
    """Return Python's own class of a warning, found by the names of the student's class and of its bases."""
    found = (getattr(builtins, name, None) for name in kinds)
    return next((kind for kind in found if isinstance(kind, type) and issubclass(kind, Warning)), UserWarning)


def files_of(values: object) -> dict[Path, bytes | None]:
    """Return the files at the paths among values, and in the folders among them; None for one that is not there yet.

    Only temporary files are looked at: a text such as `/` may be no path at all, and nothing else is the check's own.
    """
    found: dict[Path, bytes | None] = {}
    for path in (Path(leaf) for leaf in leaves(values) if is_temporary(leaf)):
        inside = itertools.islice(path.rglob("*"), _MOST_FILES) if path.is_dir() else (path,)
        with contextlib.suppress(OSError):
            found |= {each: _content(each) for each in inside if each.is_file() or not os.path.lexists(each)}
    return found


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def put_back(files: Mapping[Path, bytes | None]) -> None:
    """Put files back as they were, so that a call that has written them can be made again."""
    for path, data in files.items():
        with contextlib.suppress(OSError):
            if data is None:
                if path.is_file():
                    path.unlink()
            elif not path.is_file() or path.read_bytes() != data:
                path.write_bytes(data)


def is_temporary(value: Any) -> bool:
    """Return True for a path below the folder for temporary files, where each check has its own; also if it is a text."""
    is_path = isinstance(value, Path) or (isinstance(value, str) and len(value) < _PATH_LETTERS)
    if not is_path or "\0" in str(value) or not Path(value).is_absolute():
        return False
    top = tempfile.gettempdir()
    parents = Path(os.path.normpath(value)).parents
    return Path(top) in parents or Path(os.path.realpath(top)) in parents


def write_files(files: Mapping[str, bytes], folder: Path | None, call: object) -> None:
    """Write what a call has written in a check's folder where the check looks for it.

    Raises:
        RefusedValue: there are too many, or one has a name that no file in the folder can have.
    """
    if files and folder is None:
        raise RefusedValue(f"{call} wrote files into a folder that the check does not have")
    if len(files) > _MOST_FILES:
        raise RefusedValue(f"{call} wrote {len(files)} files; {_MOST_FILES} are kept at most")
    for name, data in files.items():
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise RefusedValue(f"{call} wrote a file that is not in the folder: {show(name)}")
        path = Path(folder or "", name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except (OSError, ValueError) as error:  # such as a file with the name of a folder
            reason = getattr(error, "strerror", "") or type(error).__name__
            raise RefusedValue(f"{call} wrote {show(name)}, which cannot be kept: {reason}") from error
