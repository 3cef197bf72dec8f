"""Turn an exception of a student's code into a fault: its kind, its words, and the lines of the student's that led there."""

import ast
import contextlib
import errno
import functools
import os
import re
import sys
import types
from collections.abc import Mapping
from typing import Any

from autograder.worker.codec import Limits, encode, with_article
from autograder.worker.deadline import HANDLER, DeadlinePassed
from autograder.worker.files import MOST_BYTES
from autograder.worker.objects import public_class
from autograder.worker.protocol import Fault

_TEXT_LIMIT = 2000
_FRAME_LIMIT = 20
#: So many attributes of an exception are looked at, the last ones, and those cross that have at most so many bytes.
_ATTRIBUTES = 100
_ATTRIBUTE_LIMITS = Limits(bytes=100_000, recipes=False)
#: Python itself sets or reads the attributes of these while it passes them on or shows a traceback.
_PLAIN = (BaseException, Exception, AttributeError, ImportError, NameError, SyntaxError)
_MODULE = ("torch.nn.modules.module", "Module")
_PRIVATE_CLASS = re.compile(r"<class '([\w.]+)\.(_\w+)'>")
#: Exceptions that libraries raise without a network.
_OF_A_NETWORK = {"URLError", "gaierror", "ConnectionError", "HTTPException", "NewConnectionError", "MaxRetryError"}
#: Errors of the kernel for system calls that a submission may not make in a sandbox.
_FORBIDDEN = tuple(map(os.strerror, (errno.EPERM, errno.EACCES, errno.EROFS, errno.EFBIG)))


def fault_of(error: BaseException, sources: Mapping[str, str], *, sandboxed: bool) -> Fault:
    """Return the fault for an exception. The student's code may have replaced `isinstance`.

    Args:
        error: SystemExit, KeyboardInterrupt and the deadline included: to the grader each is an answer.
        sources: the student's texts by file name.
        sandboxed: the sandbox may be why it was raised.
    """
    frames = [(frame.f_code.co_filename, line, frame.f_code.co_name) for frame, line in _frames(error)]
    classes = type(error).__mro__
    if DeadlinePassed in classes:
        kind = "timed out"
    elif NotImplementedError in classes and frames and _is_skeleton_line(frames[-1], sources):
        kind = "not written"
    else:
        kind = "raised"
    text = _without_private_modules(_text(error), error)
    if sandboxed:
        text = _text_on_missing_data(error) or text + _advice(text, error)
    kinds = tuple(base.__name__ for base in classes if base is not object)
    own = tuple(each for each in frames if each[0] in sources)
    place = _refused_place(error) if not own else None
    if place is not None and place[0] in sources:
        own = (place,)
        text = str(error.msg)[:_TEXT_LIMIT]  # type: ignore[attr-defined] # its own text counts lines as of one file
    return Fault(kind, text, kinds, own[-_FRAME_LIMIT:], attributes=_attributes(error) if kind == "raised" else {})


def slots_of(kind: type) -> dict[str, Any]:
    """Return the attributes that Python sets from what an exception of this class is made of: descriptors by name."""
    bases = [base for base in reversed(kind.__mro__) if BaseException in base.__mro__ and base not in _PLAIN]
    slots = (types.GetSetDescriptorType, types.MemberDescriptorType)
    members = {name: value for base in bases for name, value in vars(base).items()}
    return {name: value for name, value in members.items() if type(value) in slots and not name.startswith("_")}


def _attributes(error: BaseException) -> dict[str, Any]:
    """Return the arguments and the attributes of an exception and of its class by name, those that can cross.

    No code of the exception's own class is run.
    """
    own = vars(BaseException)
    values = {name: value for base in reversed(type(error).__mro__) for name, value in vars(base).items()}
    values |= {"args": own["args"].__get__(error), **own["__dict__"].__get__(error)}
    for name, slot in slots_of(type(error)).items():
        with contextlib.suppress(AttributeError):  # it has not been set
            values[name] = slot.__get__(error)
    names = [name for name in reversed(values) if type(name) is str and not name.startswith("_")]
    return {name: values[name] for name in names[:_ATTRIBUTES] if _crosses(values[name])}


def _crosses(value: object) -> bool:
    try:
        encode(value, limits=_ATTRIBUTE_LIMITS)
    except Exception:  # not refused alone: the student's code may have replaced the libraries that tell what a value is
        return False
    return True


