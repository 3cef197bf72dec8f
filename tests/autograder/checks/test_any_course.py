"""Checks of courses of other kinds, as people write them: what is right passes, what is wrong fails."""

import contextlib
import sys
from pathlib import Path

import pytest

from autograder.course.catalog import read_catalog
from autograder.grading.grade import Grader, InThisProcess
from autograder.grading.spec import GradingSpec
from autograder.grading.verify.authoring import check_problems
from autograder.results.types import Outcome
from autograder.sandbox import Sandbox

CARDS = '''"""Of the course."""
import enum
from abc import ABC, abstractmethod
from dataclasses import dataclass


class Suit(enum.Enum):
    HEARTS = "h"
    SPADES = "s"


@dataclass(frozen=True)
class Card:
    suit: Suit
    rank: int

    def worth(self):
        return min(self.rank, 10)


class Shape(ABC):
    @abstractmethod
    def area(self): ...

    def describe(self):
        return f"{type(self).__name__} of {self.area()}"


class Bank:
    def __init__(self, balance):
        self.balance = balance
'''
MODULE = '''"""A student's."""
import asyncio, dataclasses, enum, functools, math, pathlib, warnings
from datetime import datetime, timezone
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

import any_cards
from any_cards import Bank


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Perm(enum.Flag):
    R = 1
    W = 2

    def count(self):
        return bin(self.value).count("1")


class Level(enum.IntEnum):
    LOW = 0


class Pair(NamedTuple):
    left: object
    right: object

    def swap(self):
        return Pair(self.right, self.left)


@dataclasses.dataclass(order=True)
class Box:
    width: float
    height: float = 1.0

    @property
    def area(self):
        return self.width * self.height

    def grow(self):
        self.width += 1

    def __add__(self, other):
        return Box(self.width + other.width)


async def soon(value):
    await asyncio.sleep(0)
    return 10 // value


class Empty(Exception):
    code = 5

    def __init__(self, name, size):
        super().__init__(f"{name} of {size} is empty")
        self.size = size
        self.where = object()
        self.with_traceback = self.line = self.kinds = "mine"


class Circle(any_cards.Shape):
    PI = 3

    def __init__(self, r):
        if r < 0:
            raise ValueError(f"r must not be negative, not {r}")
        self.r = r

    def area(self):
        return self.PI * self.r**2

    @property
    def broken(self):
        return self.nothing

    def __eq__(self, other):
        return self.r == other.r

    def __hash__(self):
        return hash(self.r)


class Stack:
    def __init__(self, items=()):
        self.items = list(items)
        self.listeners = []

    def push(self, item):
        self.items.append(item)
        for listener in self.listeners:
            listener(item)

    def listen(self, listener):
        self.listeners.append(listener)

    def pop(self):
        if not self.items:
            raise Empty("stack", 0)
        return self.items.pop()

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)

    def __getitem__(self, place):
        return self.items[place]

    def __iadd__(self, more):
        self.items += more
        return self

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.items.clear()
        return kind is ValueError

    def __format__(self, spec):
        return f"<{spec}>"

    def __int__(self):
        return len(self.items)

    __index__ = __int__

    def __round__(self, digits=0):
        return 7

    def __divmod__(self, number):
        return (1, number)

    def __invert__(self):
        return -1

    def __reversed__(self):
        return reversed(self.items)


class Node:
    def __init__(self, value, after=None):
        self.value, self.after = value, after


class Button:
    def __init__(self, action):
        self.action = action

    def click(self):
        return self.action(self)


LIMIT = 10


def same(value):
    return value


def color():
    return Color.RED


def color_name(color):
    return color.name


def counted():
    return {Color.RED: 1, Color.BLUE: 2}


def perm():
    return Perm.R | Perm.W


def level():
    return Level.LOW


def suit_of(card):
    return card.suit


def worth(card):
    return card.worth()


def path():
    return pathlib.PurePosixPath("a/b.txt")


def summer():
    return datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))


def columns():
    return np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")])


def days():
    return np.array(["2026-01-01", "NaT"], dtype="datetime64[D]")


def objects():
    return np.array(["a", None, 3], dtype=object)


def factorial(n):
    return math.factorial(n)


def adder(number):
    return lambda value: value + number


def adder_without(number):
    return adder


def memo(function):
    return functools.lru_cache(function)


def order(values, reverse=False):
    values.sort(reverse=reverse)


def order_wrong(values):
    values.reverse()


def fill(table, names, seen=None):
    for name in names:
        table.setdefault(name, []).append(len(name))
        if seen is not None:
            seen.add(name)
    return len(table)


def flip(grid):
    for row in grid:
        row.reverse()


def empty_twice():
    raise KeyError("a", 2)


def without_words():
    raise ValueError


def decode(data):
    return data.decode()


def leave(code):
    raise SystemExit(code)


def no_error():
    return ValueError("no")


def pair():
    return Pair(1, "a")


def box():
    return Box(2.0, 3.0)


def charge(bank):
    bank.balance -= 5
    return bank.balance


def append(path, text):
    with open(path, "a") as file:
        file.write(text)
    return pathlib.Path(path).read_text()


def tables(folder):
    folder = pathlib.Path(folder, "tables")
    folder.mkdir(exist_ok=True)
    np.savetxt(folder / "one.csv", np.ones(2))
    (folder / "two.csv").write_bytes(b"2")
    (folder / "none.csv").touch()
    (folder / "none.csv").unlink()
    return sorted(path.name for path in folder.iterdir())


def add(a, b):
    return a + b


def wrong(a, b):
    return a + b + (b == 2)


def old(value):
    warnings.warn("old", DeprecationWarning)
    return value


def greet(name):
    print("Hello", name)


def stops():
    raise StopIteration
'''
HELPERS = """def check_sum(function, a, b, wanted):
    assert function(a, b) == wanted
"""
HEAD = """import asyncio, dataclasses, datetime, enum, pathlib, unittest
import numpy as np
import pytest
from any_cards import Card, Suit
from any_helpers import check_sum
from autograder.compare import *


class Color(enum.Enum):
    RED = 1


class Green(enum.Enum):
    RED = 1


"""
RIGHT = [
    "path = tmp_path / 'a.txt'; assert submission.append(path, 'x') == 'x' and path.read_text() == 'x'",
    "path = tmp_path / 'a.txt'; path.write_text('a'); assert submission.append(path, 'x') == 'ax' == path.read_text()",
    "path = tmp_path / 'a'; submission.append(path, 'x'); path.write_text('y'); assert submission.append(path, 'x') == 'yx'",
    "path = tmp_path / 'in'; path.mkdir(); submission.append(path / 'a', 'x'); assert (path / 'a').read_text() == 'x'",
    "assert submission.tables(tmp_path) == ['one.csv', 'two.csv'] == sorted(p.name for p in tmp_path.glob('*/*.csv'))",
    "submission.tables(tmp_path); assert submission.tables(tmp_path) == ['one.csv', 'two.csv']",
    "assert isinstance(submission.Circle(1), submission.Circle) and not isinstance(1, submission.Circle)",
    "assert isinstance(submission.Pair(1, 2), submission.Pair) and isinstance(submission.Box(1.0), submission.Box)",
    "assert isinstance(submission.color(), submission.Color)",
    "assert issubclass(submission.Circle, submission.Circle) and not issubclass(submission.Circle, submission.Stack)",
    "assert asyncio.run(submission.soon(5)) == 2 and submission.last.value == 2",
    "async def both():\n    return await asyncio.gather(submission.soon(5), submission.soon(2))\n"
    "assert asyncio.run(both()) == [2, 5]",
    "with pytest.raises(ZeroDivisionError): asyncio.run(submission.soon(0))",
    "assert submission.color() == reference.Color.RED and submission.color() == Color.RED",
    "assert submission.color() == submission.Color.RED and submission.Color(1) == submission.color()",
    "assert submission.color().name == 'RED' and submission.color().value == 1",
    "assert submission.color_name(reference.Color.BLUE) == submission.color_name(submission.Color.BLUE) == 'BLUE'",
    "assert_equal(submission.counted(), reference.counted())",
    "assert submission.perm() == reference.Perm.R | reference.Perm.W",
    "both = submission.Perm.R | submission.Perm.W; assert both == submission.perm() and submission.Perm.R in both",
    "assert submission.perm() & submission.Perm.W and not submission.Perm.R & submission.Perm.W",
    "assert submission.perm() ^ submission.Perm.R == submission.Perm.W == reference.Perm.R ^ submission.perm()",
    "assert submission.perm().count() == 2 and submission.Perm(0).count() == 0 and submission.color()",
    "with pytest.raises(TypeError, match='for [|]: '): submission.color() | submission.color()",
    "with pytest.raises(TypeError, match='Color. is not iterable'): submission.color() in submission.color()",
    "assert_equal(submission.level(), reference.level())",
    "assert submission.suit_of(Card(Suit.SPADES, 3)) is Suit.SPADES",
    "assert submission.worth(Card(Suit.HEARTS, 12)) == 10",
    "assert_equal(submission.path(), reference.path())",
    "assert_equal(submission.summer(), reference.summer()); assert submission.summer().tzname() == 'CEST'",
    "assert submission.same(datetime.timezone.utc) == datetime.timezone.utc",
    "assert_equal(submission.columns(), reference.columns())",
    "assert_equal(submission.days(), reference.days())",
    "assert submission.same(np.datetime64('2026-01-01')) == np.datetime64('2026-01-01')",
    "assert_equal(submission.objects(), reference.objects())",
    "assert submission.factorial(1000) == reference.factorial(1000)",
    "assert submission.same(...) is ... and submission.same(slice(1, None)) == slice(1, None)",
    "assert submission.adder(3)(4) == 7",
    "seen = []; two = submission.memo(lambda x: seen.append(x) or 2 * x); assert two(2) == two(2) == 4 and seen == [2]",
    "assert submission.pair() == (1, 'a') and submission.pair().swap() == ('a', 1)",
    "assert submission.box().area == 6 and (submission.box() + submission.box()).width == 4",
    "box = submission.box(); box.grow(); assert_close(box, reference.Box(3.0, 3.0)); assert box.width == 3",
    "assert_close(submission.Box(0.1 + 0.2), reference.Box(0.3)); assert submission.Box(1.0) < submission.Box(2.0)",
    "assert submission.Circle.PI == 3 and submission.LIMIT == 10",
    "assert submission.Circle(2).describe() == 'Circle of 12'",
    "assert len({submission.Circle(2), submission.Circle(2)}) == 1",
    "assert hasattr(submission.Circle(1), 'r') and not hasattr(submission.Circle(1), 'size')",
    "a = submission.Node(1); assert submission.Node(2, a).after is a",
    "s = submission.Stack([1, 2, 3]); assert s[1:] == [2, 3]; assert list(reversed(s)) == [3, 2, 1]",
    "s = submission.Stack([1]); s += [2]; assert list(s) == [1, 2]; s.items = []; assert len(s) == 0",
    "s = submission.Stack([1])\nwith s as entered: assert len(entered) == 1\nassert len(s) == 0",
    "with submission.Stack([1]): raise ValueError('it is swallowed')",
    "s = submission.Stack([1]); assert f'{s:abc}' == '<abc>' and int(s) == 1 and [5, 6][s] == 6",
    "s = submission.Stack(); assert round(s) == 7 and divmod(s, 3) == (1, 3) and ~s == -1",
    "c = submission.Circle(1); del c.r; assert not hasattr(c, 'r')",
    "seen = []; s = submission.Stack(); s.listen(seen.append); s.push(1); s.push(2); assert seen == [1, 2]",
    "seen = []; b = submission.Button(lambda b: seen.append(b) or 5); assert b.click() == b.click() == 5 and seen == [b, b]",
    "assert submission.charge(submission.Bank(10)) == 5",
    "with pytest.raises(ValueError, match='^r must not be negative, not -1$'): submission.Circle(-1)",
    "with pytest.raises(ValueError) as info: submission.Circle(-1)\n"
    "assert str(info.value) == info.value.args[0] == 'r must not be negative, not -1'",
    "with pytest.raises(reference.Empty, match='of 0'): submission.Stack().pop()",
    "values = submission.mutable([3, 1, 2]); assert submission.order(values) is None\nassert values == [1, 2, 3]\n"
    "submission.order(values, reverse=True); assert_equal(values, [3, 2, 1]); assert submission.last.changed == ('values',)",
    "t, s = submission.mutable({'a': [1]}), submission.mutable(set())\n"
    "assert submission.fill(t, ['a', 'bc'], seen=s) == 2 and t == {'a': [1, 1], 'bc': [2]} and s == {'a', 'bc'}",
    "grid = submission.mutable([[1, 2], [3, 4]]); submission.flip(grid); assert grid == [[2, 1], [4, 3]]",
    "values = [3, 1, 2]; submission.order(values); assert values == [3, 1, 2]",
    "with pytest.raises(reference.Empty) as info: submission.Stack().pop()\n"
    "assert [info.value.size, info.value.code] == [0, 5] and not hasattr(info.value, 'where')",
    "with pytest.raises(KeyError) as info: submission.empty_twice()\n"
    "assert info.value.args == ('a', 2) and str(info.value) == \"('a', 2)\"",
    "with pytest.raises(ValueError) as info: submission.without_words()\nassert info.value.args == ()",
    "with pytest.raises(SystemExit) as info: submission.leave(3)\nassert info.value.code == 3",
    "with pytest.raises(SystemExit) as info: submission.leave('bye')\nassert info.value.code == 'bye'",
    "with pytest.raises(FileNotFoundError) as info: submission.append(tmp_path / 'no' / 'a', 'x')\n"
    "assert info.value.errno == 2 and info.value.strerror == 'No such file or directory'",
    "with pytest.raises(UnicodeDecodeError) as info: submission.decode(b'a\\xff')\nassert info.value.start == 1",
    "assert_raises(submission.Empty, submission.Stack().pop)",
    "with pytest.raises(AttributeError, match='nothing'): submission.Circle(1).broken",
    "with pytest.warns(DeprecationWarning, match='old'): submission.old(1)",
    "with pytest.deprecated_call(): submission.old(1)",
    "submission.greet('Ann'); submission.greet('Bob'); assert capsys.readouterr() == ('Hello Ann\\nHello Bob\\n', '')",
    "with subtests.test(part=1): assert submission.add(1, 2) == 3",
]
#: And the end of the sentence.
WRONG = [
    ("assert isinstance(submission.Stack(), submission.Circle)", "isinstance(Stack(), Circle) returned False"),
    ("assert_close(submission.soon(5), 2)", "soon(5) returned a coroutine that was not awaited"),
    ("assert submission.color() == Green.RED", "color() returned Color.RED, which does not hold"),
    ("assert submission.Perm.W in submission.Perm.R", "Perm.W in Perm.R returned False, which does not hold"),
    ("assert len(submission.Color) == 3", "len(Color) returned 2, which does not hold: assert 2 == 3"),
    ("assert_equal(submission.color(), Color.RED.name)", "returned Color.RED (a Member), expected 'RED' (a str)"),
    (
        "assert_equal(submission.columns(), submission.columns()[::-1])",
        "in .a at [0], expected 3 (2 of 2 entries differ)",
    ),
    ("assert_equal(submission.days(), submission.days()[::-1])", "at [0], expected NaT (2 of 2 entries differ)"),
    ("assert_close(submission.adder_without(1), 2)", "returned a function, expected what it gives: call it, with ()"),
    ("submission.no_error()", "returned a ValueError, expected that it is raised: write raise in place of return"),
    ("assert_close(submission.Box(1.0), reference.Box(2.0))", "returned 1.0 in .width, expected 2.0"),
    ("with pytest.raises(ValueError): submission.Stack().pop()", "raised Empty: stack of 0 is empty (kinds.py:"),
    (
        "values = submission.mutable([3, 1, 2]); submission.order_wrong(values); assert_equal(values, [1, 2, 3])",
        "order_wrong([3, 1, 2]) left 2 as item 0, expected 1",
    ),
    (
        "values = submission.mutable([3, 1, 2]); submission.order_wrong(values); assert values == [1, 2, 3]",
        "order_wrong([3, 1, 2]) returned None, which does not hold: assert [2, 1, 3] == [1, 2, 3]",
    ),
    (
        "with pytest.raises(reference.Empty) as info: submission.Stack().pop()\nassert info.value.place == 1",
        "the Empty that was raised has no place",
    ),
    ("assert all(submission.stops() for _ in range(3))", "stops() raised StopIteration (kinds.py:"),
    ("with pytest.warns(UserWarning): submission.old(1)", "DID NOT WARN"),
    ("for b in (1, 2, 3):\n    with subtests.test(b=b): assert submission.wrong(1, b) == 1 + b", "assert 4 == (1 + 2)"),
    ("check_sum(submission.wrong, 1, 2, 3)", "wrong(1, 2) returned 4, which does not hold: assert 4 == 3"),
    ("np.testing.assert_allclose(submission.same(np.ones(2)), [1, 2])", "atol=0: [1]: 1.0 (ACTUAL), 2 (DESIRED)"),
    ("submission.Circle(1).size", "Circle of kinds.py has no size"),
]
CLASSES = '''

class TestOne:
    @pytest.mark.points("add", 1)
    def test_same(self, submission):
        """One."""
        assert submission.wrong(1, 2) == 3

    @pytest.mark.points("add", 1)
    @pytest.mark.depends_on("test_same")
    def test_after(self, submission):
        """After."""
        assert submission.add(1, 2) == 3


class TestTwo:
    @pytest.mark.points("add", 1)
    def test_same(self, submission):
        """Two."""
        assert submission.add(2, 2) == 4

    @pytest.mark.points("add", 1)
    @pytest.mark.depends_on("test_same")
    def test_after(self, submission):
        """After."""
        assert submission.add(1, 2) == 3


class TestCase(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def take(self, submission):
        self.submission = submission

    @pytest.mark.points("add", 1)
    def test_right(self):
        """Right."""
        self.assertEqual(self.submission.add(1, 2), 3)

    @pytest.mark.points("add", 1)
    def test_parts(self):
        """Parts."""
        for b in (1, 2, 3):
            with self.subTest(b=b):
                self.assertEqual(self.submission.wrong(1, b), 1 + b)
'''
OF_CLASSES = {
    "TestOne.test_same": Outcome.FAILED,
    "TestOne.test_after": Outcome.BLOCKED,
    "TestTwo.test_same": Outcome.PASSED,
    "TestTwo.test_after": Outcome.PASSED,
    "TestCase.test_right": Outcome.PASSED,
    "TestCase.test_parts": Outcome.FAILED,
}


