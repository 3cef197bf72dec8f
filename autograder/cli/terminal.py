"""What every command prints with: two consoles, and how far something that takes long has come."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

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

#: So many lines a terminal that is none gets of one thing's progress.
_LINES = 20

out = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


class Bars(Protocol):
    """Shows the progress of one thing after another."""

    def begin(self, what: str, total: int) -> Callable[[], None]:
        """Begins with something: the function to call whenever one more of it is done."""


@contextmanager
def progress() -> Iterator[Bars]:
    """Bars on a terminal, and on anything else a line now and then."""
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
    """How many are done in a minute."""

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
                errors.print(_line(what, done, total, time.monotonic() - started), soft_wrap=True)

        return one_more


def _line(what: str, done: int, total: int, seconds: float) -> str:
    left = "" if done == total else f", {_duration(seconds / done * (total - done))} left"
    return f"{what}: {done} of {total} in {_duration(seconds)}, {60 * done / max(seconds, 1e-3):.1f} a minute{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
