"""From a worker's fault to the exception that ends a check, with a sentence for the student."""

import builtins
import difflib
import functools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from autograder.checks.call import ModuleUnderTest
from autograder.checks.showing import show
from autograder.errors import (
    NO_VALUE,
    AutograderError,
    CheckFailed,
    MissingFunction,
    NotWritten,
    Raised,
    RefusedValue,
    StudentFault,
    TimedOut,
    Unusable,
    WrongArguments,
)
from autograder.results.types import legible
from autograder.submissions import Module
from autograder.worker.codec import with_article
from autograder.worker.faults import slots_of
from autograder.worker.protocol import STOPPED, Fault

#: A near name is looked for among so many names of so many letters: only a forged reply has more, and comparing takes long.
_NAMES = 100
_NAME_LETTERS = 60
#: So many notes on the loading of a module are passed on, each of so many letters.
_NOTES = 5
_NOTE_LETTERS = 300
#: The beginning of a traceback, and of a frame in it. So many letters are passed on of what ended a program.
_TRACEBACK = "Traceback ("
_PROGRAM_FRAME = re.compile(r'  File "([^"]+)", line (\d{1,9})\b')
_END_LETTERS = 300


def error_of(fault: Fault, call: str, function: str, tested: ModuleUnderTest) -> StudentFault:
    """Return the exception for a fault, with the student's line.

    Args:
        fault: as the worker told it; its texts are the student's own.
        call: the call in words; empty if the module was being loaded.
        function: the name of the function that was called.
        tested: the student's module.
    """
    error = _error(fault, call, function, tested)
    error.line = _line(fault, tested.module)
    return error


def _error(fault: Fault, call: str, function: str, tested: ModuleUnderTest) -> StudentFault:
    module = tested.module
    subject, where = call or "the module", _where(fault, module)
    if fault.found == STOPPED:
        reason = "it did not end in time" if fault.kind == "timed out" else _words(fault)
        return MissingFunction(f"{module.label} stopped before {function} was defined: {reason}{where}")
    if fault.kind == "missing":
        return MissingFunction(_missing(fault, function, module, tested.required))
    if fault.kind == "signature":
        return WrongArguments(f"{call} cannot be called on {function}{fault.signature}: {fault.text}")
    if fault.kind == "refused":
        return RefusedValue(f"{subject} returned {fault.text}")
    if fault.kind == "not written":
        return NotWritten(f"not written yet{where}")
    if fault.kind == "timed out":
        return TimedOut(f"{subject} did not finish within {tested.seconds:g} s of its own time and was stopped{where}")
    if not call:
        return Unusable(f"{module.label} cannot be imported: {_words(fault)}{where}")
    kind = _class_of_fault(fault, tested.expectable)
    return kind(f"{call} raised {_words(fault)}{where}", fault.kinds, fault.text, fault.attributes)


#: Words of a TypeError about a class of the student's in `pytest.raises` or `except`: what stands for it is no class.
_NO_EXCEPTION_CLASS = re.compile(r"BaseException.*'RemoteFunction'|^catching\sclasses\sthat\sdo\snot\sinherit")
#: Exceptions that a check raises by its own fault or the machine's, whatever a submission has answered.
_OWN_FAULTS = (NameError, ImportError, OSError, MemoryError, SystemError)
#: The end of an iterator would end a loop of the check's own, and a group is made of exceptions, which do not cross.
_UNEXPECTABLE = (StopIteration, StopAsyncIteration, BaseExceptionGroup)


def _class_of_fault(fault: Fault, expectable: Callable[[str], type[Exception] | None]) -> type[Raised]:
    """Return a class of `Raised` that is of the kind of the student's exception too, as `pytest.raises` expects it."""
    for name in fault.kinds:
        kind = getattr(builtins, name, None)
        kind = expectable(name) if kind is None else kind
        if isinstance(kind, type) and issubclass(kind, (Exception, SystemExit)) and not issubclass(kind, _UNEXPECTABLE):
            return Raised if kind is Exception else _raised_class(kind)  # type: ignore[arg-type] # a class has a hash
    return Raised


@functools.lru_cache(maxsize=100)
def _raised_class(kind: type[Exception | SystemExit]) -> type[Raised]:
    return type("Raised", (Raised, kind), {name: _crossed(name) for name in slots_of(kind)})


def _crossed(name: str) -> property:
    """Return the property that stands for an attribute which Python would set from what an exception is made of."""
    return property(lambda self: vars(self)[name] if name in vars(self) else self.__getattr__(name))


def load_notes(value: object, modules: Mapping[str, Module]) -> Iterator[str]:
    """Yield a sentence for each note of a worker on the loading of a module; its words may be the student's own.

    Args:
        value: file, line and words of each note, or anything else that a forged answer holds.
        modules: the student's, by name.
    """
    by_file = {module.filename: module for module in modules.values() if not module.problem}
    for entry in value[:_NOTES] if isinstance(value, list) else ():
        match entry:
            case (str(filename), int(line), str(words)) if filename in by_file:
                yield legible(f"{by_file[filename].place(line)}: {words}", _NOTE_LETTERS)


