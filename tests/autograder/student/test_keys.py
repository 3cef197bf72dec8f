"""Single keys, as a terminal and Windows' console send them."""

import contextlib
import os
import types
from typing import Any

import pytest

from autograder.student import keys
from tests.autograder.test_portable import windows_version

pty = pytest.importorskip("pty", reason="a pseudo-terminal is to be had on POSIX only")


class Typed:
    """A standard input on which one text after another is typed, the next once the last was read."""

    def __init__(self, *texts: bytes):
        self._texts = list(texts)
        self._master, self._terminal = pty.openpty()

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        if self._texts:
            os.write(self._master, self._texts.pop(0))
        return self._terminal


def pressed(monkeypatch, module: Any, stdin: Any) -> list[str]:
    monkeypatch.setattr("sys.stdin", stdin)
    got: list[str] = []
    reader = module.Keys(got.append)
    monkeypatch.setattr(module, "_unbuffered_keys", contextlib.nullcontext)
    with reader:
        reader._thread.join(60)
    return got


def test_arrow_and_function_keys_are_no_commands_on_a_terminal(monkeypatch):
    stdin = Typed(*(text + b"\n" for text in (b"\x1b[H", b"\x1b[D", b"\x1bOQ", b"\x1bOR", "š".encode(), b"H")), b"\x04")
    assert pressed(monkeypatch, keys, stdin) == [*"\x1b\x1b\x1b\x1bšh", "q"]


def test_arrow_and_function_keys_are_no_commands_on_windows(monkeypatch):
    typed = iter("\xe0H\xe0Q\x00DS\x04")
    made = windows_version(keys, types.SimpleNamespace(getwch=lambda: next(typed)), monkeypatch)
    stdin = types.SimpleNamespace(isatty=lambda: True)
    assert pressed(monkeypatch, made, stdin) == ["\xe0", "\xe0", "\x00", "s", "q"]


@pytest.mark.parametrize("end", ["\x03", "\x1a"], ids=["Ctrl-C", "Ctrl-Z"])
def test_ctrl_c_and_ctrl_z_are_the_end_on_windows(monkeypatch, end):
    typed = iter(f"h{end}s\x04")
    made = windows_version(keys, types.SimpleNamespace(getwch=lambda: next(typed)), monkeypatch)
    assert pressed(monkeypatch, made, types.SimpleNamespace(isatty=lambda: True)) == ["h", "q"]
