"""Share between the commands: options, two consoles, progress bars, and Ctrl-C."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated, Protocol

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from autograder.errors import UsageError
from autograder.results.mark import Hidden
from autograder.sandbox import REQUIRED
from autograder.sandbox.confines import usable_cores

#: Most lines of progress on one thing, in an output that is no terminal.
_LINES = 20

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Units = Annotated[str, typer.Option("--units", help="Only these units, separated by commas.")]
Require = Annotated[
    str,
    typer.Option(
        "--require", help="Isolation to insist on, separated by commas; of a/b one is enough.", metavar="RUNGS"
    ),
]
Trusted = Annotated[bool, typer.Option("--trusted", help="Grade even if this machine cannot isolate the code.")]
HiddenOption = Annotated[Hidden, typer.Option("--hidden", help="What is shown of hidden checks.")]


class Device(StrEnum):
    """Device on which submissions compute."""

    CPU = "cpu"
    CUDA = "cuda"


DeviceOption = Annotated[Device, typer.Option("--device", help="Where submissions compute.")]
#: Number of cores that this process may use.
CORES = usable_cores()
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]


def say(line: str) -> None:
    """Print a line, unbroken, so that a pipe or a search finds it whole; no bracket in it is markup."""
    out.print(Text(line), soft_wrap=True)


def warn(line: str) -> None:
    """Print a line as `say` does, where errors go."""
    errors.print(Text(line), soft_wrap=True)


def names_in(text: str) -> list[str] | None:
    """Return the names in a list with commas; None for an empty text.

    Raises:
        UsageError: the text is not empty and has no name in it.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if text and not names:
        raise UsageError(f"{text!r} has no name in it; give names with commas between them, or leave the option out")
    return names or None


def typed_path(text: str) -> Path:
    """Return the path that was typed.

    Raises:
        BadParameter: it is empty, such as the value of a shell variable that is not set.
    """
    if not text:
        raise typer.BadParameter("it is empty; give a submission, or . for this folder")
    return Path(text)


def folder_to_fill(text: str) -> Path:
    """Return the path of a folder that was typed; it need not exist yet.

    Raises:
        BadParameter: it is empty, or no folder can be there. The error comes before anything is computed.
    """
    path = _typed_target(text, "a folder")
    if path.exists() and not path.is_dir():
        raise typer.BadParameter(f"{path} is a file; name a folder")
    return path


def file_to_write(text: str) -> Path:
    """Return the path of a file that was typed; it need not exist yet.

    Raises:
        BadParameter: it is empty, or no file can be written there. The error comes before anything is computed.
    """
    path = _typed_target(text, "a file")
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder; name a file in it, such as {path / 'page.html'}")
    return path


def _typed_target(text: str, kind: str) -> Path:
    """Return a path that was typed, to be written.

    Args:
        text: as typed.
        kind: "a file" or "a folder", for the sentence of an error.

    Raises:
        BadParameter: it is empty, or the folders above it cannot hold it.
    """
    if not str(text):
        raise typer.BadParameter(f"it is empty; name {kind}")
    path = Path(text)
    above = next((folder for folder in path.parents if folder.exists()), Path())
    if not above.is_dir():
        raise typer.BadParameter(f"{above} is a file and holds no {path.name}; name {kind} elsewhere")
    if not path.exists() and not os.access(above, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"you may not write into {above}; name {kind} elsewhere")
    return path


def rungs_required(rungs: str, trusted: bool) -> tuple[str, ...]:
    """Return the rungs that must hold; none for trusted work.

    Raises:
        UsageError: both are given.
    """
    if trusted and rungs:
        raise UsageError("--trusted asks for no isolation and --require for some; give one of them")
    return () if trusted else tuple(names_in(rungs) or REQUIRED)


def one_of(choices: Iterable[str], value: str, option: str) -> str:
    """Return the value of an option that has a few choices.

    Raises:
        UsageError: the value is none of the choices.
    """
    names = list(map(str, choices))
    if value not in names:
        raise UsageError(f"{option} is one of {', '.join(names)}; {value} is none of them")
    return value


class Bars(Protocol):
    """Bars that show the progress of one thing after another."""

    def begin(self, what: str, total: int) -> Callable[[], None]:
        """Show a new bar. Return the function to call whenever one more of `total` is done."""


@contextmanager
def progress() -> Iterator[Bars]:
    """Yield bars: on a terminal real ones, and in any other output a line of text now and then."""
    if not errors.is_terminal:
        yield _Lines()
        return
    remaining = TimeRemainingColumn(elapsed_when_finished=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), _Rate())
    # The rate of some minutes: submissions differ, and what one takes says little about the next.
    with Progress(*columns, remaining, console=errors, speed_estimate_period=300) as bars:
        yield _Terminal(bars)


class _Terminal:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def begin(self, what: str, total: int) -> Callable[[], None]:
        task = self._bars.add_task(what, total=total)
        return lambda: self._bars.advance(task)


class _Rate(ProgressColumn):
    """Column with how many are done in a minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{60 * speed:.1f}/min" if speed else "")


class _Lines:
    def begin(self, what: str, total: int) -> Callable[[], None]:
        started, done = time.monotonic(), 0

        def one_more() -> None:
            nonlocal done
            done += 1
            if done == total or done * _LINES // total > (done - 1) * _LINES // total:
                warn(_line(what, done, total, time.monotonic() - started))

        return one_more


def _line(what: str, done: int, total: int, seconds: float) -> str:
    left = "" if done == total else f", {_duration(seconds / done * (total - done))} left"
    return f"{what}: {done} of {total} in {_duration(seconds)}, {60 * done / max(seconds, 1e-3):.1f} a minute{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Interrupts:
    """Memory of a Ctrl-C inside a `with` block, beside the `KeyboardInterrupt` that it raises as always.

    A library may let the exception vanish: in an `except:` of an import, or in a callback of the interpreter's own.
    """

    def __init__(self) -> None:
        self._interrupted = False

    def __enter__(self) -> "Interrupts":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was a Ctrl-C."""
        if self._interrupted:
            raise KeyboardInterrupt

    def _note(self, _: int, __: FrameType | None) -> None:
        self._interrupted = True
        raise KeyboardInterrupt