def _words(fault: Fault) -> str:
    return f"{fault.kinds[0]}: {fault.text}" if fault.text else fault.kinds[0]


def _missing(fault: Fault, function: str, module: Module, required: Collection[str]) -> str:
    if fault.found:
        return f"{module.label} has {function} as {with_article(fault.found)}, not as a function"
    if fault.text:  # the class in which it was looked for
        near = difflib.get_close_matches(function.rpartition(".")[2], fault.names[:_NAMES], n=1, cutoff=0.6)
        advice = f"; rename {near[0]}" if near else ""
        return f"{fault.text} of {module.label} has no {function.rpartition('.')[2]}{advice}"
    names = [name for name in fault.names[:_NAMES] if len(name) <= _NAME_LETTERS]
    own = [name for name in names if name not in required]
    near = difflib.get_close_matches(function[:_NAME_LETTERS], own, n=1, cutoff=0.6)
    kind, start = ("class", f"class {function}:") if function[:1].isupper() else ("function", f"def {function}(...)")
    advice = _advice(near[0], function) if near else f"; write {start}"
    return f"{module.label} has no {kind} {function}{advice}"


def _advice(near: str, function: str) -> str:
    """Return the advice to rename a function, with the letter that differs if it only looks the same."""
    letters = next((pair for pair in zip(near, function, strict=False) if pair[0] != pair[1]), None)
    if letters and not letters[0].isascii():
        return (
            f"; {near} looks alike, but its {letters[0]} is {unicodedata.name(letters[0], 'another letter')}: rename it"
        )
    return f"; rename {near} to {function}"


def _line(fault: Fault, module: Module) -> int:
    """Return the line in the student's `.py` file; 0 for a notebook, whose lines no editor shows."""
    filename, line, _ = fault.frames[-1] if fault.frames else ("", 0, "")
    known = filename == module.filename and not module.cells and 0 < line <= module.text.count("\n") + 1
    return line if known else 0


def _where(fault: Fault, module: Module) -> str:
    if not fault.frames:
        return ""
    filename, line, _ = fault.frames[-1]
    return f" ({module.place(line) if filename == module.filename else f'{Path(filename).name}:{line}'})"


def fault_in(error: BaseException, values: list[object], folder: Path | None = None) -> BaseException:
    """Return the error that ended a check: as it is, or as a `CheckFailed` if the check failed on a value of the student's.

    Args:
        error: that ended it.
        values: what the student's functions have returned.
        folder: where the check has let them write; None if nowhere.
    """
    if isinstance(
        error, BaseExceptionGroup
    ):  # hypothesis raises it for several examples, or for one that does not fail again
        return fault_in(error.exceptions[0], values, folder)
    value = values[-1] if values else NO_VALUE
    if folder is not None and isinstance(error, OSError) and _is_about(error, folder):
        name = Path(error.filename).name if error.filename else "a file"
        missing = f"wrote no file {name}"
        return CheckFailed(
            missing if isinstance(error, FileNotFoundError) else f"wrote {name} that cannot be read ({error})", value
        )
    if not isinstance(error, Exception) or isinstance(error, (AutograderError, AssertionError, *_OWN_FAULTS)):
        return error
    if expects_remote_class(error):
        return error
    text = str(error).strip().partition("\n")[0]
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    what = f"returned {show(value)}" if values else "answered something"
    return CheckFailed(f"{what}, which the check cannot work with ({said})", value)


def expects_remote_class(error: BaseException) -> bool:
    """Return True if a check has failed because it expects an exception by a class of the student's, which is none here."""
    return isinstance(error, TypeError) and _NO_EXCEPTION_CLASS.search(str(error)) is not None


def program_end(complaint: str, module: Module) -> str:
    """Return the exception that has ended a program, and its place in the module; empty if there is no traceback.

    Args:
        complaint: what the program has written to `sys.stderr`; every word of it may be the student's own.
        module: that was run.
    """
    lines = complaint.rpartition(_TRACEBACK)[2].splitlines()
    frames = {number: found for number, line in enumerate(lines) if (found := _PROGRAM_FRAME.match(line))}
    after = lines[max(frames) :] if frames else []
    error = next((line for line in after if not line.startswith(" ")), "")
    own = [int(found[2]) for found in frames.values() if found[1] == module.filename]
    place = f" ({module.place(own[-1])})" if own else ""
    return f"{legible(error, _END_LETTERS)}{place}" if error else ""


def _is_about(error: OSError, folder: Path) -> bool:
    """Return True for an error about a file in a folder, or about the content of some file."""
    if error.errno is None:
        return True  # a library cannot read it, such as a picture
    return isinstance(error.filename, str | Path) and Path(error.filename).is_relative_to(folder)
