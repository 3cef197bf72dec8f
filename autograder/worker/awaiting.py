"""Run what a statement of a notebook awaits, as a kernel does, in a loop that needs no socket: a sandbox refuses them."""

import asyncio
import time
from asyncio import events
from collections.abc import Coroutine
from typing import Any

#: So long a wait for a thread lasts at most before the loop looks again, in seconds: nothing can wake it.
_LOOK_AGAIN = 0.005


class _Loop(asyncio.BaseEventLoop):
    """An event loop that knows time and threads, and neither sockets nor pipes."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self

    def select(self, timeout: float | None) -> list[object]:
        """Wait, and return the events of files: none."""
        time.sleep(_LOOK_AGAIN if timeout is None else min(timeout, _LOOK_AGAIN))
        return []

    def _process_events(self, event_list: list[object]) -> None:
        """Do nothing: there are none."""

    def _write_to_self(self) -> None:
        """Do nothing: a thread that has something for the loop finds it looking."""


def run_awaited(awaited: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine to its end; also in a process whose own loop is running, such as a kernel.

    Raises:
        BaseException: what the coroutine raises.
    """
    outer, loop = events._get_running_loop(), _Loop()
    events._set_running_loop(None)
    try:
        loop.run_until_complete(awaited)
    finally:
        loop.close()
        events._set_running_loop(outer)
