"""What a student's code prints, kept within bounds: its beginning and its end."""

import re

KEPT = 4096
_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|.)?")


class Tail:
    """Keeps the first and the last `KEPT` bytes of a stream and counts the rest."""

    def __init__(self) -> None:
        self.head = b""
        self.tail = b""
        self.dropped = 0

    def add(self, data: bytes) -> None:
        """Takes in the next bytes."""
        room = KEPT - len(self.head)
        self.head += data[:room]
        rest = self.tail + data[room:]
        self.tail = rest[-KEPT:]
        self.dropped += len(rest) - len(self.tail)

    def text(self) -> str:
        """The kept text, without terminal escapes, and with each progress bar collapsed to its last state."""
        cut = f"\n[... {self.dropped:,} bytes left out ...]\n" if self.dropped else ""
        return _plain(self.head) + cut + _plain(self.tail)


def _plain(data: bytes) -> str:
    text = _ESCAPES.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    # Controls of one byte and of two, and what turns the direction of text round.
    return "".join(char for char in "\n".join(lines) if char.isprintable() or char in "\t\n")
