"""Forged messages in bulk, as a student's code could send them from a worker.

    python -m tests.autograder.worker.fuzz_codec --messages 1000000 --seed 1

Every message must end in `MalformedMessage`, or in a value made of the closed list of types that is written to the same bytes
and read again as it was. Anything else is printed with the message, and ends the program with 1. What a forged message costs
is told at the end: time, the slowest one, and the growth of memory.
"""

import argparse
import collections
import copy
import datetime
import math
import random
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgpack
import numpy as np
import torch
from PIL import Image

from autograder.errors import MalformedMessage
from autograder.worker.codec import Callback, Handle, Limits, Recipe, Record, decode, encode
from autograder.worker.codec.message import MAGIC, PREFIX
from autograder.worker.protocol import Answer, Fault, Inspection, read_inspection, read_reply

#: Small, so that messages at the limits are as common as those below them.
LIMITS = Limits(bytes=2**16, header_bytes=2**13, nodes=400)
TYPES = (type(None), bool, int, float, complex, str, bytes, bytearray, range, Fraction, Decimal)
TYPES += (datetime.date, datetime.datetime, datetime.time, datetime.timedelta)
TYPES += (torch.Tensor, np.ndarray, Image.Image, torch.Generator, Handle, Callback, type)
SEQUENCES = (list, tuple, set, frozenset, collections.deque)
MAPPINGS = (dict, collections.OrderedDict, collections.Counter, collections.defaultdict)
Point = collections.namedtuple("Point", "x y")
VALUES = [
    {
        "record": "Answer",
        **vars(Answer(torch.arange(6.0).reshape(2, 3), ("images",), (("model", "hooks", ("head",)),))),
    },
    {"record": "Fault", **vars(Fault("raised", "'x'", ("KeyError", "Exception"), (("unit.py", 3, "f"),)))},
    {"record": "Answer", "value": vars(Inspection({"a": torch.zeros(2, 2)}, [""], [], 0, None))},
    [None, True, 1, -(2**63), 2**80, 0.5, math.nan, -math.inf, "text", "\ud800", b"bytes", Path("a/b")],
    {1: (), "b": [[], [()]], None: {"c": {}}, 2.5: (1, (2, (3,))), b"k": True},
    [torch.tensor([True, False]), torch.zeros(0, 3), torch.tensor(1 + 2j), torch.ones(3).bfloat16().requires_grad_()],
    [np.arange(6.0).reshape(2, 3), np.array([True]), np.zeros((0, 2), ">u2"), np.array(3)],
    [Image.new("RGB", (3, 2)), Image.new("1", (9, 2)), Image.linear_gradient("L").convert("P").resize((3, 2))],
    [Handle(3, "Linear"), Handle(4, "trees.Stump", "object"), Callback(0, "f"), torch.Generator().manual_seed(1)],
    [{1, "a", (2, 3)}, frozenset({0.5, frozenset()}), collections.deque([1, [2]], 3), Point(1, [Point(0, "y")])],
    [collections.Counter("abca"), collections.OrderedDict(b=1), collections.defaultdict(list, {(1, Point(2, 3)): [0]})],
    [Fraction(-1, 3), Decimal("1.50"), Decimal("NaN"), 1 - 2j, range(3, -9, -2), bytearray(b"ab"), {1 + 2j: 2**80}],
    [datetime.date(2026, 2, 28), datetime.datetime(2026, 1, 1, 2, tzinfo=datetime.UTC), datetime.timedelta(-1, 2, 3)],
    [datetime.time(1, 2, 3, 4), np.array([["a", "bc"], ["", "ü"]]), np.array([b"x", b"yz"])],
    [int, ValueError],
    Recipe("data:load_model", {"name": "tiny"}, {"w": torch.zeros(2)}, ["", "head"], ["w"]),
]
ATOMS = [
    *(
        None,
        True,
        -1,
        0,
        7,
        2**31,
        2**62,
        2**64 - 1,
        -(2**63),
        1.5,
        math.nan,
        math.inf,
        "",
        "value",
        "record",
        "\ud800",
    ),
    *(
        "set",
        "frozenset",
        "deque",
        "counter",
        "defaultdict",
        "record",
        "texts",
        "fraction",
        "decimal",
        "1e99999",
        "sNaN",
    ),
    *(
        "range",
        "complex",
        "date",
        "datetime",
        "time",
        "timedelta",
        "2026-01-01",
        "bytearray",
        "callback",
        "class",
        "ValueError",
        "<U3",
        "object",
    ),
    *("list", "tuple", "dict", "int", "tensor", "array", "image", "path", "generator", "handle", "recipe", "raised"),
    *(
        "Answer",
        "Fault",
        "Load",
        "kind",
        "missing",
        "names",
        "side_effects",
        ["tuple", []],
        ["tuple", ["a", "b", ["tuple", []]]],
    ),
    *("float32", "bool", "object", "O", "<f8", "|b1", "f8,f8", "P", "RGB", "0x" + "f" * 2000, "-0x_1", "a\0b"),
    *(b"", b"\xff" * 768, {}, {"a": 1}, [], [2**60], [0, 2**62], [-1], ["list", []], ["dict", [[1, 2], [True, 3]]]),
    *(msgpack.ExtType(1, b""), msgpack.ExtType(5, b"abc"), msgpack.Timestamp(1, 2)),
]
#: Announcements of what is not there, and nesting.
HEADS = (
    b"\xdd\xff\xff\xff\xff",
    b"\xdc\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xdb\x7f\xff\xff\xff",
    b"\xdf\0\0\xff\xff",
)
HEADS += (b"\xc9\xff\xff\xff\xff\1", b"\xc7\0\1", b"\xd7\xff" + b"\0" * 8, b"\xa1\xff", b"\x80", b"\xc1")