def _check(number: int, lines: str) -> str:
    body = lines.replace("\n", "\n    ")
    return (
        f'@pytest.mark.points("add", 1)\ndef test_{number}(submission, reference, capsys, subtests, tmp_path):\n'
        f'    """Line {number}."""\n    {body}\n\n\n'
    )


@pytest.fixture
def course(tmp_path: Path) -> Path:
    lines = [*RIGHT, *(line for line, _ in WRONG)]
    files = {
        "exercises/catalog.toml": '[course]\ntitle = "Kinds"\npreload = ["any_cards"]\n[[unit]]\nname = "kinds"\n'
        'title = "Kinds"\n[unit.functions.add]\npoints = 1\n',
        "tests/exercises/test_kinds.py": HEAD + "".join(map(_check, range(len(lines)), lines)) + CLASSES,
        "tests/exercises/any_helpers.py": HELPERS,
        "any_cards/__init__.py": CARDS,
        "solutions/kinds.py": MODULE,
        "handed in/kinds.py": MODULE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("sandboxed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_right_passes_and_wrong_fails(course, sandboxed, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    catalog = read_catalog(course)
    with Sandbox(catalog.preload) if sandboxed else contextlib.nullcontext(InThisProcess()) as workers:
        result = Grader(GradingSpec(catalog, require=()), workers).grade_path(course / "handed in")
    for name in ("any_cards", "any_helpers"):
        sys.modules.pop(name, None)
    checks = {check.id.removeprefix("kinds::"): check for check in result.checks}
    assert len(checks) == len(result.checks) == len(RIGHT) + len(WRONG) + len(OF_CLASSES)
    right = {line: checks[f"test_{i}"] for i, line in enumerate(RIGHT)}
    assert {line: check.message for line, check in right.items() if check.outcome is not Outcome.PASSED} == {}
    for i, (line, words) in enumerate(WRONG, len(RIGHT)):
        assert (checks[f"test_{i}"].outcome, words in checks[f"test_{i}"].message) == (Outcome.FAILED, True), (
            line,
            checks[f"test_{i}"].message,
        )
    assert {name: checks[name].outcome for name in OF_CLASSES} == OF_CLASSES


def test_verify_says_what_a_check_cannot_reach(course):
    file = course / "tests/exercises/test_kinds.py"
    file.write_text(HEAD + _check(0, "pass").replace("capsys", "monkeypatch"))
    catalog = read_catalog(course)
    (problem,) = check_problems(catalog, catalog.units["kinds"])
    assert problem.startswith("kinds, test_0: monkeypatch does not reach the student's code when graded; ")