def _refused_place(error: BaseException) -> tuple[str, int, str] | None:
    """Return the place of code that the compiler refused, which no traceback has; None for any other exception."""
    if SyntaxError not in type(error).__mro__:
        return None
    filename, line = getattr(error, "filename", None), getattr(error, "lineno", None)
    return (filename, line, "<module>") if type(filename) is str and type(line) is int else None


def _frames(error: BaseException) -> list[tuple[types.FrameType, int]]:
    frames, traceback = [], error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    # If the deadline came by a signal, its handler sits on top of the line that was running.
    handler = len(frames) > 1 and frames[-1][0].f_code.co_filename == HANDLER
    return frames[:-1] if DeadlinePassed in type(error).__mro__ and handler else frames


def _is_skeleton_line(frame: tuple[str, int, str], sources: Mapping[str, str]) -> bool:
    """Return True if a line of the student's is what a skeleton has in the place of a function's code.

    That is `raise NotImplementedError`, without words or with the function's name. PyTorch raises that error too, and a
    student may, with words of their own.
    """
    filename, line, function = frame
    return filename in sources and (line, function) in _skeleton_lines(sources[filename])


@functools.lru_cache(maxsize=16)
def _skeleton_lines(source: str) -> frozenset[tuple[int, str]]:
    """Return the lines of a source that stand for code to be written, each with the name of the function it is in."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return frozenset(
        (line, function.name)
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Raise) and _is_placeholder(node, function.name)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    )


def _is_placeholder(node: ast.Raise, function: str) -> bool:
    call = node.exc if isinstance(node.exc, ast.Call) else None
    made = call.func if call else node.exc
    words = [*call.args, *call.keywords] if call else []
    named = not words or (isinstance(word := words[0], ast.Constant) and word.value == function)
    return isinstance(made, ast.Name) and made.id == "NotImplementedError" and named


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_LIMIT]
    except BaseException:  # a student's exception may fail to describe itself
        return "(it cannot be printed)"


def _without_private_modules(text: str, error: BaseException) -> str:
    """Return a library's words with a public name in place of that of a private class of PyTorch modules."""

    def rename(match: re.Match[str]) -> str:
        kind: Any = getattr(sys.modules.get(match[1]), match[2], None)
        return with_article(public_class(kind).__name__) if _is_private_module(kind) else match[0]

    text = _PRIVATE_CLASS.sub(rename, text)
    kind = type(getattr(error, "obj", None)) if AttributeError in type(error).__mro__ else type(None)
    if _is_private_module(kind):
        text = text.replace(repr(kind.__name__), repr(public_class(kind).__name__), 1)
    return text


def _is_private_module(kind: Any) -> bool:
    """Return True for a private class of PyTorch modules that is not the student's: theirs is in a module of another type."""
    if type not in type(kind).__mro__ or not kind.__name__.startswith("_"):
        return False
    names = [(base.__module__, base.__name__) for base in kind.__mro__]
    return _MODULE in names and type(sys.modules.get(kind.__module__)) is types.ModuleType


def _text_on_missing_data(error: BaseException) -> str:
    """Return the text for an exception of the course's library which says that data are missing; empty for any other."""
    try:
        lacks = getattr(error, "lacks", "")
    except BaseException:  # of a student's own exception
        return ""
    if type(lacks) is not str or not lacks:
        return ""
    return (
        f"{lacks[:_TEXT_LIMIT]} cannot be loaded in a graded submission; compute with what the function is given, and load "
        "anything else under `if __name__ == '__main__':`"
    )


def _advice(text: str, error: BaseException) -> str:
    """Return the end of the text for an exception that comes from the sandbox; empty for one that is raised at home too."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if any(words in text for words in _FORBIDDEN) or not names.isdisjoint(_OF_A_NETWORK):
        return "; a graded submission can write temporary files alone, start no processes and use no network"
    if os.strerror(errno.ENOSPC) in text:
        return f"; the files of a graded submission can hold {MOST_BYTES // 2**20} MB"
    if os.strerror(errno.ENOENT) in text:
        return "; a graded submission finds no files but those of the course"
    if text == "EOF when reading a line":
        return "; in a graded run nobody answers input()"
    return ""
