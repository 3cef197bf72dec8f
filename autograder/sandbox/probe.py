"""Whether something can be done here is found out by doing it, in a child that then ends."""

import os
from collections.abc import Callable

_PIPE_BYTES = 4096


def reason_against(*actions: Callable[[], object]) -> str:
    """Why these actions, in turn, cannot be done in a process like this one; empty where they can."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        _try(actions, write)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read(_PIPE_BYTES).decode("utf-8", "replace")
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return "" if code == 0 else said or f"a trial of it ended with {code}"


def _try(actions: tuple[Callable[[], object], ...], write: int) -> None:
    try:
        for action in actions:
            action()
        os._exit(0)
    except BaseException as error:
        os.write(write, reason_of(error).encode()[:_PIPE_BYTES])
    finally:
        os._exit(1)


def reason_of(error: BaseException) -> str:
    """An error in a few words."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or str(error) or type(error).__name__
