"""How a request of a check gets to a worker, and its reply back."""

import contextlib
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol

from autograder.errors import CheckError
from autograder.sandbox.process import Tail
from autograder.worker.deadline import DeadlinePassed
from autograder.worker.session import Session
from autograder.worker.streams import text_of_prints

#: Answers what a worker asks while it carries out a request: a callback of the check's.
Respond = Callable[[bytes], bytes]


class Transport(Protocol):
    """Carrier of requests to a worker, and of its replies."""

    def take_printed(self) -> str:
        """Return what the student's code has printed since the last time; empty if prints are not kept."""

    @property
    def folder(self) -> Path:
        """Return the folder that the student's code may read: for files that a check makes for it."""

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        """Send a request and return the reply.

        Args:
            request: the message.
            seconds: how much time of its own the student's code may take.
            respond: answers what the worker asks meanwhile; what it raises ends the exchange.

        Raises:
            TimedOut: there was none in time.
            Crashed: the worker died.
        """


class InProcess:
    """A worker in this very process, for a student's own run: with their debugger, their prints, their Ctrl-C."""

    def __init__(self, folder: Path | None = None) -> None:
        self.session = Session(watched=_debugger_attached())
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Return the folder that the student's code may read.

        Raises:
            CheckError: this worker was made without one.
        """
        if self._folder is None:
            raise CheckError("this worker has no folder")
        return self._folder

    def take_printed(self) -> str:
        """Return nothing: prints go straight to the student's terminal."""
        return ""

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        """Return the reply; the session keeps the deadline itself."""
        raised: list[BaseException] = []

        def ask(question: bytes) -> bytes:
            assert respond is not None  # a check that hands over a function gives `respond` too
            try:
                return respond(question)
            except DeadlinePassed:  # the deadline of the student's call has passed
                raise
            except BaseException as error:
                raised.append(error)
                raise DeadlinePassed from error  # no `except Exception` of the student's swallows this one

        reply = self.session.answer(request, ask if respond is not None else None)
        if raised:
            raise raised[0]
        if isinstance(self.session.last_error, KeyboardInterrupt):
            raise self.session.last_error
        return reply


def _debugger_attached() -> bool:
    """Return True under the debugger of VS Code or PyCharm, both of which are pydevd."""
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    traced = sys.gettrace() is not None or (monitoring and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None)
    return "pydevd" in sys.modules and bool(traced)


class Capturing(InProcess):
    """A worker in this process that keeps what the student's code prints, its beginning and its end."""

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self._printed = Tail()

    def take_printed(self) -> str:
        """Return what was printed since the last time."""
        text, self._printed = self._printed.text(), Tail()
        return text

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        """Return the reply; what is printed meanwhile is kept."""
        stream = text_of_prints(self._printed.add, "replace")
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            return super().exchange(request, seconds, respond)


class Recording(InProcess):
    """A worker in this process that keeps, for a debugger, the frames in which the student's functions have returned.

    Attributes:
        frames: the outermost frame of the student's own file for each request that reached one, in order.
    """

    def __init__(self, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.frames: list[FrameType] = []

    def exchange(self, request: bytes, seconds: float, respond: Respond | None = None) -> bytes:
        """Return the reply, and keep the frame."""
        latest: list[FrameType] = []

        def watch(frame: FrameType, event: str, _: object) -> None:
            if (
                event == "return"
                and self.session.is_own(frame.f_code.co_filename)
                and frame.f_code.co_name != "<module>"
            ):
                latest[:] = [frame]  # the outermost is the last to return

        before = sys.getprofile()
        sys.setprofile(watch)
        try:
            return super().exchange(request, seconds, respond)
        finally:
            sys.setprofile(before)
            self.frames += latest


def place_data(data: Mapping[str, Path], worker: Transport) -> str:
    """Copy a unit's data to where the student's code may read it. Return that folder; nothing if there is no data."""
    if not data:
        return ""
    place = worker.folder / "exercises"
    for name, path in data.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / name)
    return str(place)