class Forger:
    """Messages from valid ones, by one or several mutations each."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.valid = [encode(value) for value in VALUES]

    def messages(self, count: int) -> Iterator[bytes]:
        kinds = [self.noise, self.flipped, self.cut, self.spliced, self.announced, self.nested, *[self.rewritten] * 4]
        for _ in range(count):
            message = self.dice.choice(self.valid)
            for _ in range(self.dice.choice((1, 1, 2, 4))):
                message = self.dice.choice(kinds)(message)
            yield message

    def noise(self, _: bytes) -> bytes:
        return sealed(self.dice.randbytes(self.dice.randrange(60)), self.dice.randbytes(self.dice.randrange(9)))

    def flipped(self, message: bytes) -> bytes:
        data = bytearray(message or b"\0")
        for _ in range(self.dice.randint(1, 4)):
            data[self.dice.randrange(len(data))] = self.dice.randrange(256)
        return bytes(data)

    def cut(self, message: bytes) -> bytes:
        header, body = parts(message)
        header, body = self.dice.choice(((header[: self.where(header)], body), (header, body[: self.where(body)])))
        return self.dice.choice((sealed(header, body), message[: self.where(message)]))

    def spliced(self, message: bytes) -> bytes:
        header, body = parts(message)
        other, more = parts(self.dice.choice(self.valid))
        return sealed(header[: self.where(header)] + other[self.where(other) :], body + more)

    def announced(self, message: bytes) -> bytes:
        header, body = parts(message)
        at = self.where(header)
        if self.dice.random() < 0.2:  # lengths in the prefix that do not hold, or are beyond every limit
            sizes = (self.dice.choice((0, len(header), 2**32 - 1)), self.dice.choice((0, len(body), 2**63)))
            return PREFIX.pack(MAGIC, *sizes) + header + body
        return sealed(header[:at] + self.dice.choice(HEADS) + header[at:], body)

    def nested(self, message: bytes) -> bytes:
        header, body = parts(message)
        shell = self.dice.choice((b"\x91", b"\x92\xa4list\x91", b"\x92\xa4dict\x91\x92\x01", b"\x92\xa6recipe\x95"))
        return sealed(shell * self.dice.choice((3, 33, 600, 2000)) + header, body)

    def rewritten(self, message: bytes) -> bytes:
        """The header's tree with some of its nodes replaced, repeated, moved or dropped."""
        header, body = parts(message)
        try:
            tree = [msgpack.unpackb(header, strict_map_key=False, unicode_errors="surrogatepass")]
            for _ in range(self.dice.randint(1, 3)):
                self.rewrite(self.dice.choice(list(lists_in(tree))))
            header = msgpack.packb(tree[0], unicode_errors="surrogatepass") if tree else b""
        except Exception:  # an earlier mutation has left no tree
            return self.flipped(message)
        return sealed(header, body if self.dice.random() < 0.8 else self.dice.randbytes(len(body)))

    def rewrite(self, items: list) -> None:
        at = self.dice.randrange(len(items) + 1)
        atoms = copy.deepcopy(self.dice.choices(ATOMS, k=self.dice.choice((0, 1, 1, 1, 2))))
        items[at : at + self.dice.randint(0, 1)] = self.dice.choice((atoms, items[at : at + 1] * 2, items[::-1][:1]))

    def where(self, data: bytes) -> int:
        return self.dice.randrange(len(data) + 1)


def parts(message: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(message[4:8], "little")
    return message[PREFIX.size : PREFIX.size + size], message[PREFIX.size + size :]


def sealed(header: bytes, body: bytes) -> bytes:
    return PREFIX.pack(MAGIC, len(header), len(body)) + header + body


def lists_in(tree: list) -> Iterator[list]:
    waiting = [tree]
    while waiting:
        items = waiting.pop()
        yield items
        waiting += [item for item in items if isinstance(item, list)]


def ending(message: bytes) -> str:
    """Return how the codec and the reader of replies end with a message."""
    try:
        value = decode(message, LIMITS)
    except MalformedMessage:
        return "refused"
    check_types(value)
    again = encode(value)
    assert encode(decode(again)) == again, "a value that is not read as it was written"
    try:
        reply = read_reply(message)
    except MalformedMessage:
        return "a value, no reply"
    if isinstance(reply, Fault):
        return "a fault"
    try:
        read_inspection(reply.value)
    except MalformedMessage:
        return "an answer"
    return "an inspection"


def check_types(value: object) -> None:
    """Every part is exactly of one of the closed list of types."""
    if type(value) in SEQUENCES:
        for item in value:
            check_types(item)
    elif type(value) is Record:
        check_types([value.type_name, value.fields, value.named_tuple])
    elif type(value) in MAPPINGS:
        for item in value.items():
            check_types(item)
    elif type(value) is Recipe:
        check_types([value.entry, value.arguments, value.state, value.training, value.frozen])
    else:
        assert type(value) in TYPES or isinstance(value, Path), f"a {type(value)} came through"


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("error")
    endings, slowest, before, started = collections.Counter(), 0.0, peak_bytes(), time.perf_counter()
    for message in Forger(options.seed).messages(options.messages):
        begun = time.perf_counter()
        try:
            endings[ending(message)] += 1
        except BaseException as error:
            sys.exit(f"{message!r} ended in {type(error).__name__}: {error}")
        slowest = max(slowest, time.perf_counter() - begun)
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(endings.items()))
    print(f"{options.messages:,} messages in {time.perf_counter() - started:.0f} s: {counts}")
    print(f"slowest {slowest * 1000:.0f} ms; memory grew by {(peak_bytes() - before) / 2**20:.0f} MB")


if __name__ == "__main__":
    main()
